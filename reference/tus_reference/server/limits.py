"""`Limits`: what one connection may cost, and how many there may be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds.

    `head_size` and `head_fields` bound the head of a request (431 beyond them), `head_time`
    the time from its first byte to its last. `keep_alive` is the longest wait for another
    request, `send_idle` the longest wait for a client to take any byte of an answer. Bodies
    are bounded by the handler. `connections` are served at once, 0 for no limit; the others
    wait until one of those ends or is idle.
    """

    head_size: int = 64 * 1024
    head_fields: int = 256
    head_time: float = 60.0
    keep_alive: float = 60.0
    send_idle: float = 60.0
    connections: int = 0
    drain_limit_keep_alive: int = 256 * 1024
    drain_limit_closing: int = 256 * 1024 * 1024
    drain_idle: float = 5.0
    drain_total: float = 30.0
    drain_total_stopping: float = 0.5
