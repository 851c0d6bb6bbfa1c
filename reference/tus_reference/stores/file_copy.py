"""Appending one file to another inside the system, sharing blocks where it can."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

COPY_STEP: Final = 64 * 1024 * 1024
READ_STEP: Final = 1024 * 1024
_UNSUPPORTED = {errno.ENOSYS, errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.EBADF}


def append_file(descriptor: int, path: Path) -> None:
    """Append all of `path` to the open file; raises `OSError` if a disk fails or is full."""
    source = os.open(path, os.O_RDONLY)
    try:
        while _copy_in_kernel(source, descriptor):
            pass
        # Where the system cannot copy by itself, this goes on from where it stopped.
        while piece := os.read(source, READ_STEP):
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(source)


def _copy_in_kernel(source: int, descriptor: int) -> int:
    """Copy one step, which shares blocks on file systems that can; 0 at the end."""
    if not hasattr(os, "copy_file_range"):
        return 0
    try:
        return os.copy_file_range(source, descriptor, COPY_STEP)
    except OSError as failure:
        if failure.errno in _UNSUPPORTED:
            return 0
        raise


def copy_bytes(source: int, descriptor: int, count: int, start: int, position: int) -> int:
    """Copy up to `count` bytes from `start` of one file to `position` of another; return how many.

    Returns 0 at the end of the source; raises `OSError` if a disk fails or is full.
    """
    if hasattr(os, "copy_file_range"):
        try:
            # Some file systems return 0 for what they cannot do.
            if copied := os.copy_file_range(source, descriptor, count, start, position):
                return copied
        except OSError as failure:
            if failure.errno not in _UNSUPPORTED:
                raise
    return os.pwrite(descriptor, os.pread(source, min(count, READ_STEP), start), position)
