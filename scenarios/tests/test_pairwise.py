"""`pairwise`: every pair is held by few combinations, the same in each call."""

from __future__ import annotations

from itertools import combinations, product

import pytest

from tus_scenarios.pairwise import select_pairs

AXES = {"kind": "abcde", "way": "uvwxyz", "state": "123"}


def pairs_of(rows: list[dict[str, str]]) -> set[tuple[tuple[str, str], ...]]:
    return {pair for row in rows for pair in combinations(sorted(row.items()), 2)}


@pytest.mark.parametrize(
    "without", [set(), {("a", "u")}, {("a", "u"), ("b", "u"), ("e", "z")}], ids=len
)
def test_the_selection_holds_every_pair_that_is_allowed(without: set[tuple[str, str]]) -> None:
    every = [dict(zip(AXES, row, strict=True)) for row in product(*AXES.values())]
    allowed = [row for row in every if (row["kind"], row["way"]) not in without]
    selected = [allowed[index] for index in select_pairs(allowed)]
    assert pairs_of(selected) == pairs_of(allowed)
    assert len(selected) < len(every) / 2
    assert select_pairs(allowed) == select_pairs(allowed)


def test_of_two_axes_every_combination_is_a_pair() -> None:
    every = [{"kind": kind, "way": way} for kind, way in product("ab", "xyz")]
    assert select_pairs(every) == list(range(6))


def test_of_one_axis_every_value_is_selected_and_of_nothing_nothing() -> None:
    assert select_pairs([{"kind": kind} for kind in "abc"]) == [0, 1, 2]
    assert select_pairs([]) == []
