"""The executor of network faults: what is done to a connection, at which byte, in which order.

Requests go out in three ways: step by step over HTTP/1.1, through httpx, and by the proxy. Each
way sends no further than the next fault and lets the executor act there. What a way can do to its
own connection is its `FaultTarget`; which action comes when, and its sentence for the record, are
decided here alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

import trio

from tus_conformance.transport.fault_actions import (
    Break,
    BreakMode,
    InjectedFault,
    RequestPart,
    Stall,
    Throttle,
)
from tus_conformance.transport.pending_faults import PendingFaults, Position, describe_action


class FaultTarget(Protocol):
    """A connection that faults are done to."""

    @property
    def sending_done(self) -> bool:
        """Return whether nothing more will be sent, so that no fault can be done either."""
        ...

    def record_action(self, text: str) -> None:
        """Record what the harness does."""
        ...

    async def stall(self, seconds: float) -> None:
        """Send nothing for so many seconds."""
        ...

    def throttle(self, limits: Throttle) -> None:
        """Add limits for what is written from now on."""
        ...

    async def half_close(self) -> None:
        """End the direction of the request alone."""
        ...

    async def break_connection(self, by: BreakMode, position: Position) -> None:
        """Record the break and end the connection, or arrange for that."""
        ...


class FaultExecutor:
    """Does the faults of one request to its connection, each once."""

    def __init__(self, faults: tuple[InjectedFault, ...], target: FaultTarget) -> None:
        self._pending = PendingFaults(faults)
        self._target = target

    def bytes_allowed(self, position: Position, length: int, size: int) -> int:
        """Return how many of `size` bytes may be sent before the next fault.

        `length` is that of the part, in bytes, which relative positions are counted in.
        """
        until_fault = self._pending.bytes_until_next(position, length)
        return size if until_fault is None else min(size, until_fault)

    async def apply(self, position: Position, length: int) -> None:
        """Do the faults whose position has been reached, in the order they were written."""
        for fault in self._pending.take_due(position, length):
            if self._target.sending_done:
                return
            action = fault.action
            if isinstance(action, Break) and action.by != "half":
                await self._target.break_connection(action.by, position)
                continue
            self._target.record_action(describe_action(action, position))
            if isinstance(action, Stall):
                await self._target.stall(action.seconds)
            elif isinstance(action, Throttle):
                self._target.throttle(action)
            elif isinstance(action, Break):
                await self._target.half_close()

    async def send(
        self,
        data: bytes,
        write: Callable[[bytes], Awaitable[bool]],
        start: Position,
        length: int,
    ) -> bool:
        """Send bytes of a part from `start` on, with their faults; return whether all were sent.

        `write` returns False once the server receives no more.
        """
        sent = 0
        await self.apply(start, length)
        while sent < len(data) and not self._target.sending_done:
            position = Position(start.inside, start.sent + sent)
            piece = data[sent : sent + self.bytes_allowed(position, length, len(data) - sent)]
            if not await write(piece):
                return False
            sent += len(piece)
            await self.apply(Position(start.inside, start.sent + sent), length)
        return sent == len(data)

    async def send_part(
        self, part: RequestPart, data: bytes, write: Callable[[bytes], Awaitable[bool]]
    ) -> bool:
        """Send the whole of a part with its faults; return whether all of it was sent."""
        return await self.send(data, write, Position(part, 0), len(data))


async def write_throttled(
    data: bytes, limits: Throttle, write: Callable[[bytes], Awaitable[None]]
) -> None:
    """Write bytes within limits: a tenth of a second's worth at once where there is a rate."""
    size = len(data) if limits.rate is None else limits.rate // 10
    if limits.write_size is not None:
        size = min(limits.write_size, size)
    size = max(1, size)
    for start in range(0, len(data), size):
        piece = data[start : start + size]
        await write(piece)
        if limits.rate is not None:
            await trio.sleep(len(piece) / limits.rate)
