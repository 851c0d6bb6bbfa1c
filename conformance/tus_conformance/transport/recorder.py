"""The record of one exchange, redacted as it comes in. It listens, and decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import trio

from tus_conformance.transport.body_summary import BodySummary
from tus_conformance.transport.event_log import EventLog
from tus_conformance.transport.redaction import Redaction
from tus_conformance.transport.request import HttpRequest
from tus_conformance.transport.response import NetworkFailure
from tus_conformance.transport.response_parser import ResponseHead, ResponseParser, parse_status
from tus_reports.record import Exchange, RecordedBody, RecordedResponse

Tier = Literal["h11", "raw", "httpx"]

# How many bytes of a literal request body, and of a response body, are recorded as text.
REQUEST_TEXT = 256
RESPONSE_TEXT = 1024
MAX_HEAD = 16384
"""How many characters of a head are recorded; a legal one with metadata is far below that."""
MAX_FIELDS, MAX_FIELD = 200, 8192
"""How many header fields are recorded apart from the head, and how much of each."""


@dataclass(frozen=True)
class RecordedParts:
    """What an exchange has come to so far: the head and body as sent, and what came back."""

    head: bytes
    sent_body: BodySummary
    parser: ResponseParser
    failure: NetworkFailure | None


class ExchangeRecorder:
    """Keeps the events of one exchange in `log`, and makes the record of it.

    `run_began` is when the run began, in seconds of trio's clock.
    """

    def __init__(
        self, http_request: HttpRequest, *, tier: Tier, redaction: Redaction, run_began: float
    ) -> None:
        self._http_request = http_request
        self._tier = tier
        self._redaction = redaction.with_request_secrets(http_request.url, http_request.headers)
        self._started = trio.current_time() - run_began
        self.log = EventLog(self._redaction.redact_head)

    def exchange(self, parts: RecordedParts) -> Exchange:
        """Return the record of the exchange so far."""
        redaction = self._redaction
        payload = self._http_request.payload
        generated = payload.generated if payload else None
        return Exchange(
            method=self._http_request.method,
            url=redaction.redact_text(self._http_request.url),
            at=round(self._started, 6),
            request_head=redaction.redact_head(parts.head.decode("latin-1")),
            body=self._body(parts.sent_body, generated, REQUEST_TEXT) if payload else None,
            interim_responses=tuple(self._response(head) for head in parts.parser.interim),
            response=self._final_response(parts.parser),
            events=self.log.events,
            failure=redaction.redact_text(parts.failure.message) if parts.failure else None,
            transport=self._tier,
        )

    def _final_response(self, parsed: ResponseParser) -> RecordedResponse | None:
        if parsed.final is not None:
            body = self._body(parsed.body, None, RESPONSE_TEXT) if parsed.body.length else None
            return self._response(parsed.final, body, complete=parsed.complete)
        status = parse_status(parsed.raw)
        if status is None:
            return None
        text = self._redaction.redact_head(parsed.raw.decode("latin-1"))
        return RecordedResponse(status=status, head=_shorten_head(text), complete=False)

    def _response(
        self, head: ResponseHead, body: RecordedBody | None = None, *, complete: bool = True
    ) -> RecordedResponse:
        text = self._redaction.redact_head(head.text)
        return RecordedResponse(
            status=head.status,
            head=_shorten_head(text),
            headers=tuple(
                (name[:MAX_FIELD], value[:MAX_FIELD])
                for name, value in self._redaction.redact_headers(head.headers[:MAX_FIELDS])
            ),
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


def _shorten_head(text: str) -> str:
    if len(text) <= MAX_HEAD:
        return text
    return f"{text[:MAX_HEAD]}\r\n[{len(text) - MAX_HEAD} more characters]\r\n\r\n"
