"""The faults that are still to be done to one exchange, and at which byte.

`fault_executor` does them; every one of them is an event of the record.
"""

from __future__ import annotations

from dataclasses import dataclass

from tus_conformance.transport.fault_actions import (
    Break,
    FaultAction,
    InjectedFault,
    RequestPart,
    SplitWrite,
    Stall,
    Throttle,
)
from tus_scenarios.network_fault import resolve_position


@dataclass(frozen=True)
class Position:
    """How far a request has been sent: so many bytes of its head, its body or what ends that."""

    inside: RequestPart
    sent: int

    def __str__(self) -> str:
        unit = "byte" if self.sent == 1 else "bytes"
        if self.inside == "body":
            return f"{self.sent} body {unit}"
        return f"{self.sent} {unit} of the {'head' if self.inside == 'head' else 'end of the body'}"


class PendingFaults:
    """The faults that are still to come; each happens once."""

    def __init__(self, faults: tuple[InjectedFault, ...]) -> None:
        self._pending = list(faults)

    def bytes_until_next(self, position: Position, length: int) -> int | None:
        """Return how many bytes may be sent before the next fault; None where none is to come."""
        distances = [
            place - position.sent
            for place, fault in self._located(length)
            if fault.inside == position.inside and place > position.sent
        ]
        return min(distances, default=None)

    def take_due(self, position: Position, length: int) -> list[InjectedFault]:
        """Take the faults whose place has been reached, in the order they were written."""
        due = [
            fault
            for place, fault in self._located(length)
            if fault.inside == position.inside and place <= position.sent
        ]
        self._pending = [fault for fault in self._pending if fault not in due]
        return due

    def _located(self, length: int) -> list[tuple[int, InjectedFault]]:
        return [(resolve_position(fault.at, length), fault) for fault in self._pending]


def describe_action(action: FaultAction, position: Position) -> str:
    """Return an action as text for the record."""
    if isinstance(action, Break):
        how = "half-closed" if action.by == "half" else "cut"
        return f"{how} after {position}" + (
            "" if action.by == "half" else f" by {action.by.upper()}"
        )
    if isinstance(action, Stall):
        return f"stalled for {action.seconds:g} seconds after {position}"
    if isinstance(action, Throttle):
        limits = [f"{action.write_size} bytes per write"] if action.write_size is not None else []
        limits += [f"{action.rate} bytes per second"] if action.rate is not None else []
        return f"at most {' and '.join(limits)} after {position}"
    assert isinstance(action, SplitWrite)
    return f"split a write after {position}"
