"""`transport.httpx_transport`: the same responses over HTTP/1.1, HTTP/2 and proxies."""

from __future__ import annotations

import ssl
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import msgspec
import pytest
import trio
from scripted_peer import PeerClose, PeerMove, ReadUntil, patch_request, scripted_peer
from trio.testing import wait_all_tasks_blocked

from tus_conformance.transport import (
    BodyCut,
    Http1Transport,
    HttpRequest,
    HttpResponse,
    Payload,
    UnsendableError,
)
from tus_conformance.transport.fault_actions import BreakMode
from tus_conformance.transport.httpx_transport import HttpxTransport
from tus_conformance.transport.memory import memory_network

CERTIFICATES = Path(__file__).parent / "certificates"
END = b"\r\n\r\n"
URL = "http://tus.test/files/1"


def server_tls(*protocols: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "server.pem")
    context.set_alpn_protocols(list(protocols))
    return context


def client_tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=CERTIFICATES / "certificate.pem")


TIERS: tuple[type[Http1Transport | HttpxTransport], ...] = (Http1Transport, HttpxTransport)

ALIKE = {
    "an answer without a body": b"HTTP/1.1 204 No Content\r\nUpload-Offset: 5\r\n\r\n",
    "a body": b"HTTP/1.1 200 OK\r\nX-a: 1\r\nx-A: 2\r\nContent-Length: 5\r\n\r\nhello",
    "interim responses": b"HTTP/1.1 102 \r\n\r\nHTTP/1.1 104 \r\n\r\nHTTP/1.1 204 \r\n\r\n",
    "chunks and trailers": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2\r\nhi\r\n0\r\nA: b\r\n\r\n",
    "the end of the stream": b"",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
    "no response": b"SSH-2.0\r\n\r\n",
}


@pytest.mark.parametrize("said", ALIKE.values(), ids=ALIKE)
async def test_both_transports_receive_the_same_response(said: bytes) -> None:
    http_request = patch_request(b"hello", headers=(("Upload-Offset", "0"), ("b-B", "1")))
    told: list[HttpResponse] = []
    heard: list[bytes] = []
    for tier in TIERS:
        far = scripted_peer(ReadUntil(b"hello"), said, PeerClose())
        async with memory_network(far.serve) as backend:
            told.append(await tier(backend=backend).send(http_request))
        heard.append(bytes(far.heard))
    assert heard[0] == heard[1]
    first, second = ({**vars(http_response), "exchange": None} for http_response in told)
    assert first == second
    assert [http_response.exchange.transport for http_response in told] == ["h11", "httpx"]
    one, two = (http_response.exchange for http_response in told)
    assert (one.request_head, one.response, one.interim_responses) == (
        two.request_head,
        two.response,
        two.interim_responses,
    )


@pytest.mark.parametrize("by", ["fin", "rst"])
async def test_a_body_is_cut(by: BreakMode) -> None:
    far = scripted_peer()
    async with memory_network(far.serve) as backend:
        http_response = await HttpxTransport(backend=backend).send(
            patch_request(b"hello", cut=BodyCut(3, by))
        )
        with trio.fail_after(5):
            await far.gone.wait()
    assert bytes(far.heard).endswith(END + b"hel")
    assert (http_response.cut, http_response.sent, http_response.status, http_response.failure) == (
        True,
        3,
        None,
        None,
    )


async def test_a_cancelled_exchange_closes_its_connection() -> None:
    far = scripted_peer()
    async with memory_network(far.serve) as backend:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(HttpxTransport(backend=backend).send, patch_request())
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        with trio.fail_after(5):
            await far.gone.wait()


async def test_a_closed_port_is_unreachable() -> None:
    with trio.socket.socket() as found:
        await found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    http_response = await HttpxTransport().send(HttpRequest("GET", f"http://127.0.0.1:{port}/"))
    assert http_response.failure is not None
    assert http_response.failure.kind == "unreachable"
    assert http_response.failure.message.startswith(
        f"No connection to 127.0.0.1:{port} (Connection refused):"
    )


REFUSED = {
    "raw framing": HttpRequest("GET", URL, framing="raw"),
    "trailers": HttpRequest("PATCH", URL, framing="chunked", trailers=(("A", "b"),)),
}


