"""What commands print: results on standard output, errors as one sentence on standard error."""

from __future__ import annotations

import re
import sys

from tus_conformance.evaluation import exit_codes
from tus_reports.transcript import escape_controls


def escape_terminal(text: str) -> str:
    """Return text without control characters that a server may have sent.

    Line breaks and tabs stay: they do no harm, and columns of output are separated by tabs.
    """
    return re.sub(r"[^\n\t]+", lambda found: escape_controls(found[0]), text)


def print_line(text: str) -> None:
    """Print text and a line break, at once even into a pipe."""
    print(escape_terminal(text), flush=True)  # noqa: T201


def print_error(sentence: str) -> None:
    """Print a sentence on standard error, after the program's name."""
    print(escape_terminal(f"tus-conformance: {sentence}"), file=sys.stderr, flush=True)  # noqa: T201


def usage_error(sentence: str, code: int = exit_codes.USAGE) -> int:
    """Print a sentence on standard error; return the exit code."""
    print_error(sentence)
    return code
