"""`ThreadBatch`: short blocking calls, run in threads, together where they are asked for at once.

A call that opens, reads and closes a file takes less time than it takes to hand it to a
thread and to come back. So calls that come while a thread is busy wait for its return,
and then go to the next one together. None of them waits for long on a call that hangs:
when the patience of a caller is over, it takes all that still wait to a thread of its own.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio
from anyio.lowlevel import checkpoint_if_cancelled
from anyio.to_thread import run_sync

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

HANG_TIMEOUT: Final = 0.01


class _Call(Future[T]):
    """A call, what came of it, and the signal to look at it again."""

    def __init__(self, function: Callable[..., T], arguments: tuple[object, ...]) -> None:
        super().__init__()
        self._function = function
        self._arguments = arguments
        self.signal = anyio.Event()

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

    def __init__(self, hang_timeout: float = HANG_TIMEOUT) -> None:
        self._hang_timeout = hang_timeout
        self._waiting: deque[_Call[Any]] = deque()
        self._has_runner = False

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Run `function` in a thread; once asked for, it is waited for, cancelled or not."""
        await checkpoint_if_cancelled()
        call = _Call(function, arguments)
        self._waiting.append(call)
        overdue = False
        with anyio.CancelScope(shield=True):
            while not call.done():
                if self._waiting and (overdue or not self._has_runner):
                    await self._run_waiting()
                    overdue = False
                    continue
                with anyio.move_on_after(self._hang_timeout) as waiting:
                    await call.signal.wait()
                overdue = waiting.cancelled_caught
                call.signal = anyio.Event()
        return call.result()

    async def _run_waiting(self) -> None:
        """Run what waits in one thread, tell the callers, and let the next in line go on."""
        self._has_runner = True
        completed: list[_Call[Any]] = []
        with anyio.move_on_after(self._hang_timeout):
            await run_sync(self._run_calls, completed, abandon_on_cancel=True)
        # If a call hangs, those that are over return at once, and the rest start another thread.
        self._has_runner = False
        for call in completed:
            call.signal.set()
        # Another caller whose wait was too long may have started a thread that took the next.
        with suppress(IndexError):
            self._waiting[0].signal.set()

    def _run_calls(self, completed: list[_Call[Any]]) -> None:
        # Only what waits now: with calls added meanwhile, this thread might never end.
        for _ in range(len(self._waiting)):
            try:
                call = self._waiting.popleft()
            except IndexError:
                return
            completed.append(call)
            call.perform()
