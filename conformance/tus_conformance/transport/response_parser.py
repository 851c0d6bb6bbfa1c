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

from tus_conformance.transport.body_summary import MAX_KEPT_BYTES, BodySummary

# Upload-Metadata comes back whole, and a legal server may allow much of it.
MAX_HEAD_SIZE = 256 * 1024


@dataclass(frozen=True)
class ResponseHead:
    """A status line and its headers: parsed, and as the bytes stood (Latin-1)."""

    status: int
    reason: str
    version: str
    headers: tuple[tuple[str, str], ...]
    text: str


class ResponseParser:
    """What has been heard on one connection; bytes of the final body go to `sink` as well.

    `fault` says why the bytes are no HTTP/1.1 response; `raw` then holds those that are not.
    `surplus` counts bytes that came after the end of the final response.
    """

    def __init__(self, method: str, sink: Callable[[bytes], None] | None = None) -> None:
        self.interim: list[ResponseHead] = []
        self.final: ResponseHead | None = None
        self.body = BodySummary()
        self.trailers: tuple[tuple[str, str], ...] = ()
        self.complete = False
        self.error: str | None = None
        self.raw = b""
        self.surplus = 0
        self._sink = sink
        self._pending = b""
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_SIZE)
        parser_method = "HEAD" if method == "HEAD" else "GET"
        self._http.send(h11.Request(method=parser_method, target="/", headers=[("Host", "-")]))
        self._http.send(h11.EndOfMessage())

    @property
    def response_count(self) -> int:
        """Return how many responses have begun, interim and final."""
        return len(self.interim) + (self.final is not None)

    @property
    def begun(self) -> bool:
        """Return whether a final response has begun to come in, or what may be one."""
        return self.final is not None or bool(self._pending)

    @property
    def done(self) -> bool:
        """Return whether nothing more can be learnt from this connection."""
        return self.complete or self.error is not None

    def receive_data(self, data: bytes) -> list[str]:
        """Take the next bytes and return what they completed, in words."""
        if self.done:
            self.surplus += len(data)
            return []
        if self.final is None:
            self._pending += data
        self._http.receive_data(data)
        return self._read_events(data)

    def receive_eof(self) -> list[str]:
        """Take the end of the stream, which may be the end of the body."""
        if self.done:
            return []
        self._http.receive_data(b"")
        described = self._read_events(b"")
        # What h11 calls a fault here is only the sudden end: the bytes before it were sound.
        self.error = None
        self.raw = self._pending[:MAX_KEPT_BYTES]
        return described

    # A response that another reader has read, such as one of HTTP/2, is relayed piece by piece.

    def set_head(self, head: ResponseHead) -> None:
        """Take the head of a final response."""
        self.final = head

    def add_body(self, piece: bytes) -> None:
        """Take the next bytes of its body."""
        self.body.add(piece)
        if self._sink is not None:
            self._sink(piece)

    def mark_complete(self) -> None:
        """Take note that the response is whole."""
        self.complete = True

    def _read_events(self, data: bytes) -> list[str]:
        described: list[str] = []
        try:
            while (event := self._http.next_event()) is not h11.NEED_DATA:
                described += self._handle_event(event)
                if self.complete:
                    break
        except h11.RemoteProtocolError as error:
            self.error = str(error)
            self.raw = (self._pending if self.final is None else data)[:MAX_KEPT_BYTES]
        return described

    def _handle_event(self, event: object) -> list[str]:
        if isinstance(event, h11.InformationalResponse):
            self.interim.append(self._parse_head(event))
            return [_status_line(self.interim[-1])]
        if isinstance(event, h11.Response):
            self.final = self._parse_head(event)
            return [_status_line(self.final)]
        if isinstance(event, h11.Data):
            self.add_body(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            self.complete = True
            self.trailers = _decode_headers(event.headers)
            self.surplus = len(self._http.trailing_data[0])
            lines = "; ".join(f"{name}: {value}" for name, value in self.trailers)
            return [f"trailers {lines}"] if lines else []
        return []

    def _parse_head(self, event: h11.InformationalResponse | h11.Response) -> ResponseHead:
        rest = len(self._http.trailing_data[0])
        text = self._pending[: len(self._pending) - rest]
        self._pending = self._pending[len(text) :]
        return ResponseHead(
            status=event.status_code,
            reason=event.reason.decode("latin-1"),
            version=event.http_version.decode(),
            headers=_decode_headers(event.headers),
            text=text.decode("latin-1"),
        )


def parse_status(raw: bytes) -> int | None:
    """Return the status that malformed bytes begin with, if they do."""
    found = re.match(rb"HTTP/\d\.\d ([1-9]\d\d)(?=[\s]|$)", raw)
    return int(found[1]) if found else None


def _decode_headers(headers: Headers) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in headers.raw_items()
    )


def _status_line(head: ResponseHead) -> str:
    return f"{head.status} {head.reason}".rstrip()
