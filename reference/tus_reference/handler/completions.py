"""`PendingCompletions`: complete uploads that the store could not make whole yet.

Every byte is stored, but what has to follow failed: making one object of the parts, or joining
partial uploads. Nobody is told that such an upload is complete. It is tried again by the next
request for it, and by `Maintenance` with growing pauses, and until then it is what metrics and
health report.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import anyio

from tus_reference.model import Refused, errors

if TYPE_CHECKING:
    import logging

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0

# What cannot be completed because it is not there any more is not tried again.
_GONE: Final = (errors.UPLOAD_NOT_FOUND.code, errors.UPLOAD_GONE.code, errors.UPLOAD_DAMAGED.code)


@dataclass(frozen=True, slots=True)
class PendingCompletion:
    """An upload that waits; `due` is in seconds of the monotonic clock, `reason` an error code."""

    upload_id: str
    attempts: int
    due: float
    reason: str


class PendingCompletions:
    """The uploads of one handler whose completion failed; `failures` counts how often."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._pending: dict[str, PendingCompletion] = {}
        self._changed = anyio.Event()
        self.failures = 0

    def __len__(self) -> int:
        """Return how many uploads wait."""
        return len(self._pending)

    def __contains__(self, upload_id: object) -> bool:
        """Return whether an upload waits."""
        return upload_id in self._pending

    def note_failure(self, upload_id: str, failure: BaseException) -> None:
        """Take note that completing an upload failed, and log it."""
        if isinstance(failure, Refused) and failure.error.code in _GONE:
            self.discard(upload_id)
            return
        before = self._pending.get(upload_id)
        attempts = 1 if before is None else before.attempts + 1
        pause = min(FIRST_PAUSE * 2 ** min(attempts - 1, 10), LONGEST_PAUSE)
        reason = failure.error.code if isinstance(failure, Refused) else type(failure).__name__
        due = time.monotonic() + pause
        self._pending[upload_id] = PendingCompletion(upload_id, attempts, due, reason)
        self.failures += 1
        self._logger.error(
            "completing upload %s failed %d times and is tried again in %g s: %s",
            upload_id,
            attempts,
            pause,
            failure,
        )
        self._notify()

    def count_attempts(self, upload_id: str) -> int:
        """Return how often completing an upload has failed; 0 if it does not wait."""
        pending = self._pending.get(upload_id)
        return 0 if pending is None else pending.attempts

    def add(self, upload_id: str) -> None:
        """Let an upload be completed soon that an earlier process left."""
        if upload_id not in self._pending:
            self._pending[upload_id] = PendingCompletion(upload_id, 0, time.monotonic(), "")
            self._notify()

    def discard(self, upload_id: str) -> None:
        """Forget an upload that is complete now, or removed."""
        self._pending.pop(upload_id, None)

    def postpone(self, upload_id: str) -> None:
        """Look again later at an upload that another request is completing."""
        pending = self._pending.get(upload_id)
        if pending is not None:
            due = time.monotonic() + FIRST_PAUSE
            self._pending[upload_id] = replace(pending, due=due)

    def _notify(self) -> None:
        changed, self._changed = self._changed, anyio.Event()
        changed.set()

    async def wait_due(self) -> list[str]:
        """Wait until uploads are to be tried again, and return their ids."""
        while True:
            now = time.monotonic()
            due = [each.upload_id for each in self._pending.values() if each.due <= now]
            if due:
                return due
            next_due = min((each.due for each in self._pending.values()), default=None)
            with anyio.move_on_after(None if next_due is None else next_due - now):
                await self._changed.wait()

    def describe(self) -> str:
        """Return a sentence about the uploads that failed; empty if there are none."""
        failed = [each for each in self._pending.values() if each.attempts]
        if not failed:
            return ""
        reasons = ", ".join(sorted({each.reason for each in failed}))
        return f"{len(failed)} complete uploads cannot be finished: {reasons}"
