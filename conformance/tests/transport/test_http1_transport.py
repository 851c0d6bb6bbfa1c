"""`transport.http1_transport`: resets, closes, closed ports and TLS on real sockets."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from tus_conformance.transport import BodyCut, Http1Transport, HttpRequest, Payload
from tus_conformance.transport.fault_actions import BreakMode
from tus_conformance.transport.httpx_transport import HttpxTransport
from tus_conformance.transport.memory import Serve

CERTIFICATES = Path(__file__).parent / "certificates"
DONE = b"HTTP/1.1 204 No Content\r\n\r\n"
TEN = b"0123456789"


@asynccontextmanager
async def listening(serve: Serve, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve every connection to a free port, which this yields."""

    async def each(stream: trio.abc.Stream) -> None:
        if tls is not None:
            stream = trio.SSLStream(stream, tls, server_side=True, https_compatible=True)
        async with stream:
            await serve(stream)

    async with trio.open_nursery() as nursery:
        listeners: list[trio.SocketListener] = await nursery.start(trio.serve_tcp, each, 0)
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


async def heard(stream: trio.abc.Stream) -> tuple[bytes, str]:
    """Return what a client sent, and how it left."""
    taken = b""
    while True:
        try:
            data = await stream.receive_some(65536)
        except trio.BrokenResourceError as error:
            return taken, type(error.__cause__).__name__
        if not data:
            return taken, "closed"
        taken += data


HOW = {"fin": "closed", "rst": "ConnectionResetError"}


@pytest.mark.parametrize(("by", "left"), HOW.items(), ids=HOW)
@pytest.mark.parametrize("after", [0, 4, 10, 2_000_000])
@pytest.mark.parametrize("tier", [Http1Transport, HttpxTransport])
async def test_the_server_gets_the_bytes_before_the_cut_and_then_the_cut(
    tier: type[Http1Transport | HttpxTransport], by: BreakMode, left: str, after: int
) -> None:
    seen = []
    done = trio.Event()

    async def serve(stream: trio.abc.Stream) -> None:
        seen.append(await heard(stream))
        done.set()

    body = Payload(4_000_000, lambda: iter([TEN * 400_000]), generated="digits")
    with trio.fail_after(10):
        async with listening(serve) as port:
            url = f"http://127.0.0.1:{port}/files/1"
            http_response = await tier().send(
                HttpRequest("PATCH", url, (), body, cut=BodyCut(after, by))
            )
            await done.wait()
    (taken, how) = seen[0]
    assert how == left
    assert taken.partition(b"\r\n\r\n")[2] == (TEN * 200_000)[:after]
    assert (http_response.cut, http_response.sent, http_response.failure) == (True, after, None)


RESETS = {
    "without a response": b"",
    "in the middle of its response": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
}


@pytest.mark.parametrize(("when", "said"), RESETS.items(), ids=RESETS)
@pytest.mark.parametrize("tier", [Http1Transport, HttpxTransport])
async def test_server_reset_differs_from_a_close(
    tier: type[Http1Transport | HttpxTransport], when: str, said: bytes
) -> None:
    half = trio.Event()

    async def serve(stream: trio.abc.Stream) -> None:
        taken = b""
        while not taken.endswith(TEN):
            taken += await stream.receive_some()
        if said:
            await stream.send_all(said)
            await half.wait()  # a reset may overtake what was said before it
        assert isinstance(stream, trio.SocketStream)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with trio.fail_after(10):
        async with listening(serve) as port:
            http_request = HttpRequest(
                "PATCH", f"http://127.0.0.1:{port}/", (), Payload.literal(TEN)
            )
            http_response = await tier().send(http_request, sink=lambda _: half.set())
    assert http_response.failure is not None
    assert (http_response.failure.kind, http_response.closed) == ("reset", True)
    assert http_response.failure.message.startswith(
        f"The server reset the connection {when}, 10 body bytes sent: "
    )


async def test_an_early_answer_is_read_though_the_rest_of_the_body_is_refused() -> None:
    async def serve(stream: trio.abc.Stream) -> None:
        await stream.receive_some(100)
        await stream.send_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        # Closing now, with bytes unread, resets the connection, as hurried servers do.

    body = Payload(2**30, lambda: iter([bytes(65536)] * 2**14), generated="zeros")
    with trio.fail_after(10):
        async with listening(serve) as port:
            http_response = await Http1Transport().send(
                HttpRequest("PATCH", f"http://127.0.0.1:{port}/", (), body)
            )
    assert (http_response.status, http_response.failure) == (413, None)
    assert http_response.sent < 2**30


async def test_a_closed_port_is_unreachable() -> None:
    port = free_port()
    http_response = await Http1Transport().send(HttpRequest("GET", f"http://127.0.0.1:{port}/"))
    assert http_response.failure is not None
    assert http_response.failure.kind == "unreachable"
    assert http_response.failure.message == (
        f"No connection to 127.0.0.1:{port} (Connection refused):"
        " check that the server runs, and the host and port of its URL."
    )
    assert (http_response.status, http_response.closed, http_response.timed_out) == (
        None,
        False,
        False,
    )
    assert http_response.exchange.request_head.startswith("GET / HTTP/1.1\r\n")


