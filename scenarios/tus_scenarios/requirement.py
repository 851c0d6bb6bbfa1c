"""The ledger: one row for each normative sentence of the specification."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

Level = Literal[
    "MUST",
    "MUST NOT",
    "SHALL NOT",
    "SHOULD",
    "SHOULD NOT",
    "should (lowercase)",
    "MAY",
    "IMPLIED",
    "UNSPECIFIED",
]
Grade = Literal["pass", "warn", "note", "fail"]

SPEC_EDITION = "tus 1.0.0 (2016-03-25)"
SPEC_URL = "https://tus.io/protocols/resumable-upload"

_LEVEL_GRADES: dict[Level, Grade] = {
    "MUST": "fail",
    "MUST NOT": "fail",
    "SHALL NOT": "fail",
    "SHOULD": "warn",
    "SHOULD NOT": "warn",
    "should (lowercase)": "warn",
    "IMPLIED": "warn",
    "MAY": "note",
    "UNSPECIFIED": "note",
}


@dataclass(frozen=True)
class Requirement:
    """A row of the ledger; its id is never reused or renumbered."""

    id: str
    side: Literal["server", "client"]
    level: Level
    section: str
    extension: str
    statement: str
    observable: Literal["yes", "partly", "no"]
    why_not: str
    ambiguity: str

    @property
    def grade(self) -> Grade:
        """Return what a violation weighs where a scenario does not say otherwise."""
        return _LEVEL_GRADES[self.level]

    @property
    def link(self) -> str:
        """Return the URL of the section of the specification that the row is about."""
        first = self.section.split(";")[0].split("(")[0].strip()
        heading = first.rsplit("/", 1)[-1].removesuffix(" example").strip()
        return f"{SPEC_URL}#{heading.lower().replace(' ', '-')}"


@cache
def ledger() -> dict[str, Requirement]:
    """Read the ledger of tus 1.0.0, in the order of the specification, by id."""
    text = resources.files(__package__).joinpath("ledger/tus-1.0.0.tsv").read_text("utf-8")
    requirements = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return {row.id: row for row in msgspec.convert(list(requirements), list[Requirement])}
