"""`targets.rate`: requests are evenly spaced, and waiting does not count as a time-out."""

from __future__ import annotations

from itertools import pairwise

import pytest
import trio
from memory_run import memory_target, run_suite_in_memory
from minimal_server import MinimalServer
from scripted_server import (
    ReceivedRequest,
    ScriptedAnswer,
    creation_response,
    head_response,
    open_session,
    scenario_from_toml,
    script_answers,
)
from trio.testing import MockClock

from tus_conformance.execution.steps import execute_scenario
from tus_conformance.targets.origin_guard import OriginGuard
from tus_conformance.targets.profile import Profile
from tus_conformance.targets.rate import RateLimiter, rate_aware_timeout
from tus_conformance.targets.target_transport import RateLimitedTransport, transport_for
from tus_conformance.transport import Http1Transport


async def test_requests_of_many_tasks_are_evenly_spaced() -> None:
    rate, times = RateLimiter(4), list[float]()
    began = trio.current_time()

    async def ask() -> None:
        for _ in range(3):
            await rate.wait_turn()
            times.append(round(trio.current_time() - began, 6))

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(ask)
    assert times == [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2]


async def test_time_that_was_not_used_is_not_saved_up() -> None:
    rate = RateLimiter(2)
    await rate.wait_turn()
    await trio.sleep(10)
    began = trio.current_time()
    await rate.wait_turn()
    await rate.wait_turn()
    assert trio.current_time() - began == pytest.approx(0.5)


async def test_requests_do_not_wait_without_a_limit() -> None:
    rate = RateLimiter(None)
    began = trio.current_time()
    for _ in range(100):
        await rate.wait_turn()
    assert trio.current_time() == began


async def test_waiting_for_a_turn_uses_up_no_patience() -> None:
    rate = RateLimiter(0.1)
    await rate.wait_turn()
    with rate_aware_timeout(1.0) as scope:
        await rate.wait_turn()
        await trio.sleep(0.9)
    assert not scope.cancelled_caught
    with rate_aware_timeout(1.0) as scope:
        await trio.sleep(1.1)
    assert scope.cancelled_caught


def test_a_rate_goes_on_in_another_run() -> None:
    """The clocks of two runs have nothing to do with each other."""
    rate = RateLimiter(1)
    late = MockClock(autojump_threshold=0)
    late.jump(1000)

    async def ask() -> float:
        began = trio.current_time()
        await rate.wait_turn()
        await rate.wait_turn()
        return trio.current_time() - began

    assert trio.run(ask, clock=late) == 1
    assert trio.run(ask, clock=MockClock(autojump_threshold=0)) == 1


async def test_a_step_with_patience_has_all_of_it_at_a_low_rate() -> None:
    answering, heard = script_answers(
        creation_response(), *[head_response(0)] * 4, head_response(10)
    )
    steps = (
        "{ given = { length = 10 } }, { head = {}, within = 4, expect = ["
        '{ header.Upload-Offset = "10", checks = "core.head.upload-offset" }] }'
    )
    async with open_session(answering) as here:
        here.transport = RateLimitedTransport(here.transport, RateLimiter(0.1))
        attempt = await execute_scenario(scenario_from_toml(steps), here)
    assert [check.outcome for check in attempt.checks] == ["held"]
    assert len(heard) == 6


async def test_a_run_with_many_jobs_keeps_to_the_rate() -> None:
    """No two requests come closer than the rate allows, and the verdicts are those of one job."""
    tiny, times = MinimalServer(), list[float]()

    def answering(asked: ReceivedRequest) -> ScriptedAnswer:
        times.append(trio.current_time())
        return tiny(asked)

    only = ("core.head.*", "core.options.*", "creation.post*")
    alone = await run_suite_in_memory(MinimalServer(), only=only)
    many = await run_suite_in_memory(
        answering,
        only=only,
        jobs=8,
        wrap_route=lambda way: RateLimitedTransport(way, RateLimiter(5)),
    )
    gaps = [after - before for before, after in pairwise(times)]
    assert len(times) > 60
    assert min(gaps) >= 0.2 - 1e-9
    verdicts = [
        {name: each.verdict for name, each in run.requirements.items()} for run in (alone, many)
    ]
    assert verdicts[0] == verdicts[1]


def guarded(transport: object) -> object:
    """Return the transport behind the guard that keeps requests at the target's origin."""
    assert isinstance(transport, OriginGuard)
    return transport.transport


def test_a_profile_with_a_rate_makes_a_metered_route() -> None:
    assert isinstance(
        guarded(transport_for(memory_target(Profile(rate=2.0)))), RateLimitedTransport
    )
    assert isinstance(guarded(transport_for(memory_target())), Http1Transport)
