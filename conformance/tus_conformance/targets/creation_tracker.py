"""The uploads created through a transport, including those whose creation was cancelled.

A creation that was sent belongs to the run, however the run ends. Its response is awaited within a
bound even if the sender is cancelled, and the URL in it is stored before the sender continues.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import trio

from tus_conformance.targets.grace_period import complete_despite_cancellation
from tus_conformance.targets.target import Target
from tus_conformance.targets.transport_protocol import Transport
from tus_conformance.transport import HttpRequest, HttpResponse, PendingRequest, Redaction
from tus_conformance.transport.fault_actions import Break
from tus_conformance.transport.header_values import header_value, resolve_url
from tus_conformance.transport.http1_transport import BodySink
from tus_reports import format_leftovers

MAX_GRACE = 10.0
"""The longest wait for the response to a creation after a cancellation, in seconds."""


@dataclass
class LeftBehind:
    """What a run leaves on the server.

    `urls` are uploads that were not removed. `unnamed` has an entry for each creation that may have
    made an upload although no response named one: the id of the scenario, or "discovery".
    """

    urls: list[str] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)

    def lines(self, redaction: Redaction) -> tuple[str, ...]:
        """Return lines of text about all of it, without secrets; none if nothing is left."""
        return format_leftovers([redaction.redact_text(url) for url in self.urls], self.unnamed)


class CreationTracker:
    """A transport that stores the URL of each upload created through it.

    After a cancellation it waits for a response as long as the target's timeout, but at most
    `MAX_GRACE` seconds. `unnamed` counts the creations that may have made an upload although no
    response named one.
    """

    def __init__(self, transport: Transport, target: Target) -> None:
        self.urls: list[str] = []
        self.unnamed = 0
        self._transport = transport
        self._run_program = target.run_program
        self._named_origins = target.named_origins
        self._grace = min(target.timeout, MAX_GRACE)

    async def send(
        self, http_request: HttpRequest, *, sink: BodySink | None = None
    ) -> HttpResponse:
        """Send a request and return its response; track the upload that it creates."""
        if not _is_creation(http_request):
            response = await self._transport.send(http_request, sink=sink)
            if http_request.method == "POST" and response.status == 201:
                # The server ignored X-HTTP-Method-Override.
                self._track(http_request, response)
            return response

        async def send_and_track() -> HttpResponse:
            response = await self._transport.send(http_request, sink=sink)
            self._track(http_request, response)
            return response

        return await complete_despite_cancellation(send_and_track, self._grace, self._count_unnamed)

    @asynccontextmanager
    async def open(
        self, http_request: HttpRequest, *, sink: BodySink | None = None
    ) -> AsyncIterator[PendingRequest]:
        """Open a request whose body the caller sends; finish a creation that the caller leaves."""
        async with AsyncExitStack() as stack:
            opening = self._transport.open(http_request, sink=sink)
            if not _is_creation(http_request):
                yield await stack.enter_async_context(opening)
                return

            async def open_and_track() -> PendingRequest:
                pending = await stack.enter_async_context(opening)
                stack.push_async_callback(self._finish_and_track, http_request, pending)
                return pending

            yield await complete_despite_cancellation(
                open_and_track, self._grace, self._count_unnamed
            )

    async def run_upload_command(self, command: str, *, length: int) -> str:
        """Run a command that creates an upload of `length` bytes; return the URL that it prints.

        Raises ProgramError if the command fails.
        """

        async def run_and_track() -> str:
            printed = await self._run_program(command, length=str(length))
            url = printed.decode("latin-1").strip()
            self._named_origins.add(url)
            self._add(url)
            return url

        return await complete_despite_cancellation(run_and_track, self._grace, self._count_unnamed)

    async def _finish_and_track(self, http_request: HttpRequest, pending: PendingRequest) -> None:
        if not pending.done:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + self._grace):
                await pending.finish()
        self._track(http_request, pending.partial_response)

    def _count_unnamed(self) -> None:
        self.unnamed += 1

    def _track(self, http_request: HttpRequest, response: HttpResponse) -> None:
        status, headers = response.status, response.headers
        recorded = response.exchange.response
        if status is None and recorded is not None:  # a response that was lost on purpose
            status, headers = recorded.status, recorded.headers
        if status is None:
            self.unnamed += _may_have_been_processed(http_request, response)
        elif 200 <= status < 300:
            url = resolve_url(header_value(headers, "Location") or "", http_request.url)
            if url is None:
                self.unnamed += 1
            else:
                self._add(url)

    def _add(self, url: str) -> None:
        if url not in self.urls:
            self.urls.append(url)


def _is_creation(http_request: HttpRequest) -> bool:
    return http_request.method == "POST" and not http_request.has_header("x-http-method-override")


def _may_have_been_processed(http_request: HttpRequest, response: HttpResponse) -> bool:
    """Return whether the server may have acted on a request to which no response came."""
    if response.failure is not None and response.failure.kind in {
        "unreachable",
        "tls",
        "other-origin",
    }:
        return False
    # A server that received an incomplete head received no request (RFC 9112, section 8).
    cut_in_head = any(
        isinstance(fault.action, Break) and fault.action.by != "half" and fault.inside == "head"
        for fault in http_request.all_faults
    )
    return not (response.cut and cut_in_head)
