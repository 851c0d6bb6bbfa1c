"""The httpx tier: HTTP/2, and proxies.

httpx sends a whole body before it reads, shows no 1xx, and has no request trailers (over HTTP/1.1
the record shows 1xx all the same, since the bytes pass the recorded network). What needs those is
sent by `Http1Transport`. This is the one module that imports httpx.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterable, AsyncIterator
from urllib.parse import unquote, urlsplit

import httpcore
import httpx
import trio
from h2.events import ConnectionTerminated, StreamReset
from h2.exceptions import ProtocolError, StreamClosedError

from tus_conformance.transport import failures
from tus_conformance.transport.address import Address, AddressError, format_host_port, parse_address
from tus_conformance.transport.exchange_state import ConnectionState, Event
from tus_conformance.transport.fault_actions import Break, BreakMode, InjectedFault, Throttle
from tus_conformance.transport.fault_executor import FaultExecutor
from tus_conformance.transport.http1_transport import NO_ADDRESS, BodySink, create_ssl_context
from tus_conformance.transport.http_exchange import HttpExchange
from tus_conformance.transport.network import RecordedBackend
from tus_conformance.transport.pending_faults import Position, describe_action
from tus_conformance.transport.pending_request import CHUNK_SIZE, PayloadReader
from tus_conformance.transport.recorder import ExchangeRecorder
from tus_conformance.transport.redaction import Redaction
from tus_conformance.transport.request import HttpRequest, UnsendableError
from tus_conformance.transport.request_encoder import H11Encoder
from tus_conformance.transport.response import HttpResponse, NetworkFailure
from tus_conformance.transport.response_parser import ResponseHead

# The request's own extension: httpx would normalise a target given by URL.
TARGET_EXTENSION = "tus_conformance.targets.target"
# What an error is about where the server wants no more of the stream or of the connection.
_STREAM_ENDED = (StreamReset, ConnectionTerminated, StreamClosedError)


class HttpxTransport:
    """Sends requests by httpx, each over a connection of its own, every byte recorded.

    With `http2`, HTTP/2 is offered over TLS, and spoken with prior knowledge without it. `proxy` is
    the URL of an HTTP proxy, with its user if it wants one. All else is as for `Http1Transport`.
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
        http2: bool = False,
        proxy: str | None = None,
    ) -> None:
        self._backend = backend or httpcore.TrioBackend()
        self._timeout = timeout
        self._redaction = redaction or Redaction()
        self._ssl_context = ssl_context
        self._started = started
        self._connect_to = connect_to
        self._http2 = http2
        self._proxy = _parse_proxy(proxy) if proxy else None

    async def send(
        self, http_request: HttpRequest, *, sink: BodySink | None = None
    ) -> HttpResponse:
        """Send a request and return what came back, as `Http1Transport.send` does.

        Raises UnsendableError for raw framing, for trailers, and for faults other than a stall, a
        split, a throttle or a cut within the body. A cut breaks the whole connection.
        """
        if http_request.asterisk_form and self._proxy:
            raise UnsendableError(
                "A request for * cannot go through a proxy: send it without a proxy."
            )
        if http_request.framing == "raw" or http_request.trailers:
            raise UnsendableError(
                "httpx sends neither raw requests nor trailers: send it over HTTP/1.1"
                " without a proxy."
            )
        if (
            http_request.drop_response
            or http_request.connection
            or not all(map(_is_supported, http_request.faults))
        ):
            raise UnsendableError(
                "httpx cannot inject this network fault: send it over HTTP/1.1 without a proxy."
            )
        url_failure: NetworkFailure | None = None
        try:
            address = parse_address(http_request.url)
        except AddressError as error:
            address, url_failure = NO_ADDRESS, NetworkFailure("unreachable", str(error))
        if self._started is None:
            self._started = trio.current_time()
        recorder = ExchangeRecorder(
            http_request, tier="httpx", redaction=self._redaction, run_began=self._started
        )
        exchange = HttpExchange(
            http_request,
            H11Encoder(http_request, address).head,
            recorder,
            sink,
            self._timeout,
        )
        if url_failure is None:
            await self._send_with_timeout(http_request, address, exchange)
        else:
            exchange.fail(url_failure)
        if exchange.frames is not None:
            exchange.head = _format_http2_head(http_request, address)
        return exchange.http_response()

    async def _send_with_timeout(
        self, http_request: HttpRequest, address: Address, exchange: HttpExchange
    ) -> None:
        network = RecordedBackend(self._backend, exchange, self._connect_to)
        if self._http2 and not address.secure:
            exchange.expect_http2_frames()
        with trio.CancelScope(deadline=trio.current_time() + self._timeout) as scope:

            def extend_deadline(later: float = 0.0) -> None:
                last = exchange.clock.deadline(exchange.parser.body.length)
                scope.deadline = min(trio.current_time() + later + self._timeout, last)
                if exchange.parser.over_limit:
                    scope.cancel()  # httpx would read on

            exchange.on_progress = exchange.on_stall = extend_deadline
            try:
                await self._send_request(http_request, address, exchange, network)
            except _ConnectionCut:
                exchange.state.handle(Event.CUT)
            except httpcore.NetworkError as error:
                exchange.fail(self._network_failure(error, address, exchange, network))
            except httpcore.ProxyError as error:
                exchange.fail(failures.proxy_refusal(str(error)))
            except (httpcore.ProtocolError, ProtocolError) as error:
                _record_protocol_error(error, exchange)
            finally:
                if address.secure and exchange.state.connection is not ConnectionState.SECURED:
                    exchange.discard_response()  # only a proxy can have spoken
                exchange.conclude()
                await network.aclose()
        if scope.cancelled_caught:
            begun = exchange.response_begun
            exchange.fail(
                failures.connect_timeout(network.destination, self._timeout)
                if exchange.state.connection is ConnectionState.UNCONNECTED
                else self._timeout_failure(exchange, begun=begun)
            )

    def _timeout_failure(self, exchange: HttpExchange, *, begun: bool) -> NetworkFailure:
        began, now = exchange.clock.began or exchange.clock.sent, trio.current_time()
        if began is not None and now >= exchange.clock.deadline(exchange.parser.body.length):
            return failures.endless_response(now - began)
        return failures.response_timeout(self._timeout, begun=begun)

    def _network_failure(
        self,
        error: httpcore.NetworkError,
        address: Address,
        exchange: HttpExchange,
        network: RecordedBackend,
    ) -> NetworkFailure:
        if not isinstance(error, httpcore.ConnectError):
            return failures.connection_lost(
                exchange.sent_body.length, begun=exchange.response_begun, reset=True
            )
        if exchange.state.connection is ConnectionState.UNCONNECTED:
            return failures.unreachable(network.destination, error)
        # TLS is the server's, at the end of a tunnel, too; but a proxy may want its own before it.
        with_proxy = self._proxy is not None and self._proxy.url.scheme == b"https"
        if with_proxy and exchange.state.connection is ConnectionState.CONNECTED:
            return failures.tls_failure(network.destination, error)
        return failures.tls_failure(format_host_port(address.host, address.port), error)

    async def _send_request(
        self,
        http_request: HttpRequest,
        address: Address,
        exchange: HttpExchange,
        network: RecordedBackend,
    ) -> None:
        body = _RequestBody(http_request, exchange, network)
        request = httpx.Request(
            http_request.method,
            f"{address.scheme}://{format_host_port(address.host, address.port)}/",
            headers=_parse_header_lines(exchange.head),
            stream=body,
            extensions={TARGET_EXTENSION: _request_target(http_request, address).encode()},
        )
        transport = _PoolTransport(self._pool(address, network))
        client = httpx.AsyncClient(
            transport=transport,
            trust_env=False,
            timeout=None,  # noqa: S113  (the scope around this has the patience)
        )
        async with client:
            response = await client.send(request, stream=True, auth=None)
            if exchange.frames is not None:
                exchange.set_head(_response_head(response))
            async for piece in response.aiter_raw(CHUNK_SIZE):
                if exchange.frames is not None:
                    exchange.parser.add_body(piece)
            if exchange.frames is not None:
                exchange.mark_complete()

    def _pool(self, address: Address, network: RecordedBackend) -> httpcore.AsyncConnectionPool:
        if self._ssl_context is None and (address.secure or self._proxy):
            self._ssl_context = create_ssl_context()
        return httpcore.AsyncConnectionPool(
            ssl_context=self._ssl_context,
            proxy=self._proxy,
            http1=not self._http2 or address.secure,
            http2=self._http2,
            network_backend=network,
        )


