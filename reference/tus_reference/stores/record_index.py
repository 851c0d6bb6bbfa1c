"""`RecordIndex`: which records a start need not read, as they have not changed since the last one.

    .tus-reference.index    a line for each: id, inode, time of the last change, time of expiry

A line counts as long as the record's file has this inode and this time in nanoseconds; `-` is the
expiry of what does not expire. So a wrong or missing line costs the time to read a record, and no
more: lines are added without waiting for the disk, and what cannot be written is left out. One
process at a time adds lines, the others only read them. A folder with few uploads has no index.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import time
from typing import IO, TYPE_CHECKING, Final

from tus_reference.protocol import is_upload_id
from tus_reference.stores.known_records import SETTLED_AFTER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tus_reference.model import FileInfo

NAME: Final = ".tus-reference.index"

LINES_AT_ONCE: Final = 1000
"""How many lines are added at once; a folder with fewer uploads has no index."""

LONGEST_LINE: Final = 512
READ_AT_ONCE: Final = 64

_LOGGER: Final = logging.getLogger("tus_reference.stores")

KnownUpload = tuple[str, float | None]
"""The id of an upload, and when it may expire, in seconds since the epoch; None for never."""


class RecordIndex:
    """The index of one folder; its methods run in threads, one at a time.

    `lines_at_once` lines are added together.
    """

    def __init__(self, folder: str, file_perms: int, *, lines_at_once: int = LINES_AT_ONCE) -> None:
        self._folder = folder
        self._path = f"{folder}/{NAME}"
        self._file_perms = file_perms
        self._lines_at_once = lines_at_once
        self._new_lines: list[str] = []
        self._descriptor = -1
        self._added = 0
        self._kept = 0

    def add(self, infos: Iterable[FileInfo]) -> None:
        """Note uploads whose records were read just now."""
        self._new_lines += filter(None, map(self._make_line, infos))
        if len(self._new_lines) >= self._lines_at_once:
            lines, self._new_lines = self._new_lines, []
            try:
                self._append(lines)
            except OSError as failure:
                _LOGGER.warning("%s cannot be written: %s", self._path, failure)

    def _make_line(self, info: FileInfo) -> str:
        """Return the line of an upload; empty if the next start has to look at it.

        That is so for a final upload that waits for its partial uploads, and for a record that was
        replaced since it was read, which has just changed then.
        """
        try:
            status = os.stat(f"{self._folder}/{info.id}.info")  # noqa: PTH116
        except OSError:
            return ""
        is_settled = time.time_ns() - status.st_mtime_ns > SETTLED_AFTER
        is_unjoined = info.is_final and not info.is_complete
        if is_unjoined or not is_settled or not is_upload_id(info.id):
            return ""
        expires = "-" if info.is_complete or info.expires is None else repr(info.expires)
        return f"{info.id} {status.st_ino} {status.st_mtime_ns} {expires}\n"

    def _append(self, lines: list[str]) -> None:
        if not self._own():
            return
        content = "".join(lines).encode()
        # A line that was cut off on a full disk would spoil the next one without this.
        os.write(self._descriptor, b"\n" + content)
        self._added += len(lines)

    @property
    def is_overgrown(self) -> bool:
        """Whether most lines may be outdated, so that reading the index makes it smaller."""
        return self._added > max(self._kept, 10 * self._lines_at_once)

    def _own(self) -> bool:
        """Return whether this process may write to the index: it holds the lock on it."""
        with contextlib.suppress(FileNotFoundError):
            if self._descriptor >= 0 and os.path.samestat(
                os.fstat(self._descriptor), os.lstat(self._path)
            ):
                return True
        self.close()
        self._descriptor = self._open_locked(self._path)
        return self._descriptor >= 0

    def _open_locked(self, path: str) -> int:
        """Return a descriptor that adds to a file and is locked; -1 if another process has it."""
        import fcntl

        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(path, flags, self._file_perms)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return descriptor
        except BlockingIOError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return -1

    def close(self) -> None:
        """Let another process write to the index."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def open_reading(self) -> IndexReading | None:
        """Begin to read the index; None if there is none that can be read."""
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            descriptor = os.open(self._path, flags)
        except OSError:
            return None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return None
        return IndexReading(self._folder, os.fdopen(descriptor, "rb"), self._open_copy())

    def _open_copy(self) -> IO[bytes] | None:
        """Open the file that will replace the index; None if another process writes to it."""
        copy = -1
        try:
            if self._own():
                copy = self._open_locked(f"{self._path}.new")
        except OSError:
            return None
        if copy < 0:
            return None
        os.truncate(copy, 0)
        return os.fdopen(copy, "ab")

    def end_reading(self, reading: IndexReading) -> None:
        """Put the lines that counted in the place of the index, if all of them were read."""
        reading.file.close()
        if reading.copy is None:
            return
        try:
            with reading.copy:
                reading.copy.flush()
                if reading.is_over and reading.is_copied:
                    self._replace(reading.copy.fileno(), reading.count)
                else:
                    os.unlink(f"{self._path}.new")  # noqa: PTH108
        except OSError as failure:
            _LOGGER.warning("%s cannot be written: %s", self._path, failure)

    def _replace(self, copy: int, count: int) -> None:
        os.replace(f"{self._path}.new", self._path)  # noqa: PTH105
        self.close()
        # The lock is that of the open file, so that it stays when the first descriptor is closed.
        self._descriptor = os.dup(copy)
        self._added, self._kept = 0, count


class IndexReading:
    """One pass over an index; `copy` gets the lines that count."""

    def __init__(self, folder: str, file: IO[bytes], copy: IO[bytes] | None) -> None:
        self._folder = folder
        self._seen: set[int] = set()
        self.file = file
        self.copy = copy
        self.is_over = False
        self.is_copied = True

    @property
    def count(self) -> int:
        """How many lines have counted."""
        return len(self._seen)

    def read_slice(self) -> list[KnownUpload]:
        """Return the next uploads whose records are as they were."""
        known = []
        for _ in range(READ_AT_ONCE):
            line = self.file.readline(LONGEST_LINE)
            if not line:
                self.is_over = True
                break
            upload = self._check(line)
            if upload is not None:
                known.append(upload)
                self._copy(line)
        return known

    def _copy(self, line: bytes) -> None:
        if self.copy is None or not self.is_copied:
            return
        try:
            self.copy.write(line)
        except OSError:
            # On a full disk the index stays as it is.
            self.is_copied = False

    def _check(self, line: bytes) -> KnownUpload | None:
        """Return what a line says; None if it does not count, or is there twice."""
        try:
            upload_id, inode, changed, expires = line.decode("ascii").split(" ")
            if not line.endswith(b"\n") or not is_upload_id(upload_id):
                return None
            status = os.stat(f"{self._folder}/{upload_id}.info")  # noqa: PTH116
            if (status.st_ino, status.st_mtime_ns) != (int(inode), int(changed)):
                return None
            due = None if expires == "-\n" else float(expires)
        except (OSError, ValueError):
            return None
        if hash(upload_id) in self._seen:
            return None
        self._seen.add(hash(upload_id))
        return upload_id, due
