"""`targets.creation_tracker`: no upload is lost if its creation is cancelled.

The servers here create an upload at once and hold back the response until the run has been
interrupted, so that every one of these tests hits the moment that is rare on a network.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpcore
import pytest
import trio
from memory_run import RunLines, run_suite_in_memory
from minimal_server import DISCOVERY_CREATIONS, EVERYTHING, MinimalServer
from scripted_server import (
    AnswerFunction,
    CloseWithoutReply,
    DelayedResponse,
    KeepOpen,
    ReceivedRequest,
    ScriptedAnswer,
    ScriptedResponse,
    open_session,
    scenario_from_toml,
)
from scripted_server import discovered_with as capable
from trio.testing import wait_all_tasks_blocked

from tus_conformance.execution.steps import execute_scenario
from tus_conformance.state.session import Session
from tus_conformance.targets.creation_tracker import MAX_GRACE, CreationTracker, LeftBehind
from tus_conformance.targets.rate import RateLimiter
from tus_conformance.targets.server_process import ServerError
from tus_conformance.targets.target import Target
from tus_conformance.targets.target_transport import RateLimitedTransport
from tus_conformance.transport import Http1Transport, HttpRequest, Payload
from tus_reports import Attempt
from tus_scenarios import Scenario

ONLY = ("core.head.*", "core.patch.success*", "creation.post*", "core.network*")
TERMINATES = EVERYTHING
DOES_NOT = EVERYTHING - {"termination"}


def urls(server: MinimalServer) -> set[str]:
    """Return the URLs of the uploads that a server has."""
    return {f"http://tus.test/files/{name}" for name in server.uploads}


class Interrupted:
    """A server that has a run interrupted while the response to its Nth creation is on its way."""

    def __init__(
        self, tiny: MinimalServer, after: int, late: Callable[[ScriptedAnswer], ScriptedAnswer]
    ) -> None:
        self.tiny = tiny
        self.stop = trio.Event()
        self._after = after
        self._late = late

    def __call__(self, asked: ReceivedRequest) -> ScriptedAnswer:
        answer = self.tiny(asked)
        if asked.method != "POST" or self.tiny.made < self._after:
            return answer
        self.stop.set()
        return self._late(answer)


def held(answer: ScriptedAnswer) -> ScriptedAnswer:
    """Hold an answer back until everything that an interruption ends has ended."""
    assert isinstance(answer, ScriptedResponse)
    return DelayedResponse(answer, wait_all_tasks_blocked)


async def interrupted(
    tiny: MinimalServer,
    after: int,
    late: Callable[[ScriptedAnswer], ScriptedAnswer] = held,
    *,
    only: tuple[str, ...] = ONLY,
    jobs: int = 1,
) -> RunLines:
    """Run scenarios against a server that has them interrupted at a creation."""
    server = Interrupted(tiny, after, late)
    found = await run_suite_in_memory(server, only=only, jobs=jobs, stop=server.stop)
    assert server.stop.is_set()
    assert found.footer.exit_code == 130
    return found


MOMENTS = [pytest.param(2, id="discovery"), pytest.param(DISCOVERY_CREATIONS + 4, id="a scenario")]


@pytest.mark.parametrize("jobs", [1, 4])
@pytest.mark.parametrize("after", MOMENTS)
async def test_what_is_being_created_at_an_interruption_is_removed(after: int, jobs: int) -> None:
    tiny = MinimalServer(able=TERMINATES)
    found = await interrupted(tiny, after, jobs=jobs)
    assert tiny.made >= after
    assert tiny.uploads == {}
    assert found.footer.remaining_uploads == ()
    assert found.footer.unnamed_creations == ()


@pytest.mark.parametrize("jobs", [1, 4])
@pytest.mark.parametrize("after", MOMENTS)
async def test_what_is_being_created_and_cannot_be_removed_is_listed(after: int, jobs: int) -> None:
    tiny = MinimalServer(able=DOES_NOT)
    found = await interrupted(tiny, after, jobs=jobs)
    assert sorted(found.footer.remaining_uploads) == sorted(urls(tiny))
    assert found.footer.unnamed_creations == ()


@pytest.mark.parametrize(
    "late",
    [lambda _: KeepOpen(), lambda _: DelayedResponse(None, wait_all_tasks_blocked)],
    ids=["hangs", "dies"],
)
async def test_a_creation_that_is_never_answered_is_named_as_possible(
    late: Callable[[ScriptedAnswer], ScriptedAnswer],
) -> None:
    tiny = MinimalServer(able=DOES_NOT)
    began = trio.current_time()
    found = await interrupted(tiny, DISCOVERY_CREATIONS + 4, late)
    assert trio.current_time() - began <= 2 * MAX_GRACE
    assert len(urls(tiny) - set(found.footer.remaining_uploads)) == 1
    (where,) = found.footer.unnamed_creations
    assert where.startswith("core.")


async def test_a_discovery_whose_creation_is_never_answered_names_it() -> None:
    found = await interrupted(MinimalServer(), 2, lambda _: KeepOpen())
    assert found.footer.unnamed_creations == ("discovery",)


async def replayed(
    scenario: Scenario, answer: AnswerFunction, **known: Any
) -> tuple[Session, Attempt]:
    """Replay a scenario; return what it came to, and the session that knows what remains."""
    async with open_session(answer, **known) as here:
        return here, await execute_scenario(scenario, here)


TWICE = """
  { post = { length = 10, faults = [{ duplicate = true }] } }
