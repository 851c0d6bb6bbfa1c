"""The ledger: a row for each normative sentence of tus, and rows about HTTP and CORS."""

from __future__ import annotations

import csv
import re
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

EXTENSIONS = (
    "creation",
    "creation-with-upload",
    "creation-defer-length",
    "expiration",
    "checksum",
    "checksum-trailer",
    "termination",
    "concatenation",
    "concatenation-unfinished",
)
"""The extensions of tus 1.0.0."""

LEDGERS = ("tus-1.0.0", "http", "cors")
"""The files of the ledger. The ids of each are a contract of its own."""

OWN_SUBJECTS = frozenset({"http", "cors"})
"""The subjects of rows that tus 1.0.0 does not state: of HTTP, and of the Fetch standard."""

_RFC_SECTION = re.compile(r"RFC (\d+), section ([0-9.]+)")

_FETCH_SECTIONS = {
    "CORS-preflight fetch": "cors-preflight-fetch",
    "CORS protocol": "http-cors-protocol",
    "CORS protocol and credentials": "cors-protocol-and-credentials",
}

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
        rfc = _RFC_SECTION.fullmatch(first)
        if rfc is not None:
            return f"https://www.rfc-editor.org/rfc/rfc{rfc[1]}.html#section-{rfc[2]}"
        fetch = self.section.removeprefix("Fetch standard, ")
        if fetch in _FETCH_SECTIONS:
            return f"https://fetch.spec.whatwg.org/#{_FETCH_SECTIONS[fetch]}"
        heading = first.rsplit("/", 1)[-1].removesuffix(" example").strip()
        return f"{SPEC_URL}#{heading.lower().replace(' ', '-')}"


@cache
def ledger() -> dict[str, Requirement]:
    """Read the ledgers, by id: tus 1.0.0 in the order of the specification, then HTTP and CORS."""
    return {row.id: row for name in LEDGERS for row in _read_ledger(name)}


def _read_ledger(name: str) -> list[Requirement]:
    text = resources.files(__package__).joinpath(f"ledger/{name}.tsv").read_text("utf-8")
    requirements = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return msgspec.convert(list(requirements), list[Requirement])
