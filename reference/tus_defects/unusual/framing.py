"""Unusual bytes on the wire: framing, small segments, interim responses, early closing."""

from collections.abc import AsyncGenerator

import trio

from tus_defects.changed_stream import ChangedStream
from tus_defects.server import Server
from tus_defects.variant import stream_quirk

FINAL = b"HTTP/1.1 "
BODILESS = (b"HTTP/1.1 1", b"HTTP/1.1 204")


@stream_quirk("byte-by-byte")
def send_byte_by_byte(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
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

    return ChangedStream(stream, rewrite)


@stream_quirk("early-hints")
def send_early_hints(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """Interim responses 102 and 103 come before every final one."""

    async def rewrite(data: bytes) -> AsyncGenerator[bytes, None]:
        if data.startswith(FINAL) and not data.startswith(b"HTTP/1.1 1"):
            yield b"HTTP/1.1 102 Processing\r\n\r\n"
            yield b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\n"
        yield data

    return ChangedStream(stream, rewrite)


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


@stream_quirk("chunked-responses")
def chunk_responses(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
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

    return ChangedStream(stream, rewrite)


@stream_quirk("responses-until-close")
def end_responses_by_close(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """Responses with a body have no length, and end with their connection."""

    async def rewrite(data: bytes) -> AsyncGenerator[bytes, None]:
        if (parts := _split_body(data)) is None:
            yield data
            return
        yield _with_framing(parts[0], b"Connection: close") + parts[1]
        await stream.aclose()

    return ChangedStream(stream, rewrite)


@stream_quirk("closes-after-each-response")
def close_after_each_response(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """Every response closes its connection."""

    async def rewrite(data: bytes) -> AsyncGenerator[bytes, None]:
        head, end, body = data.partition(b"\r\n\r\n")
        if end and data.startswith(FINAL) and not data.startswith(b"HTTP/1.1 1"):
            data = head + b"\r\nConnection: close" + end + body
        yield data

    return ChangedStream(stream, rewrite)


@stream_quirk("closes-before-body-ends")
def close_before_body_ends(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """An error that comes before the end of a body closes the connection at once."""
    return ChangedStream(stream, closes_at_eof=True)
