"""Request bodies on the wire: sized and chunked.

h11 reads heads and chunks. A body with a length needs no parser, so its bytes go from the
socket straight into the buffer that is to be written. Either kind sends `100 Continue`
when it is first read: a request that is refused by its headers never invites its body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11

from tus_reference.handler import ClientDisconnected
from tus_reference.protocol import Headers, Refused, errors
from tus_reference.server.transport import Disconnected

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tus_reference.server.transport import Transport

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Invitation:
    """The `100 Continue` that a client waits for; it is sent at most once."""

    def __init__(self, transport: Transport, *, awaited: bool) -> None:
        self._transport = transport
        self.awaited = awaited

    async def send(self) -> None:
        """Send it if the client still waits."""
        if self.awaited:
            self.awaited = False
            try:
                await self._transport.send(CONTINUE)
            except Disconnected:
                raise ClientDisconnected from None


class SizedBody:
    """A body of `length` bytes, of which `leftover` came along with the head."""

    trailers = Headers()

    def __init__(
        self, transport: Transport, length: int, leftover: bytes, invitation: Invitation
    ) -> None:
        self._transport = transport
        self._invitation = invitation
        self._early = memoryview(leftover)[:length]
        self._missing = length - len(self._early)
        self.length = length
        self.waited = False
        self.rest = leftover[length:]

    @property
    def unread(self) -> int:
        """How many bytes of the body were not read yet."""
        return len(self._early) + self._missing

    async def read_into(self, buffer: memoryview) -> int:
        """Put the next bytes into `buffer` and return how many; 0 at the end."""
        if self._early:
            count = min(len(self._early), len(buffer))
            buffer[:count] = self._early[:count]
            self._early = self._early[count:]
            return count
        if not self._missing:
            return 0
        await self._invitation.send()
        self.waited = True
        try:
            count = await self._transport.receive_into(buffer[: self._missing])
        except Disconnected:
            count = 0
        if not count:
            raise ClientDisconnected
        self._missing -= count
        return count


class ChunkedBody:
    """A body in chunks, with trailers perhaps."""

    length = None

    def __init__(
        self, transport: Transport, connection: h11.Connection, invitation: Invitation
    ) -> None:
        self._transport = transport
        self._connection = connection
        self._invitation = invitation
        self._piece = memoryview(b"")
        self._complete = False
        self.waited = False
        self.trailers = Headers()

    @property
    def unread(self) -> int | None:
        """0 once the end was read, None before: nobody knows."""
        return 0 if self._complete else None

    @property
    def rest(self) -> bytes:
        """What came after the body: the beginning of the next request."""
        return self._connection.trailing_data[0]

    async def read_into(self, buffer: memoryview) -> int:
        """Put the next bytes into `buffer` and return how many; 0 at the end."""
        while not self._piece and not self._complete:
            await self._next_event()
        count = min(len(self._piece), len(buffer))
        buffer[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        return count

    async def _next_event(self) -> None:
        try:
            event = self._connection.next_event()
            if event is h11.NEED_DATA:
                await self._invitation.send()
                self.waited = True
                self._connection.receive_data(await self._transport.receive())
                return
        except Disconnected:
            raise ClientDisconnected from None
        except h11.RemoteProtocolError as problem:
            if self._connection.trailing_data[1]:
                raise ClientDisconnected from None
            raise Refused(errors.BAD_REQUEST.because(f"the body is malformed: {problem}")) from None
        if isinstance(event, h11.Data):
            self._piece = memoryview(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            self._complete = True
            self.trailers = Headers(decode(event.headers))


def decode(items: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Return header fields as text, one character per byte."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in items]
