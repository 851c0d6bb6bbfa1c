"""Unusual bytes on the wire: framing, small segments, interim responses, early closing."""

import re
from collections.abc import AsyncGenerator, Callable

import trio

from tus_defects.changed_stream import ChangedStream, change_final_responses
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


def _is_final(data: bytes) -> bool:
    return data.startswith(FINAL) and not data.startswith(b"HTTP/1.1 1") and b"\r\n\r\n" in data


def _rewrite_heads(
    stream: trio.abc.Stream, change: Callable[[list[bytes]], list[bytes]]
) -> trio.abc.Stream:
    """Return a stream that sends the lines of the heads of final responses changed."""

    async def rewrite(data: bytes) -> AsyncGenerator[bytes, None]:
        if _is_final(data):
            head, end, body = data.partition(b"\r\n\r\n")
            data = b"\r\n".join(change(head.split(b"\r\n"))) + end + body
        yield data

    return ChangedStream(stream, rewrite)


def _rewrite_fields(
    stream: trio.abc.Stream, change: Callable[[bytes, bytes], bytes]
) -> trio.abc.Stream:
    """Return a stream that sends the header lines of final responses changed."""

    def change_lines(lines: list[bytes]) -> list[bytes]:
        split = [line.partition(b": ") for line in lines[1:]]
        return [lines[0], *(change(name, text) for name, _, text in split)]

    return _rewrite_heads(stream, change_lines)


@stream_quirk("names-in-lower-case")
def lower_names(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """Names of response headers are in lower case."""
    return _rewrite_fields(stream, lambda name, text: name.lower() + b": " + text)


@stream_quirk("names-in-upper-case")
def raise_names(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """Names of response headers are in upper case, and their values have blanks around them."""
    return _rewrite_fields(stream, lambda name, text: name.upper() + b":\t " + text + b" \t")


@stream_quirk("headers-in-reverse-order")
def reverse_headers(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """Response headers come in reverse order."""
    return _rewrite_heads(stream, lambda lines: [lines[0], *lines[:0:-1]])


@stream_quirk("empty-reason-phrases")
def empty_reason_phrases(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """Status lines have no reason phrase."""
    return _rewrite_heads(stream, lambda lines: [lines[0][:13], *lines[1:]])


@stream_quirk("head-without-content-length")
def drop_content_length_of_head(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """HEAD has no Content-Length."""
    return change_final_responses(
        stream, lambda data: data.replace(b"\r\nContent-Length: 0", b"", 1), method="HEAD"
    )


@stream_quirk("head-with-length-of-download")
def return_length_of_download(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """HEAD has the Content-Length that a download will have."""

    def change(data: bytes) -> bytes:
        length = re.search(rb"\r\nUpload-Length: (\d+)", data)
        if length is None:
            return data
        return data.replace(b"Content-Length: 0", b"Content-Length: " + length[1], 1)

    return change_final_responses(stream, change, method="HEAD")


@stream_quirk("closes-without-notice")
def close_without_notice(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """Every connection is closed after a success that does not say so."""

    async def rewrite(data: bytes) -> AsyncGenerator[bytes, None]:
        yield data
        head, end, body = data.partition(b"\r\n\r\n")
        length = [line for line in head.split(b"\r\n") if line.startswith(b"Content-Length: ")]
        whole = not length or int(length[0][16:]) == len(body)
        if end and data.startswith(b"HTTP/1.1 2") and whole:
            await stream.aclose()

    return ChangedStream(stream, rewrite)


@stream_quirk("heads-in-drips")
def drip_heads(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """Heads of responses come in pieces of 40 bytes, a millisecond apart."""

    async def rewrite(data: bytes) -> AsyncGenerator[bytes, None]:
        if not _is_final(data):
            yield data
            return
        for start in range(0, min(len(data), 600), 40):
            yield data[start : start + 40]
            await trio.sleep(0.001)
        if len(data) > 600:
            yield data[600:]

    return ChangedStream(stream, rewrite)
