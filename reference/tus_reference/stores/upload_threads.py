"""`UploadThreads`: the threads of a store on disk, so that an upload which hangs hangs alone.

A call to a disk that does not answer keeps its thread. So an upload has at most `PER_UPLOAD` calls
under way; further requests for it wait for a short time and are refused. The threads of a store
are its own, apart from those for spooled bodies, locks and hooks.

While the disk is quick, the event loop itself waits for short calls (`PromptThread`). Each kind of
call has a thread of its own for that: a disk may be quick but for one kind. Where the processors
are so busy that a change between threads takes long, calls of many uploads go together instead.
"""

from __future__ import annotations

import threading
import time
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio
from anyio import CapacityLimiter
from anyio.lowlevel import checkpoint_if_cancelled
from anyio.to_thread import run_sync

from tus_reference.model import Refused, errors
from tus_reference.model.prompt_thread import PromptThread
from tus_reference.stores.thread_batch import DiskCall, ThreadBatch

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PER_UPLOAD: Final = 4
TOTAL: Final = 200
TURN_TIMEOUT: Final = 10.0
CALL_TIMEOUT: Final = 20.0
_POLL: Final = 0.1

LONG_WAIT: Final = 0.00015
"""From when on, in seconds, waiting for a thread costs more than a turn of the event loop."""

CROWDED: Final = 0.5
CROWD_WEIGHT: Final = 0.1
"""In a crowd, half of the newest calls or more are of another upload than the one before."""

TRY_EVERY: Final = 32


class CallKind(Enum):
    """What a short call may have to wait for."""

    QUICK = auto()
    """Nothing, in general: what it needs is in memory."""

    SYNCS = auto()
    """Until the disk has what is written."""

    SENDS = auto()
    """Bytes that may have to be read from the disk."""


class UploadThreads:
    """Threads for the calls of one store; times in seconds.

    `turn_timeout` bounds the wait for other calls of the same upload, `call_timeout` a call that
    can be given up, such as a look-up.
    """

    def __init__(
        self,
        *,
        per_upload: int = PER_UPLOAD,
        total: int = TOTAL,
        turn_timeout: float = TURN_TIMEOUT,
        call_timeout: float = CALL_TIMEOUT,
    ) -> None:
        self._per_upload = per_upload
        self._turn_timeout = turn_timeout
        self._call_timeout = call_timeout
        self._limiter = CapacityLimiter(total)
        self._batch = ThreadBatch(limiter=self._limiter)
        self._crowd = 0.0
        self._latest_id = ""
        self._declined = 0
        self._prompt = {kind: PromptThread() for kind in CallKind}
        self._calls: dict[str, list[DiskCall[Any]]] = {}
        self._turns: dict[str, anyio.Event] = {}
        # Other threads ask how long a call has lasted.
        self._mutex = threading.Lock()

    async def run(
        self,
        upload_id: str,
        function: Callable[..., T],
        *arguments: object,
        may_last: bool = False,
    ) -> T:
        """Run a call in a thread and wait for it, cancelled or not.

        With `may_last` it can take long on a disk that is well.
        """
        await self._wait_turn(upload_id)
        call = DiskCall(function, arguments, may_last=may_last)
        self._begin(upload_id, call)
        try:
            await run_sync(call.perform, limiter=self._limiter)
        finally:
            if not call.done():
                # Cancelled while it waited for a thread.
                call.cancel()
            self._end(upload_id, call)
        return call.result()

    async def run_short(
        self,
        upload_id: str,
        function: Callable[..., T],
        *arguments: object,
        kind: CallKind = CallKind.QUICK,
    ) -> T:
        """Run a short call and wait for it, cancelled or not."""
        await self._wait_turn(upload_id)
        if self._should_wait(upload_id, kind):
            prompt = self._prompt[kind].begin(function, arguments)
            if prompt is not None:
                if prompt.is_over:
                    return prompt.result()
                function, arguments = prompt.result, ()
        call = DiskCall(function, arguments)
        self._begin(upload_id, call)
        try:
            return await self._batch.perform(call)
        finally:
            self._end(upload_id, call)

    async def look_up(self, upload_id: str, function: Callable[..., T], *arguments: object) -> T:
        """Run a short call that changes nothing; raise `Refused` (423) if it takes too long."""
        await self._wait_turn(upload_id)
        if self._should_wait(upload_id, CallKind.QUICK):
            prompt = self._prompt[CallKind.QUICK].begin(function, arguments)
            if prompt is not None:
                if prompt.is_over:
                    return prompt.result()
                function, arguments = prompt.result, ()
        call = DiskCall(function, arguments)
        self._begin(upload_id, call)
        try:
            with anyio.fail_after(self._call_timeout):
                return await self._batch.perform(call, abandon_on_cancel=True)
        except TimeoutError:
            if call.done():
                raise
            raise Refused(errors.STORAGE_STALLED) from None
        finally:
            self._end(upload_id, call)

    def _should_wait(self, upload_id: str, kind: CallKind) -> bool:
        """Return whether the event loop should wait for a short call of this upload."""
        self._crowd += CROWD_WEIGHT * ((upload_id != self._latest_id) - self._crowd)
        self._latest_id = upload_id
        if upload_id in self._calls:
            return False
        if self._crowd < CROWDED or self._prompt[kind].average_wait < LONG_WAIT:
            return True
        # Whether that is still so shows only in another try.
        self._declined = (self._declined + 1) % TRY_EVERY
        return not self._declined

    def longest_call(self) -> float:
        """Return for how many seconds the oldest call has been under way; 0 if there is none."""
        with self._mutex:
            calls = [call for calls in self._calls.values() for call in calls]
        begun = [call.begun for call in calls if not call.may_last]
        return time.monotonic() - min(begun) if begun else 0.0

    def _begin(self, upload_id: str, call: DiskCall[Any]) -> None:
        with self._mutex:
            self._calls.setdefault(upload_id, []).append(call)

    def _end(self, upload_id: str, call: DiskCall[Any]) -> None:
        """Let the next call of the upload begin; one that was given up stays until it returns."""
        call.add_done_callback(lambda _: self._discard(upload_id, call))
        turn = self._turns.pop(upload_id, None)
        if turn is not None:
            turn.set()

    def _discard(self, upload_id: str, call: DiskCall[Any]) -> None:
        with self._mutex:
            calls = self._calls.get(upload_id, [])
            if call in calls:
                calls.remove(call)
            if not calls:
                self._calls.pop(upload_id, None)

    async def _wait_turn(self, upload_id: str) -> None:
        """Wait until the upload may have another call; raise `Refused` (423) if it hangs."""
        await checkpoint_if_cancelled()
        if len(self._calls.get(upload_id, ())) < self._per_upload:
            return
        with anyio.move_on_after(self._turn_timeout):
            while len(self._calls.get(upload_id, ())) >= self._per_upload:
                turn = self._turns.setdefault(upload_id, anyio.Event())
                with anyio.move_on_after(_POLL):
                    await turn.wait()
            return
        raise Refused(errors.STORAGE_STALLED)
