"""`registry`: every scenario can be read, is sound, and covers its requirements."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

import pytest

from tus_scenarios import Scenario, ledger, scenarios
from tus_scenarios.expectation import HeaderMatcher
from tus_scenarios.registry import CROSS_FILES, FILES
from tus_scenarios.step import DIGESTS

MAX_WIDTH = 120
"""The longest line that a data file may hold, in characters."""

DATA = Path(str(resources.files("tus_scenarios").joinpath("data")))

CHECKED_BY_ENGINE = {
    "core.implemented": "an aggregate over the MUSTs of the core protocol",
    **{
        row: "an invariant over every exchange, or discovery"
        for row in ledger()
        if row.startswith("http.") and row != "http.request.body-consumed"
    },
}
"""Observable rows that no scenario checks, and who does."""


def test_every_data_file_is_registered() -> None:
    """A file that is not listed would never be told, and nobody would notice."""
    assert sorted(path.stem for path in DATA.glob("*.toml")) == sorted((*FILES, *CROSS_FILES))


@pytest.mark.parametrize("name", [*FILES, *CROSS_FILES])
def test_data_files_point_editors_at_the_schema(name: str) -> None:
    """The first line of each file names the schema, by a path that leads there."""
    first = (DATA / f"{name}.toml").read_text("utf-8").splitlines()[0]
    assert first.startswith("#:schema ")
    assert (DATA / first.removeprefix("#:schema ")).resolve().is_file()


def test_no_line_of_a_data_file_is_too_wide() -> None:
    """A step has to be read at a glance, in an editor and in a diff."""
    lines = {
        f"{path.name}:{number}": line
        for path in sorted(DATA.glob("*.toml"))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
    }
    assert len(lines) > 1000
    assert [place for place, line in lines.items() if len(line) > MAX_WIDTH] == []


def test_every_digest_that_can_be_computed_is_tried_where_it_is_listed() -> None:
    """A listed algorithm is tried, or said not to be."""
    needs = {need for scenario in scenarios() for need in scenario.needs}
    tested_digests = {
        need.removeprefix("checksum:") for need in needs if need.startswith("checksum:")
    }
    untested = next(scenario for scenario in scenarios() if scenario.id == "checksum.untried")
    listed = untested.steps[0].expect[0].header["Tus-Checksum-Algorithm"]
    assert isinstance(listed, HeaderMatcher)
    assert tested_digests == set(DIGESTS) == set((listed.among or "").split(","))


def test_there_are_well_over_250_scenarios() -> None:
    """Parameters counted one by one."""
    assert len(scenarios()) > 250


def test_every_observable_requirement_has_a_scenario() -> None:
    """Promise 1: what can be observed is exercised."""
    checked = {requirement for scenario in scenarios() for requirement in scenario.requirements}
    wanted = {
        requirement.id
        for requirement in ledger().values()
        if requirement.side == "server" and requirement.observable != "no"
    }
    assert wanted - checked == set(CHECKED_BY_ENGINE)


def test_rows_that_cannot_be_observed_are_not_checked() -> None:
    """A check of what cannot be seen would be a guess."""
    checked = {requirement for scenario in scenarios() for requirement in scenario.requirements}
    assert {
        requirement for requirement in checked if ledger()[requirement].observable == "no"
    } == set()


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.id)
def test_every_scenario_reads_well(scenario: Scenario) -> None:
    """Titles and reasons are sentences, and every step and expectation has its prose."""
    assert scenario.title[0].isupper() or scenario.title[0].isdigit()
    assert not scenario.title.endswith(".")
    assert scenario.why[0].isupper() or scenario.why[0] in '"1234567890'
    assert scenario.why.endswith(".")
    assert all(line.endswith(".") for line in scenario.prose)
    words = [line for line in scenario.prose if not line.startswith("  ")]
    if scenario.run is None:
        assert len(words) == len(scenario.steps)
    assert any(line.startswith("  expects ") for line in scenario.prose)


def test_sections_stand_in_the_order_of_the_specification() -> None:
    """Core first, then the extensions as the specification lists them, then HTTP and CORS."""
    order = [
        "core",
        "creation",
        "creation-defer-length",
        "creation-with-upload",
        "expiration",
        "checksum",
        "checksum-trailer",
        "termination",
        "concatenation",
        "concatenation-unfinished",
        "http",
        "cors",
    ]
    seen = list(dict.fromkeys(scenario.extension for scenario in scenarios()))
    assert seen == [extension for extension in order if extension in seen]


def test_sources_have_no_key_twice_in_meaning() -> None:
    """A parameter that a source does not use would only repeat the scenario."""
    for path in DATA.glob("*.toml"):
        for source in tomllib.loads(path.read_text("utf-8"))["scenario"]:
            text = repr(source["step"])
            for parameter in {**source.get("each", {}), **source.get("cross", {})}:
                used = "{" + parameter + "}" in text or f"'insert': '{parameter}'" in text
                assert used, f"{source['id']} does not use {parameter}"


def test_metadata_is_compared_by_meaning_before_it_fails() -> None:
    """Order and spaces are free, so a comparison of the whole text fails no server."""
    textual = [
        f"{scenario.id}: {expectation.header['Upload-Metadata']}"
        for scenario in scenarios(thorough=True)
        for step in scenario.steps
        for expectation in step.expect
        if isinstance(expectation.header.get("Upload-Metadata"), str)
        and not any(
            isinstance(match, HeaderMatcher) and match.metadata is not None
            for _, condition in expectation.alternatives
            if (match := condition.header.get("Upload-Metadata")) is not None
        )
    ]
    assert textual == []


def test_no_request_without_content_expects_100_continue() -> None:
    """A client must not send one, and some servers wait for the content (RFC 9110, 10.1.1)."""
    wrong = [
        f"{scenario.id}, step {number}"
        for scenario in scenarios(thorough=True)
        for number, step in enumerate(scenario.steps, 1)
        if step.message is not None
        and "expect" in {name.lower() for name in step.message.header}
        and not (step.message.body or step.message.send)
    ]
    assert wrong == []


OF_STATUS_201 = {
    "creation.post.201",
    "creation.supported",
    "creation-with-upload.patch-rules",
    "creation.metadata.may-reject",
}
"""The rows that may ask for 201; the last one is never more than a note."""


def test_a_creation_with_another_status_is_charged_to_the_row_of_the_status() -> None:
    """What else is asked of a creation is asked of any 2xx: 200 and 204 lose no bytes."""
    wrong = {
        f"{scenario.id}: {expectation.requirements}"
        for scenario in scenarios(thorough=True)
        for step in scenario.steps
        for expectation in step.expect
        if expectation.status in {201, (201,)}
        and not scenario.id.startswith("kinds.creation/")  # a row for each kind
        and not OF_STATUS_201 & set(expectation.requirements)
    }
    assert wrong == set()
