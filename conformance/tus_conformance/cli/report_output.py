"""Writing a report to standard output or to a file."""

from __future__ import annotations

import sys
from pathlib import Path

from tus_conformance.cli.output import usage_error
from tus_conformance.evaluation import exit_codes


def write_report(text: str, out: Path | None) -> int:
    """Write a report; return 0, or 2 if the file cannot be written."""
    if out is None:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
        return exit_codes.CONFORMANT
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        return usage_error(f"{out} cannot be written: {error.strerror}.")
    return exit_codes.CONFORMANT
