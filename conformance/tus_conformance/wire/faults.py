"""The fault plan of one exchange: what is still to be done to it, and where.

Whoever speaks stops at the place of each fault that is to come, and acts there. What the acts do to
the connection lives in `network`; every one of them is an event of the record.
"""

from __future__ import annotations

from dataclasses import dataclass

from tus_conformance.wire.outgoing import Act, Break, Fault, Inside, Pace, Split, Stall
from tus_scenarios.fault import position


@dataclass(frozen=True)
class Spot:
    """How far a request has been said: so many bytes of its head, its body or what ends that."""

    inside: Inside
    said: int

    def __str__(self) -> str:
        unit = "byte" if self.said == 1 else "bytes"
        if self.inside == "body":
            return f"{self.said} body {unit}"
        return f"{self.said} {unit} of the {'head' if self.inside == 'head' else 'end of the body'}"


class Plan:
    """The faults that are still to come; each happens once."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self._left = list(faults)

    def room(self, spot: Spot, length: int) -> int | None:
        """Return how many bytes may be said before the next fault; None where none is to come."""
        ahead = [
            place - spot.said
            for place, fault in self._placed(length)
            if fault.inside == spot.inside and place > spot.said
        ]
        return min(ahead, default=None)

    def due(self, spot: Spot, length: int) -> list[Fault]:
        """Take the faults whose place has been reached, in the order they were written."""
        found = [
            fault
            for place, fault in self._placed(length)
            if fault.inside == spot.inside and place <= spot.said
        ]
        self._left = [fault for fault in self._left if fault not in found]
        return found

    def _placed(self, length: int) -> list[tuple[int, Fault]]:
        return [(position(fault.at, length), fault) for fault in self._left]


def told(act: Act, spot: Spot) -> str:
    """Return an act as the record tells it."""
    if isinstance(act, Break):
        how = "half-closed" if act.by == "half" else "cut"
        return f"{how} after {spot}" + ("" if act.by == "half" else f" by {act.by.upper()}")
    if isinstance(act, Stall):
        return f"stood still for {act.seconds:g} seconds after {spot}"
    if isinstance(act, Pace):
        limits = [f"{act.piece} bytes a write"] if act.piece is not None else []
        limits += [f"{act.rate} bytes a second"] if act.rate is not None else []
        return f"at most {' and '.join(limits)} after {spot}"
    assert isinstance(act, Split)
    return f"split a write after {spot}"