"""


async def test_of_two_creations_at_once_neither_is_lost_to_the_answer_of_the_other() -> None:
    """The first is answered with 429, which ends the scenario."""
    tiny = MinimalServer(able=DOES_NOT)

    def answer(asked: ReceivedRequest) -> ScriptedAnswer:
        created = tiny(asked)
        return ScriptedResponse(429) if asked.method == "POST" and tiny.made == 1 else created

    here, attempt = await replayed(scenario_from_toml(TWICE), answer)
    assert attempt.verdict == "inconclusive"
    assert tiny.made == 2
    assert here.left_behind.urls == ["http://tus.test/files/2"]


WITHIN = """
  { post = { length = 10 }, within = 2, expect = [{ status = 201, checks = "creation.post.201" }] }
"""


@pytest.mark.parametrize("able", [TERMINATES, DOES_NOT], ids=["removed", "listed"])
async def test_what_is_being_created_when_time_is_over_is_not_lost(able: frozenset[str]) -> None:
    """It is refused at first, and the second creation outlasts the time of the step."""
    tiny, asked_before = MinimalServer(able=able), list[ReceivedRequest]()

    def answer(asked: ReceivedRequest) -> ScriptedAnswer:
        if asked.method != "POST":
            return tiny(asked)
        asked_before.append(asked)
        if len(asked_before) == 1:
            return ScriptedResponse(503)
        created = tiny(asked)
        assert isinstance(created, ScriptedResponse)
        return DelayedResponse(created, partial(trio.sleep, 4))

    here, attempt = await replayed(scenario_from_toml(WITHIN), answer, discovery=capable(*able))
    assert len(asked_before) == 2
    assert attempt.verdict == "fail"  # what came too late does not count
    assert sorted(here.left_behind.urls) == sorted(urls(tiny))
    assert tiny.made == 1
    assert bool(tiny.uploads) == (able == DOES_NOT)


LOST = """
  { post = { length = 10, faults = [{ lose = "reply" }] } }
"""
CUT = """
  { post = { length = 10, send = 10, faults = [{ at = "last", cut = "rst" }] } }
"""
CUT_HEAD = """
  { post = { length = 10, faults = [{ inside = "head", at = 20, cut = "rst" }] } }
"""


async def test_a_creation_whose_response_is_dropped_on_purpose_is_removed() -> None:
    tiny = MinimalServer(able=TERMINATES)
    here, _ = await replayed(scenario_from_toml(LOST), tiny, discovery=capable("termination"))
    assert tiny.made == 1
    assert tiny.uploads == {}
    assert here.left_behind == LeftBehind()


def closes(_: ReceivedRequest) -> ScriptedAnswer:
    """Answer nothing and close the connection, as a server does that dies."""
    return CloseWithoutReply()


def nameless(_: ReceivedRequest) -> ScriptedAnswer:
    """Create, and do not say what."""
    return ScriptedResponse(201)


@pytest.mark.parametrize(
    ("steps", "answer", "unnamed"),
    [
        pytest.param("{ post = { length = 10 } }", closes, 1, id="a dying server"),
        pytest.param("{ post = { length = 10 } }", nameless, 1, id="no Location"),
        pytest.param(CUT, MinimalServer(), 1, id="a body cut short"),
        pytest.param(CUT_HEAD, MinimalServer(), 0, id="a head cut short"),
        pytest.param(
            "{ post = { length = 10 } }", lambda _: ScriptedResponse(400), 0, id="a refusal"
        ),
        pytest.param("{ head = { to = '{creation}' } }", closes, 0, id="no creation"),
    ],
)
async def test_a_creation_that_no_response_names_is_possibly_left_behind(
    steps: str, answer: AnswerFunction, unnamed: int
) -> None:
    here, _ = await replayed(scenario_from_toml(steps), answer)
    assert here.left_behind == LeftBehind(unnamed=["a.story"] * unnamed)


async def test_a_creation_in_response_to_an_overridden_request_is_removed() -> None:
    """A server without X-HTTP-Method-Override takes the POST for a creation."""

    def answer(asked: ReceivedRequest) -> ScriptedAnswer:
        return ScriptedResponse(201, {"Location": "/files/1"})

    async with open_session(answer) as here:
        there = CreationTracker(here.transport, here.target)
        headers = (("X-HTTP-Method-Override", "PATCH"),)
        await there.send(HttpRequest(method="POST", url=here.target.url + "0", headers=headers))
    assert there.urls == ["http://tus.test/files/1"]


async def test_a_creation_that_was_never_sent_leaves_nothing_behind() -> None:
    async with open_session(MinimalServer()) as here:
        there = CreationTracker(Http1Transport(backend=Unreachable()), here.target)
        await there.send(HttpRequest(method="POST", url=here.target.url))
    assert (there.urls, there.unnamed) == ([], 0)


class Unreachable(httpcore.AsyncNetworkBackend):
    """A network on which nothing is reached."""

    async def connect_tcp(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Refuse."""
        raise httpcore.ConnectError("refused")


