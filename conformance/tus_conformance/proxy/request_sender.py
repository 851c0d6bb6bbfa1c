"""Speaking to the server on a client's behalf, with the faults of a plan at their places."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import h11
import trio

from tus_conformance.proxy.connection_end import ConnectionStream
from tus_conformance.transport.fault_actions import (
    Break,
    InjectedFault,
    RequestPart,
    SplitWrite,
    Stall,
    Throttle,
)
from tus_conformance.transport.pending_faults import PendingFaults, Position, describe_action

ASSUMED_LENGTH = 65536
"""What shares of a body count in where nobody knows its length beforehand, in bytes."""


class CutByPlan(Exception):  # noqa: N818  it is meant to happen
    """The plan ends the connection here."""

    def __init__(self, act: Break) -> None:
        super().__init__(act.by)
        self.act = act


class RequestSender:
    """Says one request, over one connection or, where it is doubled, over several at once."""

    def __init__(
        self,
        streams: Sequence[ConnectionStream],
        faults: tuple[InjectedFault, ...],
        on_fault: Callable[[str], None],
    ) -> None:
        self._parser = h11.Connection(h11.CLIENT)
        self._streams = streams
        self._plan = PendingFaults(faults)
        self._pace = Throttle()
        self._on_fault = on_fault
        self._length = ASSUMED_LENGTH
        self._body_sent = 0

    @property
    def parser(self) -> h11.Connection:
        """Return what also reads the answer."""
        return self._parser

    async def send_head(self, request: h11.Request, length: int | None) -> None:
        """Say the head; `length` is that of the body, where it is known."""
        self._length = ASSUMED_LENGTH if length is None else length
        await self._send_bytes(self._parser.send(request) or b"", "head")

    async def send_body(self, data: bytes) -> None:
        """Say some of the body."""
        rest = data
        while rest:
            await self._apply_faults(Position("body", self._body_sent), self._length)
            room = self._plan.bytes_until_next(Position("body", self._body_sent), self._length)
            piece, rest = rest[:room], rest[room:] if room is not None else b""
            await self._write_paced(self._parser.send(h11.Data(data=piece)) or b"")
            self._body_sent += len(piece)
        await self._apply_faults(Position("body", self._body_sent), self._length)

    async def send_end(self, trailers: Sequence[tuple[bytes, bytes]]) -> None:
        """Say what ends the body."""
        await self._apply_faults(Position("body", self._body_sent), self._body_sent)
        sent = self._parser.send(h11.EndOfMessage(headers=list(trailers))) or b""
        await self._send_bytes(sent, "end")

    async def _send_bytes(self, data: bytes, inside: RequestPart) -> None:
        sent = 0
        while True:
            await self._apply_faults(Position(inside, sent), len(data))
            if sent == len(data):
                return
            room = self._plan.bytes_until_next(Position(inside, sent), len(data))
            piece = data[sent:] if room is None else data[sent : sent + room]
            await self._write_paced(piece)
            sent += len(piece)

    async def _apply_faults(self, spot: Position, length: int) -> None:
        for fault in self._plan.take_due(spot, length):
            act = fault.action
            self._on_fault(describe_action(act, spot))
            if isinstance(act, Break):
                raise CutByPlan(act)
            if isinstance(act, Stall):
                await trio.sleep(act.seconds)
            elif isinstance(act, Throttle):
                self._pace = self._pace.combine(act)
            else:
                assert isinstance(act, SplitWrite)

    async def _write_paced(self, data: bytes) -> None:
        rate, piece = self._pace.rate, self._pace.write_size
        size = max(1, min(piece or len(data), rate // 10 if rate else len(data)))
        for start in range(0, len(data), size):
            part = data[start : start + size]
            for stream in self._streams:
                await stream.send_all(part)
            if rate is not None:
                await trio.sleep(len(part) / rate)
