"""What the stages share: requests to the target, the uploads, the findings so far."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import trio

from tus_conformance.discovery.composed_request import compose_patch
from tus_conformance.discovery.intermediary import recognise_page
from tus_conformance.discovery.preflight import speaks_tus
from tus_conformance.discovery.prober import Prober, succeeded
from tus_conformance.doctor.finding import (
    Culprit,
    DoctorFinding,
    Severity,
    cure_lines,
    finding_kinds,
)
from tus_conformance.doctor.pacing import PacedTransport
from tus_conformance.targets.creation_tracker import LeftBehind
from tus_conformance.targets.origin_guard import ConnectionTest, accepts_connections
from tus_conformance.targets.target import Target
from tus_conformance.targets.transport_protocol import Transport
from tus_conformance.transport import HttpResponse, Payload, PendingRequest
from tus_conformance.transport.header_values import (
    header_value,
    read_integer,
    split_list,
)

MARK_HEADER = "X-Tus-Doctor"
"""The header by which a request is recognised at its other end."""


_MAX_PATIENCE = 10.0
_SLOWNESS = 10
"""How often the time of the slowest response is waited for what should come at once."""


class SeenAtUpstream(Protocol):
    """What the server behind the proxy saw of a request."""

    @property
    def head(self) -> str:
        """Return the request line and the headers, as they arrived."""
        ...

    @property
    def response_headers(self) -> tuple[tuple[str, str], ...]:
        """Return the headers of the response, as they left."""
        ...

    @property
    def method(self) -> str:
        """Return the method."""
        ...

    def header(self, name: str) -> str | None:
        """Return the value of a header of the request, None without."""
        ...


class UpstreamLog(Protocol):
    """Where requests are seen a second time, behind the proxy."""

    def find(self, mark: str) -> SeenAtUpstream | None:
        """Return what arrived of the request with a mark, None where nothing did."""
        ...


@dataclass(frozen=True)
class DoctorSettings:
    """How thorough to be.

    `is_direct` is for the server itself, without what is in front of it. `origin` is that of a page
    whose uploads must work. `pause` is in seconds: how long a body stalls.
    """

    is_direct: bool = False
    slow: bool = False
    large: bool = False
    origin: str | None = None
    pause: float = 6.0


@dataclass
class Examination:
    """The state of one examination of one target.

    `facts` are neutral observations. `prevented` has the conditions that do not hold, each with the
    reason. `rebuild` has beginnings of URLs in Location that are wrong, with the right ones;
    `ends_with_slash` says whether a slash at their end is right.
    `marks_answers` says whether successful responses bear a header of tus, so that one without it
    is from elsewhere.
    """

    target: Target
    transport: Transport
    settings: DoctorSettings = field(default_factory=DoctorSettings)
    upstream: UpstreamLog | None = None
    test_connection: ConnectionTest = accepts_connections
    findings: list[DoctorFinding] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    prevented: dict[str, str] = field(default_factory=dict)
    options: HttpResponse | None = None
    answers: dict[str, HttpResponse] = field(default_factory=dict)
    marks_answers: bool = True
    upload_url: str = ""
    on_the_way: tuple[str, ...] = ()
    rebuild: list[tuple[str, str]] = field(default_factory=list)
    ends_with_slash: bool = True

    def __post_init__(self) -> None:
        self.pace = PacedTransport(self.transport)
        self.transport = self.pace
        self.prober = Prober(self.target, self.transport)
        self._count = 0
        self._slowest = 0.0

    # Requests

    async def send(
        self, method: str, url: str, *headers: tuple[str, str], body: bytes = b"", **more: Any
    ) -> HttpResponse:
        """Send a request with the headers of tus and of the user."""
        with self._timed():
            return await self.prober.send(method, url, *headers, *self._mark(), body=body, **more)

    async def patch(
        self, url: str, offset: int, body: bytes, *headers: tuple[str, str], **more: Any
    ) -> HttpResponse:
        """Send a PATCH with a body."""
        with self._timed():
            return await self.prober.patch(url, offset, body, *headers, *self._mark(), **more)

    async def create(
        self, length: int | None, *headers: tuple[str, str]
    ) -> tuple[HttpResponse, str | None]:
        """Create an upload; return the response, and the URL where it can be reached."""
        sized = () if length is None else (("Upload-Length", str(length)),)
        with self._timed():
            response, url = await self.prober.create_upload(*sized, *headers, *self._mark())
        return response, None if url is None else self.reachable_url(url)

    def reachable_url(self, url: str) -> str:
        """Return the URL at which the target serves an upload, whatever Location says."""
        for wrong, right in self.rebuild:
            if url.startswith(wrong) and not url.startswith(right):
                url = right + url.removeprefix(wrong)
        return url if self.ends_with_slash else url.rstrip("/")

    @asynccontextmanager
    async def open_patch(
        self,
        url: str,
        offset: int,
        length: int,
        *headers: tuple[str, str],
        chunked: bool = False,
    ) -> AsyncIterator[PendingRequest]:
        """Open a PATCH whose body the caller sends; it has `length` bytes."""
        request = compose_patch(
            self.target,
            url,
            offset,
            Payload.zeros(length),
            *headers,
            *self._mark(),
            framing="chunked" if chunked else "sized",
        )
        async with self.prober.transport.open(request) as pending:
            yield pending

    def _mark(self) -> tuple[tuple[str, str], ...]:
        if self.upstream is None:
            return ()
        self._count += 1
        return ((MARK_HEADER, f"tus-doctor-{self._count}"),)

    def seen(self, response: HttpResponse) -> SeenAtUpstream | None:
        """Return what the server saw of the request of a response; None without a mirror."""
        if self.upstream is None:
            return None
        head = response.exchange.request_head
        mark = next(
            (
                line.partition(":")[2].strip()
                for line in head.splitlines()
                if line.lower().startswith(f"{MARK_HEADER.lower()}:")
            ),
            "",
        )
        return self.upstream.find(mark)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        began = trio.current_time()
        yield
        self._slowest = max(self._slowest, trio.current_time() - began)

    def patience(self, seconds: float) -> float:
        """Return how long to wait for something that takes less than `seconds` on a fast server.

        A server or a network that is slow has more time, up to ten seconds.
        """
        return max(seconds, min(_MAX_PATIENCE, _SLOWNESS * self._slowest))

    # What responses say

    @property
    def extensions(self) -> tuple[str, ...]:
        """Return the extensions that OPTIONS lists."""
        value = header_value(self.options.headers, "Tus-Extension") if self.options else None
        return tuple(split_list(value)) if value else ()

    def is_foreign(self, response: HttpResponse) -> bool:
        """Return whether a response did not come from the tus server, as far as that shows."""
        if recognise_page(response):
            return True
        return self.marks_answers and not speaks_tus(response)

    def accepts(self, response: HttpResponse) -> bool:
        """Return whether the server took a request; a proxy may turn its refusal into a 200."""
        return succeeded(response) and not self.is_foreign(response)

    # Findings

    def report(
        self,
        kind_id: str,
        *responses: HttpResponse,
        values: Mapping[str, object] | None = None,
        culprit: Culprit | None = None,
        severity: Severity | None = None,
        why: str = "",
    ) -> None:
        """Add a finding; one of the same kind is not added twice."""
        kind = finding_kinds()[kind_id]
        if any(finding.id == kind_id for finding in self.findings):
            return
        named = next(filter(None, map(recognise_page, responses)), "")
        if culprit is None:
            culprit = "proxy" if named else "unknown"
            why = f"the response is an error page of {named}" if named else why
        seen = [self.seen(response) for response in responses]
        self.findings.append(
            DoctorFinding(
                id=kind.id,
                title=kind.title,
                sentence=self.target.redaction.redact_text(
                    " ".join(kind.sentence.format(**(values or {})).split())
                ),
                severity=severity or kind.severity,
                culprit=culprit,
                culprit_name=named if culprit == "proxy" else "",
                why=why,
                clients=" ".join(kind.clients.split()),
                cure=" ".join(kind.cure.split()),
                lines=cure_lines(kind.id),
                exchanges=tuple(response.exchange for response in responses),
                upstream=tuple(
                    self.target.redaction.redact_text(each.head)
                    for each in seen
                    if each is not None
                ),
            )
        )
        self.prevent(kind.title, *kind.prevents)

    def prevent(self, reason: str, *conditions: str) -> None:
        """Note that conditions do not hold; the first reason of each counts."""
        for condition in conditions:
            self.prevented.setdefault(condition, reason)

    def note(self, name: str, value: object) -> None:
        """Add a neutral observation."""
        self.facts[name] = self.target.redaction.redact_text(str(value))

    async def clean_up(self, left_behind: LeftBehind) -> None:
        """Remove the uploads; add those that remain to `left_behind`."""
        self.prober.transport.urls[:] = dict.fromkeys(
            map(self.reachable_url, self.prober.transport.urls)
        )
        await self.prober.clean_up(left_behind)


def is_from_server(response: HttpResponse) -> bool:
    """Return whether a response has headers of tus and is not the error page of a proxy.

    A proxy may add Tus-Resumable to its own pages, since clients of other origins need it there.
    """
    return speaks_tus(response) and not recognise_page(response)


def offset_of(response: HttpResponse) -> int | None:
    """Return the Upload-Offset of a response, None where there is none."""
    value = header_value(response.headers, "Upload-Offset")
    return read_integer(value)


def describe_answer(response: HttpResponse) -> str:
    """Return what came back, in words: the status, or that there was none."""
    if response.status is None:
        return "no response"
    place = header_value(response.headers, "Location")
    if 300 <= response.status < 400 and place is not None:
        return f"{response.status}, a redirect to {place}"
    return str(response.status)
