"""Requests to the server on a client's behalf, with the faults of a plan at their positions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import h11
import trio

from tus_conformance.transport.connection_end import ConnectionStream
from tus_conformance.transport.fault_actions import Break, BreakMode, InjectedFault, Throttle
from tus_conformance.transport.fault_executor import FaultExecutor, write_throttled
from tus_conformance.transport.pending_faults import Position, describe_action

ASSUMED_LENGTH = 65536
"""What shares of a body count in where its length is not known beforehand, in bytes."""


class CutByPlan(Exception):  # noqa: N818  it is meant to happen
    """The plan ends the connection here: "half" the direction of the request alone."""

    def __init__(self, by: Literal["fin", "rst", "half"]) -> None:
        super().__init__(by)
        self.by = by


class RequestSender:
    """Sends one request, over one connection or, where it is doubled, over several at once.

    `on_fault` is called with each fault that is done, in words.
    """

    def __init__(
        self,
        streams: Sequence[ConnectionStream],
        faults: tuple[InjectedFault, ...],
        on_fault: Callable[[str], None],
    ) -> None:
        self._parser = h11.Connection(h11.CLIENT)
        self._streams = streams
        self._faults = FaultExecutor(faults, self)
        self._limits = Throttle()
        self._on_fault = on_fault
        self._length = ASSUMED_LENGTH
        self._body_sent = 0

    @property
    def parser(self) -> h11.Connection:
        """Return what also reads the response."""
        return self._parser

    async def send_head(self, request: h11.Request, length: int | None) -> None:
        """Send the head; `length` is that of the body in bytes, where it is known."""
        self._length = ASSUMED_LENGTH if length is None else length
        await self._faults.send_part("head", self._parser.send(request) or b"", self._write)

    async def send_body(self, data: bytes) -> None:
        """Send some of the body."""
        start = Position("body", self._body_sent)
        await self._faults.send(data, self._write_body, start, self._length)

    async def send_end(self, trailers: Sequence[tuple[bytes, bytes]]) -> None:
        """Send what ends the body."""
        await self._faults.apply(Position("body", self._body_sent), self._body_sent)
        data = self._parser.send(h11.EndOfMessage(headers=list(trailers))) or b""
        await self._faults.send_part("end", data, self._write)

    async def _write_body(self, piece: bytes) -> bool:
        written = await self._write(self._parser.send(h11.Data(data=piece)) or b"")
        self._body_sent += len(piece)
        return written

    async def _write(self, data: bytes) -> bool:
        await write_throttled(data, self._limits, self._write_to_all)
        return True

    async def _write_to_all(self, piece: bytes) -> None:
        for stream in self._streams:
            await stream.send_all(piece)

    # As the target of the faults

    @property
    def sending_done(self) -> bool:
        """Return False: an early response ends the exchange, and this with it."""
        return False

    def record_action(self, text: str) -> None:
        """Record what the plan does."""
        self._on_fault(text)

    async def stall(self, seconds: float) -> None:
        """Send nothing for so many seconds."""
        await trio.sleep(seconds)

    def throttle(self, limits: Throttle) -> None:
        """Add limits for what is written from now on."""
        self._limits = self._limits.combine(limits)

    async def half_close(self) -> None:
        """End the direction of the request: raise CutByPlan."""
        raise CutByPlan("half")

    async def break_connection(self, by: BreakMode, position: Position) -> None:
        """Record the break and raise CutByPlan, since the client's connection ends as well."""
        self.record_action(describe_action(Break(by), position))
        raise CutByPlan(by)
