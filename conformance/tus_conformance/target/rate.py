"""The rate at which requests may go out, and patience that does not run out while one waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import trio

_patient: ContextVar[tuple[trio.CancelScope, ...]] = ContextVar("patient", default=())


@contextmanager
def patience(seconds: float) -> Iterator[trio.CancelScope]:
    """Give up after so many seconds, not counting those in which a request waits for its turn."""
    with trio.move_on_after(seconds) as scope:
        token = _patient.set((*_patient.get(), scope))
        try:
            yield scope
        finally:
            _patient.reset(token)


class Rate:
    """Lets requests go out one by one, evenly; `per_second` None is without a limit."""

    def __init__(self, per_second: float | None) -> None:
        self._pause = 0.0 if per_second is None else 1 / per_second
        self._next = 0.0
        self._run: trio.lowlevel.Task | None = None

    async def turn(self) -> None:
        """Wait until the next request may go out."""
        if not self._pause:
            return
        if self._run is not trio.lowlevel.current_root_task():
            # The clock of another trio.run tells another time.
            self._run, self._next = trio.lowlevel.current_root_task(), 0.0
        now = trio.current_time()
        mine = max(now, self._next)
        self._next = mine + self._pause
        for scope in _patient.get():
            scope.deadline += mine - now
        await trio.sleep_until(mine)
