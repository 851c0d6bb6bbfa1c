"""What a rule may know of a connection: each request is told in a header of its own.

A server sees requests, and nothing of the connection that they come on. So the stream puts a
header into each head as it comes in. A head that comes in pieces has it as soon as its first
line and a header are there.
"""

import itertools
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import trio

from tus_defects.changed_stream import ChangedStream
from tus_defects.rule import ConnectionMatch
from tus_defects.server import Server
from tus_reference.model import Request

HEADER = "Connection-Facts"
_HEAD = re.compile(rb"[A-Z]+ \S+ HTTP/(1\.[01])\r\n")
_FINAL = re.compile(rb"HTTP/1\.1 ([2-5][0-9][0-9])")
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,18})\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked\r\n", re.IGNORECASE)
_TUS_NAME = re.compile(rb"\r\n((?:tus|upload)-[a-z-]+):", re.IGNORECASE)
_numbers = itertools.count(1)


@dataclass(frozen=True)
class ConnectionFacts:
    """The connection of a request: its number, how many requests it had, the last status."""

    connection: int
    http: str
    requests: int
    status: str
    names: str

    def fit(self, match: ConnectionMatch) -> bool:
        """Return whether they are what a rule is about."""
        return (
            match.http in {"", self.http}
            and self.requests >= match.requests
            and match.names in {"", self.names}
            and (not match.status or re.fullmatch(match.status, self.status) is not None)
        )


def read_facts(request: Request) -> ConnectionFacts | None:
    """Return what is known of the connection of a request; None if nothing is."""
    text = request.headers.joined(HEADER)
    if text is None:
        return None
    connection, http, requests, status, names = text.split(" ")
    return ConnectionFacts(int(connection), http, int(requests), status, names)


@dataclass
class _Tagger:
    """One connection: how many bytes of a body are still to come, and what came before."""

    number: int = field(default_factory=lambda: next(_numbers))
    requests: int = 0
    status: str = "0"
    unread: int = 0
    is_chunked: bool = False

    def tag(self, data: bytes) -> bytes:
        """Return received bytes with the header, if a request begins with them."""
        head = _HEAD.match(data)
        if head is None or self.unread > 0 or self.is_chunked:
            self.unread -= len(data)
            return data
        fields, _, body = data.partition(b"\r\n\r\n")
        length = _LENGTH.search(fields + b"\r\n")
        self.unread = (int(length[1]) if length else 0) - len(body)
        self.is_chunked = _CHUNKED.search(fields + b"\r\n") is not None
        facts = (self.number, head[1].decode(), self.requests, self.status, _case_of(fields))
        self.requests += 1
        line = f"{HEADER}: {' '.join(map(str, facts))}\r\n".encode()
        return data[: head.end()] + line + data[head.end() :]

    async def watch(self, data: bytes) -> AsyncGenerator[bytes, None]:
        """Send what is sent, and remember its status."""
        final = _FINAL.match(data)
        if final is not None:
            self.status, self.is_chunked = final[1].decode(), False
        yield data


def _case_of(fields: bytes) -> str:
    names = [name.decode() for name in _TUS_NAME.findall(fields)]
    if not names or all(name == name.title() for name in names):
        return "usual"
    return "lower" if all(name.islower() for name in names) else "odd"


def tag_requests(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """Wrap the stream of a connection so that its requests tell of it."""
    tagger = _Tagger()
    return ChangedStream(stream, tagger.watch, alter=tagger.tag)
