"""`proxy.proxy_server`: requests are relayed, faults injected, client disconnects detected."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import trio

from tus_conformance.proxy import ProxiedRequest, ProxyServer, Upstream
from tus_conformance.proxy.fault_rules import ChosenFault
from tus_conformance.transport import Break, InjectedFault, SplitWrite, Throttle
from tus_conformance.transport.loopback_listener import ListenError

BODY = bytes(range(256)) * 40
HEAD = f"PATCH /files/a HTTP/1.1\r\nHost: proxy\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
STORED = b"HTTP/1.1 204 No Content\r\nUpload-Offset: 10240\r\n\r\n"


@pytest.fixture
def anyio_backend() -> str:
    return "trio"  # sockets take their own time, which a clock that jumps would not wait for


@dataclass
class UpstreamServer:
    """The server behind the proxy: what each connection brought, and what it answers."""

    reply: bytes = STORED
    early: bool = False
    heard: list[bytes] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    port: int = 0

    async def serve(self, stream: trio.SocketStream) -> None:
        """Take a connection down, and answer once the body is there, or at once if `early`."""
        number = len(self.heard)
        self.heard.append(b"")
        self.ended.append("")
        try:
            while data := bytes(await stream.receive_some()):
                self.heard[number] += data
                if self.early or self.whole(number):
                    await stream.send_all(self.reply)
            self.ended[number] = "fin"
        except trio.BrokenResourceError:
            self.ended[number] = "rst"

    def whole(self, number: int) -> bool:
        """Return whether a request is there to its end."""
        head, _, body = self.heard[number].partition(b"\r\n\r\n")
        if b"chunked" in head:
            return body.endswith(b"\r\n\r\n") and b"0\r\n" in body
        return b"Content-Length" not in head or len(body) == len(BODY)

    def body(self, number: int = 0) -> bytes:
        """Return what came of a body."""
        return self.heard[number].partition(b"\r\n\r\n")[2]


@dataclass
class ProxySetup:
    """A client, the proxy and the server behind it."""

    upstream_server: UpstreamServer
    port: int
    proxied_requests: list[ProxiedRequest]

    async def connect(self) -> trio.SocketStream:
        """Return a connection of the client."""
        return await trio.open_tcp_stream("127.0.0.1", self.port)

    async def exchange_bytes(self, data: bytes) -> bytes:
        """Send all that over a connection and return everything that comes back."""
        stream = await self.connect()
        heard = b""
        async with stream:
            try:
                await stream.send_all(data)
                while piece := bytes(await stream.receive_some()):
                    heard += piece
            except trio.BrokenResourceError:
                heard += b"[reset]"
        return heard

    async def until(self, ready: Callable[[], bool]) -> None:
        """Wait until something has happened, which it soon does."""
        with trio.fail_after(10):
            while not ready():
                await trio.lowlevel.checkpoint()


@asynccontextmanager
async def start_proxy(
    chosen: ChosenFault | None = None, upstream_server: UpstreamServer | None = None
) -> AsyncIterator[ProxySetup]:
    """Yield a stage on free ports; `chosen` happens to every request."""
    server = upstream_server or UpstreamServer()
    proxied_requests: list[ProxiedRequest] = []
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        server.port = listeners[0].socket.getsockname()[1]
        nursery.start_soon(trio.serve_listeners, server.serve, listeners)
        relay = ProxyServer(
            Upstream(f"http://127.0.0.1:{server.port}/files/"),
            choose=lambda _: chosen or ChosenFault(),
            on_end=proxied_requests.append,
        )
        port = await nursery.start(relay.serve, 0)
        yield ProxySetup(server, port, proxied_requests)
        nursery.cancel_scope.cancel()


CLOSE = HEAD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


async def test_a_request_and_its_answer_pass_as_they_are() -> None:
    async with start_proxy() as stage:
        answer = await stage.exchange_bytes(CLOSE + BODY)
    assert answer.startswith(b"HTTP/1.1 204 No Content\r\nUpload-Offset: 10240\r\n")
    assert stage.upstream_server.body() == BODY
    assert stage.upstream_server.heard[0].startswith(b"PATCH /files/a HTTP/1.1\r\nHost: proxy\r\n")
    assert [
        (each.received, each.complete, each.closed_by_client, each.status)
        for each in stage.proxied_requests
    ] == [(len(BODY), True, "", 204)]


@pytest.mark.parametrize(
    ("act", "arrives", "comes_back"),
    [
        pytest.param(
            InjectedFault(Break("rst"), "50%"), BODY[:5120], b"[reset]", id="reset in the middle"
        ),
        pytest.param(InjectedFault(Break("fin"), "first"), BODY[:1], b"", id="closed after a byte"),
        pytest.param(
            InjectedFault(Break("fin"), "-1"), BODY[:-1], b"", id="closed before the last byte"
        ),
        pytest.param(InjectedFault(Break("fin"), 4, "head"), b"", b"", id="closed within the head"),
        pytest.param(
            InjectedFault(Throttle(write_size=100), 10000), BODY, b"HTTP/1.1 204", id="in pieces"
        ),
        pytest.param(InjectedFault(SplitWrite(), "50%"), BODY, b"HTTP/1.1 204", id="split"),
    ],
)
async def test_a_fault_happens_at_its_place(
    act: InjectedFault, arrives: bytes, comes_back: bytes
) -> None:
    async with start_proxy(ChosenFault(faults=(act,))) as stage:
        answer = await stage.exchange_bytes(CLOSE + BODY)
        await stage.until(lambda: stage.upstream_server.ended[0] != "")
    assert (answer[:12], stage.upstream_server.body()) == (comes_back, arrives)
    assert len(stage.proxied_requests[0].faults_done) == 1


async def test_a_lost_answer_leaves_the_bytes_with_the_server() -> None:
    async with start_proxy(ChosenFault(lose=True)) as stage:
        answer = await stage.exchange_bytes(HEAD + BODY)
    assert (answer, stage.upstream_server.body()) == (b"[reset]", BODY)
    assert stage.proxied_requests[0].faults_done == ["the response was lost"]


async def test_a_doubled_request_comes_twice_and_is_answered_once() -> None:
    async with start_proxy(ChosenFault(twice=True)) as stage:
        answer = await stage.exchange_bytes(CLOSE + BODY)
        await stage.until(lambda: [stage.upstream_server.body(n) for n in (0, 1)] == [BODY, BODY])
    assert answer.count(b"HTTP/1.1") == 1


async def test_an_answer_of_the_proxy_leaves_the_server_alone() -> None:
    async with start_proxy(ChosenFault(answer=503)) as stage:
        answer = await stage.exchange_bytes(HEAD)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert stage.upstream_server.heard == []


@pytest.mark.parametrize("by", ["fin", "rst"])
async def test_a_client_that_goes_away_is_cut_for_the_server_in_the_same_way(by: str) -> None:
    from tus_conformance.transport.connection_end import close_stream

    async with start_proxy() as stage:
        client = await stage.connect()
        await client.send_all(HEAD + BODY[:300])
        await stage.until(
            lambda: bool(stage.upstream_server.heard) and stage.upstream_server.body() == BODY[:300]
        )
        await close_stream(client, "rst" if by == "rst" else "fin")
        await stage.until(
            lambda: bool(stage.proxied_requests) and stage.upstream_server.ended[0] != ""
        )
    assert (
        stage.proxied_requests[0].received,
        stage.proxied_requests[0].closed_by_client,
        stage.upstream_server.ended,
    ) == (300, by, [by])


async def test_chunks_and_trailers_pass() -> None:
    said = (
        b"PATCH /files/a HTTP/1.1\r\nHost: p\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
        b"\r\n5\r\nhello\r\n0\r\nUpload-Checksum: sha1 x\r\n\r\n"
    )
    async with start_proxy() as stage:
        answer = await stage.exchange_bytes(said)
    assert answer.startswith(b"HTTP/1.1 204")
    assert (
        b"\r\n5\r\nhello\r\n0\r\nUpload-Checksum: sha1 x\r\n\r\n" in stage.upstream_server.heard[0]
    )
    assert stage.proxied_requests[0].trailers == (("Upload-Checksum", "sha1 x"),)


async def test_an_early_refusal_reaches_a_client_that_still_sends() -> None:
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"
    async with start_proxy(upstream_server=UpstreamServer(refusal, early=True)) as stage:
        answer = await stage.exchange_bytes(HEAD + BODY[:100])
    assert answer.startswith(b"HTTP/1.1 413 Too Large\r\n")


async def test_a_connection_serves_one_request_after_the_other() -> None:
    async with start_proxy() as stage:
        answer = await stage.exchange_bytes(HEAD + BODY + CLOSE + BODY)
    assert answer.count(b"HTTP/1.1 204") == 2
    assert [each.number for each in stage.proxied_requests] == [1, 2]


async def test_a_location_of_the_server_leads_through_the_proxy() -> None:
    upstream_server = UpstreamServer()
    async with start_proxy(upstream_server=upstream_server) as stage:
        upstream_server.reply = (
            b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n"
            b"Location: http://127.0.0.1:%d/files/a\r\n\r\n" % upstream_server.port
        )
        answer = await stage.exchange_bytes(
            b"POST /files/ HTTP/1.1\r\nHost: p\r\nConnection: close\r\n\r\n"
        )
    assert b"Location: http://127.0.0.1:%d/files/a\r\n" % stage.port in answer


async def test_what_is_no_http_is_answered_with_400() -> None:
    async with start_proxy() as stage:
        assert (await stage.exchange_bytes(b"nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400 ")


async def test_without_a_server_the_answer_is_502_and_the_proxy_goes_on() -> None:
    async with start_proxy() as stage:
        relay = ProxyServer(Upstream("http://127.0.0.1:9/files/"))
        async with trio.open_nursery() as nursery:
            port = await nursery.start(relay.serve, 0)
            lonely = ProxySetup(stage.upstream_server, port, [])
            for _ in range(2):
                assert (await lonely.exchange_bytes(CLOSE + BODY)).startswith(b"HTTP/1.1 502 ")
            nursery.cancel_scope.cancel()


async def test_a_port_that_is_taken_is_reported() -> None:
    async with start_proxy() as stage:
        with pytest.RaisesGroup(
            pytest.RaisesExc(ListenError, match=f"Cannot listen on port {stage.port}"),
            flatten_subgroups=True,
        ):
            async with trio.open_nursery() as nursery:
                await nursery.start(ProxyServer(Upstream("http://127.0.0.1:9/")).serve, stage.port)
