"""Makes responses of the bytes that come in over HTTP/1.1: interim ones, then the final one.

h11 reads; a stand-in request of the same framing tells it what to expect, so that the real request
may be anything, malformed or half sent. Nothing here touches the network.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import h11
from h11._headers import Headers

from tus_conformance.wire.tally import KEPT, Tally

# Upload-Metadata comes back whole, and a legal server may allow much of it.
LONGEST_HEAD = 256 * 1024


@dataclass(frozen=True)
class Head:
    """A status line and its headers: parsed, and as the bytes stood (Latin-1)."""

    status: int
    reason: str
    version: str
    headers: tuple[tuple[str, str], ...]
    text: str


class Hearing:
    """What has been heard on one connection; bytes of the final body go to `sink` as well.

    `fault` says why the bytes are no HTTP/1.1 response; `raw` then holds those that are not.
    `surplus` counts bytes that came after the end of the final response.
    """

    def __init__(self, method: str, sink: Callable[[bytes], None] | None = None) -> None:
        self.interim: list[Head] = []
        self.final: Head | None = None
        self.body = Tally()
        self.trailers: tuple[tuple[str, str], ...] = ()
        self.complete = False
        self.fault: str | None = None
        self.raw = b""
        self.surplus = 0
        self._sink = sink
        self._pending = b""
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
        stand_in = "HEAD" if method == "HEAD" else "GET"
        self._http.send(h11.Request(method=stand_in, target="/", headers=[("Host", "-")]))
        self._http.send(h11.EndOfMessage())

    @property
    def heads(self) -> int:
        """Return how many responses have begun, interim and final."""
        return len(self.interim) + (self.final is not None)

    @property
    def begun(self) -> bool:
        """Tell whether a final response has begun to come in, or what may be one."""
        return self.final is not None or bool(self._pending)

    @property
    def over(self) -> bool:
        """Tell whether nothing more can be learnt from this connection."""
        return self.complete or self.fault is not None

    def receive(self, data: bytes) -> list[str]:
        """Take the next bytes and return what they completed, in words."""
        if self.over:
            self.surplus += len(data)
            return []
        if self.final is None:
            self._pending += data
        self._http.receive_data(data)
        return self._events(data)

    def end(self) -> list[str]:
        """Take the end of the stream, which may be the end of the body."""
        if self.over:
            return []
        self._http.receive_data(b"")
        heard = self._events(b"")
        # What h11 calls a fault here is only the sudden end: the bytes before it were sound.
        self.fault = None
        self.raw = self._pending[:KEPT]
        return heard

    # A response that another reader has read, such as one of HTTP/2, is relayed piece by piece.

    def begin(self, head: Head) -> None:
        """Take the head of a final response."""
        self.final = head

    def add(self, piece: bytes) -> None:
        """Take the next bytes of its body."""
        self.body.add(piece)
        if self._sink is not None:
            self._sink(piece)

    def finish(self) -> None:
        """Take note that the response is whole."""
        self.complete = True

    def _events(self, data: bytes) -> list[str]:
        heard: list[str] = []
        try:
            while (event := self._http.next_event()) is not h11.NEED_DATA:
                heard += self._take(event)
                if self.complete:
                    break
        except h11.RemoteProtocolError as error:
            self.fault = str(error)
            self.raw = (self._pending if self.final is None else data)[:KEPT]
        return heard

    def _take(self, event: object) -> list[str]:
        if isinstance(event, h11.InformationalResponse):
            self.interim.append(self._head(event))
            return [_status_line(self.interim[-1])]
        if isinstance(event, h11.Response):
            self.final = self._head(event)
            return [_status_line(self.final)]
        if isinstance(event, h11.Data):
            self.add(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            self.complete = True
            self.trailers = _pairs(event.headers)
            self.surplus = len(self._http.trailing_data[0])
            lines = "; ".join(f"{name}: {value}" for name, value in self.trailers)
            return [f"trailers {lines}"] if lines else []
        return []

    def _head(self, event: h11.InformationalResponse | h11.Response) -> Head:
        rest = len(self._http.trailing_data[0])
        text = self._pending[: len(self._pending) - rest]
        self._pending = self._pending[len(text) :]
        return Head(
            status=event.status_code,
            reason=event.reason.decode("latin-1"),
            version=event.http_version.decode(),
            headers=_pairs(event.headers),
            text=text.decode("latin-1"),
        )


def glimpse(raw: bytes) -> int | None:
    """Return the status that malformed bytes begin with, if they do."""
    found = re.match(rb"HTTP/\d\.\d ([1-9]\d\d)(?=[\s]|$)", raw)
    return int(found[1]) if found else None


def _pairs(headers: Headers) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in headers.raw_items()
    )


def _status_line(head: Head) -> str:
    return f"{head.status} {head.reason}".rstrip()
