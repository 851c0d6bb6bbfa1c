"""The rate of requests: evenly spaced, for all together, and nobody's patience is spent on it."""

from __future__ import annotations

from itertools import pairwise

import pytest
import trio
from in_memory import Answer, Asked, created, script, session, stands, story
from running import ran, target
from tiny import Tiny
from trio.testing import MockClock

from tus_conformance.target.profile import Profile
from tus_conformance.target.rate import Rate, patience
from tus_conformance.target.route import Metered, route
from tus_conformance.telling.replay import replay
from tus_conformance.wire import Wire


async def test_requests_of_many_tasks_are_evenly_spaced() -> None:
    rate, times = Rate(4), list[float]()
    began = trio.current_time()

    async def ask() -> None:
        for _ in range(3):
            await rate.turn()
            times.append(round(trio.current_time() - began, 6))

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(ask)
    assert times == [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2]


async def test_time_that_was_not_used_is_not_saved_up() -> None:
    rate = Rate(2)
    await rate.turn()
    await trio.sleep(10)
    began = trio.current_time()
    await rate.turn()
    await rate.turn()
    assert trio.current_time() - began == pytest.approx(0.5)


async def test_without_a_limit_nobody_waits() -> None:
    rate = Rate(None)
    began = trio.current_time()
    for _ in range(100):
        await rate.turn()
    assert trio.current_time() == began


async def test_waiting_for_a_turn_uses_up_no_patience() -> None:
    rate = Rate(0.1)
    await rate.turn()
    with patience(1.0) as scope:
        await rate.turn()
        await trio.sleep(0.9)
    assert not scope.cancelled_caught
    with patience(1.0) as scope:
        await trio.sleep(1.1)
    assert scope.cancelled_caught


def test_a_rate_goes_on_in_another_run() -> None:
    """The clocks of two runs have nothing to do with each other."""
    rate = Rate(1)
    late = MockClock(autojump_threshold=0)
    late.jump(1000)

    async def ask() -> float:
        began = trio.current_time()
        await rate.turn()
        await rate.turn()
        return trio.current_time() - began

    assert trio.run(ask, clock=late) == 1
    assert trio.run(ask, clock=MockClock(autojump_threshold=0)) == 1


async def test_a_step_with_patience_has_all_of_it_at_a_low_rate() -> None:
    answering, heard = script(created(), *[stands(0)] * 4, stands(10))
    steps = (
        "{ given = { length = 10 } }, { head = {}, within = 4, expect = ["
        '{ header.Upload-Offset = "10", checks = "core.head.upload-offset" }] }'
    )
    async with session(answering) as here:
        here.wire = Metered(here.wire, Rate(0.1))
        attempt = await replay(story(steps), here)
    assert [check.outcome for check in attempt.checks] == ["held"]
    assert len(heard) == 6


async def test_a_run_with_many_jobs_keeps_to_the_rate() -> None:
    """No two requests come closer than the rate allows, and the verdicts are those of one job."""
    tiny, times = Tiny(), list[float]()

    def answering(asked: Asked) -> Answer:
        times.append(trio.current_time())
        return tiny(asked)

    only = ("core.head.*", "core.options.*", "creation.post*")
    alone = await ran(Tiny(), only=only)
    many = await ran(answering, only=only, jobs=8, over=lambda way: Metered(way, Rate(5)))
    gaps = [after - before for before, after in pairwise(times)]
    assert len(times) > 60
    assert min(gaps) >= 0.2 - 1e-9
    verdicts = [{name: each.verdict for name, each in run.rows.items()} for run in (alone, many)]
    assert verdicts[0] == verdicts[1]


def test_a_profile_with_a_rate_makes_a_metered_route() -> None:
    assert isinstance(route(target(Profile(rate=2.0))), Metered)
    assert isinstance(route(target()), Wire)