async def test_an_interrupted_creation_whose_body_is_held_back_is_completed() -> None:
    tiny = MinimalServer(able=DOES_NOT)
    async with open_session(tiny) as here, trio.open_nursery() as nursery:
        creations = CreationTracker(here.transport, here.target)
        http_request = HttpRequest(
            method="POST",
            url=here.target.url,
            headers=(("Upload-Length", "4"),),
            payload=Payload.literal(b"body"),
        )

        async def hold() -> None:
            async with creations.open(http_request) as held:
                await held.send_body(2)
                nursery.cancel_scope.cancel()
                await trio.sleep_forever()

        nursery.start_soon(hold)
    assert tiny.uploads["1"].data == b"body"
    assert creations.urls == ["http://tus.test/files/1"]


async def test_a_creation_that_waits_for_its_turn_is_given_up_at_once() -> None:
    tiny = MinimalServer()
    async with open_session(tiny) as here:
        creations = CreationTracker(
            RateLimitedTransport(here.transport, RateLimiter(0.01)), here.target
        )
        creation = HttpRequest(
            method="POST", url=here.target.url, headers=(("Upload-Length", "4"),)
        )
        await creations.send(creation)
        began = trio.current_time()
        with trio.move_on_after(1):
            await creations.send(creation)
        assert trio.current_time() - began == 1
    assert (tiny.made, len(creations.urls), creations.unnamed) == (1, 1, 0)


async def test_an_upload_that_a_command_creates_is_not_lost(tmp_path: Path) -> None:
    """The command is cancelled once it has created the upload and before it prints the URL."""
    made, go_on = tmp_path / "made", tmp_path / "go-on"
    os.mkfifo(made)
    os.mkfifo(go_on)
    script = tmp_path / "create.py"
    script.write_text(
        f"open({str(made)!r}, 'w').close()\n"
        f"open({str(go_on)!r}).close()\n"
        "print('http://tus.test/files/made')\n"
    )
    creations = CreationTracker(Http1Transport(), Target("http://tus.test/files/"))

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(
                partial(creations.run_upload_command, f"{sys.executable} {script}", length=1)
            )
            await trio.to_thread.run_sync(made.read_text)
            nursery.cancel_scope.cancel()
            with trio.CancelScope(shield=True):
                await wait_all_tasks_blocked()
                await trio.to_thread.run_sync(go_on.write_text, "")

    await trio.to_thread.run_sync(trio.run, main)  # a program takes time by the real clock
    assert creations.urls == ["http://tus.test/files/made"]


async def test_fail_fast_lets_every_creation_complete() -> None:
    """It cancels nothing: scenarios that are under way go on to their end."""
    tiny = MinimalServer(able=TERMINATES, no_store=False)

    def answer(asked: ReceivedRequest) -> ScriptedAnswer:
        return held(tiny(asked)) if asked.method == "POST" else tiny(asked)

    found = await run_suite_in_memory(answer, only=ONLY, jobs=4, fail_fast=True)
    verdicts = [told.verdict for told in found.scenarios.values()]
    assert {"fail", "excluded"} <= set(verdicts)
    assert tiny.uploads == {}
    assert found.footer.remaining_uploads == found.footer.unnamed_creations == ()


class Dying(MinimalServer):
    """Ends while it responds to its Nth creation, and cannot be started again."""

    has_exited = False

    def __call__(self, request: ReceivedRequest) -> ScriptedAnswer:
        if self.has_exited:
            return CloseWithoutReply()
        answer = super().__call__(request)
        self.has_exited = request.method == "POST" and self.made == 17
        return CloseWithoutReply() if self.has_exited else answer

    async def restart(self) -> str:
        raise ServerError("The server exited with 1: no space left.")


async def test_a_server_that_does_not_start_again_ends_the_run_with_what_it_left() -> None:
    """The record has its last line, as after every other end of a run."""
    dying = Dying(able=DOES_NOT)
    found = await run_suite_in_memory(dying, only=ONLY, known=dying, jobs=4)
    assert found.footer.exit_code == 3
    assert found.footer.error.startswith("The server did not start again in core.")
    assert found.footer.error.endswith(". The server exited with 1: no space left.")
    left = set(found.footer.remaining_uploads)
    assert left < urls(dying)
    assert len(urls(dying) - left) == 1
    assert found.footer.unnamed_creations
