"""A persistent connection: it stays open from one request to the next."""

from __future__ import annotations

from tus_conformance.transport.network import RecordedStream


class PersistentConnection:
    """Keeps the connection between two requests, with its origin.

    `stray` are the bytes that followed the previous response, on a connection that `take` closed.
    """

    def __init__(self) -> None:
        self._stream: RecordedStream | None = None
        self._origin = ""
        self.stray = b""

    def put(self, stream: RecordedStream, origin: str) -> None:
        """Keep a connection whose last response is complete."""
        self._stream, self._origin = stream, origin

    async def take(self, origin: str) -> RecordedStream | None:
        """Return the connection to an origin, or None where none can be used."""
        stream, self._stream = self._stream, None
        self.stray = b""
        if stream is None:
            return None
        if self._origin == origin:
            if await stream.stays_idle():
                return stream
            self.stray = await stream.read_waiting()
        await stream.aclose()
        return None

    async def aclose(self) -> None:
        """Close the connection, also when cancelled."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.aclose()
