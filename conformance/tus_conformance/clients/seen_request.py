"""What a scripted server saw of a client: its requests, and the uploads that they were about."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

from tus_conformance.transport import Redaction
from tus_reports import ConnectionEvent, Exchange, RecordedBody, RecordedResponse

HeaderPairs = tuple[tuple[str, str], ...]

CLIENT_REDACTION = Redaction(parameters=frozenset())
"""What is secret in the requests of a client: credentials in headers.

Query parameters are those of situations, whose Location must be readable in the report.
"""

_MAX_SHOWN_BODY = 200


def values_of(headers: HeaderPairs, name: str) -> list[str]:
    """Return every value of a header, in whatever letter case its name is."""
    return [value for key, value in headers if key.lower() == name.lower()]


def value_of(headers: HeaderPairs, name: str) -> str | None:
    """Return the first value of a header; None without."""
    return next(iter(values_of(headers, name)), None)


@dataclass
class SeenResponse:
    """The response that a client was sent; `complete` says whether all of it was."""

    status: int
    headers: HeaderPairs = ()
    body: bytes = b""
    interim: tuple[int, ...] = ()
    complete: bool = True
    http_version: str = "1.1"

    def value(self, name: str) -> str | None:
        """Return the first value of a header; None without."""
        return value_of(self.headers, name)


@dataclass
class SeenRequest:
    """One request of a client, in the order of their arrival.

    Times are seconds since the situation began; `responded` is when the response began to be sent,
    and `ended` is None while the request is under way.
    `upload` is the id of the upload that it is about, known for a creation once it succeeded.
    `offset_before` is what the upload held when the request came; `stored` how many bytes the
    server took of it. `complete` says whether the whole body arrived. `response` is None where the
    client got none; `closed_by_client` says that the client had gone before.
    """

    number: int
    method: str
    target: str
    headers: HeaderPairs
    began: float
    connection: int = 0
    body: bytes = b""
    trailers: HeaderPairs = ()
    complete: bool = False
    responded: float | None = None
    ended: float | None = None
    upload: str = ""
    offset_before: int | None = None
    stored: int = 0
    response: SeenResponse | None = None
    closed_by_client: bool = False
    asked_to_continue: bool = False
    applied: list[str] = field(default_factory=list)
    false_response: bool = False
    http_version: str = "1.1"

    def values(self, name: str) -> list[str]:
        """Return every value of one of its headers."""
        return values_of(self.headers, name)

    def value(self, name: str) -> str | None:
        """Return the first value of one of its headers; None without."""
        return value_of(self.headers, name)

    @property
    def override(self) -> str | None:
        """Return the method that the override header names, as it was sent."""
        return self.value("X-HTTP-Method-Override") if self.method == "POST" else None

    @property
    def effective_method(self) -> str:
        """Return the method that counts: that of an override where there is one."""
        return (self.override or self.method).strip().upper()

    @property
    def status(self) -> int | None:
        """Return the status that the client was sent; None without a response."""
        return None if self.response is None else self.response.status

    @property
    def succeeded(self) -> bool:
        """Return whether the client was sent a 2xx response."""
        return self.status is not None and 200 <= self.status < 300

    def is_under_way(self, moment: float) -> bool:
        """Return whether the client still waited for the response at a moment."""
        until = self.ended if self.responded is None else self.responded
        return self.began <= moment and (until is None or until > moment)

    @property
    def is_creation(self) -> bool:
        """Return whether the request asks for a new upload."""
        return self.effective_method == "POST"

    @property
    def concat(self) -> str:
        """Return "partial", "final" or "" as Upload-Concat says."""
        return (self.value("Upload-Concat") or "").partition(";")[0].strip().lower()

    def summary(self) -> str:
        """Return the request and its response in a line."""
        offset = self.value("Upload-Offset")
        place = f" at {offset}" if offset is not None else ""
        size = f", {len(self.body)} bytes" if self.body else ""
        came = "" if self.complete or self.response is not None else ", cut off"
        answer = "no response" if self.status is None else str(self.status)
        return f"{self.effective_method}{place}{size}{came}: {answer}"

    def exchange(self) -> Exchange:
        """Return the request and its response for the record, without their secrets."""
        redaction = CLIENT_REDACTION.with_request_secrets(self.target, self.headers)
        events = [ConnectionEvent(at=0.0, event="received", size=len(self.body))]
        events += [ConnectionEvent(at=0.0, event="action", text=text) for text in self.applied]
        if self.closed_by_client:
            events.append(ConnectionEvent(at=self._duration, event="closed", text="by the client"))
        return Exchange(
            method=self.method,
            url=self.target,
            at=round(self.began, 4),
            request_head=redaction.redact_head(
                _head(f"{self.method} {self.target} HTTP/{self.http_version}", self.headers)
            ),
            body=recorded_body(self.body) if self.body else None,
            interim_responses=tuple(
                RecordedResponse(status=status, head=f"HTTP/1.1 {status}\r\n\r\n")
                for status in (self.response.interim if self.response else ())
            ),
            response=None if self.response is None else _recorded_response(self.response),
            events=tuple(events),
            failure=None if self.response is not None else "no response was sent",
            transport="raw",
        )

    @property
    def _duration(self) -> float:
        return round((self.ended or self.began) - self.began, 4)


@dataclass
class SeenUpload:
    """An upload that a client created; `number` counts from 1 in the order of creation.

    `offset` is what the server holds, in bytes, and `received` those bytes as they were sent to it.
    `content` is set when the upload is read back.
    """

    id: str
    number: int
    concat: str = ""
    length: int | None = None
    offset: int = 0
    received: bytearray = field(default_factory=bytearray)
    url: str = ""
    removed: bool = False
    content: bytes | None = None
    complete: bool = False


def recorded_body(body: bytes) -> RecordedBody:
    """Return a body for the record: its size, its digest and its first bytes."""
    shown = body[:_MAX_SHOWN_BODY]
    return RecordedBody(
        size=len(body),
        text=shown.decode("latin-1"),
        sha256=sha256(body).hexdigest(),
        truncated=len(body) > len(shown),
    )


def _recorded_response(response: SeenResponse) -> RecordedResponse:
    return RecordedResponse(
        status=response.status,
        head=_head(f"HTTP/{response.http_version} {response.status}", response.headers),
        headers=response.headers,
        body=recorded_body(response.body) if response.body else None,
        complete=response.complete,
    )


def _head(first_line: str, headers: HeaderPairs) -> str:
    lines = [first_line, *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join(lines) + "\r\n\r\n"
