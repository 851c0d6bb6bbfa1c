"""Request bodies on the wire: sized and chunked.

A body with a length needs no parser, so its bytes go from the socket straight into the buffer
that is to be written; of plain chunks most do. Either kind sends `100 Continue`
when it is first read: a request that is refused by its headers never invites its body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11
import trio

from tus_reference.model import BodyEndedEarly, EarlyEnd, Headers
from tus_reference.server.byte_stream import ConnectionLost
from tus_reference.server.plain_chunks import CHUNKS_PER_TURN, ChunkState, PlainChunks
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


class ChunkedBody:
    """A body in chunks, with trailers perhaps; `received` came along with the head.

    Plain chunks are read here, and h11 goes on with the first that is not; what it has to wait for
    is at most `head_size` bytes.
    """

    length = None

    def __init__(
        self,
        byte_stream: ByteStream,
        received: bytes,
        continue_response: ContinueResponse,
        *,
        head_size: int,
    ) -> None:
        self._byte_stream = byte_stream
        self._continue_response = continue_response
        self._chunks = PlainChunks(received)
        self._head_size = head_size
        self._parser: h11.Connection | None = None
        self._piece = memoryview(b"")
        self._may_go_on = False
        self._complete = False
        self._failure: BodyEndedEarly | None = None
        self.blocked_on_read = False
        self.trailers = Headers()

    @property
    def unread(self) -> int | None:
        """0 once the end was read, None before: the length is not known."""
        return 0 if self._complete else None

    @property
    def next_request_data(self) -> bytes:
        """What came after the body: the beginning of the next request."""
        return self._chunks.rest if self._parser is None else self._parser.trailing_data[0]

    async def read_into(self, buffer: memoryview) -> int:
        """Put the next bytes into `buffer` and return how many; 0 at the end."""
        filled = self._take(buffer)
        # Chunks may be as small as a byte: what is here already is taken together, since what the
        # reader does with each read costs far more. Others get their turn meanwhile.
        while filled < len(buffer) and not self._complete and self._failure is None:
            if self._may_go_on:
                await trio.lowlevel.cancel_shielded_checkpoint()
            elif (count := await self._receive(buffer[filled:], wait=not filled)) is None:
                break
            else:
                filled += count
            filled += self._take(buffer[filled:])
        # What is malformed is reported by the next read, after what came before it.
        if not filled and self._failure is not None:
            raise self._failure
        return filled

    def _take(self, buffer: memoryview) -> int:
        """Move what was received into `buffer`; return how many bytes."""
        if not buffer or self._complete or self._failure is not None:
            return 0
        if self._parser is not None:
            return self._take_parsed(buffer, self._parser)
        count, state = self._chunks.take(buffer)
        self._may_go_on = state is ChunkState.MAY_GO_ON
        if state is ChunkState.COMPLETE:
            self._complete = True
        elif state is ChunkState.MALFORMED:
            self._fail("malformed chunk footer")
        elif state is ChunkState.NOT_PLAIN:
            self._parser = _new_chunk_parser(self._chunks.rest, self._head_size)
            self._may_go_on = True
        return count

    def _take_parsed(self, buffer: memoryview, parser: h11.Connection) -> int:
        """Move what h11 reads into `buffer`; return how many bytes."""
        filled = 0
        self._may_go_on = True
        for _ in range(CHUNKS_PER_TURN):
            count = min(len(self._piece), len(buffer) - filled)
            buffer[filled : filled + count] = self._piece[:count]
            self._piece = self._piece[count:]
            filled += count
            if filled == len(buffer):
                break
            try:
                event = parser.next_event()
            except h11.RemoteProtocolError as problem:
                self._fail(str(problem))
                break
            if isinstance(event, h11.Data):
                self._piece = memoryview(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                self._complete = True
                self.trailers = Headers(decode_fields(event.headers))
                break
            else:
                self._may_go_on = False
                break
        return filled

    def _fail(self, problem: str) -> None:
        self._failure = BodyEndedEarly(EarlyEnd.MALFORMED, f"the body is malformed: {problem}")

    async def _receive(self, buffer: memoryview, *, wait: bool) -> int | None:
        """Receive more; return how much of it is in `buffer` already, None if nothing has come."""
        if wait:
            await self._continue_response.send()
            self.blocked_on_read = True
        try:
            if self._parser is not None:
                return await self._feed(self._parser) if wait else None
            direct = buffer[: self._chunks.direct]
            count = await self._byte_stream.receive_scattered(
                direct, self._chunks.free_space(), wait=wait
            )
        except ConnectionLost:
            count = 0
        if count is None:
            return None
        if not count:
            self._failure = BodyEndedEarly(EarlyEnd.DISCONNECTED)
            return 0
        taken = min(count, len(direct))
        if taken:
            self._chunks.skip(taken)
        self._chunks.add(count - taken)
        return taken

    async def _feed(self, parser: h11.Connection) -> int:
        data = await self._byte_stream.receive()
        if data:
            parser.receive_data(data)
        else:
            self._failure = BodyEndedEarly(EarlyEnd.DISCONNECTED)
        return 0


def _new_chunk_parser(data: bytes, head_size: int) -> h11.Connection:
    """Return a parser that is at the beginning of a chunk, with `data` to read."""
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=head_size)
    parser.receive_data(b"PATCH / HTTP/1.1\r\nHost: -\r\nTransfer-Encoding: chunked\r\n\r\n")
    parser.next_event()
    if data:
        parser.receive_data(data)
    return parser
