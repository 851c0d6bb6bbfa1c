"""`combination`: what a scenario with a `cross` takes from the tables."""

from __future__ import annotations

import re
from importlib import resources
from itertools import combinations

import pytest

from tus_scenarios import ScenarioError, scenarios
from tus_scenarios.combination import combinations_of, tables
from tus_scenarios.reader import parse_scenarios

FILE = """
section = "Core/PATCH"
extension = "core"

[[scenario]]
id = "one"
title = "A PATCH of {kind-in-words}, sent {way-in-words}, is stored"
why = "It matters."
CROSS
step = [
  { insert = "kind" },
  { patch = { send = 5, header.X = "1", way = "{way}" }, expect = [
    { status = 204, header.Upload-Length = "{kind-length}", checks = "core.patch.success-204" },
  ] },
]
"""


def read_pairs() -> str:
    return resources.files("tus_scenarios").joinpath("data/pairs.toml").read_text("utf-8")


def parse(cross: str, *, thorough: bool = False) -> list[tuple[str, tuple[str, ...]]]:
    found = parse_scenarios(FILE.replace("CROSS", cross), "mine.toml", thorough=thorough)
    return [(each.id, each.needs) for each in found]


def test_a_row_brings_its_steps_its_request_its_values_and_its_needs() -> None:
    text = FILE.replace("CROSS", 'cross = { kind = ["partial"], way = ["expect"] }')
    (found,) = parse_scenarios(text, "mine.toml")
    assert found.id == "one/partial,expect"
    assert found.title == "A PATCH of a partial upload, sent with Expect: 100-continue, is stored"
    assert found.needs == ("creation", "concatenation")
    given, patch = found.steps
    assert given.given is not None
    assert given.given.header == {"Upload-Concat": "partial"}
    assert patch.patch is not None
    assert patch.patch.header == {"Expect": "100-continue", "X": "1"}
    assert patch.patch.way is None
    assert patch.expect[0].header == {"Upload-Length": "100"}


def test_an_absent_header_is_a_value_too() -> None:
    text = FILE.replace("CROSS", 'cross = { kind = ["deferred"], way = ["plain"] }')
    (found,) = parse_scenarios(text, "mine.toml")
    assert found.steps[1].expect[0].header == {"Upload-Length": False}


def test_what_is_not_selected_needs_thorough() -> None:
    cross = 'cross = { kind = "open", way = "body", state = ["fresh", "half"] }'
    some, every = parse(cross), parse(cross, thorough=True)
    assert len(some) == 45
    assert len(every) == 90
    thorough = {name for name, needs in every if "thorough" in needs}
    assert {name for name, _ in every} - thorough == {name for name, _ in some}


@pytest.mark.parametrize(
    ("cross", "sentence"),
    [
        ('cross = { kind = "none", way = "body" }', "`cross` has no group 'none' of the axis"),
        ('cross = { kind = ["none"], way = "body" }', "the axis 'kind' has no row 'none'"),
        ('cross = { kind = "open", shape = ["round"] }', "there is no axis 'shape'; there are"),
        ('cross = { kind = "open" }', "it uses the axis 'way', which its `cross` lacks"),
        ("", "it inserts 'kind' and has no `cross`"),
    ],
)
def test_a_cross_that_names_what_there_is_not_is_an_error(cross: str, sentence: str) -> None:
    with pytest.raises(ScenarioError, match="scenario one") as error:
        parse(cross)
    assert sentence in str(error.value)


def test_every_rule_is_tried_on_every_kind_and_in_every_way() -> None:
    crossed = [each for each in scenarios(thorough=True) if "kind" in each.parameters]
    axes = ("kind", "way", "state", "algorithm")

    def pairs(found: list[tuple[str, dict[str, object]]]) -> set[object]:
        rows = [
            [("", name), *((axis, values[axis]) for axis in axes if axis in values)]
            for name, values in found
        ]
        return {pair for row in rows for pair in combinations(row, 2)}

    def named(thorough: bool) -> list[tuple[str, dict[str, object]]]:
        return [
            (each.id.partition("/")[0], dict(each.parameters))
            for each in crossed
            if thorough or "thorough" not in each.needs
        ]

    assert pairs(named(thorough=False)) == pairs(named(thorough=True))


OVER = """
section = "Core/PATCH"
extension = "core"

[[scenario]]
id = "one"
title = "A PATCH is stored in every way"
why = "It matters."
step = [
  { given = { length = 100 } },
  { over.way = "probed", patch = { send = 5, way = "{way}" }, name = "sent-{way}", expect = [
    { status = 204, checks = "{way-accept-row}" },
  ] },
  { over.way = "probed", head = {}, expect = [
    { after."sent-{way}".status = "2xx", header.Upload-Offset = "{sent-{way}.Upload-Offset}",
ROW
  ] },
]
""".replace(",\nROW", ', checks = "core.patch.upload-offset-value" },')


def test_consecutive_steps_are_repeated_for_each_row_of_a_group() -> None:
    (found,) = parse_scenarios(OVER, "mine.toml")
    rows = tables().group["way"]["probed"]
    assert rows == ("override", "http10")
    _, first, first_head, second, second_head = found.steps
    assert (first.name, second.name) == ("sent-override", "sent-http10")
    assert first.patch is not None
    assert first.patch.override
    assert second.patch is not None
    assert second.patch.http == "1.0"
    assert first.expect[0].checks == "core.method-override.honoured"
    assert list(first_head.expect[0].after) == ["sent-override"]
    assert second_head.expect[0].header == {"Upload-Offset": "{sent-http10.Upload-Offset}"}
    assert not any(step.over for step in found.steps)


def test_a_group_that_there_is_not_is_an_error() -> None:
    with pytest.raises(ScenarioError, match="no group 'none'"):
        parse_scenarios(OVER.replace("probed", "none"), "mine.toml")


def test_every_row_is_used_and_every_group_names_rows() -> None:
    for axis, groups in tables().group.items():
        for name, rows in groups.items():
            assert combinations_of({axis: name}) == [{axis: row} for row in rows]
    used = {(axis, each.parameters.get(axis)) for each in scenarios() for axis in tables().axis}
    for axis, name in re.findall(r'over\.(\w+) = "(\w+)"', read_pairs()):
        used |= {(axis, row) for row in tables().group[axis][name]}
    assert {(axis, row) for axis, rows in tables().axis.items() for row in rows} <= used
