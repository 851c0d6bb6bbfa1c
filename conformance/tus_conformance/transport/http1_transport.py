"""Sends a request by HTTP/1.1 over a connection of its own, and returns what came back."""

from __future__ import annotations

import ssl
from collections.abc import Callable

import httpcore
import trio

from tus_conformance.transport import failures
from tus_conformance.transport.address import Address, AddressError, format_host_port, parse_address
from tus_conformance.transport.http_exchange import HttpExchange
from tus_conformance.transport.network import RecordedBackend, RecordedStream
from tus_conformance.transport.pending_request import PendingRequest
from tus_conformance.transport.recorder import ExchangeRecorder
from tus_conformance.transport.redaction import Redaction
from tus_conformance.transport.request import HttpRequest
from tus_conformance.transport.request_encoder import encoder_for
from tus_conformance.transport.response import HttpResponse, NetworkFailure

BodySink = Callable[[bytes], None]
# What may be sent again over a new connection if the server has closed a persistent one
# (RFC 9110, section 9.2.2).
IDEMPOTENT_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS"})
NO_ADDRESS = Address("http", "", 0, "", "/")


class Http1Transport:
    """Speaks HTTP/1.1 by h11 or by hand, every byte recorded.

    `timeout` is in seconds without progress either way. `backend` is the network to use (by default
    trio's sockets), `connect_to` another host and port than the URL's. `started` is when the run
    began, on trio's clock. Without `recorded`, the exchanges of the responses are empty.
    """

    def __init__(
        self,
        *,
        backend: httpcore.AsyncNetworkBackend | None = None,
        timeout: float = 10.0,
        redaction: Redaction | None = None,
        ssl_context: ssl.SSLContext | None = None,
        started: float | None = None,
        connect_to: tuple[str, int] | None = None,
        recorded: bool = True,
    ) -> None:
        self._backend = backend or httpcore.TrioBackend()
        self._timeout = timeout
        self._redaction = redaction or Redaction()
        self._ssl_context = ssl_context
        self._started = started
        self._connect_to = connect_to
        self._recorded = recorded

    async def send(
        self, http_request: HttpRequest, *, sink: BodySink | None = None
    ) -> HttpResponse:
        """Send a request and return what came back; `sink` is given the response body as it comes.

        The body follows its head at once, whatever `Expect` says; `open` is for waiting.
        Raises UnsendableError for a request that its framing does not allow, and nothing else: what
        the network does is in the response.
        """
        async with self.open(http_request, sink=sink) as pending:
            http_response = await pending.finish()
        if pending.stale and http_request.method in IDEMPOTENT_METHODS:
            return await self.send(http_request, sink=sink)
        return http_response

    def open(self, http_request: HttpRequest, *, sink: BodySink | None = None) -> PendingRequest:
        """Return a request whose body waits: `async with transport.open(request) as pending`."""
        url_failure: NetworkFailure | None = None
        try:
            address = parse_address(http_request.url)
        except AddressError as error:
            address, url_failure = NO_ADDRESS, NetworkFailure("unreachable", str(error))
        encoder = encoder_for(http_request, address)
        recorder = ExchangeRecorder(
            http_request,
            tier="raw" if http_request.framing == "raw" else "h11",
            redaction=self._redaction,
            run_began=self._run_start(),
        )
        exchange = HttpExchange(
            http_request,
            encoder.head,
            recorder if self._recorded else None,
            sink,
            self._timeout,
        )

        async def connect() -> RecordedStream | None:
            if url_failure is not None:
                exchange.fail(url_failure)
                return None
            connection = (
                None
                if http_request.connection is None
                else await http_request.connection.take(address.origin)
            )
            if http_request.connection is not None and http_request.connection.stray:
                exchange.on_stray(http_request.connection.stray)
            if connection is None:
                return await self._connect(address, exchange)
            connection.observer = exchange
            exchange.on_reuse()
            return connection

        return PendingRequest(
            connect, encoder, http_request, address.origin, exchange, timeout=self._timeout
        )

    async def _connect(self, address: Address, exchange: HttpExchange) -> RecordedStream | None:
        """Open a connection, with TLS where the URL wants it; None once a failure is recorded."""
        network = RecordedBackend(self._backend, exchange, self._connect_to)
        stream: RecordedStream | None = None
        try:
            with trio.move_on_after(self._timeout):
                stream = await network.connect_tcp(address.host, address.port)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            exchange.fail(failures.unreachable(network.destination, error))
            return None
        if stream is None:
            exchange.fail(failures.connect_timeout(network.destination, self._timeout))
            return None
        return await self._start_tls(stream, address, exchange) if address.secure else stream

    async def _start_tls(
        self, stream: RecordedStream, address: Address, exchange: HttpExchange
    ) -> RecordedStream | None:
        secured: RecordedStream | None = None
        error: BaseException = TimeoutError(f"no handshake within {self._timeout:g} seconds")
        try:
            with trio.move_on_after(self._timeout):
                secured = await stream.start_tls(self._tls_context(), address.host)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
            error = failed
        if secured is None:
            exchange.fail(failures.tls_failure(format_host_port(address.host, address.port), error))
        return secured

    def _tls_context(self) -> ssl.SSLContext:
        if self._ssl_context is None:
            self._ssl_context = create_ssl_context()
        # The context may be shared with a tier that speaks HTTP/2; this one does not.
        self._ssl_context.set_alpn_protocols(["http/1.1"])
        return self._ssl_context

    def _run_start(self) -> float:
        if self._started is None:
            self._started = trio.current_time()
        return self._started


def create_ssl_context() -> ssl.SSLContext:
    """Return a context that trusts the usual authorities, and the system's own besides."""
    context = httpcore.default_ssl_context()
    context.load_default_certs()
    return context
