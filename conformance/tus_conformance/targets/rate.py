"""The rate at which requests may go out, and patience that does not run out while one waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import trio

from tus_conformance.targets.grace_period import allow_cancellation

_active_scopes: ContextVar[tuple[trio.CancelScope, ...]] = ContextVar("patient", default=())


@contextmanager
def rate_aware_timeout(seconds: float) -> Iterator[trio.CancelScope]:
    """Give up after so many seconds, not counting those in which a request waits for its turn."""
    with trio.move_on_after(seconds) as scope:
        token = _active_scopes.set((*_active_scopes.get(), scope))
        try:
            yield scope
        finally:
            _active_scopes.reset(token)


class RateLimiter:
    """Lets requests go out one by one, evenly; `per_second` None is without a limit."""

    def __init__(self, per_second: float | None) -> None:
        self._interval = 0.0 if per_second is None else 1 / per_second
        self._next = 0.0
        self._run: trio.lowlevel.Task | None = None

    async def wait_turn(self) -> None:
        """Wait until the next request may go out."""
        if not self._interval:
            return
        if self._run is not trio.lowlevel.current_root_task():
            # The clock of another trio.run starts at another time.
            self._run, self._next = trio.lowlevel.current_root_task(), 0.0
        now = trio.current_time()
        turn_at = max(now, self._next)
        self._next = turn_at + self._interval
        for scope in _active_scopes.get():
            scope.deadline += turn_at - now
        with allow_cancellation():
            await trio.sleep_until(turn_at)
