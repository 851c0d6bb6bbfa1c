"""Everything one exchange leaves behind, redacted as it comes in: the witness of its connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import trio

from tus_conformance.transport import failures
from tus_conformance.transport.body_summary import BodySummary
from tus_conformance.transport.event_log import EventLog
from tus_conformance.transport.http2_frames import FrameParser
from tus_conformance.transport.redaction import Redaction
from tus_conformance.transport.request import HttpRequest
from tus_conformance.transport.response import HttpResponse, NetworkFailure
from tus_conformance.transport.response_parser import ResponseHead, ResponseParser, parse_status
from tus_reports.record import Exchange, RecordedBody, RecordedResponse

Tier = Literal["h11", "raw", "httpx"]
ConnectionStage = Literal["unconnected", "connected", "secured"]

# How many bytes of a literal request body, and of a response body, are recorded as text.
REQUEST_TEXT = 256
RESPONSE_TEXT = 1024


class ExchangeRecorder:
    """Takes down one exchange; `head` is the request's own, as it is meant to be sent.

    `stage` tells how far a new connection got; `moved` is called whenever something passes, and
    `stood` when the harness is going to wait for so many seconds. An answer that was `lost` is in
    the record alone; a connection that serves `again` was kept from another exchange.
    """

    def __init__(
        self,
        http_request: HttpRequest,
        head: bytes,
        *,
        tier: Tier,
        redaction: Redaction,
        run_began: float,
        sink: Callable[[bytes], None] | None = None,
    ) -> None:
        self._http_request = http_request
        self.head = head
        self._tier = tier
        self._redaction = redaction.with_request_secrets(http_request.url, http_request.headers)
        self._sink = sink
        self._started = trio.current_time() - run_began
        self._unsent = len(head)
        self.log = EventLog(self._redaction.redact_head)
        self.parser = ResponseParser(http_request.method, sink)
        self.sent_body = BodySummary()
        self.failure: NetworkFailure | None = None
        self.cut = False
        self.response_dropped = False
        self.reused = False
        self.eof_received = False
        self.stage: ConnectionStage = "unconnected"
        self.frames: tuple[FrameParser, FrameParser] | None = None
        self.on_progress: Callable[[], None] = lambda: None
        self.on_stall: Callable[[float], None] = lambda seconds: None  # noqa: ARG005

    # As the witness of the network

    def on_connect(self, where: str) -> None:
        """A connection was made."""
        self.stage = "connected"
        self.log.add_connect(where)
        self.on_progress()

    def on_reuse(self) -> None:
        """A connection is used again."""
        self.reused = True
        self.log.add_act("over the persistent connection")
        self.on_progress()

    def on_tls(self, version: str, protocol: str) -> None:
        """TLS was begun: what was said before, to a proxy, is no part of the exchange."""
        self.stage = "secured"
        self.log.add_connect(f"{version}, {protocol}")
        self.discard_response()
        self._unsent = len(self.head)
        if protocol == "h2":
            self.expect_http2_frames()
        self.on_progress()

    def discard_response(self) -> None:
        """Drop what was heard so far: it was not the server who spoke."""
        self.parser = ResponseParser(self._http_request.method, self._sink)

    def expect_http2_frames(self) -> None:
        """HTTP/2 is spoken from now on: its frames are events, and its messages are relayed."""
        self.frames = FrameParser(preface=True), FrameParser()

    def on_sent(self, data: bytes) -> None:
        """Bytes were handed to the network."""
        if self.frames is None:
            self.log.add_sent(len(data), "head" if self._unsent > 0 else "body")
            self._unsent -= len(data)
        else:
            for size, description in self.frames[0].feed(data):
                self.log.add_sent(size, description)
        self.on_progress()

    def on_received(self, data: bytes) -> None:
        """Bytes came in, or the end of them."""
        self.on_progress()
        if data and self.frames is not None:
            for size, description in self.frames[1].feed(data):
                self.log.add_received(size, description)
            return
        if data:
            self.log.add_received(len(data))
            parsed = self.parser.receive_data(data)
        else:
            self.eof_received = True
            parsed = self.parser.receive_eof()
            self.log.add_close("by the server")
        if self.parser.error is not None and not parsed:
            parsed = [self.parser.raw[:REQUEST_TEXT].decode("latin-1")]
        for description in parsed:
            self.log.label(description)

    def on_close(self, how: str) -> None:
        """The harness closed the connection."""
        self.log.add_close(how)

    # As the clerk of the exchange

    def fail(self, failure: NetworkFailure) -> None:
        """Note why there will be no whole answer; the first reason stands."""
        if self.failure is None:
            self.failure = failure
            self.log.add_failure(failure.message)

    def conclude(self) -> None:
        """Note that nothing more will come back, and why if that is not a whole answer."""
        parsed = self.parser
        if parsed.error is not None:
            self.fail(failures.malformed_response(parsed.error))
        elif self.eof_received and not parsed.complete:
            self.fail(
                failures.connection_lost(
                    self.sent_body.length, begun=self.response_begun, reset=False
                )
            )

    @property
    def response_begun(self) -> bool:
        """Tell whether a final response has begun to come in."""
        return self.parser.begun

    def http_response(self) -> HttpResponse:
        """Return what has come back so far."""
        if self.response_dropped:
            return HttpResponse(self.exchange(), cut=True, sent=self.sent_body.length)
        parsed = self.parser
        final = parsed.final
        return HttpResponse(
            exchange=self.exchange(),
            status=final.status if final else None,
            reason=final.reason if final else "",
            version=final.version if final else "",
            headers=final.headers if final else (),
            trailers=parsed.trailers,
            interim=tuple(head.status for head in parsed.interim),
            body=parsed.body.first_bytes,
            body_length=parsed.body.length,
            body_sha256=parsed.body.sha256,
            complete=parsed.complete,
            closed=self.failure is not None and self.failure.kind in {"closed", "reset"},
            timed_out=self.failure is not None and self.failure.kind == "timeout",
            cut=self.cut,
            sent=self.sent_body.length,
            failure=self.failure,
        )

    def exchange(self) -> Exchange:
        """Return the record of the exchange so far."""
        redaction = self._redaction
        payload = self._http_request.payload
        generated = payload.generated if payload else None
        return Exchange(
            method=self._http_request.method,
            url=redaction.redact_text(self._http_request.url),
            at=round(self._started, 6),
            request_head=redaction.redact_head(self.head.decode("latin-1")),
            body=self._body(self.sent_body, generated, REQUEST_TEXT) if payload else None,
            interim_responses=tuple(self._response(head) for head in self.parser.interim),
            response=self._final_response(),
            events=self.log.events,
            failure=redaction.redact_text(self.failure.message) if self.failure else None,
            transport=self._tier,
        )

    def _final_response(self) -> RecordedResponse | None:
        parsed = self.parser
        if parsed.final is not None:
            body = self._body(parsed.body, None, RESPONSE_TEXT) if parsed.body.length else None
            return self._response(parsed.final, body, complete=parsed.complete)
        status = parse_status(parsed.raw)
        if status is None:
            return None
        text = self._redaction.redact_head(parsed.raw.decode("latin-1"))
        return RecordedResponse(status=status, head=text, complete=False)

    def _response(
        self, head: ResponseHead, body: RecordedBody | None = None, *, complete: bool = True
    ) -> RecordedResponse:
        return RecordedResponse(
            status=head.status,
            head=self._redaction.redact_head(head.text),
            headers=self._redaction.redact_headers(head.headers),
            body=body,
            complete=complete,
        )

    def _body(self, summary: BodySummary, generated: str | None, limit: int) -> RecordedBody:
        if generated is not None:
            return RecordedBody(size=summary.length, generator=generated, sha256=summary.sha256)
        # Redacted before it is shortened: half a secret is still a secret.
        text = self._redaction.redact_head(summary.first_bytes.decode("latin-1"))
        whole = summary.length <= limit
        return RecordedBody(
            size=summary.length,
            text=text[:limit],
            sha256=None if whole else summary.sha256,
            truncated=not whole,
        )
