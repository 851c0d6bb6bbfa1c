"""The scheduler: scenarios side by side, those that need quiet alone, their results in order."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import trio

from tus_scenarios import Scenario

Item = TypeVar("Item")
Result = TypeVar("Result")


class RunGate:
    """A gate: many tasks hold it together, or one holds it alone."""

    def __init__(self) -> None:
        self._changed = trio.Condition()
        self._shared = 0
        self._alone = 0

    @asynccontextmanager
    async def enter_shared(self) -> AsyncIterator[None]:
        """Hold the gate together with others."""
        async with self._changed:
            while self._alone:
                await self._changed.wait()
            self._shared += 1
        try:
            yield
        finally:
            with trio.CancelScope(shield=True):
                async with self._changed:
                    self._shared -= 1
                    self._changed.notify_all()

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """Hold the gate with nothing else running; those that come later wait."""
        async with self._changed:
            while self._alone:
                await self._changed.wait()
            self._alone += 1
        # From here on others wait for this one, also if it gives up before they have all left.
        try:
            async with self._changed:
                while self._shared:
                    await self._changed.wait()
            yield
        finally:
            with trio.CancelScope(shield=True):
                async with self._changed:
                    self._alone -= 1
                    self._changed.notify_all()


def is_harsh(scenario: Scenario) -> bool:
    """Return whether a scenario interrupts, malforms or races requests."""
    messages = [step.message for step in scenario.steps if step.message is not None]
    return scenario.run is not None or any(
        message.framing != "sized" or message.cut is not None or bool(message.faults)
        for message in messages
    )


async def run_in_order(
    items: Sequence[Item],
    work: Callable[[Item], Awaitable[Result]],
    deliver: Callable[[Result], None],
    *,
    jobs: int,
    alongside: Callable[[Item], bool] = lambda _item: False,
) -> None:
    """Work on items, `jobs` at a time; hand the results over in the items' order.

    Items that run `alongside` start at once, take none of the jobs, and come last in the order.
    """
    extra = [item for item in items if alongside(item)]
    counted = len(items) - len(extra)
    items = [*(item for item in items if not alongside(item)), *extra]
    results: dict[int, Result] = {}
    delivered = 0
    send, receive = trio.open_memory_channel[int](math.inf)
    for index in range(counted):
        send.send_nowait(index)
    send.close()

    async def worker(source: trio.MemoryReceiveChannel[int]) -> None:
        async for index in source:
            await work_on(index)

    async def work_on(index: int) -> None:
        nonlocal delivered
        results[index] = await work(items[index])
        while delivered in results:
            deliver(results.pop(delivered))
            delivered += 1

    async with trio.open_nursery() as nursery:
        for index in range(counted, len(items)):
            nursery.start_soon(work_on, index)
        for _ in range(max(1, min(jobs, counted))):
            nursery.start_soon(worker, receive.clone())
        receive.close()
