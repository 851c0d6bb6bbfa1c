"""The relay: the life of a connection between a client and the server behind the proxy.

For each request a connection to the server is opened. Its body is passed on as it comes, while the
answer is already awaited, since a server may refuse early. When one side goes
away, the connection to the other ends in the same way: in order or by a reset.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import h11
import trio

from tus_conformance.proxy.fault_rules import ChosenFault
from tus_conformance.proxy.proxied_request import HeaderPairs, ProxiedRequest
from tus_conformance.proxy.request_sender import CutByPlan, RequestSender
from tus_conformance.proxy.upstream import Upstream
from tus_conformance.transport.connection_end import (
    ConnectionStream,
    close_kind,
    close_stream,
    half_close,
)
from tus_conformance.transport.header_values import read_integer
from tus_conformance.transport.loopback_listener import listen_on

LINGER_SECONDS = 2.0
"""How long a client that had an early response may go on sending, in seconds."""

_READ_SIZE = 65536
# They are about a connection, of which there are two here (RFC 9110, section 7.6.1).
_HOP_BY_HOP = {b"connection", b"keep-alive", b"proxy-connection", b"upgrade", b"te"}


@dataclass(frozen=True)
class ProxyServer:
    """Passes requests on; `choose` decides what happens to one, `on_end` is called after it."""

    upstream: Upstream
    choose: Callable[[ProxiedRequest], ChosenFault] = lambda _proxied_request: ChosenFault()
    on_request: Callable[[ProxiedRequest], None] = lambda _proxied_request: None
    on_end: Callable[[ProxiedRequest], None] = lambda _proxied_request: None

    async def serve(
        self, port: int, *, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve on a port of 127.0.0.1, 0 for a free one; the port is the task's status.

        Raises ListenError if the port cannot be listened on.
        """
        listeners = await listen_on(port)
        found = int(listeners[0].socket.getsockname()[1])
        count = iter(range(1, 1 << 62))

        async def connection(stream: trio.SocketStream) -> None:
            client_connection = _ClientConnection(self, stream, f"http://127.0.0.1:{found}", count)
            try:
                await client_connection.serve_requests()
            except* (trio.BrokenResourceError, trio.ClosedResourceError):
                pass  # the client has gone away, which is what there is to see of it
            await close_stream(stream, "fin")

        async with trio.open_nursery() as nursery:
            task_status.started(found)
            await trio.serve_listeners(connection, listeners, handler_nursery=nursery)


