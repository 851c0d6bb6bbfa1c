"""`Limits`: sizes and times of one connection, and the number of connections."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of connections; the handler limits bodies."""

    head_size: int = 64 * 1024
    """Bytes of a request head; 431 beyond them."""

    head_fields: int = 256
    """Fields of a request head; 431 beyond them."""

    head_time: float = 60.0
    """Seconds from the first byte of a head to its last."""

    keep_alive: float = 60.0
    """Seconds to wait for another request."""

    send_idle: float = 60.0
    """Seconds to wait for a client to accept any byte of a response."""

    connections: int = 0
    """Connections served at once, 0 for no limit; the others wait."""

    drain_limit_keep_alive: int = 256 * 1024
    """Bytes of a refused body to read in order to keep the connection."""

    drain_limit_closing: int = 256 * 1024 * 1024
    """Bytes of a refused body to read before closing, so that the client sees the response."""

    drain_idle: float = 5.0
    """Seconds without a byte after which that reading ends."""

    drain_total: float = 30.0
    """Seconds after which it ends in any case."""

    drain_total_stopping: float = 0.5
    """The same while the server stops."""
