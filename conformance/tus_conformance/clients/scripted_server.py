"""A server that a client meets in a situation: the reference, with the situation's rules in front.

A request is read whole, as far as its rules let it come, before the reference sees it: what is
stored does not depend on how fast bytes travel.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from urllib.parse import urljoin

import h11
import trio

from tus_conformance.clients.client_connection import (
    ClientConnection,
    ClientGone,
    UnreadableRequest,
    decode_headers,
)
from tus_conformance.clients.client_log import ClientLog, read_upload
from tus_conformance.clients.client_urls import REDIRECT_PREFIX, ClientUrls
from tus_conformance.clients.cross_origin import allow_origin, answer_preflight, is_preflight
from tus_conformance.clients.honest_server import HonestResponse, HonestServer
from tus_conformance.clients.offered_extensions import OfferedExtensions
from tus_conformance.clients.rule_script import RuleScript
from tus_conformance.clients.seen_request import (
    HeaderPairs,
    SeenRequest,
    SeenResponse,
    SeenUpload,
    value_of,
)
from tus_conformance.transport.header_values import read_integer
from tus_conformance.transport.loopback_listener import serve_on_two_ports
from tus_scenarios.server_rule import (
    Answer,
    BrokenBody,
    ResponseEdit,
    ServerRule,
    describe_rule,
    share_of,
)
from tus_scenarios.situation import Situation

MAX_REQUESTS = 400
"""How many requests a client may send in one situation before it counts as endless."""

SETTLE_SECONDS = 5.0
"""How long requests of a client that has ended may take to end, in seconds."""

_VERSION = ("Tus-Resumable", "1.0.0")


class _ConnectionDone(Exception):  # noqa: N818  it ends the connection on purpose
    """The connection was broken as a rule says, or cannot be used any more."""


async def serve_requests(
    connection: ClientConnection,
    serve: Callable[[ClientConnection, h11.Request], Awaitable[None]],
) -> None:
    """Serve the requests of a connection one by one; raise UnreadableRequest for what is none."""
    try:
        while (event := await connection.next_request()) is not None:
            await serve(connection, event)
            if not connection.reusable:
                await connection.linger()
                return
    except (ClientGone, _ConnectionDone):
        pass
    finally:
        with trio.CancelScope(shield=True):
            await connection.end("fin")


class ScriptedServer:
    """Serves one situation; `log` has what happened. `mount` is the path of the endpoint.

    `on_creation` is called when an upload has been created, before its response is sent.
    """

    def __init__(
        self,
        situation: Situation,
        honest: HonestServer,
        mount: str = "/files/",
        on_creation: Callable[[], None] = lambda: None,
    ) -> None:
        began = trio.current_time()
        self.situation = situation
        self.log = ClientLog(lambda: trio.current_time() - began)
        self.urls = ClientUrls(mount)
        self.other_port = 0
        self.too_many = trio.Event()
        self._ended = trio.Event()
        self._honest = honest
        self._script = RuleScript(situation.rules)
        self._offered = OfferedExtensions(situation.server.extensions)
        self._on_creation = on_creation
        self._connections = 0

    async def prepare(self) -> None:
        """Note in the log what the server offers."""
        self.log.endpoint = self.urls.mount
        self.log.offered, self.log.algorithms = await self._honest.offers()
        if self.situation.server.extensions is not None:
            self.log.offered = self.situation.server.extensions

    async def read_back(self) -> None:
        """Ask what each upload holds in the end."""
        await self.log.read_back(self._honest)

    async def serve(
        self, port: int, *, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve on a port of 127.0.0.1, 0 for a free one, and on a second one; until cancelled."""

        def on_listening(first_port: int, other_port: int) -> None:
            self.other_port = other_port
            task_status.started(first_port)

        await serve_on_two_ports(self.serve_connection, port, on_listening)

    async def serve_connection(self, stream: trio.SocketStream) -> None:
        """Serve the requests of one connection."""
        self._connections += 1
        connection = ClientConnection(stream, self._connections)
        try:
            await serve_requests(connection, self.serve_request)
        except UnreadableRequest as wrong:
            self.log.unreadable.append(str(wrong))

    async def serve_request(self, connection: ClientConnection, event: h11.Request) -> None:
        """Serve one request with the rules that apply to it."""
        port = connection.port
        request = SeenRequest(
            number=len(self.log.requests) + 1,
            method=event.method.decode("latin-1"),
            target=event.target.decode("latin-1"),
            headers=decode_headers(event.headers.raw_items()),
            began=self.log.now(),
            connection=connection.number,
            http_version=event.http_version.decode("ascii"),
        )
        self.log.requests.append(request)
        if len(self.log.requests) > MAX_REQUESTS:
            self.too_many.set()
        request.upload = self.urls.find(port, request.target)
        upload = self.log.uploads.get(request.upload)
        request.offset_before = None if upload is None else upload.offset
        exchange = _ServedRequest(self, connection, request, port)
        try:
            if is_preflight(request):
                await exchange.allow()
            else:
                await exchange.run(self._script.choose(request, upload))
        except ClientGone:
            request.closed_by_client = request.response is None
            raise
        finally:
            request.ended = self.log.now()
            self._ended.set()

    async def carry_out(
        self, request: SeenRequest, body: bytes, port: int, *, partly: bool
    ) -> SeenResponse:
        """Let the reference carry a request out, and return its response as the client sees it.

        `partly` says that `body` is not all that the client sent or meant to send.
        """
        if not self.urls.is_endpoint(request.target) and not request.upload:
            return SeenResponse(404, (_VERSION,), b"No such upload.\n")
        headers, body = self._offered.limit_request(self._pass_headers(request, port), body)
        if partly:
            headers = tuple(pair for pair in headers if pair[0].lower() != "upload-checksum")
            if request.value("Upload-Checksum") is not None and not request.applied:
                body = b""  # a checksum that was never complete covers nothing
        before = self.log.uploads.get(request.upload)
        if request.effective_method == "DELETE" and before is not None:
            await read_upload(self._honest, before)
        response = await self._honest.send(
            request.method, self._honest.path + request.upload, headers, body
        )
        return self._note_response(request, response, body)

    async def settle(self) -> None:
        """Wait until no request is under way, for at most `SETTLE_SECONDS`."""
        with trio.move_on_after(SETTLE_SECONDS):
            await self._all_ended()

    async def _all_ended(self) -> None:
        while self.log.under_way:
            self._ended = trio.Event()
            await self._ended.wait()

    async def forget(self, upload: str) -> None:
        """Remove an upload, as an expired one is."""
        if upload:
            await self._honest.remove(upload)
            if upload in self.log.uploads:
                self.log.uploads[upload].removed = True

    async def create_prior(self, base: str, content: bytes, length: int) -> str:
        """Create the upload that a client is told to go on with, and return its URL."""
        created = await self._honest.send(
            "POST", self._honest.path, (_VERSION, ("Upload-Length", str(length)))
        )
        location = value_of(created.headers, "Location") or ""
        upload = SeenUpload(location.rsplit("/", 1)[-1], 1, length=length)
        self.log.add_upload(upload)
        self.log.prior = upload.id
        if content:
            headers = (_VERSION, ("Upload-Offset", "0"), _OCTETS)
            await self._honest.send("PATCH", self._honest.path + upload.id, headers, content)
        upload.offset = len(content)
        upload.received += content
        upload.url = self.urls.name(upload.id, "", base, self.other_port)
        return upload.url

    def _pass_headers(self, request: SeenRequest, port: int) -> HeaderPairs:
        """Return the headers of a request with the URLs of partial uploads as the reference's."""
        passed = []
        base = f"http://127.0.0.1:{port}{self.urls.direct(request.target)}"
        for name, value in (*request.headers, *request.trailers):
            if name.lower() == "upload-concat" and ";" in value:
                kind, _, names = value.partition(";")
                ids = (self.urls.find(port, urljoin(base, each)) for each in names.split())
                known = " ".join(self._honest.path + each for each in ids)
                passed.append((name, f"{kind};{known}"))
            else:
                passed.append((name, value))
        return tuple(passed)

    def _note_response(
        self, request: SeenRequest, response: HonestResponse, body: bytes
    ) -> SeenResponse:
        """Take note of what a response of the reference says about uploads."""
        created = value_of(response.headers, "Location")
        if response.status == 201 and created is not None and request.is_creation:
            request.upload = created.rsplit("/", 1)[-1]
            known = read_integer(request.value("Upload-Length"))
            self.log.add_upload(
                SeenUpload(request.upload, len(self.log.uploads) + 1, request.concat, known)
            )
            request.offset_before = 0
            self._on_creation()
        upload = self.log.uploads.get(request.upload)
        if upload is not None and request.effective_method in {"POST", "PATCH"}:
            offset = response.integer("Upload-Offset")
            if offset is not None:
                request.stored = offset - upload.offset
                upload.received += body[: max(0, request.stored)]
                upload.offset = offset
        if upload is not None and request.effective_method == "DELETE" and response.status == 204:
            upload.removed = True
        headers = self._offered.limit_response(request.effective_method, response.headers)
        return SeenResponse(response.status, headers, response.body)


