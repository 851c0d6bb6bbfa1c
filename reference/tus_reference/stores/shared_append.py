"""Appending to a file that several machines may write to.

A process that has lost its lock, and does not know it because it was stopped, may go on in the
middle of an append. By then another one has appended. So the end of the file decides: under a lock
of the system's, which lasts for one append only, the bytes go where the file ends or nowhere. Then
stored bytes are never overwritten, even by a server that lost the lock of the upload.
"""

from __future__ import annotations

import errno
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tus_reference.model import Refused, errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tus_reference.model import Lease

WAIT: Final = 5.0
"""How long, in seconds, an append waits for another, which may be of a process that is stopped."""

_POLL: Final = 0.01


def write_all(descriptor: int, data: memoryview, position: int) -> None:
    """Write `data` at `position`; raises `OSError` if the disk fails or is full."""
    while data:
        written = os.pwrite(descriptor, data, position)
        if not written:
            raise OSError(errno.EIO, "the disk takes no more bytes")
        data, position = data[written:], position + written


def append_at_end(descriptor: int, data: memoryview, position: int, lease: Lease | None) -> None:
    """Append `data` if the file ends at `position`, and the lease is held.

    Raises `Refused`: 409 if the file ends elsewhere, 503 if the lease is lost, 423 if another
    process is in the middle of an append.
    """
    with lock_file(descriptor):
        if lease is not None:
            lease.check_held()
        if os.fstat(descriptor).st_size != position:
            raise Refused(errors.MISMATCHED_OFFSET)
        write_all(descriptor, data, position)


@contextmanager
def lock_file(descriptor: int) -> Iterator[None]:
    """Hold the system's lock of an open file; raise `Refused` (423) if that takes long."""
    import fcntl

    deadline = time.monotonic() + WAIT
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise Refused(errors.UPLOAD_LOCKED) from None
            time.sleep(_POLL)
        else:
            break
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
