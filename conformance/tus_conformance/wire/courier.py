"""The httpx tier: HTTP/2, and proxies, where the wire does not go by itself.

httpx sends a whole body before it reads, shows no 1xx, and has no request trailers (over HTTP/1.1
the record shows 1xx all the same, since the bytes pass the recorded network). What needs those is
judged over the `Wire`. This is the one module that imports httpx.
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

from tus_conformance.wire import trouble
from tus_conformance.wire.address import Address, AddressError, address, place
from tus_conformance.wire.answer import Answer, Failure
from tus_conformance.wire.faults import Plan, Spot, told
from tus_conformance.wire.framing import ByH11
from tus_conformance.wire.hearing import Head
from tus_conformance.wire.held import PIECE, Source
from tus_conformance.wire.network import RecordedBackend
from tus_conformance.wire.outgoing import (
    Act,
    Break,
    Fault,
    Outgoing,
    Pace,
    Stall,
    UnsendableError,
)
from tus_conformance.wire.recorder import Recorder
from tus_conformance.wire.redaction import Redaction
from tus_conformance.wire.wire import NOWHERE, Sink, trusting

# The request's own extension: httpx would normalise a target given by URL.
TARGET = "tus_conformance.target.target"
# What an error is about where the server wants no more of the stream or of the connection.
_GIVEN_UP = (StreamReset, ConnectionTerminated, StreamClosedError)


class Courier:
    """Sends requests by httpx, each over a connection of its own, every byte recorded.

    With `http2`, HTTP/2 is offered over TLS, and spoken with prior knowledge without it. `proxy` is
    the URL of an HTTP proxy, with its user if it wants one. All else is as for the `Wire`.
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
        self._proxy = _proxy(proxy) if proxy else None

    async def send(self, outgoing: Outgoing, *, sink: Sink | None = None) -> Answer:
        """Send a request and return what came back, as `Wire.send` does.

        Raises UnsendableError for raw framing, for trailers, and for faults other than a stall, a
        split, a pace or a cut within the body. A cut breaks the whole connection.
        """
        if outgoing.asterisk and self._proxy:
            raise UnsendableError("A proxy cannot be asked for *: send this one without a proxy.")
        if outgoing.framing == "raw" or outgoing.trailers:
            raise UnsendableError(
                "httpx sends neither raw requests nor trailers: send this one over HTTP/1.1"
                " without a proxy."
            )
        if outgoing.lose or outgoing.line or not all(map(_possible, outgoing.faults)):
            raise UnsendableError(
                "httpx does not do this to a connection: send this one over HTTP/1.1 without a"
                " proxy."
            )
        refusal: Failure | None = None
        try:
            there = address(outgoing.url)
        except AddressError as error:
            there, refusal = NOWHERE, Failure("unreachable", str(error))
        if self._started is None:
            self._started = trio.current_time()
        recorder = Recorder(
            outgoing,
            ByH11(outgoing, there).head,
            tier="httpx",
            redaction=self._redaction,
            run_began=self._started,
            sink=sink,
        )
        if refusal is None:
            await self._exchange(outgoing, there, recorder)
        else:
            recorder.failed(refusal)
        if recorder.frames is not None:
            recorder.head = _head_of_http2(outgoing, there)
        return recorder.answer()

    async def _exchange(self, outgoing: Outgoing, there: Address, recorder: Recorder) -> None:
        network = RecordedBackend(self._backend, recorder, self._connect_to)
        if self._http2 and not there.secure:
            recorder.expect_frames()
        with trio.CancelScope(deadline=trio.current_time() + self._timeout) as scope:

            def moved(later: float = 0.0) -> None:
                scope.deadline = trio.current_time() + later + self._timeout

            recorder.moved = recorder.stood = moved
            try:
                await self._converse(outgoing, there, recorder, network)
            except _CutShort:
                recorder.cut = True
            except httpcore.NetworkError as error:
                recorder.failed(self._broken(error, there, recorder, network))
            except httpcore.ProxyError as error:
                recorder.failed(trouble.refused_by_proxy(str(error)))
            except (httpcore.ProtocolError, ProtocolError) as error:
                _blame(error, recorder)
            finally:
                if there.secure and recorder.stage != "secured":
                    recorder.forget()  # only a proxy can have spoken
                recorder.conclude()
                await network.aclose()
        if scope.cancelled_caught:
            begun = recorder.begun
            recorder.failed(
                trouble.slow_to_accept(network.aim, self._timeout)
                if recorder.stage == "nowhere"
                else trouble.silent(self._timeout, begun=begun)
            )

    def _broken(
        self,
        error: httpcore.NetworkError,
        there: Address,
        recorder: Recorder,
        network: RecordedBackend,
    ) -> Failure:
        if not isinstance(error, httpcore.ConnectError):
            return trouble.ended(recorder.said.length, begun=recorder.begun, reset=True)
        if recorder.stage == "nowhere":
            return trouble.unreachable(network.aim, error)
        # TLS is the server's, at the end of a tunnel, too; but a proxy may want its own before it.
        with_proxy = self._proxy is not None and self._proxy.url.scheme == b"https"
        if with_proxy and recorder.stage == "connected":
            return trouble.untrusted(network.aim, error)
        return trouble.untrusted(place(there.host, there.port), error)

    async def _converse(
        self, outgoing: Outgoing, there: Address, recorder: Recorder, network: RecordedBackend
    ) -> None:
        body = _Body(outgoing, recorder, network)
        request = httpx.Request(
            outgoing.method,
            f"{there.scheme}://{place(there.host, there.port)}/",
            headers=_lines(recorder.head),
            stream=body,
            extensions={TARGET: _target(outgoing, there).encode()},
        )
        transport = _Transport(self._pool(there, network))
        client = httpx.AsyncClient(
            transport=transport,
            trust_env=False,
            timeout=None,  # noqa: S113  (the scope around this has the patience)
        )
        async with client:
            response = await client.send(request, stream=True, auth=None)
            if recorder.frames is not None:
                recorder.hearing.begin(_head(response))
            async for piece in response.aiter_raw(PIECE):
                if recorder.frames is not None:
                    recorder.hearing.add(piece)
            if recorder.frames is not None:
                recorder.hearing.finish()

    def _pool(self, there: Address, network: RecordedBackend) -> httpcore.AsyncConnectionPool:
        if self._ssl_context is None and (there.secure or self._proxy):
            self._ssl_context = trusting()
        return httpcore.AsyncConnectionPool(
            ssl_context=self._ssl_context,
            proxy=self._proxy,
            http1=not self._http2 or there.secure,
            http2=self._http2,
            network_backend=network,
        )


