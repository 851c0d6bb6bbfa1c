"""The relay: the life of a connection between a client and the server behind the proxy.

For each request a connection to the server is opened. Its body is passed on as it comes, while the
answer is already awaited, since a server may refuse early. Whoever goes away first, the other side
is told in the same way: by an orderly end or by a reset.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import h11
import trio

from tus_conformance.proxying.ending import Stream, end, half_close, how
from tus_conformance.proxying.passing import Headers, Passing
from tus_conformance.proxying.rules import Chosen
from tus_conformance.proxying.speaker import BrokenOff, Speaker
from tus_conformance.proxying.upstream import Upstream

LINGER = 2.0
"""How long a client that was answered early may go on sending, in seconds."""

_PIECE = 65536
# They are about a connection, of which there are two here (RFC 9110, section 7.6.1).
_OF_THE_CONNECTION = {b"connection", b"keep-alive", b"proxy-connection", b"upgrade", b"te"}


class ListenError(Exception):
    """The proxy's port is not to be had; the message says why."""


@dataclass(frozen=True)
class Relay:
    """Passes requests on; `choose` says what happens to one, `ended` is told how it went."""

    upstream: Upstream
    choose: Callable[[Passing], Chosen] = lambda _passing: Chosen()
    began: Callable[[Passing], None] = lambda _passing: None
    ended: Callable[[Passing], None] = lambda _passing: None

    async def serve(
        self, port: int, *, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve on a port of 127.0.0.1, 0 for a free one; the port is the task's status.

        Raises ListenError where the port is not to be had.
        """
        try:
            listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
        except OSError as error:
            raise ListenError(f"Port {port} cannot be listened on: {error.strerror}.") from None
        found = int(listeners[0].socket.getsockname()[1])
        count = iter(range(1, 1 << 62))

        async def connection(stream: trio.SocketStream) -> None:
            conversation = _Conversation(self, stream, f"http://127.0.0.1:{found}", count)
            try:
                await conversation.hold()
            except* (trio.BrokenResourceError, trio.ClosedResourceError):
                pass  # the client has gone away, which is what there is to see of it
            await end(stream, "fin")

        async with trio.open_nursery() as nursery:
            task_status.started(found)
            await trio.serve_listeners(connection, listeners, handler_nursery=nursery)


class _Conversation:
    """One connection of a client, with its requests one after the other."""

    def __init__(self, relay: Relay, client: trio.SocketStream, place: str, count: Any) -> None:
        self._relay = relay
        self._client = client
        self._place = place
        self._count = count
        self._parser = h11.Connection(h11.SERVER)

    async def hold(self) -> None:
        """Pass requests on until the connection cannot be used any more."""
        while True:
            try:
                request = await self._next()
            except h11.RemoteProtocolError as wrong:
                await self._say(400, f"The proxy cannot read this request: {wrong}.\n")
                return
            if not isinstance(request, h11.Request):
                return
            passing = _passing(next(self._count), request)
            self._relay.began(passing)
            try:
                await self._pass_on(request, passing)
            finally:
                self._relay.ended(passing)
            if self._parser.our_state is not h11.DONE or self._parser.their_state is not h11.DONE:
                await self._linger()
                return
            self._parser.start_next_cycle()

    async def _pass_on(self, request: h11.Request, passing: Passing) -> None:
        chosen = self._relay.choose(passing)
        if chosen.answer is not None:
            passing.done.append(f"answered with {chosen.answer} by the proxy")
            await self._say(chosen.answer, "The proxy answers this itself, by its plan.\n")
            return
        try:
            streams = [await self._relay.upstream.connect() for _ in range(1 + chosen.twice)]
        except OSError as error:
            passing.done.append(f"the server cannot be reached: {error}")
            await self._say(502, f"The server behind the proxy cannot be reached: {error}.\n")
            return
        if chosen.twice:
            passing.done.append("sent twice at once")
        exchange = _Exchange(self, passing, streams, chosen)
        try:
            await exchange.run(request)
        finally:
            with trio.CancelScope(shield=True):
                for stream in streams:
                    await end(stream, "fin")

    # The client's side

    async def _next(self) -> Any:
        """Return the next event from the client; raise h11.RemoteProtocolError."""
        while (event := self._parser.next_event()) is h11.NEED_DATA:
            self._parser.receive_data(bytes(await self._client.receive_some(_PIECE)))
        return event

    async def next(self) -> Any:
        """Return the next event of the body."""
        return await self._next()

    async def gone(self) -> None:
        """Return when the client has gone away; what it sends meanwhile is its next request."""
        while data := bytes(await self._client.receive_some(_PIECE)):
            self._parser.receive_data(data)

    async def answer(self, event: Any) -> None:
        """Pass an event of the answer on."""
        data = self._parser.send(event)
        if data:
            await self._client.send_all(data)

    async def drop(self, by: str) -> None:
        """End the client's connection."""
        await end(self._client, "rst" if by == "rst" else "fin")

    def placed(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Return the headers of an answer as the client is to see them."""
        upstream, place = self._relay.upstream, self._place
        return [
            (
                name,
                upstream.seen_from(place, value.decode("latin-1")).encode("latin-1")
                if name.lower() == b"location"
                else value,
            )
            for name, value in headers
            if name.lower() not in _OF_THE_CONNECTION
        ]

    async def _say(self, status: int, text: str) -> None:
        with suppress(h11.LocalProtocolError):
            headers = [("Content-Length", str(len(text))), ("Content-Type", "text/plain")]
            # What is left of the body is not read, so the connection cannot be used again.
            headers.append(("Connection", "close"))
            await self.answer(h11.Response(status_code=status, headers=headers))
            await self.answer(h11.Data(data=text.encode("ascii", "replace")))
            await self.answer(h11.EndOfMessage())

    async def _linger(self) -> None:
        """Let the client read an early answer: to close at once would reset the connection."""
        with trio.move_on_after(LINGER):
            await half_close(self._client)
            while await self._client.receive_some(_PIECE):
                pass


class _Exchange:
    """One request and its answer."""

    def __init__(
        self, client: _Conversation, passing: Passing, streams: Sequence[Stream], chosen: Chosen
    ) -> None:
        self._client = client
        self._passing = passing
        self._streams = streams
        self._lose = chosen.lose
        self._speaker = Speaker(streams, chosen.faults, passing.done.append)
        self._scope = trio.CancelScope()
        self._begun = trio.Event()

    async def run(self, request: h11.Request) -> None:
        """Pass the request on, and its answer back."""
        with self._scope:
            async with trio.open_nursery() as nursery:
                for other in self._streams[1:]:
                    nursery.start_soon(_drain, other)
                nursery.start_soon(self._forward, request)
                await self._return()
                self._scope.cancel()

    async def _forward(self, request: h11.Request) -> None:
        try:
            await self._speak(request)
            self._passing.whole = True
            await self._client.gone()
            await self._left("fin")
        except BrokenOff as broken:
            if broken.act.by == "half":
                await half_close(self._streams[0])
                return
            await self._part(broken.act.by)
        except h11.RemoteProtocolError:
            await self._left("fin")
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            if self._servers(error):
                return  # the server wants no more of it; its answer may say why
            await self._left(how(error))

    async def _left(self, by: Literal["fin", "rst"]) -> None:
        """Take note that the client has gone away before it had its answer."""
        if self._passing.status is not None and self._passing.whole:
            return  # with the head of the answer it may have all it wants
        self._passing.broke = by
        await self._part(by)

    async def _speak(self, request: h11.Request) -> None:
        headers = [(n, v) for n, v in request.headers.raw_items() if not _connections(n)]
        said = h11.Request(
            method=request.method,
            target=request.target,
            headers=[*headers, (b"Connection", b"close")],
        )
        try:
            await self._tell(self._speaker.head(said, self._passing.length))
        finally:
            self._begun.set()
        while not isinstance(event := await self._client.next(), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                self._passing.came += len(event.data)
                await self._tell(self._speaker.body(bytes(event.data)))
        trailers = list(event.headers.raw_items())
        self._passing.trailers = _text(trailers)
        await self._tell(self._speaker.end(trailers))

    async def _tell(self, speaking: Any) -> None:
        """Speak to the server; mark what breaks then as the server's doing."""
        try:
            await speaking
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise _ServerGoneError from error

    @staticmethod
    def _servers(error: BaseException) -> bool:
        return isinstance(error, _ServerGoneError)

    async def _part(self, by: str) -> None:
        """End both connections, and with them the exchange."""
        self._scope.cancel()  # first, so that nobody takes the ends for the server's
        with trio.CancelScope(shield=True):
            for stream in self._streams:
                await end(stream, "rst" if by == "rst" else "fin")
            await self._client.drop(by)

    async def _return(self) -> None:
        await self._begun.wait()
        while True:
            event = await self._heard()
            if event is None:
                await self._client.drop("fin")
                return
            if isinstance(event, h11.Response):
                self._passing.status = event.status_code
                self._passing.answer = _text(event.headers.raw_items())
                if self._lose:
                    self._passing.done.append("the answer was lost")
                    await self._client.drop("rst")
                    return
                event = h11.Response(
                    status_code=event.status_code,
                    reason=event.reason,
                    headers=self._client.placed(list(event.headers.raw_items())),
                )
            try:
                await self._client.answer(event)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                await self._left(how(error))
                return
            if isinstance(event, h11.EndOfMessage):
                return

    async def _heard(self) -> Any:
        """Return the next event of the answer; None where the server has gone away."""
        parser = self._speaker.parser
        try:
            while (event := parser.next_event()) is h11.NEED_DATA:
                parser.receive_data(bytes(await self._streams[0].receive_some(_PIECE)))
        except (h11.RemoteProtocolError, trio.BrokenResourceError, trio.ClosedResourceError):
            return None
        return None if isinstance(event, h11.ConnectionClosed) else event


class _ServerGoneError(trio.BrokenResourceError):
    """The server's side of the conversation broke, not the client's."""


async def _drain(stream: Stream) -> None:
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        while await stream.receive_some(_PIECE):
            pass


def _connections(name: bytes) -> bool:
    return name.lower() in _OF_THE_CONNECTION


def _passing(number: int, request: h11.Request) -> Passing:
    headers = _text(request.headers.raw_items())
    passing = Passing(number, request.method.decode(), request.target.decode("latin-1"), headers)
    length = passing.header("Content-Length")
    passing.length = int(length) if length is not None and length.isdecimal() else None
    passing.chunked = passing.header("Transfer-Encoding") is not None
    return passing


def _text(headers: Any) -> Headers:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
