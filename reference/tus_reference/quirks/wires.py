"""Unusual ways over the wire: framing, pieces, interim answers, connections closed early."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

import trio

from tus_reference.quirks.quirk import QuirkSpec

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

_FINAL = b"HTTP/1.1 "
_NO_BODY = (b"HTTP/1.1 1", b"HTTP/1.1 204")


class Carried(trio.abc.HalfCloseableStream):
    """A stream whose sent bytes are made other pieces first; what is received stays as it is."""

    def __init__(
        self,
        stream: trio.abc.Stream,
        pieces: Callable[[bytes], AsyncGenerator[bytes, None]],
        *,
        hangs_up: bool = False,
    ) -> None:
        self._stream = stream
        self._pieces = pieces
        self._hangs_up = hangs_up

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send the pieces that `data` is made into; hang up after a final answer, if so wanted."""
        async with aclosing(self._pieces(bytes(data))) as pieces:
            async for piece in pieces:
                await self._stream.send_all(piece)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until there is room."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Return what comes."""
        return await self._stream.receive_some(max_bytes)

    async def send_eof(self) -> None:
        """Finish sending; hang up at once, if so wanted."""
        if self._hangs_up:
            await self._stream.aclose()
        elif isinstance(self._stream, trio.abc.HalfCloseableStream):
            await self._stream.send_eof()

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()


@QuirkSpec().wrap_stream
def byte_by_byte(stream: trio.abc.Stream) -> trio.abc.Stream:
    """Status lines are written one byte at a time, other lines without their last byte first."""

    async def pieces(data: bytes) -> AsyncGenerator[bytes, None]:
        head, end, body = data.partition(b"\r\n\r\n")
        if not data.startswith(_FINAL):
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

    return Carried(stream, pieces)


@QuirkSpec().wrap_stream
def early_hints(stream: trio.abc.Stream) -> trio.abc.Stream:
    """Interim answers 102 and 103 come before every final one."""

    async def pieces(data: bytes) -> AsyncGenerator[bytes, None]:
        if data.startswith(_FINAL) and not data.startswith(b"HTTP/1.1 1"):
            yield b"HTTP/1.1 102 Processing\r\n\r\n"
            yield b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\n"
        yield data

    return Carried(stream, pieces)


def _without_length(head: bytes, more: bytes) -> bytes:
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    return b"\r\n".join([*lines, more]) + b"\r\n\r\n"


@QuirkSpec().wrap_stream
def chunked_answers(stream: trio.abc.Stream) -> trio.abc.Stream:
    """Answers with a body are in chunked coding."""

    async def pieces(data: bytes) -> AsyncGenerator[bytes, None]:
        head, end, body = data.partition(b"\r\n\r\n")
        if not end or data.startswith(_NO_BODY) or not data.startswith(_FINAL) or not body:
            yield data
            return
        yield _without_length(head, b"Transfer-Encoding: chunked")
        half = len(body) // 2
        for part in filter(None, (body[:half], body[half:])):
            yield b"%x;note=1\r\n%b\r\n" % (len(part), part)
        yield b"0\r\nServer-Timing: total\r\n\r\n"

    return Carried(stream, pieces)


@QuirkSpec().wrap_stream
def answers_until_close(stream: trio.abc.Stream) -> trio.abc.Stream:
    """Answers with a body end with their connection, and have no length."""

    async def pieces(data: bytes) -> AsyncGenerator[bytes, None]:
        head, end, body = data.partition(b"\r\n\r\n")
        if not end or data.startswith(_NO_BODY) or not data.startswith(_FINAL) or not body:
            yield data
            return
        yield _without_length(head, b"Connection: close") + body
        await stream.aclose()

    return Carried(stream, pieces)


@QuirkSpec().wrap_stream
def closes_after_each_answer(stream: trio.abc.Stream) -> trio.abc.Stream:
    """Every answer closes its connection."""

    async def pieces(data: bytes) -> AsyncGenerator[bytes, None]:
        head, end, body = data.partition(b"\r\n\r\n")
        if end and data.startswith(_FINAL) and not data.startswith(b"HTTP/1.1 1"):
            data = head + b"\r\nConnection: close" + end + body
        yield data

    return Carried(stream, pieces)


@QuirkSpec().wrap_stream
def hangs_up_early(stream: trio.abc.Stream) -> trio.abc.Stream:
    """A refusal that comes before the end of a body closes the connection at once."""

    async def pieces(data: bytes) -> AsyncGenerator[bytes, None]:
        yield data

    return Carried(stream, pieces, hangs_up=True)
