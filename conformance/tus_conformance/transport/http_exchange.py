"""One HTTP exchange: what its connection reports becomes its state, its response and its failure.

A recorder listens, and may be absent: nothing here depends on what it writes down.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from tus_conformance.transport import failures
from tus_conformance.transport.body_summary import BodySummary
from tus_conformance.transport.exchange_state import Event, ExchangeState, Receiving, Sending
from tus_conformance.transport.http2_frames import FrameParser
from tus_conformance.transport.recorder import ExchangeRecorder, RecordedParts
from tus_conformance.transport.request import HttpRequest
from tus_conformance.transport.response import HttpResponse, NetworkFailure
from tus_conformance.transport.response_limits import ResponseClock
from tus_conformance.transport.response_parser import (
    MAX_KEPT_SURPLUS,
    ResponseHead,
    ResponseParser,
)
from tus_reports.record import Exchange

# How many bytes of what is not HTTP are an event's text.
MALFORMED_TEXT = 256


class HttpExchange:
    """Observes the connection of one request; `head` is the request's own, as it is to be sent.

    `on_progress` is called whenever bytes pass, and `on_stall` when the harness is going to wait
    for so many seconds. `recorder` is None for an exchange that leaves no record. `timeout`, in
    seconds, is what the limits of the response are counted in.
    """

    def __init__(
        self,
        http_request: HttpRequest,
        head: bytes,
        recorder: ExchangeRecorder | None = None,
        sink: Callable[[bytes], None] | None = None,
        timeout: float = math.inf,
    ) -> None:
        self._http_request = http_request
        self.head = head
        self._recorder = recorder
        self._sink = sink
        self._head_left = len(head)
        self.state = ExchangeState()
        self.parser = self._new_parser()
        self.stray = b""
        self.clock = ResponseClock(timeout)
        self.sent_body = BodySummary()
        self.failure: NetworkFailure | None = None
        self.frames: tuple[FrameParser, FrameParser] | None = None
        self.on_progress: Callable[[], None] = lambda: None
        self.on_stall: Callable[[float], None] = lambda seconds: None  # noqa: ARG005

    # As the observer of the connection

    def on_connect(self, where: str) -> None:
        """A connection was made."""
        self.state.handle(Event.CONNECT)
        if self._recorder is not None:
            self._recorder.log.add_connect(where)
        self.on_progress()

    def on_reuse(self) -> None:
        """A connection is used again."""
        self.state.handle(Event.REUSE)
        self.record_action("over the persistent connection")
        self.on_progress()

    def on_stray(self, data: bytes) -> None:
        """Bytes followed the previous response on the persistent connection."""
        self.stray = data[:MAX_KEPT_SURPLUS]
        text = self.stray.decode("latin-1")
        self.record_action(f"closed the persistent connection: it had more bytes to read: {text}")

    def on_tls(self, version: str, protocol: str) -> None:
        """TLS was begun: what a proxy received before is not part of the exchange."""
        self.state.handle(Event.TLS)
        if self._recorder is not None:
            self._recorder.log.add_connect(f"{version}, {protocol}")
        self.discard_response()
        self._head_left = len(self.head)
        if protocol == "h2":
            self.expect_http2_frames()
        self.on_progress()

    def on_sent(self, data: bytes) -> None:
        """Bytes were handed to the network."""
        if self.frames is None:
            parts = [(len(data), "head" if self._head_left > 0 else "body")]
            self._head_left -= len(data)
        else:
            parts = list(self.frames[0].feed(data))
        if self._recorder is not None:
            for size, description in parts:
                self._recorder.log.add_sent(size, description)
        self.on_progress()

    def on_received(self, data: bytes) -> None:
        """Bytes came in, or the end of them."""
        if data and self.frames is not None:
            self.clock.on_received(begun=self.parser.final is not None)
            self.on_progress()
            parts = list(self.frames[1].feed(data))
            if self._recorder is not None:
                for size, description in parts:
                    self._recorder.log.add_received(size, description)
            return
        parsed = self.parser.receive_data(data) if data else self.parser.receive_eof()
        self._update_receiving()
        self.clock.on_received(begun=self.response_begun)
        self.on_progress()
        if not data:
            self.state.handle(Event.END_RECEIVED)
        if self.parser.error is not None and not parsed:
            parsed = [self.parser.raw[:MALFORMED_TEXT].decode("latin-1")]
        if self._recorder is not None:
            if data:
                self._recorder.log.add_received(len(data))
            else:
                self._recorder.log.add_close("by the server")
            for description in parsed:
                self._recorder.log.label(description)

    def on_close(self, how: str) -> None:
        """The harness closed the connection."""
        if self._recorder is not None:
            self._recorder.log.add_close(how)

    # A response that another reader has read, such as one of HTTP/2, is relayed piece by piece.

    def expect_http2_frames(self) -> None:
        """HTTP/2 is spoken from now on: its frames are events, and its messages are relayed."""
        self.frames = FrameParser(preface=True), FrameParser()

    def set_head(self, head: ResponseHead) -> None:
        """Take the head of a final response."""
        self.parser.set_head(head)
        self._update_receiving()

    def mark_complete(self) -> None:
        """Take note that the relayed response is whole."""
        self.parser.mark_complete()
        self._update_receiving()

    def discard_response(self) -> None:
        """Drop what was received so far: it was not the server who spoke."""
        self.parser = self._new_parser()
        self.state.handle(Event.DISCARDED)

    def _new_parser(self) -> ResponseParser:
        return ResponseParser(
            self._http_request.method, self._sink, self._http_request.max_response
        )

    def _update_receiving(self) -> None:
        if self.parser.error is not None:
            self.state.handle(Event.RESPONSE_MALFORMED)
        elif self.parser.complete:
            self.state.handle(Event.RESPONSE_COMPLETE)
        elif self.parser.final is not None:
            self.state.handle(Event.HEAD_RECEIVED)

    # What the harness does and finds

    def start_sending(self) -> None:
        """Let the bytes that follow make an event of their own."""
        if self._recorder is not None:
            self._recorder.log.start_new_event()

    def record_action(self, text: str) -> None:
        """Report what the harness does of its own accord."""
        if self._recorder is not None:
            self._recorder.log.add_act(text)

    def record_write_error(self, error: object) -> None:
        """Report that the server receives no more, which alone is not a failure."""
        self.state.handle(Event.WRITE_CLOSED)
        if self._recorder is not None:
            self._recorder.log.add_failure(f"writing: {error}")

    def fail(self, failure: NetworkFailure) -> None:
        """Note why there will be no whole response; the first reason stands."""
        if self.failure is None:
            self.failure = failure
            if self._recorder is not None:
                self._recorder.log.add_failure(failure.message)

    def conclude(self) -> None:
        """Note that nothing more will come back, and why if that is not a whole response."""
        if self.parser.error is not None and self.parser.over_limit:
            self.fail(failures.response_too_large(self.parser.error))
        elif self.parser.error is not None:
            self.fail(failures.malformed_response(self.parser.error))
        elif self.state.receiving is Receiving.ENDED:
            self.fail(
                failures.connection_lost(
                    self.sent_body.length, begun=self.response_begun, reset=False
                )
            )

    @property
    def response_begun(self) -> bool:
        """Return whether a final response has begun to come in, or what may be one."""
        return self.parser.begun

    def http_response(self) -> HttpResponse:
        """Return what has come back so far."""
        if self.state.receiving is Receiving.DROPPED:
            return HttpResponse(self._exchange(), cut=True, sent=self.sent_body.length)
        parsed = self.parser
        final = parsed.final
        return HttpResponse(
            exchange=self._exchange(),
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
            timed_out=self.failure is not None and self.failure.kind in {"timeout", "endless"},
            cut=self.state.sending is Sending.CUT,
            sent=self.sent_body.length,
            failure=self.failure,
            surplus=parsed.surplus_bytes,
            stray=self.stray,
        )

    def _exchange(self) -> Exchange:
        if self._recorder is None:
            method, url = self._http_request.method, self._http_request.url
            return Exchange(method=method, url=url, at=0.0, request_head="")
        return self._recorder.exchange(
            RecordedParts(self.head, self.sent_body, self.parser, self.failure)
        )
