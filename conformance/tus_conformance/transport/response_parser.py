"""Makes responses of the bytes that come in over HTTP/1.1: interim ones, then the final one.

h11 reads; a request of the same framing lets it expect the right response, so that the real one
may be anything, malformed or half sent. Nothing here touches the network.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import h11
from h11._headers import Headers

from tus_conformance.transport.body_summary import MAX_KEPT_BYTES, BodySummary
from tus_conformance.transport.content_coding import CodingError, ContentDecoder, decoder_for
from tus_conformance.transport.header_values import header_value
from tus_conformance.transport.response_limits import MAX_BODY_SIZE, MAX_HEAD_SIZE, MAX_INTERIM

MAX_KEPT_SURPLUS = 256
"""How many of the bytes that follow a response are recorded."""


@dataclass(frozen=True)
class ResponseHead:
    """A status line and its headers: parsed, and as the bytes stood (Latin-1)."""

    status: int
    reason: str
    version: str
    headers: tuple[tuple[str, str], ...]
    text: str


class ResponseParser:
    """What was received on one connection; bytes of the final body go to `sink` as well.

    `error` says why the bytes are no HTTP/1.1 response; `raw` then holds those that are not.
    `over_limit` says that it is nothing but too much. `surplus` counts bytes that came after the
    end of the final response, and `surplus_bytes` are the first of them. `max_body` is in bytes.
    """

    def __init__(
        self,
        method: str,
        sink: Callable[[bytes], None] | None = None,
        max_body: int = MAX_BODY_SIZE,
    ) -> None:
        self.interim: list[ResponseHead] = []
        self.final: ResponseHead | None = None
        self.body = BodySummary()
        self.trailers: tuple[tuple[str, str], ...] = ()
        self.complete = False
        self.error: str | None = None
        self.raw = b""
        self.over_limit = False
        self.surplus = 0
        self.surplus_bytes = b""
        self._max_body = max_body
        self._decoder: ContentDecoder | None = None
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
            return self._add_surplus(data) if self.complete else []
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
        coding = header_value(head.headers, "Content-Encoding")
        self._decoder = decoder_for(coding) if coding is not None else None

    def add_body(self, piece: bytes) -> None:
        """Take the next bytes of its body, and undo their coding."""
        try:
            for decoded in (piece,) if self._decoder is None else self._decoder.decode(piece):
                self.body.add(decoded)
                if self.body.length > self._max_body:
                    self._exceed(f"a body of more than {self._max_body} bytes")
                    return
                if self._sink is not None:
                    self._sink(decoded)
        except CodingError as error:
            self.error = str(error)

    def mark_complete(self) -> None:
        """Take note that the response is whole."""
        self.complete = True

    def _add_surplus(self, data: bytes) -> list[str]:
        """Count bytes after the end of the response; name them where they are the first."""
        first = not self.surplus
        self.surplus += len(data)
        self.surplus_bytes += data[: MAX_KEPT_SURPLUS - len(self.surplus_bytes)]
        text = data[:MAX_KEPT_SURPLUS].decode("latin-1")
        return [f"after the end of the response: {text}"] if first and data else []

    def _exceed(self, what: str) -> None:
        """Stop reading a response that is too large."""
        self.error, self.over_limit = what, True

    def _read_events(self, data: bytes) -> list[str]:
        described: list[str] = []
        try:
            while (event := self._http.next_event()) is not h11.NEED_DATA:
                described += self._handle_event(event)
                if self.done:
                    break
        # h11 lets int() refuse a Content-Length of thousands of digits.
        except (h11.RemoteProtocolError, ValueError) as error:
            if len(self._pending) > MAX_HEAD_SIZE and self.final is None:
                self._exceed(f"a head of more than {MAX_HEAD_SIZE} bytes")
            else:
                self.error = str(error)
            self.raw = (self._pending if self.final is None else data)[:MAX_KEPT_BYTES]
        return described

    def _handle_event(self, event: object) -> list[str]:
        if isinstance(event, h11.InformationalResponse):
            self.interim.append(self._parse_head(event))
            if len(self.interim) >= MAX_INTERIM:
                self._exceed(f"{MAX_INTERIM} interim responses")
            return [_status_line(self.interim[-1])]
        if isinstance(event, h11.Response):
            head = self._parse_head(event)
            self.set_head(head)
            return [_status_line(head)]
        if isinstance(event, h11.Data):
            self.add_body(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            self.complete = True
            self.trailers = _decode_headers(event.headers)
            surplus = self._add_surplus(self._http.trailing_data[0])
            lines = "; ".join(f"{name}: {value}" for name, value in self.trailers)
            return [f"trailers {lines}", *surplus] if lines else surplus
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
