"""`BodyReader`: a request body on its way into a store.

The store sees bytes and an end, never an error: what went wrong is in `failure`, and raised
by the handler later, so that everything received before it gets stored (tusd's body reader does
the same). Three things can end a body early: the client (disconnect, malformed chunks), the
clock (no byte for too long) and the server (take-over, shutdown).

A body of unknown length must not carry an upload past its limit. The piece that reaches
the limit is held back until the body is seen to end there: if it goes on instead, the
piece is dropped, so a refused request never completes an upload.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import anyio

from tus_reference.model import BodyEndedEarly, EarlyEnd, Refused, errors, iter_chunks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tus_reference.model import Body, TusError
    from tus_reference.model.http_messages import PrefetchedBody


class BodyReader:
    """One body; `timeout` is the longest wait for a byte in seconds."""

    def __init__(self, body: Body, *, timeout: float) -> None:
        self.body = body
        self._prefetched = (
            cast("PrefetchedBody", body) if hasattr(body, "take_prefetched") else None
        )
        self._timeout = timeout
        self._limit: int | None = None
        self._over_limit = errors.UPLOAD_SIZE_EXCEEDED
        self._scope: anyio.CancelScope | None = None
        self._flushed: anyio.Event | None = None
        self._ended = False
        self.received = 0
        self.failure: BodyEndedEarly | Refused | None = None
        self.overflowed = False
        """Whether the body went on past its limit."""
        self.last_received_at = anyio.current_time()
        self.on_progress: Callable[[], None] | None = None

    def limit(self, remaining: int | None, error_beyond: TusError) -> None:
        """Allow at most `remaining` bytes; raise `Refused(over)` if more are already certain."""
        self._limit, self._over_limit = remaining, error_beyond
        if remaining is not None and self.body.length is not None and self.body.length > remaining:
            raise Refused(error_beyond)

    @property
    def size(self) -> int | None:
        """How many bytes will come at most, or None if unknown."""
        return self.body.length

    def raise_failure(self) -> None:
        """Raise the error that prevented storing the whole body, if there was one."""
        if self.failure is not None:
            raise self.failure

    def interrupt(self, cause: EarlyEnd = EarlyEnd.TAKEN_OVER) -> None:
        """End the body here and now for `cause`, unless it has ended or all of it came."""
        if self._ended or self.failure is not None or self.received == self.body.length:
            return
        self.failure = BodyEndedEarly(cause)
        if self._scope is not None:
            self._scope.cancel()

    async def wait_flushed(self) -> None:
        """Wait until the received bytes are stored: the store takes the next piece, or is done."""
        if self._scope is None:
            self._flushed = self._flushed or anyio.Event()
            await self._flushed.wait()

    def notify_flushed(self) -> None:
        """Wake the tasks that wait for stored bytes."""
        if self._flushed is not None:
            self._flushed.set()
            self._flushed = None

    async def read_into(self, buffer: memoryview) -> int:
        """Put the next bytes into `buffer` and return how many; 0 at the end."""
        remaining = None if self._limit is None else self._limit - self.received
        if remaining == 0 and self.body.length is None:
            await self._exceeds_limit()
            return 0
        count = await self._receive(buffer if remaining is None else buffer[:remaining])
        if count == remaining and self.body.length is None and await self._exceeds_limit():
            return 0
        self.received += count
        if self.received == self.body.length:
            # A request to end it in the meantime came too late.
            self.failure = None
        if self.on_progress is not None:
            self.on_progress()
        return count

    async def _exceeds_limit(self) -> bool:
        if await self._receive(memoryview(bytearray(1))):
            self.failure, self.overflowed = Refused(self._over_limit), True
            return True
        return False

    async def _receive(self, buffer: memoryview) -> int:
        if self._ended or self.failure is not None or not buffer:
            return 0
        count = 0 if self._prefetched is None else self._prefetched.take_prefetched(buffer)
        if count:
            self.notify_flushed()
            self.last_received_at = anyio.current_time()
            return count
        with anyio.CancelScope(deadline=anyio.current_time() + self._timeout) as self._scope:
            self.notify_flushed()
            try:
                count = await self.body.read_into(buffer)
                self._ended = count == 0
            except (BodyEndedEarly, Refused) as failure:
                # `Refused` comes from layers around the handler that check the body as it comes.
                # The frames of its traceback would keep the buffer for as long as it is kept.
                self.failure = failure.with_traceback(None)
                failure.__context__ = None
        if self._scope.cancelled_caught and self.failure is None:
            self.failure = BodyEndedEarly(EarlyEnd.STALLED)
        self._scope = None
        self.last_received_at = anyio.current_time()
        return count

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the bytes in pieces of at most 64 KiB."""
        return iter_chunks(self)
