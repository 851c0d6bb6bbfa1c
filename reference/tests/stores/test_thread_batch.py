"""`stores.thread_batch`: short blocking calls in batches, never behind one that hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable

import anyio
import pytest

from tus_reference.stores.thread_batch import ThreadBatch


@pytest.fixture(params=["trio", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Run on both event loops: stores live in other people's applications, too."""
    return str(request.param)


class HangingCall:
    """A call that does not return until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self._released = threading.Event()

    def __call__(self) -> int:
        self.begun.set()
        assert self._released.wait(30)
        return threading.get_ident()

    async def wait_begun(self) -> None:
        """Wait until a thread is inside."""
        assert await anyio.to_thread.run_sync(self.begun.wait, 30)

    def release(self) -> None:
        """Let it return."""
        self._released.set()


async def run_together(batch: ThreadBatch, *calls: Callable[[], int]) -> list[int]:
    """Return in which threads calls ran that were asked for at once, in their order."""
    found = [0] * len(calls)

    async def one(place: int, call: Callable[[], int]) -> None:
        found[place] = await batch.run(call)

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            for place, call in enumerate(calls):
                tasks.start_soon(one, place, call)
    return found


async def test_a_call_returns_what_its_function_returns() -> None:
    assert await ThreadBatch().run(divmod, 7, 2) == (3, 1)


async def test_a_call_raises_what_its_function_raises() -> None:
    with pytest.raises(ZeroDivisionError):
        await ThreadBatch().run(divmod, 7, 0)


async def test_calls_that_come_meanwhile_share_the_next_thread() -> None:
    batch, first = ThreadBatch(hang_timeout=30), HangingCall()
    threads: list[int] = []
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(batch.run, first)
            await first.wait_begun()

            async def others() -> None:
                threads.extend(await run_together(batch, *[threading.get_ident] * 5))

            tasks.start_soon(others)
            await anyio.wait_all_tasks_blocked()
            first.release()
    assert len(threads) == 5
    assert len(set(threads)) == 1


async def test_a_mistake_of_one_call_is_not_that_of_another() -> None:
    batch = ThreadBatch(hang_timeout=30)

    def fails() -> int:
        raise LookupError

    async def refused() -> None:
        with pytest.raises(LookupError):
            await batch.run(fails)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(refused)
        assert await batch.run(threading.get_ident)


async def test_no_call_waits_for_long_on_one_that_hangs() -> None:
    batch, first = ThreadBatch(), HangingCall()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(batch.run, first)
        await first.wait_begun()
        try:
            assert all(await run_together(batch, *[threading.get_ident] * 5))
        finally:
            first.release()


async def test_no_call_waits_for_long_behind_one_that_hangs_in_its_own_thread() -> None:
    batch, first, second = ThreadBatch(), HangingCall(), HangingCall()
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(batch.run, first)
            await first.wait_begun()
            tasks.start_soon(batch.run, second)
            await second.wait_begun()
            try:
                assert await batch.run(threading.get_ident)
            finally:
                first.release()
                second.release()


async def test_a_call_that_is_given_up_is_waited_for() -> None:
    batch, first = ThreadBatch(), HangingCall()
    ended = anyio.Event()

    async def given_up(scope: anyio.CancelScope) -> None:
        with scope:
            try:
                await batch.run(first)
            finally:
                ended.set()

    scope = anyio.CancelScope()
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(given_up, scope)
            await first.wait_begun()
            scope.cancel()
            await anyio.wait_all_tasks_blocked()
            still_there = not ended.is_set()
            first.release()
    assert still_there
    assert ended.is_set()


async def test_one_that_is_cancelled_already_does_not_call() -> None:
    called = False

    def call() -> None:
        nonlocal called
        called = True

    with anyio.CancelScope() as scope:
        scope.cancel()
        await ThreadBatch().run(call)
    assert not called


async def test_a_call_returns_while_a_neighbour_hangs() -> None:
    batch, first, second = ThreadBatch(), HangingCall(), HangingCall()
    before, after = anyio.Event(), anyio.Event()

    async def quick(done: anyio.Event) -> None:
        assert await batch.run(threading.get_ident)
        done.set()

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(batch.run, first)
            await first.wait_begun()
            tasks.start_soon(quick, before)
            tasks.start_soon(batch.run, second)
            tasks.start_soon(quick, after)
            try:
                await second.wait_begun()
                await before.wait()
                await after.wait()
            finally:
                first.release()
                second.release()
