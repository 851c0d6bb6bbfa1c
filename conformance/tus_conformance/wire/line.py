"""A connection that is kept open from one request to the next."""

from __future__ import annotations

from tus_conformance.wire.network import RecordedStream


class Line:
    """Holds the connection between two requests, and the place it leads to."""

    def __init__(self) -> None:
        self._stream: RecordedStream | None = None
        self._place = ""

    def put(self, stream: RecordedStream, place: str) -> None:
        """Keep a connection whose last answer is whole."""
        self._stream, self._place = stream, place

    async def take(self, place: str) -> RecordedStream | None:
        """Return the connection to a place, or None where there is none that can be used."""
        stream, self._stream = self._stream, None
        if stream is None:
            return None
        if self._place == place and stream.idle:
            return stream
        await stream.aclose()
        return None

    async def aclose(self) -> None:
        """Close the connection, also when cancelled."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.aclose()