class _Transport(httpx.AsyncBaseTransport):
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
                    target=request.extensions[TARGET],
                ),
                headers=request.headers.raw,
                content=request.stream,
            )
        )
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Stream(response),
            extensions=response.extensions,
        )


class _Stream(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._response.stream, AsyncIterable)
        return aiter(self._response.stream)

    async def aclose(self) -> None:
        await self._response.aclose()


class _CutShort(Exception):  # noqa: N818 (it is no error: the request asked for it)
    """The connection was cut as the request asked."""


class _Body(httpx.AsyncByteStream):
    """The body of a request, counted as it goes, with the faults that are to be done to it.

    An iterator rather than a generator, which would need closing when a write fails.
    """

    def __init__(self, outgoing: Outgoing, recorder: Recorder, network: RecordedBackend) -> None:
        self._payload = outgoing.payload
        self._length = outgoing.payload.length if outgoing.payload else 0
        self._plan = Plan(outgoing.plan)
        self._recorder = recorder
        self._network = network
        self._last = b""

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._source = Source(self._payload)
        return self

    async def __anext__(self) -> bytes:
        said = self._recorder.said
        said.add(self._last)  # which has been written, since more is asked for
        spot = Spot("body", said.length)
        for fault in self._plan.due(spot, self._length):
            await self._suffer(fault.act, spot)
        ahead = self._plan.room(spot, self._length)
        self._last = self._source.take(PIECE if ahead is None else min(PIECE, ahead))
        if self._last:
            return self._last
        raise StopAsyncIteration

    async def _suffer(self, act: Act, spot: Spot) -> None:
        self._recorder.log.act(told(act, spot))
        stream = self._network.newest
        if isinstance(act, Stall):
            self._recorder.stood(act.seconds)
            await trio.sleep(act.seconds)
        elif isinstance(act, Pace) and stream is not None:
            stream.pace = stream.pace.then(act)
        elif isinstance(act, Break):
            if stream is not None:
                await (stream.reset if act.by == "rst" else stream.close)("by the harness")
            raise _CutShort


def _possible(fault: Fault) -> bool:
    half = isinstance(fault.act, Break) and fault.act.by == "half"
    return fault.inside == "body" and not half


def _proxy(url: str) -> httpcore.Proxy:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("The proxy needs a URL with http:// or https:// and a host.")
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return httpcore.Proxy(bare, auth=auth)


def _target(outgoing: Outgoing, there: Address) -> str:
    return "*" if outgoing.asterisk else there.target


def _lines(head: bytes) -> list[tuple[str, str]]:
    """Return the headers of a request's head, which h11 has vouched for."""
    lines = head.decode("latin-1").split("\r\n")[1:-2]
    return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]


def _head_of_http2(outgoing: Outgoing, there: Address) -> bytes:
    lines = [(name.lower(), value) for name, value in _lines(ByH11(outgoing, there).head)]
    head = [
        f"{outgoing.method} {_target(outgoing, there)} HTTP/2",
        *(f"{name}: {value}" for name, value in lines),
    ]
    return "\r\n".join([*head, "", ""]).encode("latin-1", "replace")


def _head(response: httpx.Response) -> Head:
    headers = tuple(
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw
    )
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return Head(
        status=response.status_code,
        reason="",
        version="2",
        headers=headers,
        text=f"HTTP/2 {response.status_code}\r\n{lines}\r\n",
    )


def _blame(error: httpcore.ProtocolError | ProtocolError, recorder: Recorder) -> None:
    """Record whose fault a broken protocol is, unless the bytes themselves will tell.

    What h2 finds wrong in a request is an error of the same kind as what it finds wrong in an
    answer, but it finds it before anything has come back.
    """
    given_up = any(isinstance(cause, _GIVEN_UP) for cause in error.args)
    answered = recorder.frames is not None and recorder.frames[1].begun
    if given_up:
        recorder.failed(trouble.ended(recorder.said.length, begun=recorder.begun, reset=True))
    elif answered and not recorder.ended:
        recorder.failed(trouble.malformed(str(error)))
    elif isinstance(error, httpcore.LocalProtocolError):
        raise UnsendableError(f"httpx refuses to send this request ({error}).") from error
