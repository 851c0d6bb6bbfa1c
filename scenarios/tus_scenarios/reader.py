"""Reading scenarios from TOML, with every mistake told in one sentence that helps to mend it."""

from __future__ import annotations

import difflib
import re
import tomllib
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from tus_scenarios.combination import Combination, CombinationError, combinations_of
from tus_scenarios.pairwise import select_pairs
from tus_scenarios.scenario import Scenario, ScenarioFile, ScenarioSource, unfold
from tus_scenarios.toml_errors import explain_mismatch, name_place

Model = TypeVar("Model")

_UNKNOWN_FIELD = re.compile(r"unknown field `([^`]+)`(?: - at `([^`]*)`)?")
_WRONG_CHOICE = re.compile(r"Invalid enum value ('[^']*'|\S+?)(?: - at `([^`]*)`)?$")
_PATH_STEP = re.compile(r"\.(\w+)|\[[^\]]*\]")


class ScenarioError(ValueError):
    """A scenario cannot be used; the message says which, where, and what to do."""


def read_file(path: Path, *, thorough: bool = False) -> list[Scenario]:
    """Read the scenarios of a file of the user's; raise ScenarioError where that cannot be done."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ScenarioError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ScenarioError(f"{path} is not UTF-8 text.") from None
    return parse_scenarios(text, str(path), thorough=thorough)


def parse_scenarios(text: str, where: str, *, thorough: bool = False) -> list[Scenario]:
    """Read the scenarios of a TOML text; `where` names it in the messages of ScenarioError.

    With `thorough` every combination of a `cross` is read, not only those that hold each pair.
    """
    document, entries = split_document(text, "scenario", where)
    file = convert_document(document, ScenarioFile, where)
    named = [(convert_document(entry, ScenarioSource, at), at) for entry, at in entries]
    chosen = _choose_combinations(named, thorough=thorough)
    return [
        scenario
        for source, at in named
        for combination in chosen.get(source.id, [None])
        for scenario in _unfold(source, file, at, combination)
    ]


def _choose_combinations(
    sources: list[tuple[ScenarioSource, str]], *, thorough: bool
) -> dict[str, list[Combination | None]]:
    """Return the combinations of each scenario that has a `cross`, by its id."""
    every: list[tuple[str, dict[str, str]]] = []
    for source, at in sources:
        try:
            every += [(source.id, rows) for rows in combinations_of(source.cross) if rows]
        except CombinationError as error:
            raise ScenarioError(f"{at}: {error}.") from None
    selected = set(select_pairs([{"": name} | rows for name, rows in every]))
    chosen: dict[str, list[Combination | None]] = {}
    for index, (name, rows) in enumerate(every):
        if thorough or index in selected:
            combination = Combination(rows, thorough=index not in selected)
            chosen.setdefault(name, []).append(combination)
    return chosen


def _unfold(
    source: ScenarioSource, file: ScenarioFile, where: str, combination: Combination | None
) -> list[Scenario]:
    try:
        return unfold(source, file, combination)
    except (msgspec.ValidationError, ValueError) as error:
        message_text = str(error).replace("`$[", "`step[").rstrip(".")
        raise ScenarioError(f"{where}, its parameters filled in: {message_text}.") from None


def split_document(
    text: str, kind: str, where: str
) -> tuple[dict[str, Any], list[tuple[Any, str]]]:
    """Return a TOML text without its entries `[[kind]]`, and each entry with where it stands.

    Raises ScenarioError if the text is not TOML or has no such entry.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{where} is not TOML: {error}.") from None
    entries = document.get(kind)
    if not isinstance(entries, list) or not entries:
        raise ScenarioError(f"{where} contains no {kind}; each {kind} starts with [[{kind}]].")
    placed = []
    for number, entry in enumerate(entries, 1):
        name = entry.get("id") if isinstance(entry, dict) else None
        placed.append((entry, f"{where}, {kind} {name or f'number {number}'}"))
    return {**document, kind: []}, placed


def convert_document(document: Any, kind: type[Model], where: str) -> Model:
    """Return a document as a value of a type; raise ScenarioError, which names `where`."""
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise ScenarioError(f"{where}: {explain_error(str(error), kind)}") from None


def explain_error(message: str, kind: type) -> str:
    """Return what is wrong with a document for `kind`, from msgspec's message."""
    unknown = _UNKNOWN_FIELD.search(message)
    if unknown is None:
        return explain_choice(message, kind) or explain_mismatch(message)
    name, path = unknown[1], unknown[2] or "$"
    known = known_keys(kind, path)
    suggestion = difflib.get_close_matches(name, known, n=1)
    place = f" in `{name_place(path.removeprefix('$.'))}`" if path != "$" else ""
    hint = f" did you mean `{suggestion[0]}`?" if suggestion else ""
    return f"unknown key `{name}`{place};{hint} known keys: {', '.join(known)}."


def explain_choice(message: str, kind: type) -> str:
    """Return a sentence about a value that is not one of a few, or nothing for other messages."""
    found = _WRONG_CHOICE.search(message)
    if found is None:
        return ""
    path = found[2] or "$"
    kinds: list[Any] = [kind]
    for part in _PATH_STEP.finditer(path):
        kinds = [inner for each in kinds for inner in _child_types(each, part[1])]
    literals = [each for each in kinds if get_origin(each) is Literal]
    choices = " or ".join(repr(value) for each in literals for value in get_args(each))
    place = name_place(path.removeprefix("$."))
    return f"`{place}` must be {choices}, got {found[1]}." if choices else ""


def known_keys(kind: Any, path: str) -> list[str]:
    """Return the keys that the type has at a path such as "$.step[2].patch"."""
    found = [kind]
    for part in _PATH_STEP.finditer(path):
        found = [inner for each in found for inner in _child_types(each, part[1])]
    return [
        name
        for each in found
        if isinstance(each, type) and issubclass(each, msgspec.Struct)
        for name in each.__struct_fields__
    ]


def _child_types(kind: Any, name: str | None) -> Iterator[Any]:
    """Yield the types found under a key of a type, or under an index where `name` is None."""
    if name is None:
        for argument in get_args(kind)[-1:] if get_origin(kind) is dict else get_args(kind)[:1]:
            yield from _member_types(argument)
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield from _member_types(get_type_hints(kind)[name])
    elif get_origin(kind) is dict:
        yield from _member_types(get_args(kind)[1])


def _member_types(kind: Any) -> Iterator[Any]:
    if get_origin(kind) in {Union, types.UnionType}:
        for member in get_args(kind):
            yield from _member_types(member)
    else:
        yield kind
