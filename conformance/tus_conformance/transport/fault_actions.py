"""The network faults of a request: what is done to its connection, and at which position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BreakMode = Literal["fin", "rst"]
"""How a connection is broken: closed in order, or reset."""


@dataclass(frozen=True)
class BodyCut:
    """Break the connection after so many body bytes, before waiting for a response.

    "fin" closes the connection as a client does that ends; "rst" resets it as one that crashes.
    A response that begins before those bytes are sent is read to its end instead.
    """

    after: int
    by: BreakMode = "fin"


@dataclass(frozen=True)
class Break:
    """End the connection, or with "half" our direction alone: the response can still come."""

    by: Literal["fin", "rst", "half"] = "fin"


@dataclass(frozen=True)
class Stall:
    """Send nothing for so many seconds; a response ends the wait."""

    seconds: float


@dataclass(frozen=True)
class Throttle:
    """From here on write at most `write_size` bytes at once, and `rate` bytes a second."""

    write_size: int | None = None
    rate: int | None = None

    def combine(self, later: Throttle) -> Throttle:
        """Return the limits when later ones are added to these."""
        return Throttle(later.write_size or self.write_size, later.rate or self.rate)


@dataclass(frozen=True)
class SplitWrite:
    """End one write here and begin another."""


FaultAction = Break | Stall | Throttle | SplitWrite
RequestPart = Literal["head", "body", "end"]
"""What a position is counted in; the end is the last chunk and the trailers."""


@dataclass(frozen=True)
class InjectedFault:
    """An action at a position: a number of bytes, or any other form of position."""

    action: FaultAction
    at: int | str = 0
    inside: RequestPart = "body"
