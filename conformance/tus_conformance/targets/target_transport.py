"""The route to a target: by itself over HTTP/1.1, or over HTTP/2 or a proxy, at a limited rate."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from tus_conformance.targets.origin_guard import OriginGuard, accepts_connections
from tus_conformance.targets.profile import ProfileError, Tls
from tus_conformance.targets.rate import RateLimiter
from tus_conformance.targets.target import Target
from tus_conformance.targets.transport_protocol import SendOnlyTransport, Transport
from tus_conformance.transport import (
    Http1Transport,
    HttpRequest,
    HttpResponse,
    PendingRequest,
    UnsendableError,
)
from tus_conformance.transport.http1_transport import BodySink, create_ssl_context


class UnsupportedByTransportError(Exception):
    """The route to the target lets no such request through; the message says why."""


class RestrictedTransport:
    """A route over HTTP/2 or a proxy, which httpx speaks; not everything can go that way."""

    def __init__(self, sender: SendOnlyTransport) -> None:
        self._sender = sender

    async def send(
        self, http_request: HttpRequest, *, sink: BodySink | None = None
    ) -> HttpResponse:
        """Send a request that is neither raw nor has trailers."""
        if (
            http_request.framing == "raw"
            or http_request.asterisk_form
            or http_request.http_version != "1.1"
        ):
            raise UnsupportedByTransportError(f"It sends a raw request, {_UNSUPPORTED}.")
        if http_request.trailers:
            raise UnsupportedByTransportError(f"It sends trailers, {_UNSUPPORTED}.")
        try:
            return await self._sender.send(http_request, sink=sink)
        except UnsendableError as refused:
            raise UnsupportedByTransportError(str(refused)) from None

    def open(
        self,
        http_request: HttpRequest,  # noqa: ARG002  (the signature is the route's)
        *,
        sink: BodySink | None = None,  # noqa: ARG002
    ) -> AbstractAsyncContextManager[PendingRequest]:
        """Refuse: httpx sends the body of a request as it likes."""
        raise UnsupportedByTransportError(f"It holds back the body of a request, {_UNSUPPORTED}.")


_UNSUPPORTED = "which the suite can do neither over HTTP/2 nor through a proxy"


class RateLimitedTransport:
    """A route on which each request waits for its turn."""

    def __init__(self, transport: Transport, rate: RateLimiter) -> None:
        self._transport = transport
        self._rate = rate

    async def send(
        self, http_request: HttpRequest, *, sink: BodySink | None = None
    ) -> HttpResponse:
        """Send a request when it is its turn."""
        await self._rate.wait_turn()
        return await self._transport.send(http_request, sink=sink)

    @asynccontextmanager
    async def open(
        self, http_request: HttpRequest, *, sink: BodySink | None = None
    ) -> AsyncIterator[PendingRequest]:
        """Hold a request that begins when it is its turn."""
        await self._rate.wait_turn()
        async with self._transport.open(http_request, sink=sink) as pending:
            yield pending


def transport_for(target: Target) -> Transport:
    """Return the route that the profile of a target describes; raise ProfileError."""
    profile = target.profile
    context = _load_ssl_context(profile.tls)
    transport: Transport
    if profile.http2 or profile.proxy:
        from tus_conformance.transport.httpx_transport import (
            HttpxTransport,  # httpx takes its time to load
        )

        try:
            sender = HttpxTransport(
                timeout=target.timeout,
                redaction=target.redaction,
                ssl_context=context,
                http2=profile.http2,
                proxy=profile.proxy,
            )
        except ValueError as wrong:
            raise ProfileError(str(wrong)) from None
        transport = RestrictedTransport(sender)
    else:
        transport = Http1Transport(
            timeout=target.timeout, redaction=target.redaction, ssl_context=context
        )
    if profile.rate is not None:
        transport = RateLimitedTransport(transport, RateLimiter(profile.rate))
    return OriginGuard(
        transport,
        target.url,
        target.named_origins,
        target.redaction.redact_text,
        None if profile.proxy else accepts_connections,
    )


def _load_ssl_context(tls: Tls) -> ssl.SSLContext | None:
    """Return how to speak TLS, None for the usual way; raise ProfileError for a file's sake."""
    if tls == Tls():
        return None
    context = create_ssl_context()
    if tls.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        place = tls.ca
        if tls.ca is not None:
            context.load_verify_locations(cafile=tls.ca)
        place = tls.certificate
        if tls.certificate is not None:
            # Without a password callback OpenSSL would ask on the terminal.
            context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
    except ssl.SSLError as error:
        raise ProfileError(f"{place} cannot be used for TLS: {error.reason or error}.") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ProfileError(f"{place} cannot be used for TLS: {why}.") from None
    return context


def _no_password() -> str:
    raise ValueError("its key is encrypted; give it without a password")
