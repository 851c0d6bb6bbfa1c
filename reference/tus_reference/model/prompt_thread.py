"""`PromptThread`: short blocking calls whose result the event loop waits for, while they are quick.

A turn of the event loop for the result of a thread costs ten times as much as opening and closing
a file. So the event loop hands the call to a thread and stops until it is over, for `patience` at
the most: a call that hangs keeps only its thread, and the event loop goes on. After such a call
there are pauses, in which `begin` declines every call; they last as long as the call does, and
grow while the first calls after a pause are late again. On a disk that answers slowly, as many do
when they sync, the pauses come before that: waiting for it would keep all connections waiting.

The event loop never runs a call itself, since nothing could take it out of one that hangs.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from anyio.to_thread import run_sync

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PATIENCE: Final = 0.005
SLOW: Final = 0.0005
"""How long calls may take on average, in seconds, without a pause."""

WEIGHT: Final = 0.2
"""What the newest call counts for in that average."""

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 60.0
IDLE_TIMEOUT: Final = 1.0


class PromptCall(Generic[T]):
    """A call in the thread, and what came of it."""

    __slots__ = ("_arguments", "_done", "_failure", "_function", "_result", "duration")

    def __init__(self, function: Callable[..., T], arguments: tuple[object, ...]) -> None:
        self._function = function
        self._arguments = arguments
        self._failure: BaseException | None = None
        self._done = threading.Lock()
        self._done.acquire()
        self.duration = 0.0
        """How long it took once it had begun, in seconds."""

    def perform(self) -> None:
        """Run it, in whatever thread this is."""
        begun = time.monotonic()
        try:
            self._result = self._function(*self._arguments)
        except BaseException as failure:
            self._failure = failure
        self.duration = time.monotonic() - begun
        self._done.release()

    def wait(self, timeout: float) -> bool:
        """Wait until it is over, for `timeout` seconds at most; return whether it is."""
        if not self._done.acquire(timeout=timeout):
            return False
        self._done.release()
        return True

    @property
    def is_over(self) -> bool:
        """Whether it has returned or raised."""
        return not self._done.locked()

    def result(self) -> T:
        """Return what the function returns, or raise what it raises; waits as long as it takes."""
        with self._done:
            pass
        if self._failure is not None:
            raise self._failure
        return self._result


class PromptThread:
    """A thread for one short call at a time; `patience` is the longest wait for it, in seconds.

    It starts with its first call and ends when there has been none for a while.
    """

    def __init__(self, patience: float = PATIENCE, first_pause: float = FIRST_PAUSE) -> None:
        self._patience = patience
        self._first_pause = first_pause
        self._next_pause = first_pause
        self._paused_until = 0.0
        self._average = 0.0
        self._average_wait = 0.0
        self._late: PromptCall[Any] | None = None
        self._worker: _Worker | None = None
        # For the event loops that may share a store, and for a worker that ends.
        self._busy = threading.Lock()

    @property
    def average_wait(self) -> float:
        """How long the newest calls kept the event loop waiting on average, in seconds."""
        return self._average_wait

    def begin(
        self, function: Callable[..., T], arguments: tuple[object, ...]
    ) -> PromptCall[T] | None:
        """Return a call that is over, or one that is late and goes on; None if it was not begun."""
        if not self._busy.acquire(blocking=False):
            return None
        try:
            if self._is_paused():
                return None
            call = PromptCall(function, arguments)
            self._perform(call)
            return call
        finally:
            self._busy.release()

    async def run(self, function: Callable[[], T]) -> T:
        """Run a call, in another thread if this one does not take it or it is late."""
        call = self.begin(function, ())
        if call is None:
            return await run_sync(function)
        return call.result() if call.is_over else await run_sync(call.result)

    def _is_paused(self) -> bool:
        if self._late is not None and not self._late.is_over:
            return True
        return time.monotonic() < self._paused_until

    def _perform(self, call: PromptCall[Any]) -> None:
        worker, self._worker = self._worker, None
        if worker is None or worker.process != os.getpid():
            # A fork does not copy threads.
            worker = _Worker(self._end_idle)
        in_time, begun = False, time.monotonic()
        worker.hand_over(call)
        try:
            in_time = call.wait(self._patience)
        finally:
            self._average_wait += WEIGHT * (time.monotonic() - begun - self._average_wait)
            if in_time:
                self._worker, self._late = worker, None
                # What the system takes to change between threads says nothing about the disk.
                self._count(call.duration)
            else:
                worker.end_after_call()
                self._late = call
                self._pause()

    def _count(self, duration: float) -> None:
        """Take note of how many seconds a call took."""
        self._average += WEIGHT * (duration - self._average)
        if self._average > SLOW:
            self._pause()
        elif duration < SLOW:
            self._next_pause = self._first_pause

    def _pause(self) -> None:
        self._average = 0.0
        self._paused_until = time.monotonic() + self._next_pause
        self._next_pause = min(2 * self._next_pause, LONGEST_PAUSE)

    def _end_idle(self, worker: _Worker) -> bool:
        """Let a worker go that has had nothing to do; return False if it has a call now."""
        if not self._busy.acquire(blocking=False):
            return False
        try:
            if self._worker is worker:
                self._worker = None
            return True
        finally:
            self._busy.release()


class _Worker:
    """The thread of one `PromptThread`; another follows one that has a late call."""

    def __init__(self, end_idle: Callable[[_Worker], bool]) -> None:
        self.process = os.getpid()
        self._end_idle = end_idle
        self._call: PromptCall[Any] | None = None
        self._ready = threading.Lock()
        self._ready.acquire()
        self._ends = False
        threading.Thread(target=self._work, name="tus-prompt-calls", daemon=True).start()

    def hand_over(self, call: PromptCall[Any]) -> None:
        """Run a call; the one before is over."""
        self._call = call
        self._ready.release()

    def end_after_call(self) -> None:
        """Let the thread end with the call that it has."""
        self._ends = True

    def _work(self) -> None:
        while True:
            if not self._ready.acquire(timeout=IDLE_TIMEOUT):
                if self._end_idle(self):
                    return
                continue
            call, self._call = self._call, None
            if call is not None:
                call.perform()
                # A call holds buffers, and the next may be long in coming.
                del call
            if self._ends:
                return
