"""What answers at a port that does not answer HTTP: TLS, plain HTTP, SSH, a mail server.

A failed request alone cannot tell. So this opens a connection of its own, reads what the server
says first, and tries the other of HTTP and HTTPS.
"""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit, urlunsplit

import trio

from tus_conformance.targets.target import Target
from tus_conformance.transport import NetworkFailure

_PATIENCE = 2.0
"""How long a server may take to say something, in seconds."""

_BANNERS = (
    (b"SSH-", "an SSH server"),
    (b"220 ", "a mail or FTP server"),
    (b"220-", "a mail or FTP server"),
    (b"* OK", "an IMAP server"),
    (b"+OK", "a POP3 server"),
    (b"-ERR", "a Redis server"),
    (b"RFB ", "a VNC server"),
    (b"AMQP", "an AMQP server"),
)
_DIFFERENT_PORT = "Give the URL of the tus server, with its port."


async def describe_other_protocol(target: Target, failure: NetworkFailure) -> str:
    """Return in two sentences what is at a target that gave no HTTP response, and what to do.

    Nothing where no other protocol was recognised: the server may well be one of HTTP.
    """
    profile = target.profile
    if failure.kind == "unreachable" or profile.proxy:
        return ""
    parts = urlsplit(target.url)
    url = target.redaction.redact_text(target.url)
    if parts.scheme == "https":
        if failure.kind != "tls" or not await _answers_plain_http(target.url):
            return ""
        return f"{url} speaks plain HTTP, not TLS. Use {_with_scheme(url, 'http')} instead."
    if await _answers_tls(target.url):
        return f"{url} expects TLS. Use {_with_scheme(url, 'https')} instead."
    return _describe_bytes(parts.netloc, await _first_bytes(target.url))


def _describe_bytes(address: str, said: bytes) -> str:
    """Return what a server is by the first bytes that it sends; nothing for HTTP."""
    if not said or said.startswith(b"HTTP/"):
        return ""
    for banner, name in _BANNERS:
        if said.startswith(banner):
            return f"{address} is {name}, not a web server. {_DIFFERENT_PORT}"
    shown = said[:40].decode("ascii", "backslashreplace").splitlines()[0]
    return f"{address} does not speak HTTP: it sent {shown!r}. {_DIFFERENT_PORT}"


def _with_scheme(url: str, scheme: str) -> str:
    return urlunsplit(urlsplit(url)._replace(scheme=scheme))


async def _first_bytes(url: str) -> bytes:
    """Return what a server says to a request, or before one."""
    return await _ask(url, b"OPTIONS / HTTP/1.1\r\nHost: tus-conformance\r\n\r\n")


async def _answers_plain_http(url: str) -> bool:
    said = await _first_bytes(url)
    return said.startswith(b"HTTP/")


async def _ask(url: str, request: bytes) -> bytes:
    try:
        with trio.move_on_after(_PATIENCE):
            async with await _connect(url) as stream:
                await stream.send_all(request)
                return bytes(await stream.receive_some(256))
    except (OSError, trio.BrokenResourceError):
        pass
    return b""


async def _answers_tls(url: str) -> bool:
    """Return whether a TLS handshake succeeds, whatever the certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with trio.move_on_after(_PATIENCE):
            async with await _connect(url) as stream:
                secure = trio.SSLStream(stream, context, server_hostname=urlsplit(url).hostname)
                await secure.do_handshake()
                return True
    except ssl.SSLError as error:
        # The server wants a client certificate, or an old version: it speaks TLS all the same.
        return "ALERT" in (error.reason or "")
    except trio.BrokenResourceError as error:
        cause = error.__cause__
        return isinstance(cause, ssl.SSLError) and "ALERT" in (cause.reason or "")
    except OSError:
        pass
    return False


async def _connect(url: str) -> trio.SocketStream:
    parts = urlsplit(url)
    usual = 443 if parts.scheme == "https" else 80
    return await trio.open_tcp_stream(parts.hostname or "", parts.port or usual)
