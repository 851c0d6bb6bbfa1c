"""Speaking to the server on a client's behalf, with the faults of a plan at their places."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import h11
import trio

from tus_conformance.proxying.ending import Stream
from tus_conformance.wire.faults import Plan, Spot, told
from tus_conformance.wire.outgoing import Break, Fault, Inside, Pace, Split, Stall

UNKNOWN = 65536
"""What shares of a body count in where nobody knows its length beforehand, in bytes."""


class BrokenOff(Exception):  # noqa: N818  it is meant to happen
    """The plan ends the connection here."""

    def __init__(self, act: Break) -> None:
        super().__init__(act.by)
        self.act = act


class Speaker:
    """Says one request, over one connection or, where it is doubled, over several at once."""

    def __init__(
        self, streams: Sequence[Stream], faults: tuple[Fault, ...], did: Callable[[str], None]
    ) -> None:
        self._parser = h11.Connection(h11.CLIENT)
        self._streams = streams
        self._plan = Plan(faults)
        self._pace = Pace()
        self._did = did
        self._length = UNKNOWN
        self._body = 0

    @property
    def parser(self) -> h11.Connection:
        """Return what also reads the answer."""
        return self._parser

    async def head(self, request: h11.Request, length: int | None) -> None:
        """Say the head; `length` is that of the body, where it is known."""
        self._length = UNKNOWN if length is None else length
        await self._bytes(self._parser.send(request) or b"", "head")

    async def body(self, data: bytes) -> None:
        """Say some of the body."""
        rest = data
        while rest:
            await self._act(Spot("body", self._body), self._length)
            room = self._plan.room(Spot("body", self._body), self._length)
            piece, rest = rest[:room], rest[room:] if room is not None else b""
            await self._write(self._parser.send(h11.Data(data=piece)) or b"")
            self._body += len(piece)
        await self._act(Spot("body", self._body), self._length)

    async def end(self, trailers: Sequence[tuple[bytes, bytes]]) -> None:
        """Say what ends the body."""
        await self._act(Spot("body", self._body), self._body)
        said = self._parser.send(h11.EndOfMessage(headers=list(trailers))) or b""
        await self._bytes(said, "end")

    async def _bytes(self, data: bytes, inside: Inside) -> None:
        said = 0
        while True:
            await self._act(Spot(inside, said), len(data))
            if said == len(data):
                return
            room = self._plan.room(Spot(inside, said), len(data))
            piece = data[said:] if room is None else data[said : said + room]
            await self._write(piece)
            said += len(piece)

    async def _act(self, spot: Spot, length: int) -> None:
        for fault in self._plan.due(spot, length):
            act = fault.act
            self._did(told(act, spot))
            if isinstance(act, Break):
                raise BrokenOff(act)
            if isinstance(act, Stall):
                await trio.sleep(act.seconds)
            elif isinstance(act, Pace):
                self._pace = self._pace.then(act)
            else:
                assert isinstance(act, Split)

    async def _write(self, data: bytes) -> None:
        rate, piece = self._pace.rate, self._pace.piece
        size = max(1, min(piece or len(data), rate // 10 if rate else len(data)))
        for start in range(0, len(data), size):
            part = data[start : start + size]
            for stream in self._streams:
                await stream.send_all(part)
            if rate is not None:
                await trio.sleep(len(part) / rate)