class _ClientConnection:
    """One connection of a client, with its requests one after the other."""

    def __init__(
        self, proxy: ProxyServer, client: trio.SocketStream, place: str, count: Any
    ) -> None:
        self._proxy = proxy
        self._client = client
        self._proxy_url = place
        self._count = count
        self._parser = h11.Connection(h11.SERVER)

    async def serve_requests(self) -> None:
        """Pass requests on until the connection cannot be used any more."""
        while True:
            try:
                request = await self._next_event()
            except h11.RemoteProtocolError as wrong:
                await self._send_response(400, f"The proxy cannot read this request: {wrong}.\n")
                return
            if not isinstance(request, h11.Request):
                return
            proxied = _proxied_request(next(self._count), request)
            self._proxy.on_request(proxied)
            try:
                await self._pass_on(request, proxied)
            finally:
                self._proxy.on_end(proxied)
            if self._parser.our_state is not h11.DONE or self._parser.their_state is not h11.DONE:
                await self._drain_client()
                return
            self._parser.start_next_cycle()

    async def _pass_on(self, request: h11.Request, proxied: ProxiedRequest) -> None:
        chosen = self._proxy.choose(proxied)
        if chosen.answer is not None:
            proxied.answered_by_proxy = True
            proxied.faults_done.append(f"the proxy responded with {chosen.answer}")
            await self._send_response(
                chosen.answer, "The proxy sends this response itself, according to its plan.\n"
            )
            return
        try:
            streams = [await self._proxy.upstream.connect() for _ in range(1 + chosen.twice)]
        except OSError as error:
            proxied.faults_done.append(f"the server cannot be reached: {error}")
            await self._send_response(
                502, f"The server behind the proxy cannot be reached: {error}.\n"
            )
            return
        if chosen.twice:
            proxied.faults_done.append("sent twice at once")
        proxied_exchange = _ProxiedExchange(self, proxied, streams, chosen)
        try:
            await proxied_exchange.run(request)
        finally:
            with trio.CancelScope(shield=True):
                for stream in streams:
                    await close_stream(stream, "fin")

    # The client's side

    async def _next_event(self) -> Any:
        """Return the next event from the client; raise h11.RemoteProtocolError."""
        while (event := self._parser.next_event()) is h11.NEED_DATA:
            self._parser.receive_data(bytes(await self._client.receive_some(_READ_SIZE)))
        return event

    async def next_body_event(self) -> Any:
        """Return the next event of the body."""
        return await self._next_event()

    async def wait_until_closed(self) -> None:
        """Return when the client has gone away; what it sends meanwhile is its next request."""
        while data := bytes(await self._client.receive_some(_READ_SIZE)):
            self._parser.receive_data(data)

    async def send_event(self, event: Any) -> None:
        """Pass an event of the response on."""
        data = self._parser.send(event)
        if data:
            await self._client.send_all(data)

    async def close(self, by: str) -> None:
        """End the client's connection."""
        await close_stream(self._client, "rst" if by == "rst" else "fin")

    def rewrite_headers(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Return the headers of a response as the client is to see them."""
        upstream, place = self._proxy.upstream, self._proxy_url
        return [
            (
                name,
                upstream.through_proxy(place, value.decode("latin-1")).encode("latin-1")
                if name.lower() == b"location"
                else value,
            )
            for name, value in headers
            if name.lower() not in _HOP_BY_HOP
        ]

    async def _send_response(self, status: int, text: str) -> None:
        with suppress(h11.LocalProtocolError):
            headers = [("Content-Type", "text/plain")]
            if status in {204, 304}:
                text = ""
            else:
                headers.append(("Content-Length", str(len(text))))
            # What is left of the body is not read, so the connection cannot be used again.
            headers.append(("Connection", "close"))
            await self.send_event(h11.Response(status_code=status, headers=headers))
            if text:
                await self.send_event(h11.Data(data=text.encode("ascii", "replace")))
            await self.send_event(h11.EndOfMessage())

    async def _drain_client(self) -> None:
        """Let the client read an early response: to close at once would reset the connection."""
        with trio.move_on_after(LINGER_SECONDS):
            await half_close(self._client)
            while await self._client.receive_some(_READ_SIZE):
                pass


class _ProxiedExchange:
    """One request and its response."""

    def __init__(
        self,
        client: _ClientConnection,
        proxied: ProxiedRequest,
        streams: Sequence[ConnectionStream],
        chosen: ChosenFault,
    ) -> None:
        self._client = client
        self._proxied_request = proxied
        self._streams = streams
        self._lose = chosen.lose
        self._sender = RequestSender(streams, chosen.faults, proxied.faults_done.append)
        self._scope = trio.CancelScope()
        self._head_sent = trio.Event()

    async def run(self, request: h11.Request) -> None:
        """Pass the request on, and its response back."""
        with self._scope:
            async with trio.open_nursery() as nursery:
                for other in self._streams[1:]:
                    nursery.start_soon(_drain, other)
                nursery.start_soon(self._forward_request, request)
                await self._forward_response()
                self._scope.cancel()

    async def _forward_request(self, request: h11.Request) -> None:
        try:
            await self._send_request(request)
            self._proxied_request.complete = True
            await self._client.wait_until_closed()
            await self._client_left("fin")
        except CutByPlan as broken:
            if broken.by == "half":
                await half_close(self._streams[0])
                return
            await self._close_both(broken.by)
        except h11.RemoteProtocolError:
            await self._client_left("fin")
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            if self._is_servers(error):
                return  # the server wants no more of it; its answer may say why
            await self._client_left(close_kind(error))

    async def _client_left(self, by: Literal["fin", "rst"]) -> None:
        """Take note that the client has gone away before it had its response."""
        if self._proxied_request.status is not None and self._proxied_request.complete:
            return  # with the head of the answer it may have all it wants
        self._proxied_request.closed_by_client = by
        await self._close_both(by)

    async def _send_request(self, request: h11.Request) -> None:
        headers = [(n, v) for n, v in request.headers.raw_items() if not _is_hop_by_hop(n)]
        outgoing = h11.Request(
            method=request.method,
            target=request.target,
            headers=[*headers, (b"Connection", b"close")],
        )
        try:
            await self._send_to_server(
                self._sender.send_head(outgoing, self._proxied_request.length)
            )
        finally:
            self._head_sent.set()
        while not isinstance(event := await self._client.next_body_event(), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                self._proxied_request.received += len(event.data)
                await self._send_to_server(self._sender.send_body(bytes(event.data)))
        trailers = list(event.headers.raw_items())
        self._proxied_request.trailers = _decode_headers(trailers)
        await self._send_to_server(self._sender.send_end(trailers))

    async def _send_to_server(self, sending: Any) -> None:
        """Speak to the server; mark what breaks then as the server's doing."""
        try:
            await sending
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise _ServerGoneError from error

    @staticmethod
    def _is_servers(error: BaseException) -> bool:
        return isinstance(error, _ServerGoneError)

    async def _close_both(self, by: str) -> None:
        """End both connections, and with them the exchange."""
        self._scope.cancel()  # first, so that nobody takes the ends for the server's
        with trio.CancelScope(shield=True):
            for stream in self._streams:
                await close_stream(stream, "rst" if by == "rst" else "fin")
            await self._client.close(by)

    async def _forward_response(self) -> None:
        await self._head_sent.wait()
        while True:
            event = await self._next_response_event()
            if event is None:
                await self._client.close("fin")
                return
            if isinstance(event, h11.Response):
                self._proxied_request.status = event.status_code
                self._proxied_request.response_headers = _decode_headers(event.headers.raw_items())
                if self._lose:
                    self._proxied_request.response_lost = True
                    self._proxied_request.faults_done.append("the response was lost")
                    await self._client.close("rst")
                    return
                event = h11.Response(
                    status_code=event.status_code,
                    reason=event.reason,
                    headers=self._client.rewrite_headers(list(event.headers.raw_items())),
                )
            try:
                await self._client.send_event(event)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                await self._client_left(close_kind(error))
                return
            if isinstance(event, h11.EndOfMessage):
                return

    async def _next_response_event(self) -> Any:
        """Return the next event of the response; None where the server has gone away."""
        parser = self._sender.parser
        try:
            while (event := parser.next_event()) is h11.NEED_DATA:
                parser.receive_data(bytes(await self._streams[0].receive_some(_READ_SIZE)))
        except (h11.RemoteProtocolError, trio.BrokenResourceError, trio.ClosedResourceError):
            return None
        return None if isinstance(event, h11.ConnectionClosed) else event


class _ServerGoneError(trio.BrokenResourceError):
    """The server's side of the conversation broke, not the client's."""


async def _drain(stream: ConnectionStream) -> None:
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        while await stream.receive_some(_READ_SIZE):
            pass


def _is_hop_by_hop(name: bytes) -> bool:
    return name.lower() in _HOP_BY_HOP


def _proxied_request(number: int, request: h11.Request) -> ProxiedRequest:
    headers = _decode_headers(request.headers.raw_items())
    proxied = ProxiedRequest(
        number, request.method.decode(), request.target.decode("latin-1"), headers
    )
    length = proxied.header("Content-Length")
    proxied.length = read_integer(length)
    proxied.chunked = proxied.header("Transfer-Encoding") is not None
    return proxied


def _decode_headers(headers: Any) -> HeaderPairs:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
