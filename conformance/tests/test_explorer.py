"""The explorer finds what is wrong, tells it as short as it can be, and cries no wolf."""

from __future__ import annotations

from dataclasses import replace

import pytest
from exploring import session_on
from miniatures import Act, Right, nothing_wrong

from tus_conformance.explorer import Search, file_of
from tus_conformance.explorer.search import Found
from tus_conformance.telling.replay import replay
from tus_reference.handler import Request, Response
from tus_scenarios.reader import read


async def forgets_the_first_byte(right: Right, request: Request) -> Response:
    """The first byte of an upload is changed once it is complete."""
    response = await right.handle(request)
    if request.method == "PATCH" and response.status == 204:
        stored = right.bytes_of(request)
        if len(stored) > 1:
            stored[0] ^= 1
    return response


async def tells_less_than_it_has(right: Right, request: Request) -> Response:
    """HEAD leaves out the last byte that is stored."""
    response = await right.handle(request)
    if request.method != "HEAD":
        return response
    headers = tuple(
        (name, str(max(int(text) - 1, 0)) if name == "Upload-Offset" else text)
        for name, text in response.headers
    )
    return replace(response, headers=headers)


async def explored(act: Act, examples: int, seed: int = 1) -> Found:
    """Return what a search on a server finds."""
    async with session_on(act) as session:
        return await Search(session, seed=seed, examples=examples)()


async def test_on_a_server_that_conforms_nothing_is_found() -> None:
    found = await explored(nothing_wrong, 60)
    assert found.stories == 60
    assert (found.findings, found.unsteady, found.undetermined, found.lost) == ([], [], [], "")


FAULTS = [
    pytest.param(forgets_the_first_byte, "core.patch.apply-at-offset", 3, id="a changed byte"),
    pytest.param(tells_less_than_it_has, "core.patch.apply-at-offset", 3, id="a byte not told"),
]


@pytest.mark.parametrize(("act", "row", "steps"), FAULTS)
async def test_a_fault_is_found_and_shrunk_to_the_steps_it_takes(
    act: Act, row: str, steps: int
) -> None:
    found = await explored(act, 60)
    shortest = next(each for each in found.findings if each.check.requirement == row)
    assert len(shortest.steps) <= steps


@pytest.mark.parametrize(("act", "row", "steps"), FAULTS)
async def test_a_finding_is_a_file_that_fails_there_and_passes_elsewhere(
    act: Act, row: str, steps: int
) -> None:
    found = await explored(act, 60)
    finding = next(each for each in found.findings if each.check.requirement == row)
    scenario = read(file_of(finding), "the finding")[0]
    async with session_on(act) as session:
        assert (await replay(scenario, session)).verdict == "fail"
    async with session_on(nothing_wrong) as session:
        assert (await replay(scenario, session)).verdict in {"pass", "note"}


async def test_the_same_seed_finds_the_same() -> None:
    first, second = [await explored(tells_less_than_it_has, 60, seed=5) for _ in range(2)]
    assert first.findings
    assert [each.moves for each in first.findings] == [each.moves for each in second.findings]
    assert [file_of(each) for each in first.findings] == [file_of(each) for each in second.findings]
