"""`python -m tus_conformance COMMAND`."""

from __future__ import annotations

import sys

from tus_conformance.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
