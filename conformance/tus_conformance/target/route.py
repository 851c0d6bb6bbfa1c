"""The route to a target: by itself over HTTP/1.1, or over HTTP/2 or a proxy, at a limited rate."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from tus_conformance.target.profile import ProfileError, Tls
from tus_conformance.target.rate import Rate
from tus_conformance.target.target import Target
from tus_conformance.wire import Answer, Held, Outgoing, UnsendableError, Wire
from tus_conformance.wire.wire import Sink, trusting


class ImpassableError(Exception):
    """The route to the target lets no such request through; the message says why."""


class Sender(Protocol):
    """What sends requests and returns what came back."""

    async def send(self, outgoing: Outgoing, *, sink: Sink | None = None) -> Answer:
        """Send a request; raise ImpassableError where it cannot go this way."""
        ...


class Route(Sender, Protocol):
    """What can hold requests back, too; a `Wire` is one."""

    def hold(
        self, outgoing: Outgoing, *, sink: Sink | None = None
    ) -> AbstractAsyncContextManager[Held]:
        """Return a request whose body is held back; raise ImpassableError as `send` does."""
        ...


class Relayed:
    """A route over HTTP/2 or a proxy, which httpx speaks; not everything can go that way."""

    def __init__(self, courier: Sender) -> None:
        self._courier = courier

    async def send(self, outgoing: Outgoing, *, sink: Sink | None = None) -> Answer:
        """Send a request that is neither raw nor has trailers."""
        if outgoing.framing == "raw" or outgoing.asterisk:
            raise ImpassableError(f"It sends a request by hand, {_NEITHER}.")
        if outgoing.trailers:
            raise ImpassableError(f"It sends trailers, {_NEITHER}.")
        try:
            return await self._courier.send(outgoing, sink=sink)
        except UnsendableError as refused:
            raise ImpassableError(str(refused)) from None

    def hold(
        self,
        outgoing: Outgoing,  # noqa: ARG002  (the signature is the route's)
        *,
        sink: Sink | None = None,  # noqa: ARG002
    ) -> AbstractAsyncContextManager[Held]:
        """Refuse: httpx sends the body of a request as it likes."""
        raise ImpassableError(f"It holds back the body of a request, {_NEITHER}.")


_NEITHER = "which the suite can do neither over HTTP/2 nor through a proxy"


class Metered:
    """A route on which each request waits for its turn."""

    def __init__(self, route: Route, rate: Rate) -> None:
        self._route = route
        self._rate = rate

    async def send(self, outgoing: Outgoing, *, sink: Sink | None = None) -> Answer:
        """Send a request when it is its turn."""
        await self._rate.turn()
        return await self._route.send(outgoing, sink=sink)

    @asynccontextmanager
    async def hold(self, outgoing: Outgoing, *, sink: Sink | None = None) -> AsyncIterator[Held]:
        """Hold a request that begins when it is its turn."""
        await self._rate.turn()
        async with self._route.hold(outgoing, sink=sink) as held:
            yield held


def route(target: Target) -> Route:
    """Return the route that the profile of a target describes; raise ProfileError."""
    profile = target.profile
    context = _context(profile.tls)
    way: Route
    if profile.http2 or profile.proxy:
        from tus_conformance.wire.courier import Courier  # httpx takes its time to load

        try:
            courier = Courier(
                timeout=target.timeout,
                redaction=target.redaction,
                ssl_context=context,
                http2=profile.http2,
                proxy=profile.proxy,
            )
        except ValueError as wrong:
            raise ProfileError(str(wrong)) from None
        way = Relayed(courier)
    else:
        way = Wire(timeout=target.timeout, redaction=target.redaction, ssl_context=context)
    return way if profile.rate is None else Metered(way, Rate(profile.rate))


def _context(tls: Tls) -> ssl.SSLContext | None:
    """Return how to speak TLS, None for the usual way; raise ProfileError for a file's sake."""
    if tls == Tls():
        return None
    context = trusting()
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
