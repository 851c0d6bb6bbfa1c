"""`ConnectionLimiter`: the connections that are open, and no more of them than there may be.

At the limit, a new connection waits, and another one is closed: at once the connection that has
been idle longest, then one without a whole head of a request, then one in the middle of a request
whose client has stalled for some seconds, and else the next that has been answered. What came of a
body is stored, and clients resume. No connection is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import trio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


SILENCE_ALLOWED: Final = 1.0
"""How long a connection may take for the head of a request while others wait, in seconds."""


STALL_ALLOWED: Final = 5.0
"""How long the client of a request may stall while others wait, in seconds."""


class LimitedConnection(Protocol):
    """A connection; `idle_since` is None while it has something to do."""

    @property
    def silent_since(self) -> float | None:
        """Since when it has been open without its first request, or in the head of a request."""

    @property
    def idle_since(self) -> float | None:
        """Since when it has waited for another request."""

    @property
    def stalled_since(self) -> float | None:
        """Since when its client is awaited and has neither sent nor taken anything."""

    def stop(self) -> None:
        """Close when idle, at once or after the request that is being answered."""

    def abort(self) -> None:
        """Break the connection off."""


class ConnectionLimiter:
    """At most `limit` connections, 0 for any number; `on_change` is called with +1 and -1."""

    def __init__(self, limit: int, on_change: Callable[[int], object] | None = None) -> None:
        self._limit = limit
        self._on_change = on_change
        self._connections: set[LimitedConnection] = set()
        self._used = 0
        self._slot_released = trio.Event()
        self._waiting = 0

    def __iter__(self) -> Iterator[LimitedConnection]:
        """Iterate over the open connections."""
        return iter(list(self._connections))

    @property
    def has_waiters(self) -> bool:
        """Whether a connection waits for a place."""
        return self._waiting > 0

    async def acquire(self) -> None:
        """Take a place; wait until one is free."""
        self._waiting += 1
        try:
            while self._limit and self._used >= self._limit:
                self._close_one()
                # Somebody may have been silent for long enough by then.
                with trio.move_on_after(SILENCE_ALLOWED / 2):
                    await self._slot_released.wait()
        finally:
            self._waiting -= 1
        self._used += 1

    def release(self) -> None:
        """Give a place back."""
        self._used -= 1
        self._slot_released.set()
        self._slot_released = trio.Event()

    def add(self, connection: LimitedConnection) -> None:
        """Let it be known who has the place."""
        self._connections.add(connection)
        if self._on_change is not None:
            self._on_change(1)

    def discard(self, connection: LimitedConnection) -> None:
        """Forget who had the place."""
        self._connections.discard(connection)
        if self._on_change is not None:
            self._on_change(-1)

    def _close_one(self) -> None:
        idle = [connection for connection in self._connections if connection.idle_since is not None]
        if idle:
            min(idle, key=lambda connection: connection.idle_since or 0.0).stop()
            return
        oldest = self._find_oldest(lambda each: each.silent_since, SILENCE_ALLOWED)
        if oldest is not None:
            oldest.stop()
            return
        stalled = self._find_oldest(lambda each: each.stalled_since, STALL_ALLOWED)
        if stalled is not None:
            stalled.abort()

    def _find_oldest(
        self, since: Callable[[LimitedConnection], float | None], allowed: float
    ) -> LimitedConnection | None:
        """Return the connection with the earliest time, if that is over `allowed` seconds ago."""
        moments = {
            each: moment for each in self._connections if (moment := since(each)) is not None
        }
        if not moments:
            return None
        oldest = min(moments, key=lambda each: moments[each])
        return oldest if trio.current_time() - moments[oldest] >= allowed else None


class LimitedListener(trio.abc.Listener[trio.abc.Stream]):
    """A listener whose connections are let in while there is room."""

    def __init__(
        self, listener: trio.abc.Listener[trio.abc.Stream], limiter: ConnectionLimiter
    ) -> None:
        self._listener = listener
        self._limiter = limiter

    async def accept(self) -> trio.abc.Stream:
        """Wait for a connection, and for a place for it; `Crowd.leave` gives that back."""
        stream = await self._listener.accept()
        try:
            await self._limiter.acquire()
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        return stream

    async def aclose(self) -> None:
        """Stop listening."""
        await self._listener.aclose()
