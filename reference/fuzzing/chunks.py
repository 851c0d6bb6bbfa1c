"""Chunked bodies: a decoder of our own says which bytes arrived, and no more may be stored."""

# Tables of many values take fewer lines as sums of lists.
# ruff: noqa: RUF005

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from fuzzing.exchange import RuleBroken, split
from fuzzing.requests import CONTENT, new_server

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD = (
    b"PATCH /files/deferred HTTP/1.1\r\nHost: tus.test\r\nTus-Resumable: 1.0.0\r\n"
    b"Content-Type: application/offset+octet-stream\r\nUpload-Offset: 2\r\n"
    b"Transfer-Encoding: chunked\r\n"
)
BEHIND = b"DELETE /files/complete HTTP/1.1\r\nHost: tus.test\r\nTus-Resumable: 1.0.0\r\n\r\n"

# RFC 9112, 7.1: chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF. A bare CR in an extension
# may count as a space, and a line of the trailers may end with LF alone (2.2).
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,20})[ \t]*(?:;[^\n]*)?\r\n")
_END = re.compile(rb"0{1,20}[ \t]*(?:;[^\n]*)?\r\n(?:[!-9;-~]+:[^\r\n]*\r?\n)*\r?\n")


@dataclass(frozen=True)
class ChunkedExample:
    """The bytes of a body in chunks, perhaps malformed; `fields` come before them."""

    body: bytes
    fields: bytes = b""


_SIZES = st.sampled_from(
    [
        "{:x}",
        "{:X}",
        "0{:x}",
        "{:x} ",
        "{:x};a=b",
        '{:x};a="b"',
        "-{:x}",
        "+{:x}",
        "0x{:x}",
        " {:x}",
    ]
    + ["{:x}\t", "{:x};", "{:x}0", "{:x}\n", "", "fffffffffffffffff{:x}", "{:x}_0", "{:x};\xff"]
    + ["7fffffffffffffff", "ffffffffffffffff", "0000000000000000{:x}"]
)
_ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"", b"\r\r\n", b"x\r\n", b"\r"])


@st.composite
def _chunks(draw: st.DrawFn, *, well_formed: bool) -> bytes:
    data = CONTENT * 30
    data = data[: draw(st.integers(1, 200))]
    if well_formed:
        return b"%x\r\n%s\r\n" % (len(data), data)
    size = draw(_SIZES).format(len(data)).encode("latin-1")
    return size + draw(_ENDS) + data + draw(_ENDS)


@st.composite
def chunked_examples(draw: st.DrawFn) -> ChunkedExample:
    """Return bodies that are mostly well-formed, with one odd chunk, trailer or end perhaps."""
    parts = draw(st.lists(_chunks(well_formed=True), max_size=4))
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), draw(_chunks(well_formed=False)))
    trailers = draw(
        st.sampled_from(
            [
                b"",
                b"X: y\r\n",
                b"Upload-Checksum: sha1 AAAA\r\n",
                b"X:\r\n",
                b"x y: z\r\n",
                b":\r\n",
            ]
            + [
                b"Content-Length: 5\r\n",
                b"X: " + b"y" * 70_000 + b"\r\n",
                b"X: y\n",
                b"\x00: y\r\n",
            ]
        )
    )
    end = draw(
        st.sampled_from([b"0\r\n", b"0\r\n", b"000\r\n", b"0;x\r\n", b"0\n", b"-0\r\n", b""])
    )
    last = draw(st.sampled_from([b"\r\n", b"\r\n", b"\n", b"", b"\r\n\r\n"]))
    fields = draw(
        st.sampled_from([b"", b"", b"Trailer: Upload-Checksum\r\n", b"Content-Length: 3\r\n"])
    )
    return ChunkedExample(b"".join(parts) + end + trailers + last, fields)


def decode(body: bytes) -> tuple[bytes, bool]:
    """Return the bytes that a chunked body has, and whether it comes to a proper end."""
    data = b""
    while True:
        if _END.match(body):
            return data, True
        chunk = _CHUNK.match(body)
        size = 0 if chunk is None else int(chunk[1], 16)
        if chunk is None or not size:
            return data, False
        body = body[chunk.end() :]
        data += body[:size]
        if body[size : size + 2] != b"\r\n":
            return data, False
        body = body[size + 2 :]


async def check_chunks(example: ChunkedExample, cuts: Sequence[int]) -> None:
    """Send a body with a DELETE behind it; raise `RuleBroken` if a rule does not hold.

    The rules: what is stored is a prefix of what a strict decoder finds, and all of it after 204;
    a malformed body is never answered 204; nothing behind a malformed body is carried out.
    """
    server = await new_server()
    data = HEAD + example.fields + b"\r\n" + example.body + BEHIND
    statuses = await server.exchange(split(data, cuts))
    wanted, is_whole = decode(example.body + BEHIND)
    contents = server.store._data  # type: ignore[attr-defined]  # noqa: SLF001
    stored = bytes(contents["deferred"])[2:]
    if not wanted.startswith(stored):
        raise RuleBroken(f"{stored!r} was stored of {wanted!r}")
    if not is_whole and ("complete" not in contents or 204 in statuses):
        raise RuleBroken(f"a malformed body was answered {statuses}")
    if statuses[:1] == [204] and stored != wanted:
        raise RuleBroken(f"204 for {wanted!r}, and {stored!r} is stored")