class _PoolTransport(httpx.AsyncBaseTransport):
    """httpx over a pool of our own making, and so over the recorded network, which closes it."""

    def __init__(self, pool: httpcore.AsyncConnectionPool) -> None:
        self._pool = pool

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; raise what httpcore raises."""
        url = request.url
        response = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=url.raw_scheme,
                    host=url.raw_host,
                    port=url.port,
                    target=request.extensions[TARGET_EXTENSION],
                ),
                headers=request.headers.raw,
                content=request.stream,
            )
        )
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_ResponseStream(response),
            extensions=response.extensions,
        )


class _ResponseStream(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._response.stream, AsyncIterable)
        return aiter(self._response.stream)

    async def aclose(self) -> None:
        await self._response.aclose()


class _ConnectionCut(Exception):  # noqa: N818 (it is no error: the request asked for it)
    """The connection was cut by the request's fault."""


class _RequestBody(httpx.AsyncByteStream):
    """The body of a request, counted as it goes, with the faults that are to be done to it.

    An iterator rather than a generator, which would need closing when a write fails.
    """

    def __init__(
        self, http_request: HttpRequest, exchange: HttpExchange, network: RecordedBackend
    ) -> None:
        self._payload = http_request.payload
        self._length = http_request.payload.length if http_request.payload else 0
        self._faults = FaultExecutor(http_request.all_faults, self)
        self._exchange = exchange
        self._network = network
        self._last = b""

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._source = PayloadReader(self._payload)
        return self

    async def __anext__(self) -> bytes:
        sent_body = self._exchange.sent_body
        sent_body.add(self._last)  # which has been written, since more is asked for
        position = Position("body", sent_body.length)
        await self._faults.apply(position, self._length)
        self._last = self._source.read(
            self._faults.bytes_allowed(position, self._length, CHUNK_SIZE)
        )
        if self._last:
            return self._last
        self._exchange.clock.on_sent()
        raise StopAsyncIteration

    # As the target of the faults

    @property
    def sending_done(self) -> bool:
        """Return False: httpx sends the whole body before it reads."""
        return False

    def record_action(self, text: str) -> None:
        """Record what the harness does."""
        self._exchange.record_action(text)

    async def stall(self, seconds: float) -> None:
        """Send nothing for a while, which is not the server's silence."""
        self._exchange.on_stall(seconds)
        await trio.sleep(seconds)

    def throttle(self, limits: Throttle) -> None:
        """Add limits for what is written from now on."""
        stream = self._network.latest
        if stream is not None:
            stream.throttle = stream.throttle.combine(limits)

    async def half_close(self) -> None:
        """Refuse: the transport accepts no such fault, since an HTTP/2 stream is one of many."""
        raise UnsendableError("httpx does not half-close a connection.")

    async def break_connection(self, by: BreakMode, position: Position) -> None:
        """Break the whole connection."""
        self.record_action(describe_action(Break(by), position))
        stream = self._network.latest
        if stream is not None:
            await (stream.reset if by == "rst" else stream.close)("by the harness")
        raise _ConnectionCut


