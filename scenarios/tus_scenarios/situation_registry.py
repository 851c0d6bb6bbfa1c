"""Every situation there is, in the order of the specification, read from TOML."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

import msgspec

from tus_scenarios.reader import ScenarioError, convert_document, split_document
from tus_scenarios.situation import (
    Situation,
    SituationFile,
    SituationSource,
    check_situations,
    unfold_situation,
)

SITUATION_FILES = (
    "core",
    "statuses",
    "interruptions",
    "responses",
    "creation",
    "metadata",
    "defer-length",
    "with-upload",
    "expiration",
    "checksum",
    "termination",
    "concatenation",
)
"""The data files, in the order of the sections they are about."""


@cache
def situations() -> tuple[Situation, ...]:
    """Return every situation, each checked; raise ScenarioError where one is not sound."""
    folder = resources.files(__package__).joinpath("situations")
    found: list[Situation] = []
    for name in SITUATION_FILES:
        text = folder.joinpath(f"{name}.toml").read_text("utf-8")
        found += parse_situations(text, f"{name}.toml")
    _check(found, "The situations")
    return tuple(found)


def read_situations(path: Path) -> list[Situation]:
    """Read the situations of a file of the user's; raise ScenarioError where that fails."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ScenarioError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ScenarioError(f"{path} is not UTF-8 text.") from None
    found = parse_situations(text, str(path))
    _check(found, str(path))
    return found


def parse_situations(text: str, where: str) -> list[Situation]:
    """Read the situations of a TOML text; `where` names it in the messages of ScenarioError."""
    document, entries = split_document(text, "situation", where)
    file = convert_document(document, SituationFile, where)
    found: list[Situation] = []
    for entry, place in entries:
        ready = convert_document(entry, SituationSource, place)
        try:
            found += unfold_situation(ready, file)
        except (msgspec.ValidationError, ValueError) as error:
            raise ScenarioError(f"{place}: {str(error).rstrip('.')}.") from None
    return found


def _check(found: list[Situation], where: str) -> None:
    try:
        check_situations(found)
    except ValueError as error:
        raise ScenarioError(f"{where}: {error}") from None
