"""The probes: each tries one thing that a server may be able to do, on uploads of its own.

A probe tells what it saw in a sentence. Where it could not be made, or something broke, nothing is
known: that is never taken for a refusal.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha1, shake_128
from typing import Any, Literal
from urllib.parse import urlsplit

from tus_conformance.discovery.refusal_baseline import RefusalBaseline
from tus_conformance.targets.creation_tracker import CreationTracker, LeftBehind
from tus_conformance.targets.removal import remove_upload
from tus_conformance.targets.target import Target
from tus_conformance.targets.target_transport import Transport
from tus_conformance.transport import HttpRequest, HttpResponse, Payload
from tus_conformance.transport.header_values import (
    header_value,
    is_integer,
    parse_http_date,
    resolve_url,
)
from tus_reports import Exchange

NO_UPLOAD_STATUSES = frozenset({403, 404, 410})
"""What HEAD and PATCH answer where there is no upload, or none any more."""

SAMPLE = shake_128(b"tus-conformance").digest(67)
"""What the probes upload; no text is like it, nor often as long."""

_AUTHENTICATION_STATUSES = frozenset({401, 407})
_OFFSET_TYPE = ("Content-Type", "application/offset+octet-stream")
_WRONG_SHA1 = "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA="
_RIGHT_SHA1 = f"sha1 {b64encode(sha1(b't', usedforsecurity=False).digest()).decode()}"


class TargetUnreachable(Exception):  # noqa: N818  it is a finding about the network
    """The target does not answer; the message says so in a sentence."""


@dataclass(frozen=True)
class ProbeResult:
    """What a probe saw: accepted, refused, or nothing that can be told, and the sentence for it."""

    outcome: Literal["accepted", "refused", "unknown"]
    reason: str


class Prober:
    """The probes, in an order in which each finds what it needs."""

    def __init__(self, target: Target, transport: Transport) -> None:
        self._target = target
        self._transport = CreationTracker(transport, target)
        self.exchanges: list[Exchange] = []
        self.first_upload_url: str | None = None
        self.refusal_baseline = RefusalBaseline()
        self.results: dict[str, ProbeResult] = {}
        self.expires_in: float | None = None
        self._can_terminate = True  # unless a probe sees otherwise
        self.probes: dict[str, Callable[[], Awaitable[ProbeResult]]] = {
            "creation": self._probe_creation,
            "creation-with-upload": self._probe_creation_with_upload,
            "creation-defer-length": self._probe_defer_length,
            "expiration": self._probe_expiration,
            "checksum": self._probe_checksum,
            "checksum-trailer": self._probe_checksum_trailer,
            "concatenation": self._probe_concatenation,
            "concatenation-unfinished": self._probe_concatenation_unfinished,
            "complete-uploads": self._probe_complete_uploads,
            "download": self._probe_download,
            "termination": self._probe_termination,
        }

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
        http_response = await self._transport.send(
            HttpRequest(
                method=method,
                url=url,
                headers=(*usual, *self._target.headers, *headers, *length),
                payload=payload,
                **more,
            )
        )
        self.exchanges.append(http_response.exchange)
        self._record_expiry(header_value(http_response.headers, "Upload-Expires"))
        return http_response

    def _record_expiry(self, value: str | None) -> None:
        when = None if value is None else parse_http_date(value)
        if when is not None and self.expires_in is None:
            self.expires_in = (when - datetime.now(UTC)).total_seconds()
        self._saw_expiry |= value is not None

    _saw_expiry = False

    async def measure_refusal_baseline(self) -> RefusalBaseline:
        """Try what no server can know: a header, a version and a method that are made up."""
        one = ("Upload-Length", "1")
        header, _ = await self.create_upload(one, ("Upload-Flavour", "strawberry"))
        if header.status in _AUTHENTICATION_STATUSES:
            raise TargetUnreachable(
                f"The server lets nobody in: POST got {header.status}. Give it what it asks for by"
                " -H, or by `headers` or an `auth` command in the profile."
            )
        version, _ = await self.create_upload(one, ("Tus-Resumable", "999.0.0"))
        method = await self.send("INVENT", self._target.url)
        self.refusal_baseline = RefusalBaseline(header.status, version.status, method.status)
        return self.refusal_baseline

    async def create_upload(
        self, *headers: tuple[str, str], body: bytes = b""
    ) -> tuple[HttpResponse, str | None]:
        """Create an upload; return the answer, and the upload's URL if there is one."""
        usual = self._target.profile.metadata
        metadata = (("Upload-Metadata", usual),) if usual else ()
        http_response = await self.send("POST", self._target.url, *metadata, *headers, body=body)
        url = resolve_url(header_value(http_response.headers, "Location") or "", self._target.url)
        if not _succeeded(http_response) or url is None:
            return http_response, None
        return http_response, url

    async def clean_up(self, left: LeftBehind) -> None:
        """Remove the uploads that the probes created, where the server can; note the others."""
        removes = self._can_terminate and self._target.profile.cleanup == "remove"
        left.unnamed += ["discovery"] * self._transport.unnamed
        for url in self._transport.urls:
            if not removes or not await remove_upload(url, self._target, self._transport):
                left.urls.append(url)

    async def _probe_creation(self) -> ProbeResult:
        length = str(len(SAMPLE))
        http_response, self.first_upload_url = await self.create_upload(("Upload-Length", length))
        seen = self._result_for(
            http_response, self.first_upload_url is not None, f"POST with Upload-Length: {length}"
        )
        command = self._target.profile.commands.upload
        if self.first_upload_url is None and command is not None:
            self.first_upload_url = await self._transport.run_upload_command(
                command, length=len(SAMPLE)
            )
        return seen

    async def _probe_defer_length(self) -> ProbeResult:
        http_response, url = await self.create_upload(("Upload-Defer-Length", "1"))
        return self._result_for(http_response, url is not None, "POST with Upload-Defer-Length: 1")

    async def _probe_creation_with_upload(self) -> ProbeResult:
        http_response, url = await self.create_upload(
            ("Upload-Length", "2"), _OFFSET_TYPE, body=b"t"
        )
        if url is None:
            return self._result_for(http_response, False, "POST with a body")
        stored = await self._fetch_offset(url)
        evidence = f"After a POST with one byte, HEAD said Upload-Offset: {stored}."
        if stored not in {"0", "1"}:
            return ProbeResult("unknown", evidence)
        return ProbeResult("accepted" if stored == "1" else "refused", evidence)

    async def _probe_expiration(self) -> ProbeResult:
        if self.first_upload_url is None:
            return _no_upload_result()
        if not self._saw_expiry:
            await self._patch(self.first_upload_url, 0, SAMPLE[:1])
        seen = "An answer had" if self._saw_expiry else "No answer to POST or PATCH had"
        return ProbeResult("accepted" if self._saw_expiry else "refused", f"{seen} Upload-Expires.")

    async def _probe_checksum(self) -> ProbeResult:
        async def put(url: str, digest: str) -> HttpResponse:
            return await self._patch(url, 0, b"t", ("Upload-Checksum", digest))

        return await self._verify_checksums("checksum", put)

    async def _probe_checksum_trailer(self) -> ProbeResult:
        async def put(url: str, digest: str) -> HttpResponse:
            behind = {"framing": "chunked", "trailers": (("Upload-Checksum", digest),)}
            return await self._patch(url, 0, b"t", ("Trailer", "Upload-Checksum"), **behind)

        return await self._verify_checksums("checksum trailer", put)

    async def _verify_checksums(
        self, what: str, put: Callable[[str, str], Awaitable[HttpResponse]]
    ) -> ProbeResult:
        """See a wrong checksum refused; it counts only where the right one is taken."""
        _, url = await self.create_upload(("Upload-Length", "2"))
        if url is None:
            return _no_upload_result()
        http_response = await put(url, _WRONG_SHA1)
        stored = await self._fetch_offset(url)
        status = http_response.status
        evidence = f"A PATCH with a wrong {what} got {status}; HEAD then said offset {stored}"
        if _succeeded(http_response) and stored == "1":
            return ProbeResult("refused", f"{evidence}.")
        if http_response.status not in {400, 460} or stored != "0":
            return ProbeResult("unknown", f"{evidence}.")
        right = await put(url, _RIGHT_SHA1)
        if _succeeded(right):
            return ProbeResult("accepted", f"{evidence}.")
        refused = right.status == http_response.status
        return ProbeResult(
            "refused" if refused else "unknown",
            f"{evidence}, and the right one got {right.status}.",
        )

    async def _probe_concatenation(self) -> ProbeResult:
        http_response, url = await self.create_upload(
            ("Upload-Concat", "partial"), ("Upload-Length", "1")
        )
        if url is None:
            return self._result_for(http_response, False, "POST with Upload-Concat: partial")
        head = await self.send("HEAD", url)
        if not _succeeded(head):
            return ProbeResult("unknown", f"HEAD of a partial got {head.status}.")
        echo = header_value(head.headers, "Upload-Concat")
        self._partial_url = url if echo == "partial" else None
        evidence = f"Upload-Concat: {echo}" if echo else "no Upload-Concat"
        return ProbeResult(
            "accepted" if echo == "partial" else "refused", f"HEAD of a partial had {evidence}."
        )

    _partial_url: str | None = None

    async def _probe_concatenation_unfinished(self) -> ProbeResult:
        if self._partial_url is None:
            outcome = self.results["concatenation"].outcome
            return ProbeResult(outcome, "No partial upload could be created to try it with.")
        http_response, url = await self.create_upload(
            ("Upload-Concat", f"final;{urlsplit(self._partial_url).path}")
        )
        return self._result_for(
            http_response, url is not None, "POST of a final over an unfinished partial"
        )

    async def _probe_complete_uploads(self) -> ProbeResult:
        """See whether HEAD still finds what is complete; much depends on it, so on two uploads."""
        if self.first_upload_url is None:
            return _no_upload_result()
        self._first_is_complete = await self._complete_upload(self.first_upload_url)
        _, other = await self.create_upload(("Upload-Length", str(len(SAMPLE))))
        finished = [self.first_upload_url] if self._first_is_complete else []
        if other is not None and await self._complete_upload(other):
            finished.append(other)
        if not finished:
            return ProbeResult(
                "unknown", "It could not be tried, since no upload could be finished."
            )
        heads = [await self.send("HEAD", url) for url in finished]
        got = dict.fromkeys(str(head.status) for head in heads)
        evidence = f"HEAD of a finished upload got {' and '.join(got)}."
        if any(head.status in NO_UPLOAD_STATUSES for head in heads):
            return ProbeResult("refused", evidence)
        return ProbeResult("accepted" if all(map(_succeeded, heads)) else "unknown", evidence)

    _first_is_complete = False

    async def _probe_download(self) -> ProbeResult:
        if self.first_upload_url is None:
            return _no_upload_result()
        if not self._first_is_complete:
            return ProbeResult(
                "unknown", "It could not be tried, since no upload could be finished."
            )
        http_response = await self.send("GET", self.first_upload_url)
        evidence = f"GET of a finished upload got {http_response.status}"
        if not _succeeded(http_response):
            return ProbeResult(
                "refused" if _is_refusal(http_response.status) else "unknown", f"{evidence}."
            )
        if not _resembles_sample(http_response.body):
            return ProbeResult("refused", f"{evidence} and something else than its bytes.")
        # Bytes that are wrong are a download all the same; else nobody would look at them again.
        wrong = "" if http_response.body == SAMPLE else ", with other bytes than were sent"
        return ProbeResult("accepted", f"{evidence}{wrong}.")

    async def _complete_upload(self, url: str) -> bool:
        """Send what is left of the sample, in as many requests as the server wants."""
        whole = str(len(SAMPLE))
        for _ in SAMPLE:
            stored = await self._fetch_offset(url)
            if stored is None or not is_integer(stored) or int(stored) >= len(SAMPLE):
                return stored == whole
            sent = await self._patch(url, int(stored), SAMPLE[int(stored) :])
            if not _succeeded(sent):
                return False
            if header_value(sent.headers, "Upload-Offset") == whole:
                return True
        return False

    async def _probe_termination(self) -> ProbeResult:
        # A server may have forgotten what is complete, so that there is nothing to remove.
        _, fresh = await self.create_upload(("Upload-Length", "1"))
        url = fresh or self.first_upload_url
        if url is None:
            return _no_upload_result()
        http_response = await self.send("DELETE", url)
        after = await self.send("HEAD", url)
        gone = after.status in NO_UPLOAD_STATUSES
        baseline_match = self.refusal_baseline.describe_match(http_response.status)
        evidence = (
            f"DELETE got {http_response.status}{baseline_match}, and HEAD after it {after.status}."
        )
        if _succeeded(http_response):
            return ProbeResult("accepted" if gone else "unknown", evidence)
        is_refused = _is_refusal(http_response.status) or bool(baseline_match)
        self._can_terminate = not is_refused
        return ProbeResult("refused" if is_refused else "unknown", evidence)

    def _result_for(self, http_response: HttpResponse, accepted: bool, what: str) -> ProbeResult:  # noqa: FBT001
        if http_response.status is None:
            return ProbeResult("unknown", f"{what} had no answer.")
        if accepted:
            return ProbeResult("accepted", f"{what} got {http_response.status}.")
        baseline_match = self.refusal_baseline.describe_match(http_response.status)
        is_refused = _is_refusal(http_response.status) or bool(baseline_match)
        return ProbeResult(
            "refused" if is_refused else "unknown",
            f"{what} got {http_response.status}{baseline_match}.",
        )

    async def _patch(
        self, url: str, offset: int, body: bytes, *headers: tuple[str, str], **more: Any
    ) -> HttpResponse:
        usual = (_OFFSET_TYPE, ("Upload-Offset", str(offset)))
        return await self.send("PATCH", url, *usual, *headers, body=body, **more)

    async def _fetch_offset(self, url: str) -> str | None:
        return header_value((await self.send("HEAD", url)).headers, "Upload-Offset")


def _resembles_sample(body: bytes) -> bool:
    """Tell whether a body is the sample, be it damaged, and not a page about it."""
    runs = (SAMPLE[at : at + 16] for at in range(len(SAMPLE) - 15))
    return len(body) == len(SAMPLE) or any(run in body for run in runs)


def _succeeded(http_response: HttpResponse) -> bool:
    return http_response.status is not None and 200 <= http_response.status < 300


def _is_refusal(status: int | None) -> bool:
    """Tell whether a status says no, rather than that something broke."""
    return status is not None and (400 <= status < 500 or status == 501) and status != 429


def _no_upload_result() -> ProbeResult:
    return ProbeResult("unknown", "It could not be tried, since no upload could be created.")