def _is_supported(fault: InjectedFault) -> bool:
    half = isinstance(fault.action, Break) and fault.action.by == "half"
    return fault.inside == "body" and not half


def _parse_proxy(url: str) -> httpcore.Proxy:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("The proxy needs a URL with http:// or https:// and a host.")
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return httpcore.Proxy(bare, auth=auth)


def _request_target(http_request: HttpRequest, address: Address) -> str:
    return "*" if http_request.asterisk_form else address.target


def _parse_header_lines(head: bytes) -> list[tuple[str, str]]:
    """Return the headers of a request's head, which h11 has vouched for."""
    lines = head.decode("latin-1").split("\r\n")[1:-2]
    return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]


def _format_http2_head(http_request: HttpRequest, address: Address) -> bytes:
    lines = [
        (name.lower(), value)
        for name, value in _parse_header_lines(H11Encoder(http_request, address).head)
    ]
    head = [
        f"{http_request.method} {_request_target(http_request, address)} HTTP/2",
        *(f"{name}: {value}" for name, value in lines),
    ]
    return "\r\n".join([*head, "", ""]).encode("latin-1", "replace")


def _response_head(response: httpx.Response) -> ResponseHead:
    headers = tuple(
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw
    )
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return ResponseHead(
        status=response.status_code,
        reason="",
        version="2",
        headers=headers,
        text=f"HTTP/2 {response.status_code}\r\n{lines}\r\n",
    )


def _record_protocol_error(
    error: httpcore.ProtocolError | ProtocolError, exchange: HttpExchange
) -> None:
    """Record whose fault a broken protocol is, unless the bytes show it.

    What h2 finds wrong in a request is an error of the same kind as what it finds wrong in an
    answer, but it finds it before anything has come back.
    """
    stream_ended = any(isinstance(cause, _STREAM_ENDED) for cause in error.args)
    answered = exchange.frames is not None and exchange.frames[1].begun
    if stream_ended:
        exchange.fail(
            failures.connection_lost(
                exchange.sent_body.length, begun=exchange.response_begun, reset=True
            )
        )
    elif (answered and not exchange.state.end_received) or _is_unread(error, exchange):
        exchange.fail(failures.malformed_response(str(error)))
    elif isinstance(error, httpcore.LocalProtocolError):
        raise UnsendableError(f"httpx refuses to send this request ({error}).") from error


def _is_unread(error: Exception, exchange: HttpExchange) -> bool:
    """Return whether httpcore gave up a response of HTTP/1.1 in which the suite sees no error."""
    local = isinstance(error, httpcore.LocalProtocolError)
    parsed = exchange.parser.error is not None or exchange.state.receiving_done
    return exchange.frames is None and not (local or parsed)
