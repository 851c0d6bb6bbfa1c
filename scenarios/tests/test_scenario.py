"""`scenario`: parameters expand to scenarios with unique ids that can be typed."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from tus_scenarios.expectation import Expectation
from tus_scenarios.lint import ID_PATTERN
from tus_scenarios.prose import step_sentences
from tus_scenarios.scenario import (
    ScenarioFile,
    ScenarioSource,
    blamed_requirements,
    checked_requirements,
    unfold,
)
from tus_scenarios.step import GivenUpload, RequestSpec, Step

LABEL_STRATEGY = st.from_regex(re.compile(r"[a-z0-9._=-]+"), fullmatch=True)
VALUE_STRATEGY = st.one_of(st.text(), st.integers())
EACH_STRATEGY = st.dictionaries(
    LABEL_STRATEGY,
    st.dictionaries(LABEL_STRATEGY, VALUE_STRATEGY, min_size=1, max_size=4),
    min_size=0,
    max_size=3,
)


@given(EACH_STRATEGY)
def test_ids_are_unique_and_can_be_typed(each: dict[str, dict[str, str | int]]) -> None:
    """One scenario for each combination, each with an id of its own."""
    source = ScenarioSource(id="a.b", title="A", step=(Step(given=GivenUpload()),), each=each)
    unfolded = unfold(source, ScenarioFile(section="s", extension="core", scenario=(source,)))
    ids = [scenario.id for scenario in unfolded]
    wanted = 1
    for labels in each.values():
        wanted *= len(labels)
    assert len(ids) == len(set(ids)) == wanted
    assert all(ID_PATTERN.fullmatch(identity) for identity in ids)
    assert all(set(scenario.parameters) == set(each) for scenario in unfolded)


def test_a_title_has_the_values_of_its_parameters() -> None:
    """A position reads in words where the title asks for them."""
    source = ScenarioSource(
        id="a.b",
        title="After {cut-in-words} ({cut}) of {size+1}",
        step=(Step(given=GivenUpload()),),
        each={"cut": {"a": "first", "b": 3, "c": "-2"}, "size": {"d": 9}},
    )
    unfolded = unfold(source, ScenarioFile(section="s", extension="core", scenario=(source,)))
    assert [scenario.title for scenario in unfolded] == [
        "After the first byte (first) of 10",
        "After 3 bytes (3) of 10",
        "After all but 2 bytes (-2) of 10",
    ]


def test_a_precondition_checks_nothing() -> None:
    """Else a scenario that stops later on would leave the row of its precondition open."""
    expected = Expectation(status=201, checks="creation.post.201")
    steps = (
        Step(post=RequestSpec(length=1), setup=True, expect=(expected,)),
        Step(
            head=RequestSpec(), expect=(Expectation(status=200, checks="core.head.success-status"),)
        ),
    )
    assert checked_requirements(steps) == ("core.head.success-status",)
    assert blamed_requirements(steps) == ("creation.post.201",)


COMPLETE_SOURCE = ScenarioSource(
    id="a.b",
    title="A",
    why="because",
    needs=("creation", "checksum:{algorithm}"),
    lacks=("download",),
    each={"algorithm": {"sha": "sha1"}, "size": {"ten": 10}},
    serial=True,
    step=(
        Step(
            given=GivenUpload(length="{size}", stored="{size-1}", metadata="n {algorithm} xsizex")
        ),
        Step(
            patch=RequestSpec(
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


def test_a_scenario_has_all_fields_of_its_file() -> None:
    """What is about the file is told of each of its scenarios."""
    (unfolded,) = unfold(
        COMPLETE_SOURCE,
        ScenarioFile(section="S", extension="checksum", scenario=(COMPLETE_SOURCE,)),
    )
    assert (unfolded.id, unfolded.section, unfolded.extension) == ("a.b/sha,ten", "S", "checksum")
    assert (unfolded.why, unfolded.serial, unfolded.lacks) == ("because", True, ("download",))
    assert unfolded.needs == ("creation", "checksum:sha1")
    assert unfolded.requirements == ("core.patch.success",)
    assert unfolded.prose == step_sentences(unfolded.steps)


def test_parameters_are_filled_in_wherever_a_step_has_texts() -> None:
    """Alone a parameter keeps its type; what is no parameter, or none in braces, stays."""
    (unfolded,) = unfold(
        COMPLETE_SOURCE,
        ScenarioFile(section="S", extension="checksum", scenario=(COMPLETE_SOURCE,)),
    )
    given, patch = unfolded.steps[0].given, unfolded.steps[1].patch
    assert given == GivenUpload(length=10, stored="9", metadata="n sha1 xsizex")
    assert patch is not None
    assert patch.omit == ("sha1",)
    assert patch.header == {
        "A": "{sizes",
        "B": "xsize}",
        "C": "xsizex",
        "D": ("10 bytes", "{upload}"),
    }
