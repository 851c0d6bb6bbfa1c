"""Everything one exchange leaves behind, redacted as it comes in: the witness of its connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import trio

from tus_conformance.wire import trouble
from tus_conformance.wire.answer import Answer, Failure
from tus_conformance.wire.frames import Frames
from tus_conformance.wire.hearing import Head, Hearing, glimpse
from tus_conformance.wire.log import Log
from tus_conformance.wire.outgoing import Outgoing
from tus_conformance.wire.redaction import Redaction
from tus_conformance.wire.tally import Tally
from tus_reports.record import Body, Exchange, Response

Tier = Literal["h11", "raw", "httpx"]
Stage = Literal["nowhere", "connected", "secured"]

# How many bytes of a literal request body, and of a response body, are recorded as text.
REQUEST_TEXT = 256
RESPONSE_TEXT = 1024


class Recorder:
    """Takes down one exchange; `head` is the request's own, as it is meant to be sent.

    `stage` tells how far a new connection got; `moved` is called whenever something passes, and
    `stood` when the harness is going to wait for so many seconds. An answer that was `lost` is in
    the record alone; a connection that serves `again` was kept from another exchange.
    """

    def __init__(
        self,
        outgoing: Outgoing,
        head: bytes,
        *,
        tier: Tier,
        redaction: Redaction,
        run_began: float,
        sink: Callable[[bytes], None] | None = None,
    ) -> None:
        self._outgoing = outgoing
        self.head = head
        self._tier = tier
        self._redaction = redaction.learning(outgoing.url, outgoing.headers)
        self._sink = sink
        self._started = trio.current_time() - run_began
        self._unsent = len(head)
        self.log = Log(self._redaction.head)
        self.hearing = Hearing(outgoing.method, sink)
        self.said = Tally()
        self.failure: Failure | None = None
        self.cut = False
        self.lost = False
        self.again = False
        self.ended = False
        self.stage: Stage = "nowhere"
        self.frames: tuple[Frames, Frames] | None = None
        self.moved: Callable[[], None] = lambda: None
        self.stood: Callable[[float], None] = lambda seconds: None  # noqa: ARG005

    # As the witness of the network

    def connected(self, where: str) -> None:
        """A connection was made."""
        self.stage = "connected"
        self.log.connected(where)
        self.moved()

    def kept(self) -> None:
        """A connection is used again."""
        self.again = True
        self.log.act("over the connection that was kept")
        self.moved()

    def secured(self, version: str, protocol: str) -> None:
        """TLS was begun: what was said before, to a proxy, is no part of the exchange."""
        self.stage = "secured"
        self.log.connected(f"{version}, {protocol}")
        self.forget()
        self._unsent = len(self.head)
        if protocol == "h2":
            self.expect_frames()
        self.moved()

    def forget(self) -> None:
        """Drop what was heard so far: it was not the server who spoke."""
        self.hearing = Hearing(self._outgoing.method, self._sink)

    def expect_frames(self) -> None:
        """HTTP/2 is spoken from now on: its frames are events, and its messages are relayed."""
        self.frames = Frames(preface=True), Frames()

    def sent(self, data: bytes) -> None:
        """Bytes were handed to the network."""
        if self.frames is None:
            self.log.sent(len(data), "head" if self._unsent > 0 else "body")
            self._unsent -= len(data)
        else:
            for size, words in self.frames[0].feed(data):
                self.log.sent(size, words)
        self.moved()

    def received(self, data: bytes) -> None:
        """Bytes came in, or the end of them."""
        self.moved()
        if data and self.frames is not None:
            for size, words in self.frames[1].feed(data):
                self.log.received(size, words)
            return
        if data:
            self.log.received(len(data))
            heard = self.hearing.receive(data)
        else:
            self.ended = True
            heard = self.hearing.end()
            self.log.closed("by the server")
        if self.hearing.fault is not None and not heard:
            heard = [self.hearing.raw[:REQUEST_TEXT].decode("latin-1")]
        for words in heard:
            self.log.label(words)

    def closed(self, how: str) -> None:
        """The harness closed the connection."""
        self.log.closed(how)

    # As the clerk of the exchange

    def failed(self, failure: Failure) -> None:
        """Note why there will be no whole answer; the first reason stands."""
        if self.failure is None:
            self.failure = failure
            self.log.failed(failure.sentence)

    def conclude(self) -> None:
        """Note that nothing more will come back, and why if that is not a whole answer."""
        heard = self.hearing
        if heard.fault is not None:
            self.failed(trouble.malformed(heard.fault))
        elif self.ended and not heard.complete:
            self.failed(trouble.ended(self.said.length, begun=self.begun, reset=False))

    @property
    def begun(self) -> bool:
        """Tell whether a final response has begun to come in."""
        return self.hearing.begun

    def answer(self) -> Answer:
        """Return what has come back so far."""
        if self.lost:
            return Answer(self.exchange(), cut=True, sent=self.said.length)
        heard = self.hearing
        final = heard.final
        return Answer(
            exchange=self.exchange(),
            status=final.status if final else None,
            reason=final.reason if final else "",
            version=final.version if final else "",
            headers=final.headers if final else (),
            trailers=heard.trailers,
            interim=tuple(head.status for head in heard.interim),
            body=heard.body.kept,
            body_length=heard.body.length,
            body_sha256=heard.body.sha256,
            complete=heard.complete,
            closed=self.failure is not None and self.failure.kind in {"closed", "reset"},
            timed_out=self.failure is not None and self.failure.kind == "timeout",
            cut=self.cut,
            sent=self.said.length,
            failure=self.failure,
        )

    def exchange(self) -> Exchange:
        """Return the record of the exchange so far."""
        hide = self._redaction
        payload = self._outgoing.payload
        generated = payload.generated if payload else None
        return Exchange(
            method=self._outgoing.method,
            url=hide.text(self._outgoing.url),
            started=round(self._started, 6),
            request=hide.head(self.head.decode("latin-1")),
            body=self._body(self.said, generated, REQUEST_TEXT) if payload else None,
            interim=tuple(self._response(head) for head in self.hearing.interim),
            response=self._final(),
            events=self.log.events,
            failure=hide.text(self.failure.sentence) if self.failure else None,
            tier=self._tier,
        )

    def _final(self) -> Response | None:
        heard = self.hearing
        if heard.final is not None:
            body = self._body(heard.body, None, RESPONSE_TEXT) if heard.body.length else None
            return self._response(heard.final, body, complete=heard.complete)
        status = glimpse(heard.raw)
        if status is None:
            return None
        text = self._redaction.head(heard.raw.decode("latin-1"))
        return Response(status=status, head=text, complete=False)

    def _response(self, head: Head, body: Body | None = None, *, complete: bool = True) -> Response:
        return Response(
            status=head.status,
            head=self._redaction.head(head.text),
            headers=self._redaction.pairs(head.headers),
            body=body,
            complete=complete,
        )

    def _body(self, tally: Tally, generated: str | None, limit: int) -> Body:
        if generated is not None:
            return Body(length=tally.length, generated=generated, sha256=tally.sha256)
        # Redacted before it is shortened: half a secret is still a secret.
        text = self._redaction.head(tally.kept.decode("latin-1"))
        whole = tally.length <= limit
        return Body(
            length=tally.length,
            text=text[:limit],
            sha256=None if whole else tally.sha256,
            truncated=not whole,
        )