async def test_a_name_that_does_not_exist_is_unreachable() -> None:
    http_response = await Http1Transport().send(HttpRequest("GET", "http://no.such.host.invalid/"))
    assert http_response.failure is not None
    assert http_response.failure.kind == "unreachable"
    assert "no.such.host.invalid:80" in http_response.failure.message


async def test_another_place_may_be_connected_to_than_the_url_names() -> None:
    seen = []

    async def serve(stream: trio.abc.Stream) -> None:
        seen.append(await stream.receive_some())
        await stream.send_all(DONE)

    async with listening(serve) as port:
        transport = Http1Transport(connect_to=("127.0.0.1", port))
        http_response = await transport.send(HttpRequest("GET", "http://tus.test/files/"))
    assert http_response.status == 204
    assert b"\r\nHost: tus.test\r\n" in seen[0]
    assert http_response.exchange.events[0].text == f"127.0.0.1:{port}"


def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "server.pem")
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def client_tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=CERTIFICATES / "certificate.pem")


async def answers(stream: trio.abc.Stream) -> None:
    await stream.receive_some()
    await stream.send_all(DONE)


async def test_tls_is_recorded_above_the_encryption() -> None:
    context = client_tls()
    context.set_alpn_protocols(["h2"])  # as a tier that speaks HTTP/2 would leave it
    async with listening(answers, tls=server_tls()) as port:
        url = f"https://localhost:{port}/files/"
        transport = Http1Transport(ssl_context=context)
        http_response = await transport.send(HttpRequest("GET", url))
    assert (http_response.status, http_response.failure) == (204, None)
    events = [(event.event, event.text) for event in http_response.exchange.events]
    assert events == [
        ("connect", f"localhost:{port}"),
        ("connect", "TLSv1.3, http/1.1"),
        ("sent", "head"),
        ("received", "204 No Content"),
        ("closed", "by the harness"),
    ]
    assert http_response.exchange.response is not None
    assert http_response.exchange.response.head == DONE.decode()


async def test_an_early_answer_is_read_over_tls_too() -> None:
    async def serve(stream: trio.abc.Stream) -> None:
        await stream.receive_some(100)
        await stream.send_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nno")
        await stream.send_all(b"pe")
        await trio.sleep_forever()

    body = Payload(2**30, lambda: iter([bytes(65536)] * 2**14), generated="zeros")
    with trio.fail_after(10):
        async with listening(serve, tls=server_tls()) as port:
            transport = Http1Transport(ssl_context=client_tls())
            http_response = await transport.send(
                HttpRequest("PATCH", f"https://localhost:{port}/", (), body)
            )
    assert (http_response.status, http_response.body, http_response.failure) == (413, b"nope", None)


async def test_a_cut_over_tls_resets_the_connection() -> None:
    seen = []
    done = trio.Event()

    async def serve(stream: trio.abc.Stream) -> None:
        seen.append(await heard(stream))
        done.set()

    with trio.fail_after(10):
        async with listening(serve, tls=server_tls()) as port:
            await Http1Transport(ssl_context=client_tls()).send(
                HttpRequest(
                    "PATCH",
                    f"https://localhost:{port}/",
                    payload=Payload.literal(TEN),
                    cut=BodyCut(4, "rst"),
                )
            )
            await done.wait()
    assert seen[0][0].endswith(b"\r\n\r\n0123")
    assert seen[0][1] != "closed"


UNTRUSTED = {
    "a certificate of nobody known": (None, "localhost", "is not trusted"),
    "a certificate for another host": (client_tls, "127.0.0.2", "is not trusted"),
}


@pytest.mark.parametrize(("context", "host", "words"), UNTRUSTED.values(), ids=UNTRUSTED)
async def test_a_certificate_that_is_not_trusted_says_so(
    context: Callable[[], ssl.SSLContext] | None, host: str, words: str
) -> None:
    async def serve(stream: trio.abc.Stream) -> None:
        with pytest.raises(trio.BrokenResourceError):
            await answers(stream)

    async with listening(serve, tls=server_tls()) as port:
        transport = Http1Transport(
            ssl_context=context() if context else None, connect_to=("127.0.0.1", port)
        )
        http_response = await transport.send(HttpRequest("GET", f"https://{host}:{port}/"))
    assert http_response.failure is not None
    assert http_response.failure.kind == "tls"
    assert words in http_response.failure.message
    assert http_response.exchange.events[-2].event == "closed"


async def test_plain_http_behind_https_says_so() -> None:
    async def serve(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await heard(stream)

    async with listening(serve) as port:
        http_response = await Http1Transport().send(
            HttpRequest("GET", f"https://localhost:{port}/")
        )
    assert http_response.failure is not None
    assert http_response.failure.kind == "tls"
    assert "use http://" in http_response.failure.message
