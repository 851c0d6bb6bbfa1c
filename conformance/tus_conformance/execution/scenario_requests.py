"""The requests of one execution of a scenario: what is sent, and what that says of its uploads."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Self

import trio
from msgspec.structs import replace

from tus_conformance.discovery.connection_passing import EXPECT_REFUSED
from tus_conformance.discovery.front_proxy import CHARGED_SCENARIOS, PARTS_OF_BODIES, TO_UPLOADS
from tus_conformance.discovery.response_origin import (
    explain_by_page,
    explain_foreign,
    lacks_page,
)
from tus_conformance.evaluation.applicability import ensure_within_max_size
from tus_conformance.execution.open_request import OpenRequest
from tus_conformance.execution.request_composer import RequestComposer
from tus_conformance.execution.request_faults import (
    body_position,
    ends_within_body,
    half_closes,
    is_duplicated,
)
from tus_conformance.state.content import ContentComparison
from tus_conformance.state.early_exit import StopScenario, UnresolvedReference
from tus_conformance.state.references import References
from tus_conformance.state.session import Session
from tus_conformance.state.step_response import StepResponse
from tus_conformance.state.upload import UploadState
from tus_conformance.targets.creation_tracker import CreationTracker
from tus_conformance.targets.origin_guard import OtherOriginError
from tus_conformance.targets.target_transport import UnsupportedByTransportError
from tus_conformance.transport import HttpRequest, HttpResponse
from tus_conformance.transport.header_values import (
    header_value,
    is_integer,
    parse_http_date,
    parse_integer,
    read_integer,
    resolve_url,
)
from tus_reports import Exchange
from tus_scenarios import GivenUpload, NetworkFault, RequestSpec, Scenario

OTHER_ORIGIN_KINDS = frozenset({"other-origin", "dead-origin"})

_EXPECT_SCENARIOS = frozenset({"creation-with-upload.expect-refused"})
"""The scenarios that say whether a server refuses a request before it asks for the body."""

_RATE_LIMITED_REASON = (
    "The server limits the request rate (429): set `rate` in the profile to its limit."
)


class ScenarioRequests:
    """Sends the requests of an execution, and keeps its uploads, replies and exchanges.

    `attempt`, from 1, keeps the contents of its uploads apart from those of another attempt.
    """

    def __init__(self, session: Session, scenario: Scenario, attempt: int = 1) -> None:
        self.session = session
        self.scenario = scenario
        self.exchanges: list[Exchange] = []
        self.uploads: dict[str, UploadState] = {}
        self.replies: dict[str, StepResponse] = {}
        self.refused_completions: dict[str, StepResponse] = {}
        self.references = References(session, scenario.parameters, self.uploads, self.replies)
        self._composer = RequestComposer(self.references, f"{session.seed}:{scenario.id}:{attempt}")
        self.creations = CreationTracker(session.transport, session.target)
        self._pending = AsyncExitStack()
        self._opens_requests = False
        self._latest: tuple[RequestSpec, StepResponse] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *details: object) -> None:
        with trio.CancelScope(shield=True):
            await self._pending.aclose()
            await self._composer.connection.aclose()
            kept = self.session.keep_uploads(self.scenario, self.uploads.values())
            for url in self.creations.urls:
                if url not in kept:
                    await self.session.remove(url)
            self.session.left_behind.unnamed += [self.scenario.id] * self.creations.unnamed

    def adopt_upload(self, given: GivenUpload, url: str) -> UploadState:
        """Take in an upload that was made by other means than a request."""
        body = self._composer.content_for(RequestSpec(of=given.name))
        upload = UploadState(name=given.name, url=url, body=body, length_declared=True)
        self.uploads[given.name] = upload
        return upload

    async def send(self, method: str, request: RequestSpec) -> StepResponse:
        """Send a request and return its answer; of one that is sent twice the better one."""
        upload = self.uploads.get(request.of)
        self._ensure_room(request)
        http_request, at = self._composer.compose(method, request)
        self._ensure_unobstructed(http_request, upload)
        limit = self.session.discovery.body_limit
        if limit.refused is not None and _body_length(http_request) > (limit.accepted or 0):
            return await self._send_in_pieces(method, request, http_request, limit.accepted or 0)
        with _stop_if_impassable():
            answers = (
                [await self.creations.send(http_request)] if not is_duplicated(request) else []
            )
        if not answers:
            answers = await self._send_twice(http_request)
        if self._meets_body_limit(method, http_request, upload, answers[0]):
            self.exchanges.append(answers[0].exchange)
            self.session.learn_body_limit(_body_length(http_request), answers[0].exchange)
            return await self.send(method, request)
        replies = [
            await self._record_reply(http_request, request, upload, at, each) for each in answers
        ]
        return next((reply for reply in replies if reply.succeeded), replies[0])

    def _meets_body_limit(
        self,
        method: str,
        http_request: HttpRequest,
        upload: UploadState | None,
        answer: HttpResponse,
    ) -> bool:
        """Return whether a PATCH that fits its upload is larger than the server takes."""
        limit = self.session.discovery.body_limit
        size = _body_length(http_request)
        if method != "PATCH" or answer.status != 413 or limit.accepted is None:
            return False
        fits = upload is not None and upload.length is not None
        fits = fits and upload is not None and upload.offset + size <= (upload.length or 0)
        return fits and limit.refused is None and size > limit.accepted

    async def _send_in_pieces(
        self, method: str, request: RequestSpec, whole: HttpRequest, size: int
    ) -> StepResponse:
        """Send a PATCH as several, none larger than the server takes; return the last response."""
        total = _body_length(whole)
        tied = whole.has_header("upload-checksum") or whole.trailers or whole.all_faults
        if method != "PATCH" or tied or request.send is None or request.framing == "raw":
            raise StopScenario(
                "impossible",
                f"It sends {total} bytes in one request, and the server accepts at most {size}"
                " (http.request.body-limit).",
            )
        offset, at = self._composer.position(request)
        sent = 0
        while True:
            piece = replace(
                request,
                send=min(size, total - sent),
                offset=request.offset if offset is None else offset + sent,
                at=at + sent,
                length=request.length if not sent else None,
            )
            reply = await self.send(method, piece)
            sent += min(size, total - sent)
            if sent >= total or not reply.succeeded:
                return reply

    def _ensure_room(self, request: RequestSpec) -> None:
        """Raise StopScenario for an upload that is larger than the server takes.

        What a scenario asks for beyond the limit on purpose refers to it, or needs it.
        """
        if request.parts and "max-size" not in self.scenario.needs:
            ensure_within_max_size(self.session, self._upload_length(request) or 0)
        given = "" if request.length is None else str(request.length)
        if "max-size" not in given:
            length = self.references.resolve_text(given)
            if is_integer(length):
                ensure_within_max_size(self.session, parse_integer(length))

    def _ensure_unobstructed(
        self, http_request: HttpRequest, upload: UploadState | None, *, is_open: bool = False
    ) -> None:
        """Raise StopScenario for a request that fails for every upload.

        A proxy keeps it from the server, or another scenario is charged with that. With `is_open`
        its body pauses.
        """
        found = self.session.discovery
        name = self.scenario.id.partition("/")[0]
        keys = [http_request.method]
        keys += [] if upload is None else [TO_UPLOADS]
        keys += [PARTS_OF_BODIES] if is_open or ends_within_body(http_request) else []
        for key in keys:
            reason = found.obstructed_requests.get(key)
            if reason is None and name != CHARGED_SCENARIOS.get(key):
                reason = found.charged.get(key)
            if reason is not None:
                raise StopScenario("precondition", reason)
        hidden = EXPECT_REFUSED if name in _EXPECT_SCENARIOS else half_closes(http_request)
        if hidden in found.hidden:
            raise StopScenario("impossible", found.hidden[hidden])

    async def _explain_foreign(self, http_request: HttpRequest, answer: HttpResponse) -> str:
        """Return why a response is that of a proxy; nothing where none is in front."""
        marks = self.session.discovery.proxied_marks
        if marks is None:
            return ""
        is_well_formed = http_request.framing != "raw" and not http_request.all_faults
        reason = explain_foreign(answer, marks, is_well_formed=is_well_formed)
        if reason or http_request.method != "HEAD" or not (is_well_formed and lacks_page(answer)):
            return reason
        get = dataclasses.replace(http_request, method="GET", connection=None)
        of_get = await self.session.transport.send(get)
        self.exchanges.append(of_get.exchange)
        return explain_by_page(answer, of_get)

    async def _send_twice(self, http_request: HttpRequest) -> list[HttpResponse]:
        """Send a message over two connections at once; return the answers as they came."""
        answers: list[HttpResponse] = []

        async def once() -> None:
            with _stop_if_impassable():
                answers.append(await self.creations.send(http_request))

        await self.run_concurrently(once, once)
        return answers

    async def download_upload(
        self, upload: UploadState, comparison: ContentComparison
    ) -> StepResponse:
        """Download an upload, comparing its bytes as they arrive."""
        request = RequestSpec(of=upload.name)
        http_request, at = self._composer.compose("GET", request)
        self._ensure_unobstructed(http_request, upload)
        answer = await self.creations.send(http_request, sink=comparison.feed)
        return await self._record_reply(http_request, request, upload, at, answer)

    async def open_request(self, method: str, request: RequestSpec) -> OpenRequest:
        """Send the head of a request, and let the caller send its body."""
        self._opens_requests = True
        upload = self.uploads.get(request.of)
        self._ensure_room(request)
        http_request, at = self._composer.compose(method, request)
        self._ensure_unobstructed(http_request, upload, is_open=_body_length(http_request) > 0)
        with _stop_if_impassable():
            pending = await self._pending.enter_async_context(self.creations.open(http_request))

        async def record_reply(answer: HttpResponse) -> StepResponse:
            return await self._record_reply(http_request, request, upload, at, answer)

        return OpenRequest(pending, record_reply)

    def latest_head(self, upload: UploadState) -> StepResponse | None:
        """Return the response to a plain HEAD of an upload, if nothing was sent since.

        After an interruption bytes may arrive late, so that the response says nothing of now.
        """
        if self._latest is None or self._opens_requests or upload.interrupted:
            return None
        request, reply = self._latest
        plain = reply.method == "HEAD" and request == RequestSpec(of=upload.name)
        return reply if plain and reply.upload is upload else None

    def forget_latest_head(self) -> None:
        """Ask with HEAD again next time, since a repeated step waits for a change."""
        self._latest = None

    def refused_completion(self, upload: UploadState) -> StepResponse | None:
        """Return the response that refused the last byte of an upload, if nothing explains it.

        The bytes of a request that broke off may arrive late: they can complete an upload while
        the request that follows is refused because of them.
        """
        refusal = self.refused_completions.get(upload.name)
        if refusal is None or refusal.status is None or upload.completion_acknowledged:
            return None
        explained = upload.last_byte_unanswered if refusal.status >= 500 else upload.interrupted
        return None if explained else refusal

    def place(self, fault: NetworkFault, method: str, request: RequestSpec) -> int:
        """Return where a fault has its place in the body of a request, in bytes."""
        http_request, _ = self._composer.compose(method, request)
        return body_position(fault.at, self.references, http_request.payload)

    async def _record_reply(
        self,
        http_request: HttpRequest,
        request: RequestSpec,
        upload: UploadState | None,
        at: int,
        answer: HttpResponse,
    ) -> StepResponse:
        self.exchanges.append(answer.exchange)
        place = len(self.exchanges) - 1
        before = {name: known.offset for name, known in self.uploads.items()}
        method = header_value(http_request.headers, "X-HTTP-Method-Override")
        if method is None or not request.override:
            method = http_request.method
        foreign = await self._explain_foreign(http_request, answer)
        reply = StepResponse(
            answer, method, http_request.url, place, upload, at, before, foreign=foreign
        )
        if upload is not None and _note_sent_bytes(upload, http_request, reply):
            self.refused_completions[upload.name] = reply
        self._latest = request, reply
        if not foreign:
            self.session.on_exchange(self.scenario, http_request, reply)
        if reply.succeeded and method == "POST" and request.to is None:
            self._add_created_upload(request, reply, http_request)
        elif (
            reply.succeeded
            and not reply.creates_upload
            and upload is not None
            and http_request.url == upload.url
        ):
            _update_upload(upload, request, reply)
        failure = answer.failure
        if failure is not None and failure.kind in OTHER_ORIGIN_KINDS:
            raise StopScenario("other-origin", f"{failure.message} (creation.post.location)")
        if reply.status == 429:
            raise StopScenario("rate-limited", _RATE_LIMITED_REASON)
        return reply

    def _add_created_upload(
        self, request: RequestSpec, reply: StepResponse, http_request: HttpRequest
    ) -> None:
        url = resolve_url(reply.header("Location") or "", reply.url)
        if url is None:
            return
        upload = UploadState(
            name=request.of,
            url=url,
            body=self._composer.content_for(request),
            length=self._upload_length(request),
            length_declared=request.defer is None,
            metadata=header_value(http_request.headers, "Upload-Metadata"),
            parts=tuple(self.references.upload(name) for name in request.parts),
            is_partial=header_value(http_request.headers, "Upload-Concat") == "partial",
            sent=reply.http_response.sent,
        )
        self.uploads[request.of] = upload
        upload.completion_acknowledged = upload.may_be_complete
        _update_upload(upload, request, reply)

    def _upload_length(self, request: RequestSpec) -> int | None:
        if request.parts:
            return sum(self.references.upload(name).length or 0 for name in request.parts)
        sent = "" if request.length is None else self.references.resolve_text(str(request.length))
        return read_integer(sent)

    async def run_concurrently(self, *branches: Callable[[], Awaitable[None]]) -> None:
        """Run branches at once; when all have ended, raise what stopped the first of them."""
        early_ends: list[Exception] = []

        async def run_branch(branch: Callable[[], Awaitable[None]]) -> None:
            try:
                await branch()
            except (StopScenario, UnresolvedReference) as early:
                early_ends.append(early)

        async with trio.open_nursery() as nursery:
            for branch in branches:
                nursery.start_soon(run_branch, branch)
        if early_ends:
            raise early_ends[0]


def _note_sent_bytes(upload: UploadState, http_request: HttpRequest, reply: StepResponse) -> bool:
    """Keep what is known of an upload by what was sent of it and what came back.

    Return whether the server failed (5xx) at the request that sent the last byte.
    """
    override = header_value(http_request.headers, "X-HTTP-Method-Override") or ""
    upload.was_deleted |= "DELETE" in {reply.method, override.upper()}
    if http_request.payload is None or (reply.method != "POST" and reply.creates_upload):
        return False
    end = reply.body_start + reply.http_response.sent
    upload.sent = max(upload.sent, end)
    upload.interrupted |= reply.status is None
    upload.last_byte_unanswered |= reply.status is None and upload.may_be_complete
    has_last_byte = upload.length is not None and end >= upload.length
    if reply.succeeded:
        upload.completion_acknowledged |= has_last_byte
    elif has_last_byte and reply.is_server_error:
        return True
    return False


def _body_length(http_request: HttpRequest) -> int:
    return http_request.payload.length if http_request.payload is not None else 0


def _update_upload(upload: UploadState, request: RequestSpec, reply: StepResponse) -> None:
    """Keep the upload as the server describes it: its offset, and whether its bytes are ours."""
    expires = parse_http_date(reply.header("Upload-Expires") or "")
    upload.expires_at = expires.timestamp() if expires is not None else upload.expires_at
    offset = reply.header("Upload-Offset")
    if offset is None or not is_integer(offset):
        return
    if request.body and parse_integer(offset) > upload.offset:
        upload.has_foreign_bytes = True
    upload.offset = parse_integer(offset)
    if reply.method == "HEAD" and reply.header("Upload-Length") is not None:
        # After a request that broke off, only HEAD shows whether its length has arrived.
        upload.length_declared = True
    if request.length is not None and is_integer(str(request.length)):
        upload.length_declared = True
        if upload.length is None:
            upload.length = parse_integer(str(request.length))


@contextmanager
def _stop_if_impassable() -> Iterator[None]:
    """Stop the scenario where a request cannot go the way to the target."""
    try:
        yield
    except UnsupportedByTransportError as impassable:
        raise StopScenario("impossible", str(impassable)) from None
    except OtherOriginError as elsewhere:
        raise StopScenario("other-origin", str(elsewhere)) from None
