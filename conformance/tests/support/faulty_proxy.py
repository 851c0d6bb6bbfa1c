"""A proxy in memory that does one thing wrong, in front of the reference server."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import count
from typing import Any
from unittest.mock import patch

import h11
import trio
from reference_in_memory import run_inline
from scripted_server import URL
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked

from tus_conformance.doctor.diagnosis import Diagnosis, diagnose
from tus_conformance.doctor.examination import DoctorSettings, Examination
from tus_conformance.targets.creation_tracker import LeftBehind
from tus_conformance.targets.target import Target
from tus_conformance.transport import Http1Transport
from tus_conformance.transport.memory import Serve, memory_network
from tus_defects import Change, ChangedService
from tus_reference import Config, MemoryLocker, MemoryStore, StoreComposer, serve_stream
from tus_reference.middleware import LayeredService
from tus_reference.middleware.cors import Cors

Headers = list[tuple[bytes, bytes]]
NGINX_PAGE = b"<html><body><center><h1>%d</h1></center><hr><center>nginx</center></body></html>"


@dataclass
class FaultyProxy:
    """What the proxy does to requests and responses; by default it passes all on as it comes.

    `page` is its error page, with a place for the status; `server` its name, and `dated` says
    whether its pages have a Date. `blocked` has statuses by method, `refused_paths` by a pattern of
    method and path, `sends_as` methods by those that they replace, `redirects` places by method,
    `drop_request` and `drop_response` names of headers in lower case, `location` a pattern of
    Location and what replaces it, `waits_for_body` methods whose response waits for the end of the
    body. `rate` is in requests a second. `upstreams` take turns, a
    connection each.
    """

    upstreams: Sequence[Serve]
    page: bytes = NGINX_PAGE
    server: str = "nginx"
    dated: bool = False
    buffers: bool = False
    buffers_chunked: bool = False
    blocked: dict[str, int] = field(default_factory=dict)
    refused_paths: dict[str, int] = field(default_factory=dict)
    replaces_server: bool = False
    drop_request: tuple[str, ...] = ()
    drop_response: tuple[str, ...] = ()
    add_response: tuple[tuple[str, str], ...] = ()
    location: tuple[str, str] | None = None
    served_path: str = "/files/"
    caches_head: bool = False
    sends_get: bool = False
    sends_as: dict[str, str] = field(default_factory=dict)
    drops_body_of: tuple[str, ...] = ()
    inspects: bytes = b""
    changes_content: tuple[bytes, bytes] | None = None
    response_head_limit: int | None = None
    fails_at: int | None = None
    body_limit: int | None = None
    head_limit: int | None = None
    replaces_errors: int | None = None
    drops_trailers: bool = False
    swallows_expect: bool = False
    answers_expect: bool = False
    refuses_chunked: int | None = None
    reads_whole_body: bool = False
    waits_for_body: tuple[str, ...] = ()
    loses_early_answers: bool = False
    body_pause: float | None = None
    request_time: float | None = None
    parallel: int | None = None
    drops_every: int | None = None
    redirects: dict[str, str] = field(default_factory=dict)
    rate: float | None = None
    header_limit: int | None = None
    lower_metadata: bool = False
    replace_status: dict[int, int] = field(default_factory=dict)
    hides_errors: bool = False
    compresses: bool = False
    _turn: Any = field(default_factory=count)
    _cache: dict[bytes, Any] = field(default_factory=dict)
    _open: int = 0
    _heads: int = 0
    _requests: int = 0
    _tokens: float = 5.0
    _filled: float = 0.0

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Serve one connection of a client."""
        parser = h11.Connection(h11.SERVER)
        while True:
            try:
                request = await next_event(parser, stream)
            except h11.RemoteProtocolError:
                await self.refuse(parser, stream, 400)
                return
            if not isinstance(request, h11.Request):
                return
            self._open += 1
            try:
                with trio.move_on_after(self.request_time or float("inf")) as scope:
                    await self._handle(parser, stream, request)
            finally:
                self._open -= 1
            if scope.cancelled_caught or parser.states != {
                h11.CLIENT: h11.DONE,
                h11.SERVER: h11.DONE,
            }:
                await stream.aclose()
                return
            parser.start_next_cycle()

    async def refuse(
        self,
        parser: h11.Connection,
        stream: trio.abc.Stream,
        status: int,
        *,
        bodyless: bool = False,
        location: str = "",
    ) -> None:
        """Send an error page, or a redirect to a location."""
        page = b"" if location else self.page % status
        headers = [("Content-Type", "text/html"), ("Content-Length", str(len(page)))]
        headers += [("Connection", "close"), ("Server", self.server)]
        headers += [("Location", location)] if location else []
        if self.dated:
            headers.append(("Date", format_datetime(datetime.now(UTC), usegmt=True)))
        await stream.send_all(parser.send(h11.Response(status_code=status, headers=headers)))
        if not bodyless:
            await stream.send_all(parser.send(h11.Data(data=page)))
        await stream.send_all(parser.send(h11.EndOfMessage()))

    async def _handle(
        self, parser: h11.Connection, stream: trio.abc.Stream, request: h11.Request
    ) -> None:
        if self.drops_every and request.method == b"HEAD":
            self._heads += 1
            if self._heads % self.drops_every == 0:
                return
        if request.method.decode() in self.redirects:
            place = self.redirects[request.method.decode()]
            await self.refuse(parser, stream, 302, bodyless=True, location=place)
            return
        refusal = self._find_refusal(request)
        if refusal is not None:
            await self.refuse(parser, stream, refusal, bodyless=request.method == b"HEAD")
            return
        if self.caches_head and request.method == b"HEAD" and request.target in self._cache:
            await stream.send_all(parser.send(self._cache[request.target]))
            await next_event(parser, stream)
            await stream.send_all(parser.send(h11.EndOfMessage()))
            return
        near, far = memory_stream_pair()
        serve = self.upstreams[next(self._turn) % len(self.upstreams)]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_serve_quietly, serve, far)
            try:
                await self._exchange(parser, stream, request, near)
                await near.aclose()
            except* (trio.BrokenResourceError, trio.ClosedResourceError, h11.RemoteProtocolError):
                await near.aclose()
                await stream.aclose()
            nursery.cancel_scope.deadline = trio.current_time() + 30

    def _is_too_fast(self, rate: float) -> bool:
        """Return whether more requests came than a bucket of five, filled at a rate, allows."""
        now = trio.current_time()
        self._tokens = min(5.0, self._tokens + (now - self._filled) * rate)
        self._filled = now
        if self._tokens < 1:
            return True
        self._tokens -= 1
        return False

    def _find_refusal(self, request: h11.Request) -> int | None:
        headers = dict(request.headers)
        length = int(headers.get(b"content-length", b"0"))
        chunked = b"transfer-encoding" in headers
        if self.head_limit and any(len(value) > self.head_limit for value in headers.values()):
            return 431
        if self.body_limit is not None and length > self.body_limit:
            return 413
        self._requests += 1
        if self._requests == self.fails_at:
            return 503
        if self.rate is not None and self._is_too_fast(self.rate):
            return 503
        if self.parallel is not None and self._open > self.parallel:
            return 503
        if self.refuses_chunked is not None and chunked:
            return self.refuses_chunked
        if not request.target.startswith(self.served_path.encode()):
            return 404
        for pattern, status in self.refused_paths.items():
            if re.search(pattern, f"{request.method.decode()} {request.target.decode()}"):
                return status
        return self.blocked.get(request.method.decode())

    async def _exchange(
        self,
        parser: h11.Connection,
        stream: trio.abc.Stream,
        request: h11.Request,
        near: trio.abc.Stream,
    ) -> None:
        upstream = h11.Connection(h11.CLIENT)
        waits = self.buffers or (
            self.buffers_chunked and b"transfer-encoding" in dict(request.headers)
        )
        head = upstream.send(self._edit_request(request))
        if not waits:
            await near.send_all(head)
        if b"expect" in dict(request.headers) and (waits or self.answers_expect):
            proceed = h11.InformationalResponse(status_code=100, headers=[])
            await stream.send_all(parser.send(proceed))
        body = _Body(self, parser, stream, near, upstream, [head] if waits else [])
        body.is_dropped = self._drops_body(request)
        async with trio.open_nursery() as nursery:

            async def pass_body() -> None:
                if not await body.pass_on(waits=waits):
                    await self.refuse(parser, stream, 408)
                    await stream.aclose()
                    nursery.cancel_scope.cancel()

            nursery.start_soon(pass_body)
            await self._pass_response(parser, stream, request, near, upstream, body.done)
            nursery.cancel_scope.cancel()

    def _edit_request(self, request: h11.Request) -> h11.Request:
        return h11.Request(
            method=self._choose_method(request.method.decode()),
            target=request.target.replace(self.served_path.encode(), b"/files/", 1),
            headers=[
                (name, value.lower() if self._lowers(name) else value)
                for name, value in request.headers
                if name.decode() not in self.drop_request
                and not (name == b"content-length" and self._drops_body(request))
                and not (self.header_limit and len(value) > self.header_limit)
                and not ((self.swallows_expect or self.answers_expect) and name == b"expect")
            ],
        )

    def _choose_method(self, method: str) -> str:
        return "GET" if self.sends_get and method == "HEAD" else self.sends_as.get(method, method)

    def _drops_body(self, request: h11.Request) -> bool:
        return request.method.decode() in self.drops_body_of

    def _lowers(self, name: bytes) -> bool:
        return self.lower_metadata and name == b"upload-metadata"

    async def _pass_response(
        self,
        parser: h11.Connection,
        stream: trio.abc.Stream,
        request: h11.Request,
        near: trio.abc.Stream,
        upstream: h11.Connection,
        body_done: trio.Event,
    ) -> None:
        while True:
            event = await next_event(upstream, near)
            if isinstance(event, h11.InformationalResponse):
                await stream.send_all(parser.send(event))
                continue
            if isinstance(event, h11.Response):
                response = await self._choose_response(parser, stream, event, request, body_done)
                if response is None:
                    return
                event = response
            if isinstance(event, h11.Data) and request.method == b"HEAD":
                continue
            if not isinstance(event, h11.Response | h11.Data | h11.EndOfMessage):
                await stream.aclose()
                return
            await stream.send_all(parser.send(event))
            if isinstance(event, h11.EndOfMessage):
                return

    async def _choose_response(
        self,
        parser: h11.Connection,
        stream: trio.abc.Stream,
        response: h11.Response,
        request: h11.Request,
        body_done: trio.Event,
    ) -> h11.Response | None:
        """Return the head to pass on; None where the client has got another answer, or none."""
        refused = response.status_code >= 400
        if self.loses_early_answers and refused:
            await wait_all_tasks_blocked()
            if not body_done.is_set():
                await stream.aclose()
                return None
        if self.reads_whole_body or request.method.decode() in self.waits_for_body:
            await body_done.wait()
        if self.hides_errors and refused:
            await self.refuse(parser, stream, 200, bodyless=request.method == b"HEAD")
            return None
        if self.replaces_errors and refused:
            bodyless = request.method == b"HEAD"
            await self.refuse(parser, stream, self.replaces_errors, bodyless=bodyless)
            return None
        if self.response_head_limit is not None:
            size = sum(len(name) + len(value) for name, value in response.headers)
            if size > self.response_head_limit:
                await self.refuse(parser, stream, 502, bodyless=request.method == b"HEAD")
                return None
        edited = self._edit(response, request)
        if request.method == b"HEAD" and self.caches_head:
            self._cache[request.target] = edited
        return edited

    def _edit(self, response: h11.Response, request: h11.Request) -> h11.Response:
        headers: Headers = []
        for name, value in response.headers:
            if name.decode() in self.drop_response:
                continue
            if self.replaces_server and name == b"server":
                value = self.server.encode()  # noqa: PLW2901
            if name == b"location" and self.location is not None:
                old, new = self.location
                value = re.sub(old.encode(), new.encode(), value, count=1)  # noqa: PLW2901
            headers.append((name, value))
        if self.compresses and request.method == b"GET" and response.status_code == 200:
            headers.append((b"Content-Encoding", b"br"))
        headers += [(name.encode(), value.encode()) for name, value in self.add_response]
        return h11.Response(
            status_code=self.replace_status.get(response.status_code, response.status_code),
            reason=response.reason,
            headers=headers,
        )


