"""Request bodies on the wire: sized and chunked.

h11 reads heads and chunks. A body with a length needs no parser, so its bytes go from the
socket straight into the buffer that is to be written. Either kind sends `100 Continue`
when it is first read: a request that is refused by its headers never invites its body.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

import h11
import trio

from tus_reference.model import BodyEndedEarly, EarlyEnd, Headers
from tus_reference.server.byte_stream import ConnectionLost
from tus_reference.server.request_head import decode_fields

if TYPE_CHECKING:
    from tus_reference.server.byte_stream import ByteStream

CONTINUE_BYTES = b"HTTP/1.1 100 Continue\r\n\r\n"


class ContinueResponse:
    """The `100 Continue` that a client waits for; it is sent at most once."""

    def __init__(self, byte_stream: ByteStream, *, is_expected: bool) -> None:
        self._byte_stream = byte_stream
        self.is_expected = is_expected

    async def send(self) -> None:
        """Send it if the client still waits."""
        if self.is_expected:
            self.is_expected = False
            try:
                await self._byte_stream.send(CONTINUE_BYTES)
            except ConnectionLost:
                raise BodyEndedEarly(EarlyEnd.DISCONNECTED) from None


class SizedBody:
    """A body of `length` bytes, of which `leftover` came along with the head."""

    trailers = Headers()

    def __init__(
        self,
        byte_stream: ByteStream,
        length: int,
        leftover: bytes,
        continue_response: ContinueResponse,
    ) -> None:
        self._byte_stream = byte_stream
        self._continue_response = continue_response
        self._prefetched = memoryview(leftover)[:length]
        self._remaining = length - len(self._prefetched)
        self.length = length
        self.blocked_on_read = False
        self.next_request_data = leftover[length:]

    @property
    def unread(self) -> int:
        """How many bytes of the body were not read yet."""
        return len(self._prefetched) + self._remaining

    def take_prefetched(self, buffer: memoryview) -> int:
        """Put bytes that came with the head into `buffer`; return how many, 0 if there are none."""
        count = min(len(self._prefetched), len(buffer))
        if count:
            buffer[:count] = self._prefetched[:count]
            # An empty view of what was received would keep all of it.
            left = self._prefetched[count:]
            self._prefetched = left if left else memoryview(b"")
        return count

    async def read_into(self, buffer: memoryview) -> int:
        """Put the next bytes into `buffer` and return how many; 0 at the end."""
        if self._prefetched:
            return self.take_prefetched(buffer)
        if not self._remaining:
            return 0
        await self._continue_response.send()
        self.blocked_on_read = True
        try:
            count = await self._byte_stream.receive_into(buffer[: self._remaining])
        except ConnectionLost:
            count = 0
        if not count:
            raise BodyEndedEarly(EarlyEnd.DISCONNECTED)
        self._remaining -= count
        return count


_EVENTS_PER_TURN: Final = 256
"""How many chunks are parsed before other connections get their turn."""


class ChunkedBody:
    """A body in chunks, with trailers perhaps."""

    length = None

    def __init__(
        self,
        byte_stream: ByteStream,
        connection: h11.Connection,
        continue_response: ContinueResponse,
    ) -> None:
        self._byte_stream = byte_stream
        self._connection = connection
        self._continue_response = continue_response
        self._piece = memoryview(b"")
        self._complete = False
        self._failure: h11.RemoteProtocolError | None = None
        self.blocked_on_read = False
        self.trailers = Headers()

    @property
    def unread(self) -> int | None:
        """0 once the end was read, None before: the length is not known."""
        return 0 if self._complete else None

    @property
    def next_request_data(self) -> bytes:
        """What came after the body: the beginning of the next request."""
        return self._connection.trailing_data[0]

    async def read_into(self, buffer: memoryview) -> int:
        """Put the next bytes into `buffer` and return how many; 0 at the end."""
        while not self._piece and not self._complete:
            await self._next_event()
        filled = self._take(buffer)
        # Chunks may be as small as a byte: what is here already is taken together, since what the
        # reader does with each read costs far more. Others get their turn meanwhile.
        for count in itertools.count(1):
            if filled == len(buffer) or self._complete or not self._parse_next():
                return filled
            filled += self._take(buffer[filled:])
            if count % _EVENTS_PER_TURN == 0:
                await trio.lowlevel.checkpoint()
        return filled

    def _take(self, buffer: memoryview) -> int:
        """Move what was parsed into `buffer`; return how many bytes."""
        count = min(len(self._piece), len(buffer))
        buffer[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        return count

    def _parse_next(self) -> bool:
        """Parse what has been received; return False if that is not enough, or malformed.

        What is malformed is reported by the next read, after what came before it.
        """
        if self._failure is not None:
            return False
        try:
            event = self._connection.next_event()
        except h11.RemoteProtocolError as problem:
            self._failure = problem
            return False
        if event is h11.NEED_DATA:
            return False
        self._accept(event)
        return True

    async def _next_event(self) -> None:
        try:
            if self._failure is not None:
                raise self._failure
            event = self._connection.next_event()
            if event is h11.NEED_DATA:
                await self._continue_response.send()
                self.blocked_on_read = True
                self._connection.receive_data(await self._byte_stream.receive())
                return
        except ConnectionLost:
            raise BodyEndedEarly(EarlyEnd.DISCONNECTED) from None
        except h11.RemoteProtocolError as problem:
            if self._connection.trailing_data[1]:
                raise BodyEndedEarly(EarlyEnd.DISCONNECTED) from None
            raise BodyEndedEarly(EarlyEnd.MALFORMED, f"the body is malformed: {problem}") from None
        self._accept(event)

    def _accept(self, event: object) -> None:
        if isinstance(event, h11.Data):
            self._piece = memoryview(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            self._complete = True
            self.trailers = Headers(decode_fields(event.headers))
