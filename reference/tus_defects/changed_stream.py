"""`ChangedStream`: the stream of a connection that sends or receives other bytes."""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

import trio

_REQUEST_LINE = re.compile(rb"[A-Z]+ \S+ HTTP/1\.[01]\r\n")


@dataclass(eq=False)
class ChangedStream(trio.abc.HalfCloseableStream):
    """A stream with hooks: `rewrite` yields what to send, `receive` sees what was received.

    `alter` returns what the server is to receive in place of that.
    """

    stream: trio.abc.Stream
    rewrite: Callable[[bytes], AsyncGenerator[bytes, None]] | None = None
    receive: Callable[[bytes], Awaitable[object]] | None = None
    closes_at_eof: bool = False
    alter: Callable[[bytes], bytes] | None = None

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send what `data` is rewritten to, piece by piece."""
        if self.rewrite is None:
            await self.stream.send_all(data)
            return
        async with aclosing(self.rewrite(bytes(data))) as pieces:
            async for piece in pieces:
                await self.stream.send_all(piece)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until there is room."""
        await self.stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Return what was received."""
        data = await self.stream.receive_some(max_bytes)
        if self.receive is not None:
            await self.receive(bytes(data))
        return data if self.alter is None else self.alter(bytes(data))

    async def send_eof(self) -> None:
        """Finish sending, or close the connection if so wanted."""
        if self.closes_at_eof:
            await self.stream.aclose()
        elif isinstance(self.stream, trio.abc.HalfCloseableStream):
            await self.stream.send_eof()

    async def aclose(self) -> None:
        """Close the connection."""
        await self.stream.aclose()


def change_final_responses(
    stream: trio.abc.Stream,
    change: Callable[[bytes], bytes],
    *,
    method: str = "[A-Z]+",
    status: str = "[2-5]..",
) -> ChangedStream:
    """Return a stream on which final responses are changed.

    `change` is given what the server sends, which begins with a head. `method` and `status` are
    regular expressions; by default every final response is changed.
    """
    requested = re.compile(rf"({method}) \S+ HTTP/1\.[01]\r\n".encode())
    final = re.compile(rf"HTTP/1\.1 {status}".encode())
    is_concerned = False

    async def receive(data: bytes) -> None:
        nonlocal is_concerned
        if _REQUEST_LINE.match(data):
            is_concerned = requested.match(data) is not None

    async def rewrite(data: bytes) -> AsyncGenerator[bytes, None]:
        yield change(data) if is_concerned and final.match(data) else data

    return ChangedStream(stream, rewrite, receive)
