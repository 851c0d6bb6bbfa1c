"""What commands print: results on standard output, errors as one sentence on standard error."""

from __future__ import annotations

import sys

from tus_conformance.evaluation import exit_codes


def print_line(text: str) -> None:
    """Print text and a line break, at once even into a pipe."""
    print(text, flush=True)  # noqa: T201


def print_error(sentence: str) -> None:
    """Print a sentence on standard error, after the program's name."""
    print(f"tus-conformance: {sentence}", file=sys.stderr, flush=True)  # noqa: T201


def usage_error(sentence: str, code: int = exit_codes.USAGE) -> int:
    """Print a sentence on standard error; return the exit code."""
    print_error(sentence)
    return code
