"""`python -m tus_conformance.load.start_locust OPTIONS`: Locust on the locustfile of this package.

Locust's own command could be another environment's; this one is that of the interpreter.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Start Locust with the options of this process; it exits by itself."""
    # Before anything else: importing Locust patches the standard library.
    from locust import main as locust_main

    locustfile = str(Path(__file__).with_name("locustfile.py"))
    sys.argv = ["locust", "-f", locustfile, *sys.argv[1:]]
    start: Any = locust_main.main
    start()


if __name__ == "__main__":
    main()