@dataclass
class _Body:
    """The body of a request on its way to the server."""

    proxy: FaultyProxy
    parser: h11.Connection
    stream: trio.abc.Stream
    near: trio.abc.Stream
    upstream: h11.Connection
    kept: list[bytes | None]
    done: trio.Event = field(default_factory=trio.Event)
    is_dropped: bool = False

    async def pass_on(self, *, waits: bool) -> bool:
        """Pass the body on, at its end where the proxy waits; return False after a pause."""
        while not self.done.is_set():
            event: Any = None
            with trio.move_on_after(self.proxy.body_pause or float("inf")):
                event = await next_event(self.parser, self.stream)
            if event is None:
                return False
            is_end = isinstance(event, h11.EndOfMessage)
            if isinstance(event, h11.Data):
                event = await self._change_content(event)
            if is_end and self.proxy.drops_trailers:
                event = h11.EndOfMessage()
            elif not isinstance(event, h11.Data | h11.EndOfMessage):
                raise trio.BrokenResourceError
            if not (self.is_dropped and isinstance(event, h11.Data)):
                self.kept.append(self.upstream.send(event))
            if is_end or not waits:
                await self._send()
            if is_end:
                self.done.set()
        return True

    async def _change_content(self, event: h11.Data) -> h11.Data:
        content = bytes(event.data)
        if self.proxy.inspects and self.proxy.inspects in content:
            await self.proxy.refuse(self.parser, self.stream, 403)
            raise trio.BrokenResourceError
        if self.proxy.changes_content is None:
            return event
        return h11.Data(data=content.replace(*self.proxy.changes_content))

    async def _send(self) -> None:
        data, self.kept = b"".join(each or b"" for each in self.kept), []
        try:
            await self.near.send_all(data)
        except trio.BrokenResourceError:
            if not (self.proxy.reads_whole_body or self.proxy.waits_for_body):
                await trio.sleep_forever()  # the response says why