_OCTETS = ("Content-Type", "application/offset+octet-stream")


class _ServedRequest:
    """The life of one request: its body, the reference's response, and what rules make of both."""

    def __init__(
        self,
        server: ScriptedServer,
        connection: ClientConnection,
        request: SeenRequest,
        port: int,
    ) -> None:
        self._server = server
        self._connection = connection
        self._request = request
        self._port = port

    async def allow(self) -> None:
        """Answer what a browser asks before the request of a page."""
        await self._read_body(None, 0)
        await self._respond(answer_preflight(self._request), [])

    async def run(self, rules: list[ServerRule]) -> None:
        """Serve the request by these rules."""
        self._request.applied = [describe_rule(rule) for rule in rules]
        self._request.false_response = any(rule.false for rule in rules)
        for rule in rules:
            if rule.forget:
                await self._server.forget(self._request.upload)
        answer = next((rule.answer for rule in rules if rule.answer is not None), None)
        if answer is not None and answer.early:
            await self._respond(_answer_response(answer), rules)
            return
        cut = next((rule.cut for rule in rules if rule.cut is not None), None)
        rate = next((rule.rate for rule in rules if rule.rate), 0)
        await self._read_body(self._cut_position(cut), rate)
        if cut is not None:
            await self._break_in_body(cut)
        if answer is not None:
            await self._respond(_answer_response(answer), rules)
            return
        redirect = next((rule.redirect for rule in rules if rule.redirect), 0)
        if redirect:
            host = self._request.value("Host") or f"127.0.0.1:{self._port}"
            place = f"http://{host}{REDIRECT_PREFIX}{self._request.target}"
            await self._respond(SeenResponse(redirect, (("Location", place), _VERSION)), rules)
            return
        store = next((rule.store for rule in rules if rule.store), "")
        body = self._request.body
        kept = body[: share_of(store, len(body))] if store else body
        response = await self._server.carry_out(
            self._request, kept, self._port, partly=bool(store) and len(kept) < len(body)
        )
        lose = next((rule.lose for rule in rules if rule.lose), "")
        if lose:
            await self._connection.end("rst" if lose == "rst" else "fin")
            raise _ConnectionDone
        for edit in (rule.edit for rule in rules if rule.edit is not None):
            response = edit_response(response, edit)
        await self._respond(self._with_location(response, rules), rules)

    async def _read_body(self, limit: int | None, rate: int) -> None:
        """Read the body up to `limit` bytes; what had come before a client left is stored."""
        request, body = self._request, bytearray()
        if self._connection.waits_for_continue:
            await self._connection.send_continue()
            request.asked_to_continue = True
        try:
            while limit is None or len(body) < limit:
                piece = await self._connection.next_body_piece()
                if isinstance(piece, tuple):
                    request.trailers, request.complete = piece, True
                    break
                body += piece
                if rate:
                    await trio.sleep(len(piece) / rate)
        except (ClientGone, UnreadableRequest):
            request.body = bytes(body)
            request.closed_by_client = True
            if request.effective_method in {"POST", "PATCH"} and body:
                await self._server.carry_out(request, request.body, self._port, partly=True)
            raise ClientGone from None
        request.body = bytes(body if limit is None else body[:limit])

    def _cut_position(self, cut: BrokenBody | None) -> int | None:
        if cut is None:
            return None
        length = read_integer(self._request.value("Content-Length"))
        if length is not None:
            return share_of(cut.after, length)
        return share_of(cut.after, self._remaining_length())

    def _remaining_length(self) -> int:
        """Return how much is missing of the upload, for a body whose length is not known."""
        upload = self._server.log.uploads.get(self._request.upload)
        if upload is None or upload.length is None:
            return _ASSUMED_LENGTH
        return upload.length - upload.offset

    async def _break_in_body(self, cut: BrokenBody) -> None:
        if cut.keep:
            await self._server.carry_out(self._request, self._request.body, self._port, partly=True)
        await self._connection.end(cut.by)
        raise _ConnectionDone

    def _with_location(self, response: SeenResponse, rules: list[ServerRule]) -> SeenResponse:
        """Return a response whose Location names the upload here, in the form that a rule says."""
        if response.value("Location") is None or not self._request.upload:
            return response
        template = next((r.edit.location for r in rules if r.edit and r.edit.location), "")
        host = self._request.value("Host") or f"127.0.0.1:{self._port}"
        base = f"http://{host}{self._server.urls.direct(self._request.target)}"
        location = self._server.urls.name(
            self._request.upload, template, base, self._server.other_port
        )
        upload = self._server.log.uploads[self._request.upload]
        upload.url = urljoin(base, location)
        headers = tuple(
            (name, location if name.lower() == "location" else value)
            for name, value in response.headers
        )
        return replace(response, headers=headers)

    async def _respond(self, response: SeenResponse, rules: list[ServerRule]) -> None:
        seconds = sum(rule.pause for rule in rules)
        if seconds:
            with trio.move_on_after(seconds):
                await self._connection.wait_until_gone()
                raise ClientGone
        server = self._server.situation.server
        if server.http10:
            response = replace(response, http_version="1.0")
        if all(rule.answer is None or rule.answer.tus for rule in rules):
            response = allow_origin(self._request, response)
        close = server.close or server.http10
        self._request.response = response
        self._request.responded = self._server.log.now()
        await self._connection.respond(response, close=close)


_ASSUMED_LENGTH = 65536


def edit_response(response: SeenResponse, edit: ResponseEdit) -> SeenResponse:
    """Return a response as an edit changes it."""
    dropped = {name.lower() for name in (*edit.drop, *edit.set)}
    headers = tuple(pair for pair in response.headers if pair[0].lower() not in dropped)
    headers += tuple(edit.set.items())
    status = response.status if edit.status is None else edit.status
    return replace(response, status=status, headers=headers, interim=edit.interim)


def _answer_response(answer: Answer) -> SeenResponse:
    headers: HeaderPairs = tuple(answer.header.items())
    if answer.tus:
        headers = (_VERSION, *headers)
    return SeenResponse(answer.status, headers, answer.body.encode())
