"""A finding: what is wrong between client and server, who does it, the bytes, and the cure.

What is the same for every finding of a kind is data: `data/findings.toml`.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from tus_reports import Exchange

Severity = Literal["breaks", "limits"]
"""`breaks`: clients cannot resume, or cannot upload. `limits`: something is slower or missing."""

Culprit = Literal["server", "proxy", "unknown"]
"""Who does it: the tus server, something in front of it, or one of them."""


class FindingKind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all findings of a kind share.

    `sentence` has placeholders for what was seen. `prevents` names the conditions that other stages
    need and that do not hold with such a finding. `clients` says what real clients make of it, and
    `cure` what to do about it, whatever the software.
    """

    id: str
    title: str
    sentence: str
    clients: str
    cure: str
    severity: Severity = "limits"
    prevents: tuple[str, ...] = ()


class DoctorFinding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One finding about one target.

    `culprit_name` is the product, where it was recognised. `upstream` are the heads of the same
    requests as the server received them, which only `--mirror` can see. `lines` are lines of
    configuration by product.
    """

    id: str
    title: str
    sentence: str
    severity: Severity
    culprit: Culprit = "unknown"
    culprit_name: str = ""
    why: str = ""
    clients: str = ""
    cure: str = ""
    lines: dict[str, str] = {}
    exchanges: tuple[Exchange, ...] = ()
    upstream: tuple[str, ...] = ()


class _KindFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    finding: tuple[FindingKind, ...]


class CureFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Configuration lines of one product, by finding; `name` is what people call it."""

    name: str
    lines: dict[str, str]


@cache
def finding_kinds() -> dict[str, FindingKind]:
    """Return every kind of finding by its id."""
    text = (files(__package__) / "data" / "findings.toml").read_text("utf-8")
    kinds = msgspec.convert(tomllib.loads(text), _KindFile).finding
    return {kind.id: kind for kind in kinds}


@cache
def cure_files() -> dict[str, CureFile]:
    """Return the configuration lines of each product, by the product's id."""
    folder = files(__package__) / "data" / "cures"
    return {
        entry.name.removesuffix(".toml"): msgspec.convert(
            tomllib.loads(entry.read_text("utf-8")), CureFile
        )
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    }


def cure_lines(finding: str) -> dict[str, str]:
    """Return the configuration lines for a finding, by the name of the product."""
    return {
        product.name: product.lines[finding].strip("\n")
        for product in cure_files().values()
        if finding in product.lines
    }
