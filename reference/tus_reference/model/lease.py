"""`Lease`: a lock that its holder can lose, and the one under which the current task works.

Locks of one machine end with their process. Those of several machines end after a time, and a
process that was stopped or cut off until then does not know that another one has the upload. So
whatever changes an upload asks before each change, and again before a response acknowledges it.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator


@runtime_checkable
class Lease(Protocol):
    """A lock that is held for a limited time, and renewed."""

    def check_held(self) -> None:
        """Raise `Refused` (503) if the lease is over; callable in every thread."""

    def leave_unsettled(self, seconds: float) -> None:
        """Take note that the upload may still change by itself for so many seconds.

        The next holder learns it, wherever it is.
        """


_CURRENT: ContextVar[Lease | None] = ContextVar("tus_reference_lease", default=None)


@contextmanager
def use_lease(lock: object) -> Iterator[None]:
    """Let the current task, and the threads that it waits for, work under `lock`."""
    token = _CURRENT.set(lock if isinstance(lock, Lease) else None)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current_lease() -> Lease | None:
    """Return the lease under which the current task works; None if its lock cannot be lost."""
    return _CURRENT.get()


def check_lease() -> None:
    """Raise `Refused` (503) if the current task has lost its lease."""
    lease = _CURRENT.get()
    if lease is not None:
        lease.check_held()
