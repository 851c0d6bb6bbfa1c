"""One connection of a client: requests in, responses out, and ways to break it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Literal

import h11
import trio

from tus_conformance.clients.seen_request import HeaderPairs, SeenResponse
from tus_conformance.transport.connection_end import close_stream, half_close

LINGER_SECONDS = 2.0
"""How long a client that had an early response may go on sending, in seconds."""

_READ_SIZE = 65536


class ClientGone(Exception):  # noqa: N818  it is an event, not a mistake
    """The client has closed or reset the connection."""


class UnreadableRequest(Exception):  # noqa: N818  it is the client's mistake
    """What the client sent is not HTTP; the message says why."""


class ClientConnection:
    """Reads requests and sends responses over one connection."""

    def __init__(self, stream: trio.SocketStream, number: int) -> None:
        self.number = number
        self.port = int(stream.socket.getsockname()[1])
        self._stream = stream
        self._parser = h11.Connection(h11.SERVER)
        self._is_head = False

    async def next_request(self) -> h11.Request | None:
        """Return the next request, or None if the client has no more.

        Raises ClientGone and UnreadableRequest.
        """
        event = await self._next_event()
        if not isinstance(event, h11.Request):
            return None
        self._is_head = event.method == b"HEAD"
        return event

    @property
    def waits_for_continue(self) -> bool:
        """Return whether the client waits for 100 (Continue) before it sends the body."""
        return bool(self._parser.they_are_waiting_for_100_continue)

    async def send_continue(self) -> None:
        """Send 100 (Continue)."""
        await self._send(h11.InformationalResponse(status_code=100, headers=[]))

    async def next_body_piece(self) -> bytes | HeaderPairs:
        """Return the next bytes of the body, or its trailers, which end it."""
        event = await self._next_event()
        if isinstance(event, h11.Data):
            return bytes(event.data)
        if isinstance(event, h11.EndOfMessage):
            return decode_headers(event.headers.raw_items())
        raise ClientGone

    async def wait_until_gone(self) -> None:
        """Return when the client closes the connection; keep what it sends meanwhile."""
        while data := await self._receive():
            self._parser.receive_data(data)

    async def respond(self, response: SeenResponse, *, close: bool) -> None:
        """Send a response; with `close`, say that the connection ends with it."""
        for status in response.interim:
            await self._send(h11.InformationalResponse(status_code=status, headers=[]))
        headers = [(n, v) for n, v in response.headers if n.lower() not in _FRAMING]
        if response.status != 204 and response.status >= 200:
            headers.append(("Content-Length", str(len(response.body))))
        if close:
            headers.append(("Connection", "close"))
        encoded = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in headers]
        head = self._encode(h11.Response(status_code=response.status, headers=encoded))
        if response.http_version == "1.0":
            head = head.replace(b"HTTP/1.1", b"HTTP/1.0", 1)
        await self._write(head)
        if response.body and not self._is_head and response.status not in {204, 304}:
            await self._send(h11.Data(data=response.body))
        await self._send(h11.EndOfMessage())

    @property
    def reusable(self) -> bool:
        """Return whether the next request can be read; if so, be ready for it."""
        if self._parser.our_state is h11.DONE and self._parser.their_state is h11.DONE:
            self._parser.start_next_cycle()
            return True
        return False

    async def linger(self) -> None:
        """Let the client read an early response: closing at once would reset the connection."""
        with trio.move_on_after(LINGER_SECONDS), suppress(ClientGone):
            await half_close(self._stream)
            while await self._receive():
                pass

    async def end(self, by: Literal["fin", "rst"]) -> None:
        """End the connection."""
        await close_stream(self._stream, by)

    async def _next_event(self) -> Any:
        try:
            while (event := self._parser.next_event()) is h11.NEED_DATA:
                self._parser.receive_data(await self._receive())
        except h11.RemoteProtocolError as wrong:
            if self._parser.their_state is h11.ERROR and "peer unexpectedly closed" in str(wrong):
                raise ClientGone from None
            raise UnreadableRequest(str(wrong)) from None
        return event

    async def _receive(self) -> bytes:
        try:
            return bytes(await self._stream.receive_some(_READ_SIZE))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise ClientGone from None

    async def _send(self, event: Any) -> None:
        await self._write(self._encode(event))

    def _encode(self, event: Any) -> bytes:
        """Return an event as bytes; raise ClientGone where the connection cannot carry it."""
        if self._parser.our_state is h11.ERROR:
            raise ClientGone
        return self._parser.send(event) or b""

    async def _write(self, data: bytes) -> None:
        try:
            await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise ClientGone from None


_FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive", "date"})


def decode_headers(headers: Any) -> HeaderPairs:
    """Return h11's headers as text, names as they were sent."""
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
