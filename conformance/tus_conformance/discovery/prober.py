"""What every probe uses: requests of its own, uploads that are removed, and the results so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import shake_128
from typing import Any, Literal

from tus_conformance.discovery.composed_request import OFFSET_TYPE
from tus_conformance.discovery.refusal_baseline import RefusalBaseline
from tus_conformance.targets.creation_tracker import CreationTracker, LeftBehind
from tus_conformance.targets.removal import remove_upload
from tus_conformance.targets.target import Target
from tus_conformance.targets.transport_protocol import Transport
from tus_conformance.transport import HttpRequest, HttpResponse, Payload
from tus_conformance.transport.header_values import (
    header_value,
    is_integer,
    parse_http_date,
    parse_integer,
    resolve_url,
)
from tus_reports import Exchange

NO_UPLOAD_STATUSES = frozenset({403, 404, 410})
"""What HEAD and PATCH answer where there is no upload, or none any more."""

SAMPLE = shake_128(b"tus-conformance").digest(67)
"""What the probes upload; no text is like it, nor often as long."""

_PLAIN_CONTENT = ("Accept-Encoding", "identity")
_AUTHENTICATION_STATUSES = frozenset({401, 407})
MAX_ENDLESS_SECONDS = 45.0
"""How long discovery reads responses that do not end, all of them together."""

MAX_RESPONSE = 256 * 1024
"""Bytes of a response to a probe that are read: those of tus are short, a stream has no end."""


class TargetUnreachable(Exception):  # noqa: N818  it is a finding about the network
    """The target does not answer; the message says so in a sentence.

    `exchanges` are the requests that were tried.
    """

    exchanges: tuple[Exchange, ...] = ()


class NotATusServerError(TargetUnreachable):
    """What is at the target's URL does not speak tus; the message says what it is.

    `endpoint` is the URL on the same server where uploads can be created, if one was found.
    `needs_login` says that a response refused access, so there may be a tus server behind a login.
    """

    def __init__(self, message: str, endpoint: str = "", *, needs_login: bool = False) -> None:
        super().__init__(message)
        self.endpoint = endpoint
        self.needs_login = needs_login


ProbeOutcome = Literal["accepted", "refused", "unknown"]


@dataclass(frozen=True)
class ProbeResult:
    """What a probe saw: accepted, refused, or nothing certain; `reason` is a sentence about it."""

    outcome: ProbeOutcome
    reason: str


class Prober:
    """Sends the requests of the probes, and keeps what later probes and discovery need.

    `first_upload_url` is an upload of SAMPLE's length, `partial_upload_url` a partial upload that
    HEAD describes as one; `expires_in` is in seconds; `origin_obstacle` says why uploads at another
    origin were not asked.
    """

    def __init__(self, target: Target, transport: Transport) -> None:
        self.target = target
        self.transport = CreationTracker(transport, target)
        self.exchanges: list[Exchange] = []
        self.first_upload_url: str | None = None
        self.refusal_baseline = RefusalBaseline()
        self.results: dict[str, ProbeResult] = {}
        self.expires_in: float | None = None
        self.can_terminate = True  # unless a probe sees DELETE refused
        self.saw_expiry = False
        self.origin_obstacle = ""
        self._endless_seconds = 0.0
        self.partial_upload_url: str | None = None
        self.first_upload_is_complete = False
        self._may_have_created = True

    @property
    def shown_url(self) -> str:
        """Return the target's URL without its secrets."""
        return self.target.redaction.redact_text(self.target.url)

    async def send(
        self, method: str, url: str, *headers: tuple[str, str], body: bytes = b"", **more: Any
    ) -> HttpResponse:
        """Send one request and keep its exchange."""
        given = any(name == "Tus-Resumable" for name, _ in headers)
        usual = () if method == "OPTIONS" or given else (("Tus-Resumable", "1.0.0"),)
        length = (
            () if body or method not in {"POST", "PATCH", "DELETE"} else (("Content-Length", "0"),)
        )
        payload = Payload(length=len(body), chunks=lambda: iter([body])) if body else None
        http_response = await self.transport.send(
            HttpRequest(
                method=method,
                url=url,
                headers=(*usual, _PLAIN_CONTENT, *self.target.headers, *headers, *length),
                payload=payload,
                **{"max_response": MAX_RESPONSE} | more,
            )
        )
        self.exchanges.append(http_response.exchange)
        failure = http_response.failure
        if failure is not None and failure.kind == "endless":
            self._endless_seconds += max(each.at for each in http_response.exchange.events)
            if self._endless_seconds > MAX_ENDLESS_SECONDS:
                raise TargetUnreachable(
                    f"{method} got a response without an end. {failure.message}"
                )
        if failure is not None and failure.kind in {"other-origin", "dead-origin"}:
            self.origin_obstacle = self.origin_obstacle or failure.message
        self._record_expiry(header_value(http_response.headers, "Upload-Expires"))
        return http_response

    def _record_expiry(self, value: str | None) -> None:
        when = None if value is None else parse_http_date(value)
        if when is not None and self.expires_in is None:
            self.expires_in = (when - datetime.now(UTC)).total_seconds()
        self.saw_expiry |= value is not None

    def error_without_tus(self, message: str, endpoint: str = "") -> NotATusServerError:
        """Return the error for a target at which something other than a tus server answers.

        A creation that got no URL made no upload there, unless the response was 201.
        """
        statuses = {each.response.status for each in self.exchanges if each.response is not None}
        self._may_have_created = 201 in statuses
        return NotATusServerError(message, endpoint, needs_login=bool(statuses & {401, 403, 407}))

    async def measure_refusal_baseline(self) -> RefusalBaseline:
        """Send an invented header, version and method, to see how the server refuses.

        Raises TargetUnreachable if the server refuses every request without authentication.
        """
        one = ("Upload-Length", "1")
        header, _ = await self.create_upload(one, ("Upload-Flavour", "strawberry"))
        if header.status in _AUTHENTICATION_STATUSES:
            raise TargetUnreachable(
                f"The server refuses access: POST got {header.status}. Pass the credentials with"
                " -H, or set `headers` or an `auth` command in the profile."
            )
        version, _ = await self.create_upload(one, ("Tus-Resumable", "999.0.0"))
        method = await self.send("INVENT", self.target.url)
        self.refusal_baseline = RefusalBaseline(header.status, version.status, method.status)
        return self.refusal_baseline

    async def create_upload(
        self, *headers: tuple[str, str], body: bytes = b""
    ) -> tuple[HttpResponse, str | None]:
        """Create an upload; return the response, and the upload's URL if there is one."""
        profile = self.target.profile
        metadata = {"Upload-Metadata": profile.metadata} if profile.metadata else {}
        given = {name.lower() for name, _ in headers}
        usual = [
            (name, value)
            for name, value in (metadata | profile.creation_headers).items()
            if name.lower() not in given
        ]
        http_response = await self.send("POST", self.target.url, *usual, *headers, body=body)
        url = resolve_url(header_value(http_response.headers, "Location") or "", self.target.url)
        if not succeeded(http_response) or url is None:
            return http_response, None
        return http_response, url

    async def clean_up(self, left: LeftBehind) -> None:
        """Remove the uploads that the probes created; add those that remain to `left`."""
        removes = self.can_terminate and self.target.profile.cleanup == "remove"
        if self._may_have_created:
            left.unnamed += ["discovery"] * self.transport.unnamed
        for url in self.transport.urls:
            if not removes or not await remove_upload(url, self.target, self.transport):
                left.urls.append(url)

    async def complete_upload(self, url: str) -> bool:
        """Send the rest of the sample; return whether the server says that it is complete."""
        whole = str(len(SAMPLE))
        for _ in SAMPLE:
            stored = await self.fetch_offset(url)
            if stored is None or not is_integer(stored) or parse_integer(stored) >= len(SAMPLE):
                return stored == whole
            sent = await self.patch(url, parse_integer(stored), SAMPLE[parse_integer(stored) :])
            if not succeeded(sent):
                return False
            if header_value(sent.headers, "Upload-Offset") == whole:
                return True
        return False

    def result_for(self, http_response: HttpResponse, what: str, *, accepted: bool) -> ProbeResult:
        """Return a result from a response; a 5xx or no response leaves it unknown."""
        if http_response.status is None:
            return ProbeResult("unknown", f"{what} got no response.")
        if accepted:
            return ProbeResult("accepted", f"{what} got {http_response.status}.")
        baseline_match = self.refusal_baseline.describe_match(http_response.status)
        is_refused = is_refusal(http_response.status) or bool(baseline_match)
        return ProbeResult(
            "refused" if is_refused else "unknown",
            f"{what} got {http_response.status}{baseline_match}.",
        )

    async def patch(
        self, url: str, offset: int, body: bytes, *headers: tuple[str, str], **more: Any
    ) -> HttpResponse:
        """Send a PATCH with a body."""
        usual = (OFFSET_TYPE, ("Upload-Offset", str(offset)))
        return await self.send("PATCH", url, *usual, *headers, body=body, **more)

    async def fetch_offset(self, url: str) -> str | None:
        """Return the Upload-Offset of a HEAD, as the header says it."""
        return header_value((await self.send("HEAD", url)).headers, "Upload-Offset")


def succeeded(http_response: HttpResponse) -> bool:
    """Return whether there is a response with a 2xx status."""
    return http_response.status is not None and 200 <= http_response.status < 300


def is_refusal(status: int | None) -> bool:
    """Return whether a status refuses a request: a 4xx other than 429, or 501."""
    return status is not None and (400 <= status < 500 or status == 501) and status != 429
