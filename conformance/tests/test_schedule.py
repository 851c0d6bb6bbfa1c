"""The scheduler: results in order, so many at once, and quiet for those that need it."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from tus_conformance.running.schedule import Quiet, in_order


class Floor:
    """Who is at work, and the most that ever were at once."""

    def __init__(self) -> None:
        self.present = 0
        self.most = 0

    async def stay(self, seconds: float) -> None:
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
        floor, results = Floor(), list[int]()

        async def work(index: int) -> int:
            await floor.stay(seconds[index])
            return index

        await in_order(range(len(seconds)), work, results.append, jobs=jobs)
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
    await in_order([3, 1, 2, 5], work, done, jobs=4)
    assert at == {3: 3, 1: 3, 2: 3, 5: 5}


async def test_as_many_work_as_were_allowed_and_the_next_begins_when_one_ends() -> None:
    async def work(seconds: int) -> int:
        await trio.sleep(seconds)
        return seconds

    began = trio.current_time()
    await in_order([4, 2, 2, 1], work, lambda _: None, jobs=2)
    assert trio.current_time() - began == 5


async def test_a_mistake_in_the_work_ends_everything() -> None:
    async def work(seconds: int) -> int:
        await trio.sleep(seconds)
        raise KeyError(seconds)

    with pytest.RaisesGroup(KeyError):
        await in_order([9, 1], work, lambda _: None, jobs=2)


async def test_whoever_is_alone_has_nobody_beside_it() -> None:
    quiet, floor = Quiet(), Floor()
    beside: list[int] = []

    async def together() -> None:
        async with quiet.shared():
            await floor.stay(2)

    async def alone() -> None:
        async with quiet.alone():
            beside.append(floor.present)
            await floor.stay(1)
            beside.append(floor.present)

    async with trio.open_nursery() as nursery:
        for each in (together, together):
            nursery.start_soon(each)
        # Trio starts tasks in no particular order; these two are to be there before the others.
        await trio.testing.wait_all_tasks_blocked()
        for each in (alone, together, alone, together, alone):
            nursery.start_soon(each)
    assert beside == [0] * 6
    assert floor.most >= 2


async def test_whoever_waits_to_be_alone_is_not_overtaken() -> None:
    quiet, order = Quiet(), list[str]()

    async def shared(name: str, after: float) -> None:
        await trio.sleep(after)
        async with quiet.shared():
            order.append(name)
            await trio.sleep(3)

    async def alone() -> None:
        await trio.sleep(1)
        async with quiet.alone():
            order.append("alone")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(shared, "first", 0)
        nursery.start_soon(alone)
        nursery.start_soon(shared, "late", 2)
    assert order == ["first", "alone", "late"]


@pytest.mark.parametrize("kind", ["shared", "alone"])
async def test_whoever_gives_up_while_waiting_leaves_the_gate_open(kind: str) -> None:
    quiet = Quiet()
    async with quiet.shared():
        with trio.move_on_after(1):
            async with quiet.alone():
                raise AssertionError
    async with quiet.alone():
        with trio.move_on_after(1):
            async with getattr(quiet, kind)():
                raise AssertionError
    with trio.fail_after(1):
        async with quiet.alone():
            pass
        async with quiet.shared(), quiet.shared():
            pass


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), max_size=10), st.integers(1, 4))
@settings(deadline=None, max_examples=40)
def test_no_mixture_of_the_two_ever_stands_still(plan: list[tuple[bool, int]], jobs: int) -> None:
    async def main() -> int:
        quiet, results = Quiet(), list[bool]()

        async def work(step: tuple[bool, int]) -> bool:
            serial, seconds = step
            async with quiet.alone() if serial else quiet.shared():
                await trio.sleep(seconds)
            async with quiet.alone():
                await trio.sleep(seconds)
            return serial

        with trio.fail_after(1000):
            await in_order(plan, work, results.append, jobs=jobs)
        return len(results)

    assert trio.run(main, clock=MockClock(autojump_threshold=0)) == len(plan)
