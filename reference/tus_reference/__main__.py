"""`python -m tus_reference`, and the script `tus-reference`."""

from __future__ import annotations

import sys

from tus_reference.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
