"""Ctrl-C: the first ends the run in order, a second one ends it at once."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio


@asynccontextmanager
async def interruptible(stop: Callable[[], None]) -> AsyncIterator[None]:
    """Call `stop` when the process is asked to end, by SIGINT or SIGTERM, while this is entered."""
    async with trio.open_nursery() as nursery:
        await nursery.start(_listen, stop)
        try:
            yield
        finally:
            nursery.cancel_scope.cancel()


async def _listen(
    stop: Callable[[], None],
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for _ in signals:
            stop()
            return  # which gives the signals back to whoever had them
