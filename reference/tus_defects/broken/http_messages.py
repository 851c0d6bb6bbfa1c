"""Defects of the HTTP messages beneath: framing, and bytes that belong to no message (HTTP)."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator

import trio

from tus_defects.changed_stream import ChangedStream, change_final_responses
from tus_defects.server import Server
from tus_defects.variant import stream_defect

_HEAD_END = b"\r\n\r\n"


def _add_surplus(data: bytes) -> bytes:
    return data + b"surplus"


@stream_defect("content-after-head", "http.head.no-body", client=True)
def send_content_after_head(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """The response to a HEAD is followed by content."""
    return change_final_responses(stream, _add_surplus, method="HEAD")


@stream_defect("204-with-content", "http.204.no-content", client=True)
def send_content_after_204(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """A 204 is followed by content."""
    return change_final_responses(stream, _add_surplus, status="204")


@stream_defect("204-with-length", "http.204.no-framing", client=True)
def state_length_of_204(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """A 204 has Content-Length: 0."""
    return change_final_responses(
        stream, lambda data: _add_header(data, b"Content-Length: 0"), status="204"
    )


@stream_defect("bytes-after-creation", "http.response.length", client=True)
def send_bytes_after_creation(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """Bytes that no header counts follow the response to a creation."""
    return change_final_responses(stream, _add_surplus, status="201")


@stream_defect("length-of-creation-too-high", "http.response.length", client=True)
def overstate_length_of_creation(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """The response to a creation promises nine bytes that never come."""
    return change_final_responses(
        stream,
        lambda data: data.replace(b"Content-Length: 0", b"Content-Length: 9", 1),
        status="201",
    )


@stream_defect("creation-with-two-framings", "http.response.one-length", client=True)
def send_two_framings(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """The response to a creation has Content-Length and Transfer-Encoding."""
    return change_final_responses(
        stream,
        lambda data: _add_header(data, b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
        status="201",
    )


@stream_defect("header-line-without-colon", "http.response.valid", client=True)
def send_line_without_colon(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """The response to a DELETE has a header line without a colon."""
    return change_final_responses(
        stream, lambda data: _add_header(data, b"deleted and gone"), method="DELETE"
    )


@stream_defect("rejected-body-is-next-request", "http.request.body-consumed", client=True)
def read_rejected_body_as_request(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """The body of a PATCH with another media type is read as the next request."""

    def forget_length(data: bytes) -> bytes:
        head, end, rest = data.partition(_HEAD_END)
        media_type = re.search(rb"(?im)^content-type: *(.*?)\r?$", head)
        if not head.startswith(b"PATCH ") or not end or media_type is None:
            return data
        if media_type[1] == b"application/offset+octet-stream":
            return data
        return re.sub(rb"(?i)\r\ncontent-length: *\d+", b"", head) + end + rest

    return ChangedStream(stream, alter=forget_length)


@stream_defect("header-lines-never-end", "http.response.ends", client=True)
def send_header_lines_forever(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """The response to a DELETE has a header line a second, without end."""
    is_delete = False

    async def receive(data: bytes) -> None:
        nonlocal is_delete
        is_delete = data.startswith(b"DELETE ")

    async def rewrite(data: bytes) -> AsyncGenerator[bytes, None]:
        if not is_delete:
            yield data
            return
        yield data.partition(b"\r\n")[0] + b"\r\n"
        while True:
            yield b"X-Wait: 1\r\n"
            await trio.sleep(1)

    return ChangedStream(stream, rewrite, receive)


def _add_header(data: bytes, line: bytes) -> bytes:
    head, end, rest = data.partition(_HEAD_END)
    return head + b"\r\n" + line + end + rest
