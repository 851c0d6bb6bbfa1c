"""Unusual bytes on the wire: framing, small segments, interim responses, early closing."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import trio

from tus_defects.variant import stream_quirk

FINAL = b"HTTP/1.1 "
BODILESS = (b"HTTP/1.1 1", b"HTTP/1.1 204")


class RewrittenStream(trio.abc.HalfCloseableStream):
    """A stream that sends other bytes than it is given; what it receives stays as it is."""

    def __init__(
        self,
        stream: trio.abc.Stream,
        rewrite: Callable[[bytes], AsyncGenerator[bytes, None]],
        *,
        closes_at_eof: bool = False,
    ) -> None:
        self._stream = stream
        self._rewrite = rewrite
        self._closes_at_eof = closes_at_eof

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send what `data` is rewritten to, piece by piece."""
        async with aclosing(self._rewrite(bytes(data))) as pieces:
            async for piece in pieces:
                await self._stream.send_all(piece)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until there is room."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Return what was received."""
        return await self._stream.receive_some(max_bytes)

    async def send_eof(self) -> None:
        """Finish sending, or close the connection if so wanted."""
        if self._closes_at_eof:
            await self._stream.aclose()
        elif isinstance(self._stream, trio.abc.HalfCloseableStream):
            await self._stream.send_eof()

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()


@stream_quirk
def byte_by_byte(stream: trio.abc.Stream) -> trio.abc.Stream:
    """Status lines are sent byte by byte, and header lines without their last byte first."""

    async def rewrite(data: bytes) -> AsyncGenerator[bytes, None]:
        head, end, body = data.partition(b"\r\n\r\n")
        if not data.startswith(FINAL):
            yield data
            return
        first, *lines = (head + end).splitlines(keepends=True)
        for byte in first:
            yield bytes([byte])
        for line in lines:
            yield line[:-1]
            yield line[-1:]
        if body:
            yield body

    return RewrittenStream(stream, rewrite)


@stream_quirk
def early_hints(stream: trio.abc.Stream) -> trio.abc.Stream:
    """Interim responses 102 and 103 come before every final one."""

    async def rewrite(data: bytes) -> AsyncGenerator[bytes, None]:
        if data.startswith(FINAL) and not data.startswith(b"HTTP/1.1 1"):
            yield b"HTTP/1.1 102 Processing\r\n\r\n"
            yield b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\n"
        yield data

    return RewrittenStream(stream, rewrite)


def _split_body(data: bytes) -> tuple[bytes, bytes] | None:
    """Return the head and the body of a final response; None if it has no body."""
    head, _, body = data.partition(b"\r\n\r\n")
    if not body or data.startswith(BODILESS) or not data.startswith(FINAL):
        return None
    return head, body


def _with_framing(head: bytes, header: bytes) -> bytes:
    """Return a head with a header in place of Content-Length."""
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    return b"\r\n".join([*lines, header]) + b"\r\n\r\n"


@stream_quirk
def chunked_responses(stream: trio.abc.Stream) -> trio.abc.Stream:
    """Responses with a body are chunked."""

    async def rewrite(data: bytes) -> AsyncGenerator[bytes, None]:
        if (parts := _split_body(data)) is None:
            yield data
            return
        head, body = parts
        yield _with_framing(head, b"Transfer-Encoding: chunked")
        half = len(body) // 2
        for part in filter(None, (body[:half], body[half:])):
            yield b"%x;note=1\r\n%b\r\n" % (len(part), part)
        yield b"0\r\nServer-Timing: total\r\n\r\n"

    return RewrittenStream(stream, rewrite)


@stream_quirk
def responses_until_close(stream: trio.abc.Stream) -> trio.abc.Stream:
    """Responses with a body have no length, and end with their connection."""

    async def rewrite(data: bytes) -> AsyncGenerator[bytes, None]:
        if (parts := _split_body(data)) is None:
            yield data
            return
        yield _with_framing(parts[0], b"Connection: close") + parts[1]
        await stream.aclose()

    return RewrittenStream(stream, rewrite)


@stream_quirk
def closes_after_each_response(stream: trio.abc.Stream) -> trio.abc.Stream:
    """Every response closes its connection."""

    async def rewrite(data: bytes) -> AsyncGenerator[bytes, None]:
        head, end, body = data.partition(b"\r\n\r\n")
        if end and data.startswith(FINAL) and not data.startswith(b"HTTP/1.1 1"):
            data = head + b"\r\nConnection: close" + end + body
        yield data

    return RewrittenStream(stream, rewrite)


@stream_quirk
def closes_before_body_ends(stream: trio.abc.Stream) -> trio.abc.Stream:
    """An error that comes before the end of a body closes the connection at once."""

    async def rewrite(data: bytes) -> AsyncGenerator[bytes, None]:
        yield data

    return RewrittenStream(stream, rewrite, closes_at_eof=True)
