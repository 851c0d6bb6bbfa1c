"""Lines of a record without secrets, and of bounded size, whatever a server put into its headers.

Exchanges are redacted when they are captured; what the evaluation says of them quotes the response
itself, and passes here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from msgspec import structs

from tus_conformance.transport import Redaction
from tus_reports import (
    Attempt,
    Check,
    Discovery,
    Footer,
    RecordLine,
    RequirementResult,
    ScenarioResult,
)

MAX_TEXT = 2000
"""How many characters of a text are kept; a header may have a quarter of a million."""

MAX_MEMBERS = 64
"""How many members of a list of the server are kept."""

Line = TypeVar("Line", bound=RecordLine)


def redact_line(line: Line, redaction: Redaction) -> Line:
    """Return a line of the record without secrets and without endless texts."""

    def clean(text: str) -> str:
        return shorten_text(redaction.redact_text(text)) if text else text

    def clean_list(texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(map(clean, tuple(texts)[:MAX_MEMBERS]))

    match line:
        case ScenarioResult():
            attempts = tuple(_clean_attempt(attempt, clean) for attempt in line.attempts)
            return structs.replace(line, reason=clean(line.reason), attempts=attempts)
        case RequirementResult():
            return structs.replace(line, reason=clean(line.reason))
        case Discovery():
            return structs.replace(
                line,
                versions=clean_list(line.versions),
                extensions=clean_list(line.extensions),
                algorithms=clean_list(line.algorithms),
                capabilities=tuple(
                    structs.replace(each, reason=clean(each.reason)) for each in line.capabilities
                ),
            )
        case Footer():
            return structs.replace(
                line,
                error=clean(line.error),
                remaining_uploads=tuple(map(clean, line.remaining_uploads)),
            )
        case _:
            return line


def shorten_text(text: str) -> str:
    """Return a text, with its middle left out where it is very long."""
    if len(text) <= MAX_TEXT:
        return text
    half = MAX_TEXT // 2
    return f"{text[:half]} [{len(text) - 2 * half} characters left out] {text[-half:]}"


def _clean_attempt(attempt: Attempt, clean: Callable[[str], str]) -> Attempt:
    checks = tuple(_clean_check(check, clean) for check in attempt.checks)
    return structs.replace(attempt, reason=clean(attempt.reason), checks=checks)


def _clean_check(check: Check, clean: Callable[[str], str]) -> Check:
    return structs.replace(
        check,
        expected=clean(check.expected),
        actual=clean(check.actual),
        evidence=clean(check.evidence),
        explanation=clean(check.explanation),
    )
