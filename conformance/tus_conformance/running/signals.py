"""Ctrl-C: the first ends the run in order, a second one ends it at once."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

Result = TypeVar("Result")


async def interruptible(work: Callable[[], Awaitable[Result]], stop: Callable[[], None]) -> Result:
    """Do some work; call `stop`, once, when the process is asked to end by SIGINT or SIGTERM."""
    done: list[Result] = []
    wrong: list[BaseException] = []
    async with trio.open_nursery() as nursery:
        await nursery.start(_listen, stop)
        try:
            done.append(await work())
        except trio.Cancelled:
            raise
        except BaseException as error:
            wrong.append(error)
        nursery.cancel_scope.cancel()
    if wrong:
        raise wrong[0]
    return done[0]


async def _listen(
    stop: Callable[[], None],
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for _ in signals:
            stop()
            return  # which gives the signals back to whoever had them
