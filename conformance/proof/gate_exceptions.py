"""Exceptions: what the gates let through, each with its reason, read from a file.

An exception that is no longer needed fails like a gate.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import msgspec

FILE = Path(__file__).with_name("exceptions.toml")


class GateExceptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names with reasons: requirements without a defect, scenarios and checks that find none.

    `defects` are those that the requirement which they break does not show yet, `unmeasured` are
    defects and quirks that matrix.json has no verdicts of yet.
    """

    rows: dict[str, str] = {}
    scenarios: dict[str, str] = {}
    checks: dict[str, str] = {}
    defects: dict[str, str] = {}
    unmeasured: dict[str, str] = {}


@cache
def exceptions() -> GateExceptions:
    """Return the exceptions that are kept."""
    return msgspec.convert(tomllib.loads(FILE.read_text("utf-8")), GateExceptions)


def check_exceptions(failing: Iterable[str], excepted: dict[str, str], what: str) -> Iterator[str]:
    """Say what fails and is not excepted, and what is excepted and does not fail."""
    failing = tuple(failing)
    for name in failing:
        if name not in excepted:
            yield f"{name} {what}."
    for name in excepted:
        if name not in failing:
            yield f"{name} is an exception in {FILE.name} that is not needed; take it out."
