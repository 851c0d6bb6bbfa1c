"""Scenarios with the same name and different parameters, as one entry: `core.patch.cut` of
`core.patch.cut/first` and `core.patch.cut/half`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class ScenarioFamily:
    """The scenarios of one name. A scenario that is alone keeps its parameters in `name`."""

    name: str
    first: str
    size: int


def scenario_families(ids: Iterable[str]) -> tuple[ScenarioFamily, ...]:
    """Return a family for each name among scenario ids, in the order of their first ids."""
    families: dict[str, list[str]] = {}
    for each in ids:
        families.setdefault(each.partition("/")[0], []).append(each)
    return tuple(
        ScenarioFamily(name if len(group) > 1 else group[0], group[0], len(group))
        for name, group in families.items()
    )
