"""How long a response may take and how much of it is read, so that no server can hold up a run.

A server that sends nothing is covered by the timeout of the exchange. The limits here are for one
that goes on sending: single bytes of a head or a body, interim responses, bodies without an end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import trio

MAX_HEAD_SIZE = 256 * 1024
"""Bytes of one head. Upload-Metadata comes back whole, and a legal server may allow much of it."""

MAX_INTERIM = 64
"""Interim (1xx) responses to one request."""

MAX_BODY_SIZE = 64 * 1024 * 1024
"""Bytes of a body, unless the request says how long its response may be."""

MIN_BODY_RATE = 4096
"""Bytes in a second, on average, below which a body is given up."""

HEAD_TIMEOUTS, WAIT_TIMEOUTS = 3, 6
"""Timeouts that a response may take from its first byte on, its body at the lowest rate excepted,
and from the end of the request to the beginning of the final response."""


@dataclass
class ResponseClock:
    """The latest moment for the end of a response, on trio's clock; `timeout` is in seconds."""

    timeout: float
    began: float | None = None
    sent: float | None = None

    def on_sent(self) -> None:
        """Note that the whole request was sent."""
        self.sent = trio.current_time()

    def on_received(self, *, begun: bool) -> None:
        """Note that bytes came in; `begun` says that they belong to an unfinished response."""
        if not begun:
            self.began = None
        elif self.began is None:
            self.began = trio.current_time()

    def deadline(self, body_length: int) -> float:
        """Return the deadline after `body_length` bytes of the body."""
        if self.began is not None:
            return self.began + HEAD_TIMEOUTS * self.timeout + body_length / MIN_BODY_RATE
        return math.inf if self.sent is None else self.sent + WAIT_TIMEOUTS * self.timeout