@pytest.mark.parametrize("http_request", REFUSED.values(), ids=REFUSED)
async def test_httpx_refuses_unsupported_requests(http_request: HttpRequest) -> None:
    with pytest.raises(UnsendableError, match="send it over HTTP"):
        await HttpxTransport().send(http_request)


class Http2Peer:
    """A server of HTTP/2 that answers once it has the whole request, unless it resets it."""

    def __init__(self, *, resets: bool = False, tls: ssl.SSLContext | None = None) -> None:
        self.resets = resets
        self.tls = tls
        self.headers: list[tuple[str, str]] = []
        self.body = bytearray()

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Serve one connection."""
        if self.tls is not None:
            stream = trio.SSLStream(stream, self.tls, server_side=True, https_compatible=True)
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        connection = h2.connection.H2Connection(config)
        connection.initiate_connection()
        await stream.send_all(connection.data_to_send())
        while data := await stream.receive_some():
            for event in connection.receive_data(data):
                self._take(connection, event)
            await stream.send_all(connection.data_to_send())

    def _take(self, connection: h2.connection.H2Connection, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self.headers = [(str(name), str(value)) for name, value in event.headers]
            if self.resets:
                connection.reset_stream(event.stream_id, error_code=2)
        elif isinstance(event, h2.events.DataReceived):
            self.body += event.data
            connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            http_response = [(":status", "200"), ("upload-offset", "5"), ("content-length", "2")]
            connection.send_headers(event.stream_id, [(":status", "104")])
            connection.send_headers(event.stream_id, http_response)
            connection.send_data(event.stream_id, b"ok", end_stream=True)


@pytest.mark.parametrize("secure", [True, False], ids=["over TLS", "with prior knowledge"])
async def test_http2_frames_are_recorded_as_events(secure: bool) -> None:
    far = Http2Peer(tls=server_tls("h2", "http/1.1") if secure else None)
    http_request = HttpRequest(
        "PATCH",
        f"http{'s' * secure}://localhost/files/1?token=abc",
        (("Upload-Offset", "0"), ("Authorization", "Bearer tok-1234567890")),
        Payload(5, lambda: iter([b"hel", b"lo"]), generated="a greeting"),
    )
    taken = bytearray()
    async with memory_network(far.serve) as backend:
        courier = HttpxTransport(backend=backend, ssl_context=client_tls(), http2=True)
        http_response = await courier.send(http_request, sink=taken.extend)
    assert dict(far.headers) | {":scheme": ""} == {
        ":method": "PATCH",
        ":authority": "localhost",
        ":scheme": "",
        ":path": "/files/1?token=abc",
        "upload-offset": "0",
        "authorization": "Bearer tok-1234567890",
        "content-length": "5",
    }
    assert bytes(far.body) == b"hello"
    assert (
        http_response.status,
        http_response.version,
        http_response.complete,
        http_response.sent,
    ) == (200, "2", True, 5)
    assert http_response.headers == (("upload-offset", "5"), ("content-length", "2"))
    assert (http_response.body, bytes(taken)) == (b"ok", b"ok")
    record = http_response.exchange
    assert record.request_head == (
        "PATCH /files/1?token=[redacted] HTTP/2\r\nhost: localhost\r\nupload-offset: 0\r\n"
        "authorization: [redacted]\r\ncontent-length: 5\r\n\r\n"
    )
    assert record.response is not None
    assert record.response.head == "HTTP/2 200\r\nupload-offset: 5\r\ncontent-length: 2\r\n\r\n"
    events = [f"{event.event} {event.text}" for event in record.events]
    for expected in (
        "sent preface",
        "sent SETTINGS",
        "sent HEADERS stream 1",
        "sent DATA stream 1",
        "sent DATA stream 1 END_STREAM",
        "received HEADERS stream 1",
        "received DATA stream 1 END_STREAM",
    ):
        assert expected in events
    assert "tok-1234567890" not in msgspec.json.encode(record).decode()


async def test_falls_back_to_http1_without_alpn_h2() -> None:
    far = server_tls("http/1.1")

    async def serve(stream: trio.abc.Stream) -> None:
        stream = trio.SSLStream(stream, far, server_side=True, https_compatible=True)
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with memory_network(serve) as backend:
        courier = HttpxTransport(backend=backend, ssl_context=client_tls(), http2=True)
        http_response = await courier.send(HttpRequest("HEAD", "https://localhost/files/1"))
    assert (http_response.status, http_response.version, http_response.failure) == (
        204,
        "1.1",
        None,
    )


async def test_reset_stream_is_reported() -> None:
    far = Http2Peer(resets=True)
    async with memory_network(far.serve) as backend:
        http_response = await HttpxTransport(backend=backend, http2=True).send(
            HttpRequest("PATCH", URL, (), Payload.literal(b"hello"))
        )
    assert http_response.failure is not None
    assert (http_response.status, http_response.failure.kind, http_response.closed) == (
        None,
        "reset",
        True,
    )
    texts = [event.text for event in http_response.exchange.events]
    assert "RST_STREAM stream 1 code 2" in texts


def frame(kind: int, payload: bytes = b"", *, stream: int = 1, flags: int = 0) -> bytes:
    """Return a frame of HTTP/2 (RFC 9113, section 4.1)."""
    return (
        len(payload).to_bytes(3, "big") + bytes((kind, flags, *stream.to_bytes(4, "big"))) + payload
    )


DATA, SETTINGS = frame(0, b"hi"), frame(4, stream=0)
STATUS_200 = frame(1, b"\x88", flags=4)
BROKEN = frame(4, b"abc", stream=0)  # a setting has six bytes
GOAWAY = frame(7, bytes((0, 0, 0, 1, 0, 0, 0, 2)), stream=0)
NO_HTTP = "The response is not valid HTTP"
RESET = "The server reset the connection"
CLOSED = "The server closed the connection"
# Each row: what the server says, piece by piece, then the status, the failure and its sentence.
BROKEN_HTTP2: dict[str, tuple[tuple[PeerMove, ...], int | None, str, str]] = {
    "a frame of the wrong size": (
        (BROKEN,),
        None,
        "malformed",
        f"{NO_HTTP} (Frame data missing or invalid): ",
    ),
    "a body before its head": (
        (SETTINGS + DATA,),
        None,
        "malformed",
        f"{NO_HTTP} (cannot receive data before headers): ",
    ),
    "a frame of the wrong size within the body": (
        (SETTINGS, STATUS_200, DATA, BROKEN),
        200,
        "malformed",
        f"{NO_HTTP} (Frame data missing or invalid): ",
    ),
    "the end before anything": ((PeerClose(),), None, "closed", f"{CLOSED} without a response, "),
    "the end before an answer": (
        (SETTINGS, PeerClose()),
        None,
        "closed",
        f"{CLOSED} without a response, ",
    ),
    "the end within the body": (
        (SETTINGS, STATUS_200, DATA, PeerClose()),
        200,
        "closed",
        f"{CLOSED} in the middle of its response, ",
    ),
    "a farewell": (
        (SETTINGS + GOAWAY,),
        None,
        "reset",
        f"{RESET} without a response, 0 body bytes sent: ",
    ),
    "a farewell within the body": (
        (SETTINGS, STATUS_200, DATA + GOAWAY),
        200,
        "reset",
        f"{RESET} in the middle of its response, ",
    ),
}


@pytest.mark.parametrize(
    ("moves", "status", "kind", "sentence"), BROKEN_HTTP2.values(), ids=BROKEN_HTTP2
)
async def test_http2_errors_are_reported(
    moves: tuple[PeerMove, ...], status: int | None, kind: str, sentence: str
) -> None:
    async def serve(stream: trio.abc.Stream) -> None:
        for move in moves:
            await wait_all_tasks_blocked()
            if isinstance(move, bytes):
                await stream.send_all(move)
            elif isinstance(move, PeerClose):
                return
        await trio.sleep_forever()

    async with memory_network(serve) as backend:
        http_response = await HttpxTransport(backend=backend, http2=True).send(
            HttpRequest("GET", URL)
        )
    assert http_response.failure is not None
    assert (http_response.status, http_response.complete, http_response.failure.kind) == (
        status,
        False,
        kind,
    )
    assert http_response.failure.message.startswith(sentence)


async def test_requests_that_http2_forbids_are_not_server_failures() -> None:
    async with memory_network(Http2Peer().serve) as backend:
        with pytest.raises(UnsendableError, match=r"^httpx refuses to send .* TE header"):
            await HttpxTransport(backend=backend, http2=True).send(
                HttpRequest("HEAD", URL, (("TE", "a"),))
            )


async def test_http_target_is_requested_through_the_proxy() -> None:
    far = scripted_peer(ReadUntil(END), b"HTTP/1.1 204 No Content\r\n\r\n")
    async with memory_network(far.serve) as backend:
        courier = HttpxTransport(backend=backend, proxy="http://me:hunter22@proxy.test:3128")
        http_response = await courier.send(HttpRequest("HEAD", "http://tus.test:1080/files/1"))
    lines = bytes(far.heard).decode().split("\r\n")
    assert lines[0] == "HEAD http://tus.test:1080/files/1 HTTP/1.1"
    assert "Proxy-Authorization: Basic bWU6aHVudGVyMjI=" in lines
    assert (http_response.status, http_response.failure) == (204, None)
    assert http_response.exchange.events[0].text == "proxy.test:3128"
    record = msgspec.json.encode(http_response.exchange).decode()
    assert "hunter22" not in record
    assert "bWU6aHVudGVyMjI" not in record


async def test_a_secure_target_is_reached_through_a_tunnel() -> None:
    heard = []

    async def serve(stream: trio.abc.Stream) -> None:
        heard.append(await stream.receive_some())
        await stream.send_all(b"HTTP/1.1 200 Connected\r\n\r\n")
        inner = trio.SSLStream(
            stream, server_tls("http/1.1"), server_side=True, https_compatible=True
        )
        heard.append(await inner.receive_some())
        await inner.send_all(b"HTTP/1.1 204 No Content\r\nUpload-Offset: 5\r\n\r\n")

    async with memory_network(serve) as backend:
        courier = HttpxTransport(
            backend=backend, ssl_context=client_tls(), proxy="http://proxy.test:3128"
        )
        http_response = await courier.send(HttpRequest("HEAD", "https://localhost/files/1"))
    assert heard[0].startswith(b"CONNECT localhost:443 HTTP/1.1\r\n")
    assert heard[1] == http_response.exchange.request_head.encode()
    assert (http_response.status, http_response.headers) == (204, (("Upload-Offset", "5"),))
    assert http_response.interim == ()


async def test_proxy_refusal_is_reported() -> None:
    far = scripted_peer(ReadUntil(END), b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
    async with memory_network(far.serve) as backend:
        courier = HttpxTransport(backend=backend, proxy="http://proxy.test:3128")
        http_response = await courier.send(HttpRequest("HEAD", "https://tus.test/files/1"))
    assert http_response.failure is not None
    assert http_response.failure.kind == "unreachable"
    assert "407 Proxy Authentication Required" in http_response.failure.message
    assert http_response.status is None


async def test_untrusted_server_behind_a_tunnel_is_reported() -> None:
    async def serve(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 200 Connected\r\n\r\n")
        inner = trio.SSLStream(
            stream, server_tls("http/1.1"), server_side=True, https_compatible=True
        )
        await inner.receive_some()

    async with memory_network(serve) as backend:
        courier = HttpxTransport(
            backend=backend, ssl_context=client_tls(), proxy="http://proxy.test"
        )
        http_response = await courier.send(HttpRequest("HEAD", "https://elsewhere.test/files/1"))
    assert http_response.failure is not None
    assert (http_response.status, http_response.failure.kind) == (None, "tls")
    assert http_response.failure.message.startswith(
        "The certificate of elsewhere.test:443 is not trusted "
    )


async def test_untrusted_proxy_is_reported() -> None:
    async def serve(stream: trio.abc.Stream) -> None:
        inner = trio.SSLStream(
            stream, server_tls("http/1.1"), server_side=True, https_compatible=True
        )
        await inner.receive_some()

    async with memory_network(serve) as backend:
        courier = HttpxTransport(
            backend=backend, ssl_context=client_tls(), proxy="https://proxy.test"
        )
        http_response = await courier.send(HttpRequest("HEAD", "https://tus.test/files/1"))
    assert http_response.failure is not None
    assert (http_response.status, http_response.failure.kind) == (None, "tls")
    assert http_response.failure.message.startswith(
        "The certificate of proxy.test:443 is not trusted "
    )


def test_a_proxy_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="The proxy needs a URL with http://"):
        HttpxTransport(proxy="socks5://127.0.0.1:1080")
