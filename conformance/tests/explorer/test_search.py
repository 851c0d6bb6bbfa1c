"""The explorer finds what is wrong, tells it as short as it can be, and cries no wolf."""

from __future__ import annotations

from dataclasses import replace

import pytest
from defect_servers import AnswerRequest, ReferenceInMemory, answer_correctly
from reference_session import open_session_on

from tus_conformance.execution.steps import execute_scenario
from tus_conformance.explorer import Search, format_disagreement
from tus_conformance.explorer.search import SearchResult
from tus_reference.model import Request, Response
from tus_scenarios.reader import parse_scenarios


async def change_first_byte(right: ReferenceInMemory, request: Request) -> Response:
    """The first byte of an upload is changed once it is complete."""
    response = await right.handle(request)
    if request.method == "PATCH" and response.status == 204:
        stored = right.bytes_of(request)
        if len(stored) > 1:
            stored[0] ^= 1
    return response


async def report_one_byte_less(right: ReferenceInMemory, request: Request) -> Response:
    """HEAD leaves out the last byte that is stored."""
    response = await right.handle(request)
    if request.method != "HEAD":
        return response
    headers = tuple(
        (name, str(max(int(text) - 1, 0)) if name == "Upload-Offset" else text)
        for name, text in response.headers
    )
    return replace(response, headers=headers)


async def explore_server(act: AnswerRequest, examples: int, seed: int = 1) -> SearchResult:
    """Return what a search on a server finds."""
    async with open_session_on(act) as session:
        return await Search(session, seed=seed, examples=examples)()


async def test_on_a_server_that_conforms_nothing_is_found() -> None:
    found = await explore_server(answer_correctly, 60)
    assert found.sequences == 60
    assert (found.disagreements, found.flaky, found.undetermined, found.server_lost) == (
        [],
        [],
        [],
        "",
    )


FAULTS = [
    pytest.param(change_first_byte, "core.patch.apply-at-offset", 3, id="a changed byte"),
    pytest.param(report_one_byte_less, "core.patch.apply-at-offset", 3, id="a byte not told"),
]


@pytest.mark.parametrize(("act", "row", "steps"), FAULTS)
async def test_a_fault_is_found_and_shrunk_to_the_steps_it_takes(
    act: AnswerRequest, row: str, steps: int
) -> None:
    found = await explore_server(act, 60)
    shortest = next(each for each in found.disagreements if each.check.requirement == row)
    assert len(shortest.steps) <= steps


@pytest.mark.parametrize(("act", "row", "steps"), FAULTS)
async def test_a_finding_is_a_file_that_fails_there_and_passes_elsewhere(
    act: AnswerRequest, row: str, steps: int
) -> None:
    found = await explore_server(act, 60)
    finding = next(each for each in found.disagreements if each.check.requirement == row)
    scenario = parse_scenarios(format_disagreement(finding), "the finding")[0]
    async with open_session_on(act) as session:
        assert (await execute_scenario(scenario, session)).verdict == "fail"
    async with open_session_on(answer_correctly) as session:
        assert (await execute_scenario(scenario, session)).verdict in {"pass", "note"}


async def test_the_same_seed_finds_the_same() -> None:
    first, second = [await explore_server(report_one_byte_less, 60, seed=5) for _ in range(2)]
    assert first.disagreements
    assert [each.moves for each in first.disagreements] == [
        each.moves for each in second.disagreements
    ]
    assert [format_disagreement(each) for each in first.disagreements] == [
        format_disagreement(each) for each in second.disagreements
    ]
