"""`writer`: what is written is read again as the same."""

from __future__ import annotations

import tomllib
from importlib import resources

import msgspec
import pytest

from tus_scenarios.reader import parse_scenarios
from tus_scenarios.registry import FILES
from tus_scenarios.scenario import ScenarioFile, ScenarioSource
from tus_scenarios.step import RequestSpec, Step
from tus_scenarios.writer import format_scenarios


@pytest.mark.parametrize("name", FILES)
def test_every_file_of_the_suite_is_written_and_read_again_as_the_same(name: str) -> None:
    text = resources.files("tus_scenarios").joinpath(f"data/{name}.toml").read_text("utf-8")
    file = msgspec.convert(tomllib.loads(text), ScenarioFile)
    assert parse_scenarios(format_scenarios(file), "written") == parse_scenarios(text, "data")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('a "quoted" \\ text', id="quotes and backslashes"),
        pytest.param("line\nbreak\tand \x00\x1f\x7f", id="control characters"),
        pytest.param("würst \U0001f32d", id="beyond ASCII"),
        pytest.param("", id="nothing"),
    ],
)
def test_any_text_comes_back_as_it_was(text: str) -> None:
    step = Step(post=RequestSpec(length=1, metadata=text, header={"X Odd.name": text}), name="made")
    source = ScenarioSource(id="a", title=text, step=(step,))
    file = ScenarioFile(section="Core", extension="core", scenario=(source,))
    found = parse_scenarios(format_scenarios(file, ["A remark"]), "written")[0]
    assert (found.title, found.steps) == (text, (step,))


def test_remarks_stand_at_the_top() -> None:
    file = ScenarioFile(section="Core", extension="core", scenario=())
    assert format_scenarios(file, ["First.", ""]).startswith("# First.\n#\nsection")
