"""`discovery.other_protocols`: what a port is that does not answer HTTP; over loopback."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable

import pytest
import trio
import trustme
from loopback import serve_in_thread

from tus_conformance.discovery.discovery import discover
from tus_conformance.discovery.prober import TargetUnreachable
from tus_conformance.targets.creation_tracker import LeftBehind
from tus_conformance.targets.target import Target
from tus_conformance.targets.target_transport import transport_for

Handler = Callable[[trio.abc.Stream], Awaitable[None]]


def ask(handler: Handler, scheme: str = "http") -> str:
    """Discover what `handler` serves on a free port; return the sentence."""
    left_behind = LeftBehind()
    with serve_in_thread(handler) as url:
        target = Target(url.replace("http:", f"{scheme}:"), timeout=30.0)
        with pytest.raises(TargetUnreachable) as refused:
            trio.run(discover, target, transport_for(target), left_behind)
    assert left_behind.unnamed == []  # no upload is where no tus is
    return str(refused.value)


def speaking(banner: bytes) -> Handler:
    async def serve(stream: trio.abc.Stream) -> None:
        try:
            await stream.send_all(banner)
            await stream.receive_some()
        except trio.BrokenResourceError:
            return

    return serve


@pytest.mark.parametrize(
    ("banner", "said"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "is an SSH server, not a web server"),
        (b"220 mail.example ESMTP\r\n", "is a mail or FTP server"),
        (b"-ERR unknown command\r\n", "is a Redis server"),
        (b"\x00\x01hello\r\n", "does not speak HTTP: it sent"),
    ],
)
def test_another_protocol_is_named(banner: bytes, said: str) -> None:
    assert said in ask(speaking(banner))


def test_a_tls_port_behind_http_is_named() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)

    async def serve(stream: trio.abc.Stream) -> None:
        secure = trio.SSLStream(stream, context, server_side=True)
        try:
            await secure.do_handshake()
        except trio.BrokenResourceError:
            return

    text = ask(serve)
    assert "expects TLS. Use https://127.0.0.1:" in text


def test_a_plain_port_behind_https_is_named() -> None:
    text = ask(speaking(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), "https")
    assert "speaks plain HTTP, not TLS. Use http://127.0.0.1:" in text


def test_a_certificate_that_is_not_trusted_is_named() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)

    async def serve(stream: trio.abc.Stream) -> None:
        secure = trio.SSLStream(stream, context, server_side=True)
        try:
            await secure.do_handshake()
            await secure.receive_some()
        except trio.BrokenResourceError:
            return

    assert "certificate of 127.0.0.1" in ask(serve, "https")
