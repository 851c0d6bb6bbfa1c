"""Ctrl-C: the first ends the run in order, a second one ends it at once."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

Result = TypeVar("Result")


async def run_until_signal(
    work: Callable[[], Awaitable[Result]], stop: Callable[[], None]
) -> Result:
    """Do some work; call `stop`, once, when the process is asked to end by SIGINT or SIGTERM."""
    results: list[Result] = []
    errors: list[BaseException] = []
    async with trio.open_nursery() as nursery:
        await nursery.start(_stop_on_signal, stop)
        try:
            results.append(await work())
        except trio.Cancelled:
            raise
        except BaseException as error:
            errors.append(error)
        nursery.cancel_scope.cancel()
    if errors:
        raise errors[0]
    return results[0]


async def _stop_on_signal(
    stop: Callable[[], None],
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for _ in signals:
            stop()
            return  # restores the previous signal handlers
