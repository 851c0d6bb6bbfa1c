"""`ThreadBatch`: short blocking calls, run in threads, together where they are asked for at once.

A call that opens, reads and closes a file takes less time than it takes to hand it to a
thread and to come back. So calls that come while a thread is busy wait for its return,
and then go to the next one together. None of them waits for long on a call that hangs:
when the patience of a caller is over, it takes all that still wait to a thread of its own.
"""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio
from anyio.lowlevel import checkpoint_if_cancelled
from anyio.to_thread import run_sync

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyio import CapacityLimiter

T = TypeVar("T")

HANG_TIMEOUT: Final = 0.01


class DiskCall(Future[T]):
    """A call, what came of it, and the signal to look at it again.

    `begun` is when it was asked for, in seconds; with `may_last` it can take long.
    """

    def __init__(
        self,
        function: Callable[..., T],
        arguments: tuple[object, ...],
        *,
        may_last: bool = False,
    ) -> None:
        super().__init__()
        self._function = function
        self._arguments = arguments
        self.signal = anyio.Event()
        self.begun = time.monotonic()
        self.may_last = may_last

    def perform(self) -> None:
        """Run it, in whatever thread this is."""
        try:
            result = self._function(*self._arguments)
        except BaseException as problem:
            self.set_exception(problem)
        else:
            self.set_result(result)


class ThreadBatch:
    """Calls that go to threads together; `hang_timeout`, in seconds, is for one that hangs."""

    def __init__(
        self, hang_timeout: float = HANG_TIMEOUT, limiter: CapacityLimiter | None = None
    ) -> None:
        self._hang_timeout = hang_timeout
        self._limiter = limiter
        self._waiting: deque[DiskCall[Any]] = deque()
        self._has_runner = False

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Run `function` in a thread; once asked for, it is waited for, cancelled or not."""
        return await self.perform(DiskCall(function, arguments))

    async def perform(self, call: DiskCall[T], *, abandon_on_cancel: bool = False) -> T:
        """Run a call; with `abandon_on_cancel`, one that changes nothing may be given up."""
        await checkpoint_if_cancelled()
        self._waiting.append(call)
        overdue = False
        try:
            with anyio.CancelScope(shield=not abandon_on_cancel):
                while not call.done():
                    if self._waiting and (overdue or not self._has_runner):
                        with anyio.CancelScope(shield=True):
                            await self._run_waiting()
                        overdue = False
                        continue
                    with anyio.move_on_after(self._hang_timeout) as waiting:
                        await call.signal.wait()
                    overdue = waiting.cancelled_caught
                    call.signal = anyio.Event()
        except BaseException:
            self._discard(call)
            raise
        return call.result()

    def _discard(self, call: DiskCall[Any]) -> None:
        """Remove a call that was given up, unless a thread has it."""
        with suppress(ValueError, IndexError):
            self._waiting.remove(call)
            call.cancel()

    async def _run_waiting(self) -> None:
        """Run what waits in one thread, tell the callers, and let the next in line go on."""
        self._has_runner = True
        completed: list[DiskCall[Any]] = []
        with anyio.move_on_after(self._hang_timeout):
            await run_sync(
                self._run_calls, completed, abandon_on_cancel=True, limiter=self._limiter
            )
        # If a call hangs, those that are over return at once, and the rest start another thread.
        self._has_runner = False
        for call in completed:
            call.signal.set()
        # Another caller whose wait was too long may have started a thread that took the next.
        with suppress(IndexError):
            self._waiting[0].signal.set()

    def _run_calls(self, completed: list[DiskCall[Any]]) -> None:
        # Only what waits now: with calls added meanwhile, this thread might never end.
        for _ in range(len(self._waiting)):
            try:
                call = self._waiting.popleft()
            except IndexError:
                return
            completed.append(call)
            call.perform()
