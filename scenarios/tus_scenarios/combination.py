"""Combinations: rows of the tables in `combinations.toml`, and what a scenario takes from them.

An axis, such as the kind of upload, is a table of rows. A row may bring steps, parts of requests,
parameters, capabilities that it needs, and rows of other axes that it cannot stand with.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from itertools import groupby, product
from typing import Any

import msgspec

from tus_scenarios.step import Step

Text = str | int
"""A parameter: text, a number, or false for a header that is absent."""


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of an axis.

    `words` describe it in titles. `step` are its steps, inserted where a scenario says so,
    `request` are keys of a request, merged into each that names the row as its `way`. The values
    become parameters {AXIS-NAME}. `without` names rows of other axes by axis.
    """

    words: str
    needs: tuple[str, ...] = ()
    step: tuple[dict[str, Any], ...] = ()
    request: dict[str, Any] = {}
    values: dict[str, str | int | bool] = {}
    without: dict[str, tuple[str, ...]] = {}


class Tables(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every axis with its rows, and the named groups of rows of each axis."""

    axis: dict[str, dict[str, Row]]
    group: dict[str, dict[str, tuple[str, ...]]] = {}


class CombinationError(ValueError):
    """A `cross` names an axis, a group or a row that there is not."""


@cache
def tables() -> Tables:
    """Return the tables."""
    text = resources.files(__package__).joinpath("combinations.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Tables)


@dataclass(frozen=True)
class Combination:
    """One row of each axis; without rows it changes nothing."""

    rows: Mapping[str, str] = field(default_factory=dict)
    thorough: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the rows, for the id."""
        return tuple(self.rows.values())

    @property
    def parameters(self) -> dict[str, Text]:
        """Return the parameters of the rows: each axis, and its values."""
        found: dict[str, Text] = dict(self.rows)
        for axis, row in self._found():
            found |= {f"{axis}-{name}": value for name, value in row.values.items()}
        return found

    @property
    def words(self) -> dict[str, Text]:
        """Return the words of the rows, as {AXIS-in-words}."""
        return {f"{axis}-in-words": row.words for axis, row in self._found()}

    @property
    def needs(self) -> tuple[str, ...]:
        """Return what the rows need."""
        needs = tuple(need for _, row in self._found() for need in row.needs)
        return (*needs, "thorough") if self.thorough else needs

    def apply(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """Return steps with those of the rows inserted, and the rows of requests merged in."""
        if not self.rows:
            _ensure_plain(steps)
        found: list[dict[str, Any]] = []
        for step in _repeat_over_rows(msgspec.to_builtins(steps)):
            axis = step.get("insert")
            found += [step] if axis is None else list(self._row(axis).step)
        return msgspec.convert([self._merge_way(step) for step in found], tuple[Step, ...])

    def _merge_way(self, step: dict[str, Any]) -> dict[str, Any]:
        merged = dict(step)
        for act, request in step.items():
            if not isinstance(request, dict) or "way" not in request:
                continue
            own = {key: value for key, value in request.items() if key != "way"}
            keys = self._way(request["way"]).request
            headers = keys.get("header", {}) | own.get("header", {})
            merged[act] = keys | own | ({"header": headers} if headers else {})
        return merged

    def _way(self, name: str) -> Row:
        """Return the row that a request names: a way, "{AXIS}", or a parameter that is a way."""
        if not name.startswith("{"):
            return _find_row("way", name)
        reference = name[1:-1]
        if reference in self.rows or reference not in self.parameters:
            return self._row(reference)
        return _find_row("way", str(self.parameters[reference]))

    def _row(self, axis: str) -> Row:
        if axis not in self.rows:
            raise CombinationError(f"it uses the axis {axis!r}, which its `cross` lacks")
        return _find_row(axis, self.rows[axis])

    def _found(self) -> list[tuple[str, Row]]:
        return [(axis, _find_row(axis, name)) for axis, name in self.rows.items()]


def _repeat_over_rows(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield steps, those with `over` for each row of its group."""
    for over, repeated in groupby(steps, key=lambda step: step.get("over")):
        group = list(repeated)
        if not over:
            yield from group
            continue
        ((axis, name),) = over.items()
        for row_name in _row_names(axis, name):
            values = _find_row(axis, row_name).values
            words = {axis: row_name} | {f"{axis}-{key}": value for key, value in values.items()}
            for step in group:
                filled = _fill_row(step, {f"{{{key}}}": value for key, value in words.items()})
                yield {key: value for key, value in filled.items() if key != "over"}


def _fill_row(value: Any, texts: Mapping[str, Text]) -> Any:
    """Return a step, or a part of one, with references to a row replaced, also in names."""
    if isinstance(value, dict):
        return {_fill_row(key, texts): _fill_row(child, texts) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_fill_row(child, texts) for child in value]
    if not isinstance(value, str):
        return value
    if value in texts:
        return texts[value]
    for reference, text in texts.items():
        value = value.replace(reference, str(text))
    return value


def _ensure_plain(steps: tuple[Step, ...]) -> None:
    """Raise CombinationError where a step uses an axis though the scenario has no `cross`."""
    for step in steps:
        if step.insert is not None:
            raise CombinationError(f"it inserts {step.insert!r} and has no `cross`")
        way = step.message.way if step.message is not None else None
        if way is not None and way.startswith("{") and not step.over:
            raise CombinationError("it has a `way` and no `cross`")


def combinations_of(cross: Mapping[str, str | tuple[str, ...]]) -> list[dict[str, str]]:
    """Return every combination that a `cross` allows, as rows by axis.

    Raises CombinationError where it names what there is not.
    """
    names = [_row_names(axis, chosen) for axis, chosen in cross.items()]
    found = (dict(zip(cross, rows, strict=True)) for rows in product(*names))
    return [rows for rows in found if _can_stand_together(rows)]


def _row_names(axis: str, chosen: str | tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(chosen, str):
        groups = tables().group.get(axis, {})
        if chosen not in groups:
            raise CombinationError(f"`cross` has no group {chosen!r} of the axis {axis!r}")
        return groups[chosen]
    for name in chosen:
        _find_row(axis, name)
    return chosen


def _find_row(axis: str, name: str) -> Row:
    rows = tables().axis.get(axis)
    if rows is None:
        raise CombinationError(f"there is no axis {axis!r}; there are {', '.join(tables().axis)}")
    if name not in rows:
        raise CombinationError(f"the axis {axis!r} has no row {name!r}")
    return rows[name]


def _can_stand_together(rows: Mapping[str, str]) -> bool:
    return not any(
        rows.get(other) in excluded
        for axis, name in rows.items()
        for other, excluded in _find_row(axis, name).without.items()
    )
