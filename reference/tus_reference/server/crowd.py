"""`Crowd`: the connections that are open, and no more of them than there may be.

A newcomer to a full house waits, and whoever has nothing to do leaves: at once the connection
that has been idle longest, and else the next that has been answered. Nobody is turned away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import trio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Guest(Protocol):
    """A connection; `idle_since` is None while it has something to do."""

    @property
    def idle_since(self) -> float | None:
        """Since when it has waited for another request."""

    def stop(self) -> None:
        """Close when idle, at once or after the request that is being answered."""


class Crowd:
    """At most `limit` connections, 0 for any number; `told` hears +1 and -1 as they come and go."""

    def __init__(self, limit: int, told: Callable[[int], object] | None = None) -> None:
        self._limit = limit
        self._told = told
        self._guests: set[Guest] = set()
        self._taken = 0
        self._departure = trio.Event()
        self._waiting = 0

    def __iter__(self) -> Iterator[Guest]:
        """Iterate over those that are there now."""
        return iter(list(self._guests))

    @property
    def wanted(self) -> bool:
        """Whether somebody waits for a place."""
        return self._waiting > 0

    async def admit(self) -> None:
        """Take a place, waiting for one if need be."""
        self._waiting += 1
        try:
            while self._limit and self._taken >= self._limit:
                self._dismiss()
                await self._departure.wait()
        finally:
            self._waiting -= 1
        self._taken += 1

    def leave(self) -> None:
        """Give a place back."""
        self._taken -= 1
        self._departure.set()
        self._departure = trio.Event()

    def add(self, guest: Guest) -> None:
        """Let it be known who has the place."""
        self._guests.add(guest)
        if self._told is not None:
            self._told(1)

    def discard(self, guest: Guest) -> None:
        """Forget who had the place."""
        self._guests.discard(guest)
        if self._told is not None:
            self._told(-1)

    def _dismiss(self) -> None:
        idle = [guest for guest in self._guests if guest.idle_since is not None]
        if idle:
            min(idle, key=lambda guest: guest.idle_since or 0.0).stop()


class Door(trio.abc.Listener[trio.abc.Stream]):
    """A listener whose connections are let in while there is room."""

    def __init__(self, listener: trio.abc.Listener[trio.abc.Stream], crowd: Crowd) -> None:
        self._listener = listener
        self._crowd = crowd

    async def accept(self) -> trio.abc.Stream:
        """Wait for a connection, and for a place for it; `Crowd.leave` gives that back."""
        stream = await self._listener.accept()
        try:
            await self._crowd.admit()
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        return stream

    async def aclose(self) -> None:
        """Stop listening."""
        await self._listener.aclose()
