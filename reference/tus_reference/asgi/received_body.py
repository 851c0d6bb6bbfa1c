"""`ReceivedBody`: a request body that an ASGI server hands over in messages.

Two tasks share it. The one that the server started takes messages as long as there is room,
because what waits in the server is lost when the client goes (uvicorn drops it); the other runs
the handler, which reads what has come. Only where the client waits to be told to continue, the
first message is not asked for before the handler wants it: asking is what tells the client.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import anyio

from tus_reference.model import BodyEndedEarly, EarlyEnd, Headers

if TYPE_CHECKING:
    from tus_reference.asgi.messages import Message, Receive

# How many bytes wait at most for the handler, apart from the message that goes beyond.
MAX_BUFFERED: Final = 256 * 1024

# An early answer gets lost if the server closes while the client sends; so the rest of its body
# is dropped first, up to so many bytes, so many seconds without any, and so many in all.
MAX_DRAINED: Final = 256 * 1024 * 1024
DRAIN_IDLE: Final = 5.0
DRAIN_TOTAL: Final = 30.0


class ReceivedBody:
    """One body; `length` in bytes as the client states it, or None.

    `expects_continue` says whether it comes only after 100 (Continue) (RFC 9110, 10.1.1).
    """

    def __init__(
        self, receive: Receive, length: int | None, *, expects_continue: bool = False
    ) -> None:
        self.length = length
        self.trailers = Headers()
        self.disconnected = False
        self._receive = receive
        self._pieces: deque[memoryview] = deque()
        self._buffered = 0
        self._received = 0
        self._failure: BodyEndedEarly | None = None
        self._complete = length == 0
        self._read_requested = anyio.Event()
        self._data_arrived = anyio.Event()
        self._space_freed = anyio.Event()
        if not expects_continue:
            self._read_requested.set()

    @property
    def is_coming(self) -> bool:
        """Whether the client sends the body: by itself, or after 100 (Continue)."""
        return self._read_requested.is_set()

    @property
    def unread(self) -> int | None:
        """How many bytes are still to come: 0 at the end, None if that is not known."""
        if self._complete or self.disconnected:
            return 0
        return None if self.length is None else max(self.length - self._received, 0)

    async def receive_first(self) -> None:
        """Take the first message, of a body whose headers say nothing about its length."""
        self._accept_message(await self._receive())
        if self._complete:
            self.length = self._received

    async def read_into(self, buffer: memoryview) -> int:
        """Put the next bytes into `buffer` and return how many; 0 at the end."""
        self._read_requested.set()
        while not self._pieces:
            if self._failure is not None:
                raise self._failure
            if self._complete:
                return 0
            if self.disconnected:
                raise BodyEndedEarly(EarlyEnd.DISCONNECTED)
            self._data_arrived = anyio.Event()
            await self._data_arrived.wait()
        return self._fill(buffer)

    def _fill(self, buffer: memoryview) -> int:
        filled = 0
        while self._pieces and filled < len(buffer):
            piece = self._pieces.popleft()
            count = min(len(piece), len(buffer) - filled)
            buffer[filled : filled + count] = piece[:count]
            if count < len(piece):
                self._pieces.appendleft(piece[count:])
            filled += count
        self._buffered -= filled
        self._space_freed.set()
        return filled

    async def receive_all(self) -> None:
        """Take messages until the body or the client is gone; waits while there is no room."""
        await self._read_requested.wait()
        while not self._complete and not self.disconnected and self._failure is None:
            if self._buffered >= MAX_BUFFERED:
                self._space_freed = anyio.Event()
                await self._space_freed.wait()
            self._accept_message(await self._receive())

    def _accept_message(self, message: Message) -> None:
        if message["type"] == "http.disconnect":
            self.disconnected = True
        else:
            self._accept_data(message.get("body", b""), last=not message.get("more_body", False))
        self._data_arrived.set()

    def _accept_data(self, piece: bytes, *, last: bool) -> None:
        if self.length is not None and self._received + len(piece) > self.length:
            # Servers see to that; what decompresses bodies on the way here may forget it.
            self._failure = BodyEndedEarly(
                EarlyEnd.MALFORMED, "the body is longer than its Content-Length"
            )
            self._complete = last
            return
        if piece:
            self._pieces.append(memoryview(piece))
            self._buffered += len(piece)
            self._received += len(piece)
        if self._received == self.length or (last and self.length is None):
            self._complete = True
        elif last:
            # A body may end early without anybody saying why; it must not seem whole.
            self.disconnected = True

    def interrupt(self, cause: EarlyEnd) -> None:
        """End the body here for `cause`; what came can still be read."""
        self._failure = self._failure or BodyEndedEarly(cause)
        self._data_arrived.set()

    async def drain(self) -> None:
        """Drop what the client still sends, within bounds."""
        self._pieces.clear()
        budget = MAX_DRAINED
        with anyio.move_on_after(DRAIN_TOTAL):
            while budget > 0 and self.unread != 0:
                with anyio.move_on_after(DRAIN_IDLE) as idle:
                    self._accept_message(await self._receive())
                if idle.cancelled_caught:
                    return
                budget -= sum(len(piece) for piece in self._pieces)
                self._pieces.clear()
