"""`runner.schedule`: results in order, limited concurrency, exclusive scenarios."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from tus_conformance.runner.schedule import RunGate, run_in_order


class ConcurrencyCounter:
    """Who is at work, and the most that ever were at once."""

    def __init__(self) -> None:
        self.present = 0
        self.most = 0

    async def work_for(self, seconds: float) -> None:
        """Be at work for a time."""
        self.present += 1
        self.most = max(self.most, self.present)
        try:
            await trio.sleep(seconds)
        finally:
            self.present -= 1


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 5))
@settings(deadline=None, max_examples=40)
def test_results_come_in_order_however_long_each_takes(seconds: list[int], jobs: int) -> None:
    async def main() -> tuple[list[int], int]:
        floor, results = ConcurrencyCounter(), list[int]()

        async def work(index: int) -> int:
            await floor.work_for(seconds[index])
            return index

        await run_in_order(range(len(seconds)), work, results.append, jobs=jobs)
        return results, floor.most

    results, most = trio.run(main, clock=MockClock(autojump_threshold=0))
    assert results == list(range(len(seconds)))
    assert most == min(jobs, len(seconds))


async def test_results_are_handed_over_as_soon_as_those_before_them_are_there() -> None:
    at: dict[int, float] = {}

    async def work(seconds: int) -> int:
        await trio.sleep(seconds)
        return seconds

    def done(seconds: int) -> None:
        at[seconds] = trio.current_time() - began

    began = trio.current_time()
    await run_in_order([3, 1, 2, 5], work, done, jobs=4)
    assert at == {3: 3, 1: 3, 2: 3, 5: 5}


async def test_as_many_work_as_were_allowed_and_the_next_begins_when_one_ends() -> None:
    async def work(seconds: int) -> int:
        await trio.sleep(seconds)
        return seconds

    began = trio.current_time()
    await run_in_order([4, 2, 2, 1], work, lambda _: None, jobs=2)
    assert trio.current_time() - began == 5


async def test_a_mistake_in_the_work_ends_everything() -> None:
    async def work(seconds: int) -> int:
        await trio.sleep(seconds)
        raise KeyError(seconds)

    with pytest.RaisesGroup(KeyError):
        await run_in_order([9, 1], work, lambda _: None, jobs=2)


async def test_an_exclusive_scenario_runs_alone() -> None:
    quiet, floor = RunGate(), ConcurrencyCounter()
    beside: list[int] = []

    async def together() -> None:
        async with quiet.enter_shared():
            await floor.work_for(2)

    async def exclusive() -> None:
        async with quiet.exclusive():
            beside.append(floor.present)
            await floor.work_for(1)
            beside.append(floor.present)

    async with trio.open_nursery() as nursery:
        for each in (together, together):
            nursery.start_soon(each)
        # Trio starts tasks in no particular order; these two are to be there before the others.
        await trio.testing.wait_all_tasks_blocked()
        for each in (exclusive, together, exclusive, together, exclusive):
            nursery.start_soon(each)
    assert beside == [0] * 6
    assert floor.most >= 2


async def test_a_waiting_exclusive_scenario_is_not_overtaken() -> None:
    quiet, order = RunGate(), list[str]()

    async def shared(name: str, after: float) -> None:
        await trio.sleep(after)
        async with quiet.enter_shared():
            order.append(name)
            await trio.sleep(3)

    async def exclusive() -> None:
        await trio.sleep(1)
        async with quiet.exclusive():
            order.append("exclusive")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(shared, "first", 0)
        nursery.start_soon(exclusive)
        nursery.start_soon(shared, "late", 2)
    assert order == ["first", "exclusive", "late"]


@pytest.mark.parametrize("kind", ["enter_shared", "exclusive"])
async def test_a_cancelled_wait_leaves_the_gate_open(kind: str) -> None:
    quiet = RunGate()
    async with quiet.enter_shared():
        with trio.move_on_after(1):
            async with quiet.exclusive():
                raise AssertionError
    async with quiet.exclusive():
        with trio.move_on_after(1):
            async with getattr(quiet, kind)():
                raise AssertionError
    with trio.fail_after(1):
        async with quiet.exclusive():
            pass
        async with quiet.enter_shared(), quiet.enter_shared():
            pass


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), max_size=10), st.integers(1, 4))
@settings(deadline=None, max_examples=40)
def test_no_mixture_of_the_two_deadlocks(plan: list[tuple[bool, int]], jobs: int) -> None:
    async def main() -> int:
        quiet, results = RunGate(), list[bool]()

        async def work(step: tuple[bool, int]) -> bool:
            serial, seconds = step
            async with quiet.exclusive() if serial else quiet.enter_shared():
                await trio.sleep(seconds)
            async with quiet.exclusive():
                await trio.sleep(seconds)
            return serial

        with trio.fail_after(1000):
            await run_in_order(plan, work, results.append, jobs=jobs)
        return len(results)

    assert trio.run(main, clock=MockClock(autojump_threshold=0)) == len(plan)
