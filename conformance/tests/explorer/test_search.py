"""`explorer.search`: failures are found, shortened, and no false alarm is raised."""

from __future__ import annotations

import pytest
from reference_in_memory import defect, open_session

from tus_conformance.execution.steps import execute_scenario
from tus_conformance.explorer import Search, format_disagreement
from tus_conformance.explorer.search import SearchResult
from tus_defects import Change
from tus_scenarios.reader import parse_scenarios


async def explore_server(*changes: Change, examples: int = 60, seed: int = 1) -> SearchResult:
    """Return what a search on a server finds."""
    async with open_session(*changes) as session:
        return await Search(session, seed=seed, examples=examples)()


async def test_on_a_server_that_conforms_nothing_is_found() -> None:
    found = await explore_server()
    assert found.sequences == 60
    assert (found.disagreements, found.flaky, found.undetermined, found.server_lost) == (
        [],
        [],
        [],
        "",
    )


DEFECTS = [
    ("first-byte-corrupted", "core.patch.apply-at-offset", 3),
    ("head-offset-one-too-high", "core.patch.apply-at-offset", 3),
]


@pytest.mark.parametrize(("identifier", "row", "steps"), DEFECTS)
async def test_a_fault_is_found_and_shrunk_to_the_steps_it_takes(
    identifier: str, row: str, steps: int
) -> None:
    found = await explore_server(*defect(identifier))
    shortest = next(each for each in found.disagreements if each.check.requirement == row)
    assert len(shortest.steps) <= steps


@pytest.mark.parametrize(("identifier", "row", "steps"), DEFECTS)
async def test_a_finding_is_a_file_that_fails_there_and_passes_elsewhere(
    identifier: str, row: str, steps: int
) -> None:
    found = await explore_server(*defect(identifier))
    finding = next(each for each in found.disagreements if each.check.requirement == row)
    scenario = parse_scenarios(format_disagreement(finding), "the finding")[0]
    async with open_session(*defect(identifier)) as session:
        assert (await execute_scenario(scenario, session)).verdict == "fail"
    async with open_session() as session:
        assert (await execute_scenario(scenario, session)).verdict in {"pass", "note"}


async def test_the_same_seed_finds_the_same() -> None:
    first, second = [
        await explore_server(*defect("head-offset-one-too-high"), seed=5) for _ in range(2)
    ]
    assert first.disagreements
    assert [each.moves for each in first.disagreements] == [
        each.moves for each in second.disagreements
    ]
    assert [format_disagreement(each) for each in first.disagreements] == [
        format_disagreement(each) for each in second.disagreements
    ]
