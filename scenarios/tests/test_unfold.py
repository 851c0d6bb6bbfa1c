"""Parameters unfold into scenarios of ids that can be typed, and no two alike."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from tus_scenarios.expectation import Expectation
from tus_scenarios.lint import ID
from tus_scenarios.prose import prose
from tus_scenarios.scenario import ScenarioFile, ScenarioSource, blamed, checked, unfold
from tus_scenarios.step import Given, Request, Step

LABEL = st.from_regex(re.compile(r"[a-z0-9._=-]+"), fullmatch=True)
VALUE = st.one_of(st.text(), st.integers())
EACH = st.dictionaries(
    LABEL, st.dictionaries(LABEL, VALUE, min_size=1, max_size=4), min_size=0, max_size=3
)


@given(EACH)
def test_ids_are_unique_and_can_be_typed(each: dict[str, dict[str, str | int]]) -> None:
    """One scenario for each combination, each with an id of its own."""
    source = ScenarioSource(id="a.b", title="A", step=(Step(given=Given()),), each=each)
    made = unfold(source, ScenarioFile(section="s", extension="core", scenario=(source,)))
    ids = [scenario.id for scenario in made]
    wanted = 1
    for labels in each.values():
        wanted *= len(labels)
    assert len(ids) == len(set(ids)) == wanted
    assert all(ID.fullmatch(identity) for identity in ids)
    assert all(set(scenario.parameters) == set(each) for scenario in made)


def test_a_title_has_the_values_of_its_parameters() -> None:
    """A position reads in words where the title asks for them."""
    source = ScenarioSource(
        id="a.b",
        title="After {cut-in-words} ({cut}) of {size+1}",
        step=(Step(given=Given()),),
        each={"cut": {"a": "first", "b": 3, "c": "-2"}, "size": {"d": 9}},
    )
    made = unfold(source, ScenarioFile(section="s", extension="core", scenario=(source,)))
    assert [scenario.title for scenario in made] == [
        "After the first byte (first) of 10",
        "After 3 bytes (3) of 10",
        "After all but 2 bytes (-2) of 10",
    ]


def test_a_precondition_checks_nothing() -> None:
    """Else a scenario that stops later on would leave the row of its precondition open."""
    expected = Expectation(status=201, checks="creation.post.201")
    steps = (
        Step(post=Request(length=1), setup=True, expect=(expected,)),
        Step(head=Request(), expect=(Expectation(status=200, checks="core.head.success-status"),)),
    )
    assert checked(steps) == ("core.head.success-status",)
    assert blamed(steps) == ("creation.post.201",)


WHOLE = ScenarioSource(
    id="a.b",
    title="A",
    why="because",
    needs=("creation", "checksum:{algorithm}"),
    lacks=("download",),
    each={"algorithm": {"sha": "sha1"}, "size": {"ten": 10}},
    serial=True,
    step=(
        Step(given=Given(length="{size}", stored="{size-1}", metadata="n {algorithm} xsizex")),
        Step(
            patch=Request(
                omit=("{algorithm}",),
                header={
                    "A": "{sizes",
                    "B": "xsize}",
                    "C": "xsizex",
                    "D": ("{size} bytes", "{upload}"),
                },
            ),
            expect=(Expectation(status=204, checks="core.patch.success"),),
        ),
    ),
)


def test_a_scenario_has_all_that_stands_in_its_file() -> None:
    """What is about the file is told of each of its scenarios."""
    (made,) = unfold(WHOLE, ScenarioFile(section="S", extension="checksum", scenario=(WHOLE,)))
    assert (made.id, made.section, made.extension) == ("a.b/sha,ten", "S", "checksum")
    assert (made.why, made.serial, made.lacks) == ("because", True, ("download",))
    assert made.needs == ("creation", "checksum:sha1")
    assert made.requirements == ("core.patch.success",)
    assert made.prose == prose(made.steps)


def test_parameters_are_filled_in_wherever_a_step_has_texts() -> None:
    """Alone a parameter keeps its type; what is no parameter, or none in braces, stays."""
    (made,) = unfold(WHOLE, ScenarioFile(section="S", extension="checksum", scenario=(WHOLE,)))
    given, patch = made.steps[0].given, made.steps[1].patch
    assert given == Given(length=10, stored="9", metadata="n sha1 xsizex")
    assert patch is not None
    assert patch.omit == ("sha1",)
    assert patch.header == {
        "A": "{sizes",
        "B": "xsize}",
        "C": "xsizex",
        "D": ("10 bytes", "{upload}"),
    }
