"""`RecentWrites`: what this process has acknowledged, against an S3 that shows older things.

Some services list parts, or return objects, as they were some seconds ago. An offset that a
client has received must not go back for that, nor may a new upload be unknown. So the store
remembers what it has seen and written: offsets for long, since they cost little, and the parts
and records behind them for as long as a service may be behind.

What is remembered is never used against a multipart upload that is gone, nor against anything
newer. It is this process's alone.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from tus_reference.stores.s3 import storage_failures

if TYPE_CHECKING:
    from tus_reference.model import FileInfo
    from tus_reference.stores.s3.stored_parts import StoredParts

T = TypeVar("T")

REMEMBERED_OFFSETS: Final = 10_000
REMEMBERED_STATES: Final = 500
REMEMBERED_PARTS: Final = 50_000
STALE_TIME: Final = 120.0
LOOKUP_TIME: Final = 20.0
"""How long, in seconds, a look-up can take: it may end later than one that saw more."""


class _Recent(Generic[T]):
    """The newest values by upload id, each with the time when it was added."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: OrderedDict[str, tuple[float, T]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def add(self, upload_id: str, value: T) -> list[T]:
        """Add or replace a value; return those that had to make room for it."""
        removed = [old for old in (self.pop(upload_id),) if old is not None]
        self._values[upload_id] = (time.monotonic(), value)
        if len(self._values) > self._limit:
            removed.append(self.pop_oldest())
        return removed

    def find(self, upload_id: str, max_age: float) -> T | None:
        """Return the value of an upload if it is at most `max_age` seconds old."""
        added, value = self._values.get(upload_id, (0.0, None))
        return value if time.monotonic() - added < max_age else None

    def pop(self, upload_id: str) -> T | None:
        return self._values.pop(upload_id, (0.0, None))[1]

    def pop_oldest(self) -> T:
        return self._values.popitem(last=False)[1][1]


class RecentWrites:
    """What one store knows better than an S3 that is behind; `stale_time` is in seconds."""

    def __init__(self, stale_time: float = STALE_TIME) -> None:
        self._stale_time = stale_time
        self._offsets: _Recent[int] = _Recent(REMEMBERED_OFFSETS)
        self._states: _Recent[StoredParts] = _Recent(REMEMBERED_STATES)
        self._records: _Recent[FileInfo] = _Recent(REMEMBERED_STATES)
        self._completions: _Recent[bool] = _Recent(REMEMBERED_OFFSETS)
        self._part_count = 0

    def note_state(self, upload_id: str, stored: StoredParts) -> None:
        """Take note of what a request has seen or stored, which its client may be told.

        A look-up that took long may know less than a request that was quicker.
        """
        if stored.offset < (self._offsets.find(upload_id, math.inf) or 0):
            return
        self._offsets.add(upload_id, stored.offset)
        self._part_count += len(stored.parts)
        removed = self._states.add(upload_id, stored)
        self._part_count -= sum(len(old.parts) for old in removed)
        while self._part_count > REMEMBERED_PARTS and len(self._states) > 1:
            self._part_count -= len(self._states.pop_oldest().parts)

    def note_failure(self, upload_id: str) -> None:
        """Take note that a change failed: S3 alone knows now what is stored."""
        stored = self._states.pop(upload_id)
        if stored is not None:
            self._part_count -= len(stored.parts)

    def newest_state(self, upload_id: str, listed: StoredParts) -> StoredParts:
        """Return what counts: what S3 lists, or what is known to be there.

        Raises `Refused` (503) if S3 lists less than was acknowledged and nothing else is known.
        """
        if listed.offset >= (self._offsets.find(upload_id, math.inf) or 0):
            return listed
        stored = self._states.find(upload_id, max(self._stale_time, LOOKUP_TIME))
        if stored is None:
            raise storage_failures.stale_response("list_parts")
        return stored

    def note_record(self, info: FileInfo) -> None:
        """Take note of a record that was written."""
        self._records.add(info.id, info)

    def newest_record(self, upload_id: str, read: FileInfo | None) -> FileInfo | None:
        """Return the record that S3 returned, or the one that was written after it."""
        written = self._records.find(upload_id, self._stale_time)
        if written is None or (read is not None and read.revision >= written.revision):
            return read
        return written

    def note_completion(self, upload_id: str) -> None:
        """Take note that S3 was asked to make the object."""
        self._completions.add(upload_id, value=True)

    def may_appear(self, upload_id: str) -> bool:
        """Return whether an object that is not visible may have been made a moment ago."""
        return self._completions.find(upload_id, self._stale_time) is not None

    def forget(self, upload_id: str) -> None:
        """Forget an upload that was removed."""
        self.note_failure(upload_id)
        self._offsets.pop(upload_id)
        self._records.pop(upload_id)
        self._completions.pop(upload_id)
