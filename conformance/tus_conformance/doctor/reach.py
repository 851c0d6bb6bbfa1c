"""The stage `reach`: name, connection, TLS, HTTP version, who answers, and whether it is tus."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

import trio

from tus_conformance.discovery.intermediary import (
    recognise_on_the_way,
    request_that_a_parser_refuses,
)
from tus_conformance.discovery.preflight import ensure_path, ensure_reachable, ensure_tus
from tus_conformance.doctor.examination import Examination
from tus_conformance.transport.header_values import header_value

_HANDSHAKE_SECONDS = 5.0


async def examine_reach(examination: Examination) -> None:
    """Find out who answers; raise TargetUnreachable or NotATusServerError as `run` does."""
    prober = examination.prober
    options = await prober.send("OPTIONS", examination.target.url)
    if options.status is None or options.status >= 500:  # once may be chance
        options = await prober.send("OPTIONS", examination.target.url)
    await ensure_reachable(prober, options)
    examination.options = options
    await ensure_tus(prober, options)
    creation, _ = await prober.create_upload(("Upload-Length", "1"))
    await ensure_path(prober, options, creation.status)
    broken = await examination.transport.send(request_that_a_parser_refuses(examination.target.url))
    examination.on_the_way = recognise_on_the_way((options, creation, broken))
    if examination.on_the_way:
        examination.note("Recognised on the way", ", ".join(examination.on_the_way))
    for name in ("Server", "Via"):
        value = header_value(options.headers, name) or header_value(creation.headers, name)
        if value:
            examination.note(name, value)
    examination.note("Protocol", await _describe_protocol(examination))


async def _describe_protocol(examination: Examination) -> str:
    parts = urlsplit(examination.target.url)
    if parts.scheme == "http":
        return "HTTP/1.1"
    return (
        "HTTP/1.1 and HTTP/2" if await negotiates_http2(parts.hostname, parts.port) else "HTTP/1.1"
    )


async def negotiates_http2(host: str | None, port: int | None) -> bool:
    """Return whether a TLS server chooses HTTP/2 where it is offered."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is sent over this connection
    context.set_alpn_protocols(["h2", "http/1.1"])
    with trio.move_on_after(_HANDSHAKE_SECONDS):
        try:
            stream = await trio.open_tcp_stream(host or "", port or 443)
            async with stream:
                secure = trio.SSLStream(stream, context, server_hostname=host)
                await secure.do_handshake()
                return bool(secure.selected_alpn_protocol() == "h2")
        except (OSError, trio.BrokenResourceError):
            return False
    return False
