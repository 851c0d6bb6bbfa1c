"""`KnownRecords`: records that this process has read or written, while their files stay the same.

Reading a record costs more than all other work on disk of a small request. What a file said counts
as long as it is the same file: inode, size, and times of change in nanoseconds. Every server
replaces records by new files, so another process that writes one is noticed. The clock of a file
system may stand still for some milliseconds, though: a record that was changed just before it was
read may change again unnoticed, and is not kept.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import os

    from tus_reference.model import FileInfo

LARGEST_TOTAL: Final = 8 * 1024 * 1024
"""How many bytes of records may be kept, by their size on disk."""

FIXED_SIZE: Final = 1024
"""What a record takes in memory besides, in bytes."""

SETTLED_AFTER: Final = 100_000_000
"""After so many nanoseconds the time of a file differs from that of its next change."""

Identity = tuple[int, int, int, int]


class KnownRecords:
    """What records say, by the id of their uploads; the oldest are forgotten first."""

    def __init__(self, largest_total: int = LARGEST_TOTAL) -> None:
        self._largest_total = largest_total
        self._total = 0
        self._records: dict[str, tuple[Identity, FileInfo, int]] = {}
        self._mutex = threading.Lock()

    def find(self, upload_id: str, status: os.stat_result) -> FileInfo | None:
        """Return what the record says whose file has this status; None if that is not known."""
        known = self._records.get(upload_id)
        return known[1] if known is not None and known[0] == _identify(status) else None

    def add_written(self, info: FileInfo, status: os.stat_result) -> None:
        """Keep what this process has written to the file with this status, under its lock."""
        size = status.st_size + FIXED_SIZE
        with self._mutex:
            self._discard(info.id)
            self._records[info.id] = (_identify(status), info, size)
            self._total += size
            while self._total > self._largest_total:
                self._discard(next(iter(self._records)))

    def add_read(self, info: FileInfo, status: os.stat_result) -> None:
        """Keep what was read from a file that had this status before, if that can be relied on."""
        if time.time_ns() - status.st_mtime_ns > SETTLED_AFTER:
            self.add_written(info, status)

    def discard(self, upload_id: str) -> None:
        """Forget the record of an upload."""
        with self._mutex:
            self._discard(upload_id)

    def _discard(self, upload_id: str) -> None:
        known = self._records.pop(upload_id, None)
        if known is not None:
            self._total -= known[2]


def _identify(status: os.stat_result) -> Identity:
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size