async def next_event(parser: h11.Connection, stream: trio.abc.Stream) -> Any:
    """Return the next event that comes over a stream."""
    while (event := parser.next_event()) is h11.NEED_DATA:
        parser.receive_data(bytes(await stream.receive_some(65536)))
    return event


async def _serve_quietly(serve: Serve, stream: trio.abc.Stream) -> None:
    async with stream:
        try:
            await serve(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return


def serve_reference_with_cors(*changes: Change) -> Serve:
    """Return the reference as its program serves it, with CORS; uploads are in memory."""
    composer = StoreComposer()
    MemoryStore().use_in(composer)
    MemoryLocker().use_in(composer)
    config = Config(store_composer=composer, max_size=8 * 1024 * 1024, expire_after=3600.0)
    changed = ChangedService(config, *changes)
    service = LayeredService(changed, Cors())

    async def serve(stream: trio.abc.Stream) -> None:
        await serve_stream(service, changed.wrap(stream))

    return serve


async def never_accepts(_host: str, _port: int) -> bool:
    """Accept no connection to another origin."""
    return False


@asynccontextmanager
async def open_examination(
    serve: Serve, target: Target, settings: DoctorSettings
) -> AsyncIterator[Examination]:
    """Yield an examination of a server in memory."""
    async with memory_network(serve) as backend:
        yield Examination(
            target,
            Http1Transport(backend=backend),
            settings,
            test_connection=never_accepts,
        )


def diagnose_in_memory(
    make_proxy: Callable[[list[Serve]], FaultyProxy] | None = None,
    *changes: Change,
    url: str = URL,
    headers: tuple[tuple[str, str], ...] = (),
    settings: DoctorSettings | None = None,
    upstreams: int = 1,
    is_compared: bool = False,
) -> Diagnosis:
    """Diagnose the reference with changes, behind a proxy or by itself; the clock is a mock."""

    async def main() -> Diagnosis:
        servers = [serve_reference_with_cors(*changes) for _ in range(upstreams)]
        serve = servers[0] if make_proxy is None else make_proxy(servers).serve
        chosen = settings or DoctorSettings()
        async with open_examination(serve, Target(url, headers=headers), chosen) as examination:
            if not is_compared:
                return await diagnose(examination, LeftBehind())
            direct_settings = DoctorSettings(is_direct=True)
            async with open_examination(servers[0], Target(URL), direct_settings) as direct:
                return await diagnose(examination, LeftBehind(), direct)

    with patch("anyio.to_thread.run_sync", run_inline):
        return trio.run(main, clock=MockClock(autojump_threshold=0))
