"""`targets.removal`: a run removes its uploads, and lists those that remain."""

from __future__ import annotations

import pytest
import trio
from memory_run import run_suite_in_memory
from minimal_server import DISCOVERY_CREATIONS, EVERYTHING, MinimalServer
from scripted_server import KeepOpen, ReceivedRequest, ScriptedAnswer, ScriptedResponse

from tus_conformance.evaluation.invariants import invariants
from tus_conformance.runner.selection import Selection
from tus_conformance.targets.profile import Profile
from tus_scenarios import scenarios

ONLY = ("core.head.*", "core.patch.success*", "creation.post*", "core.network*")
TERMINATES = EVERYTHING
DOES_NOT = EVERYTHING - {"termination"}


def upload_urls(tiny: MinimalServer) -> set[str]:
    """Return the URLs of the uploads that a server has."""
    return {f"http://tus.test/files/{name}" for name in tiny.uploads}


async def test_nothing_remains_where_the_server_can_remove_it() -> None:
    tiny = MinimalServer()
    found = await run_suite_in_memory(tiny, only=ONLY, jobs=4)
    assert tiny.made > DISCOVERY_CREATIONS
    assert tiny.uploads == {}
    assert found.footer.remaining_uploads == ()


async def test_what_the_server_cannot_remove_is_listed() -> None:
    tiny = MinimalServer(able=DOES_NOT)
    found = await run_suite_in_memory(tiny, only=ONLY)
    assert len(tiny.uploads) == tiny.made
    assert set(found.footer.remaining_uploads) == upload_urls(tiny)
    assert len(found.footer.remaining_uploads) == len(tiny.uploads)


async def test_what_is_to_be_kept_is_kept_and_listed() -> None:
    tiny = MinimalServer()
    found = await run_suite_in_memory(
        tiny, only=("core.head.upload-offset/*",), profile=Profile(cleanup="keep")
    )
    assert len(tiny.uploads) >= 3
    assert set(found.footer.remaining_uploads) >= upload_urls(tiny)


@pytest.mark.parametrize("status", [423, 409, 500, 403])
async def test_an_upload_that_is_locked_at_first_is_finally_removed(status: int) -> None:
    """A lock that a broken connection left is gone after a while."""
    tiny, asked_before = MinimalServer(), set[str]()

    def locked(asked: ReceivedRequest) -> ScriptedAnswer:
        mine = asked.method == "DELETE" and asked.target in tiny_targets()
        if mine and asked.target not in asked_before and tiny.made > DISCOVERY_CREATIONS:
            asked_before.add(asked.target)
            return ScriptedResponse(status)
        return tiny(asked)

    def tiny_targets() -> set[str]:
        return {f"/files/{name}" for name in tiny.uploads}

    found = await run_suite_in_memory(locked, only=ONLY)
    assert len(asked_before) > 3
    assert tiny.uploads == {}
    assert found.footer.remaining_uploads == ()


async def test_what_stays_locked_is_listed_once() -> None:
    tiny = MinimalServer()

    def locked(asked: ReceivedRequest) -> ScriptedAnswer:
        return (
            ScriptedResponse(423)
            if asked.method == "DELETE" and tiny.made > DISCOVERY_CREATIONS
            else tiny(asked)
        )

    found = await run_suite_in_memory(locked, only=("core.head.upload-offset/*",))
    assert sorted(found.footer.remaining_uploads) == sorted(upload_urls(tiny))


@pytest.mark.parametrize("jobs", [1, 4])
async def test_an_interrupted_run_removes_what_it_created(jobs: int) -> None:
    tiny, stop = MinimalServer(), trio.Event()

    def slow(asked: ReceivedRequest) -> ScriptedAnswer:
        stuck = asked.method == "HEAD" and tiny.made > DISCOVERY_CREATIONS + 4
        if stuck:
            stop.set()
        return KeepOpen() if stuck else tiny(asked)

    found = await run_suite_in_memory(slow, only=ONLY, jobs=jobs, stop=stop)
    assert stop.is_set()
    assert found.footer.exit_code == 130
    assert found.footer.error.startswith("Interrupted after ")
    assert tiny.uploads == {}
    assert found.footer.remaining_uploads == ()
    assert found.requirements


@pytest.mark.parametrize("jobs", [1, 4])
async def test_an_interrupted_run_lists_what_remains(jobs: int) -> None:
    tiny, stop = MinimalServer(able=DOES_NOT), trio.Event()

    def slow(asked: ReceivedRequest) -> ScriptedAnswer:
        if asked.method == "HEAD" and tiny.made > DISCOVERY_CREATIONS + 4:
            stop.set()
            return KeepOpen()
        return tiny(asked)

    found = await run_suite_in_memory(slow, only=ONLY, jobs=jobs, stop=stop)
    assert set(found.footer.remaining_uploads) == upload_urls(tiny)


async def test_an_interrupted_discovery_removes_what_it_created() -> None:
    tiny, stop = MinimalServer(), trio.Event()

    def slow(asked: ReceivedRequest) -> ScriptedAnswer:
        if asked.method == "PATCH":
            stop.set()
            return KeepOpen()
        return tiny(asked)

    found = await run_suite_in_memory(slow, only=ONLY, stop=stop)
    assert found.footer.error == f"Interrupted after 0 of {count_scenarios()} scenarios."
    assert found.scenarios == {}
    assert tiny.made > 3
    assert tiny.uploads == {}


def count_scenarios() -> int:
    """Return how many scenarios these tests select; invariants are always selected."""
    chosen = Selection(ONLY)
    selected = (chosen.exclusion_reason(each.id, Profile()) is None for each in scenarios())
    return sum(selected) + len(invariants())
