"""`RequestHead`: the head of a request; h11 reads any, and the common ones are read here.

    common-head = token SP 1*VCHAR SP "HTTP/1.1" CRLF 1*( field CRLF ) CRLF
    field       = token ":" SP 1*VCHAR *( SP 1*VCHAR )

With one Host, one Content-Length at most, and nothing that changes the framing or the course of
the exchange, there is nothing to decide. Such heads take a fifth of the time. h11 accepts all
of them and reads them alike, and it alone decides about the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tus_reference.model import Headers

if TYPE_CHECKING:
    from collections.abc import Iterable

    import h11

_TOKEN: Final = rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+"
_COMMON_HEAD: Final = re.compile(
    rb"(%(token)s) ([\x21-\x7e]+) HTTP/1\.1\r\n"
    rb"((?:%(token)s: [\x21-\x7e]+(?: [\x21-\x7e]+)*\r\n)+)\r\n" % {b"token": _TOKEN}
)
_LENGTH: Final = re.compile(r"[0-9]{1,19}")
_FOR_H11: Final = ("Transfer-Encoding", "Expect", "Upgrade")


@dataclass(frozen=True, slots=True)
class RequestHead:
    """The request line and the fields, and the bytes that came after them."""

    method: str
    target: str
    headers: Headers
    leftover: bytes
    version: bytes = b"1.1"
    waits_for_continue: bool = False


def read_common_head(data: bytes, most_fields: int) -> RequestHead | None:
    """Return the head at the beginning of `data`; None if h11 has to read it."""
    found = _COMMON_HEAD.match(data)
    if found is None:
        return None
    lines = found[3].decode("ascii").split("\r\n")
    lines.pop()
    if len(lines) > most_fields:
        return None
    headers = Headers([_split_field(line) for line in lines])
    host = headers.joined("Host")
    if host is None or "," in host or any(name in headers for name in _FOR_H11):
        return None
    length = headers.joined("Content-Length")
    if length is not None and not _LENGTH.fullmatch(length):
        return None
    method = found[1].decode("ascii")
    if method == "CONNECT":
        return None
    return RequestHead(method, found[2].decode("ascii"), headers, data[found.end() :])


def _split_field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(": ")
    return name, value


def convert_event(event: h11.Request, parser: h11.Connection) -> RequestHead:
    """Return the head that h11 has read."""
    return RequestHead(
        event.method.decode("ascii"),
        event.target.decode("latin-1"),
        Headers(decode_fields(event.headers)),
        parser.trailing_data[0],
        event.http_version,
        parser.they_are_waiting_for_100_continue,
    )


def decode_fields(items: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Return header fields as text, one character per byte."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in items]
