"""`LateWriteGuard`: waiting for what may still be stored of a request that nobody waits for.

S3 goes on with a request that it has received whole, even if its sender is dead or has
given up. Such a late part or tail must not overwrite what was stored under its name since. So
whatever a former process sent is given some time after the start of this one, and so is a call
of this process that failed: until then the next change to that upload waits.

Processes that share a bucket tell each other, those of one machine by marks in a folder, one file
for each upload:

    <id>.unsettled   touched when something sent for it may still be stored

and those of several machines by the lease of the upload, which is left as abandoned.
"""

from __future__ import annotations

import contextlib
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import anyio

from tus_reference.model import current_lease

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LATE_WRITE_DELAY: Final = 5.0


class LateWriteGuard:
    """Which uploads may still change by themselves; `seconds` is how long that can take.

    `marks` is a folder on a local disk that is shared by the processes of one bucket.
    """

    def __init__(self, seconds: float, marks: Path | None = None) -> None:
        self._seconds = seconds
        self._marks = marks
        self._ready_at = time.monotonic() + seconds
        self._created_here: set[str] = set()
        self._delayed_until: dict[str, float] = {}
        self.waits = 0
        """How often `wait` has waited, for whichever upload."""

    def note_creation(self, upload_id: str) -> None:
        """Take note of an upload that no other process can have written to."""
        if time.monotonic() < self._ready_at:
            self._created_here.add(upload_id)
        else:
            self._created_here.clear()

    @contextmanager
    def note_failure(self, upload_id: str) -> Iterator[None]:
        """Take note of the upload if what is done to it fails or is cancelled."""
        try:
            yield
        except BaseException:
            self.note_late_write(upload_id)
            lease = current_lease()
            if lease is not None:
                lease.leave_unsettled(self._seconds)
            raise

    def note_late_write(self, upload_id: str) -> None:
        """Take note that something which was sent for the upload may still be stored."""
        now = time.monotonic()
        self._delayed_until = {i: until for i, until in self._delayed_until.items() if until > now}
        self._delayed_until[upload_id] = now + self._seconds
        if self._marks is not None:
            self._mark_path(self._marks, upload_id).touch()

    async def wait(self, upload_id: str) -> bool:
        """Wait until the upload changes no more by itself; return whether that took time."""
        until = self._delayed_until.get(upload_id, 0.0)
        if upload_id not in self._created_here:
            until = max(until, self._ready_at)
        seconds = max(until - time.monotonic(), self._mark_remaining(upload_id))
        if seconds <= 0:
            return False
        await anyio.sleep(seconds)
        self.waits += 1
        return True

    def _mark_remaining(self, upload_id: str) -> float:
        """Return for how many seconds the mark of whatever process holds; then it goes."""
        if self._marks is None:
            return 0.0
        mark = self._mark_path(self._marks, upload_id)
        with contextlib.suppress(FileNotFoundError):
            left = mark.stat().st_mtime + self._seconds - time.time()
            if left > 0:
                return left
            mark.unlink()
        return 0.0

    @staticmethod
    def _mark_path(marks: Path, upload_id: str) -> Path:
        return marks / f"{upload_id}.unsettled"
