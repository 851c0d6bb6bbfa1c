"""Appending one file to another inside the system, sharing blocks where it can."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

COPY_STEP: Final = 64 * 1024 * 1024
_UNSUPPORTED = {errno.ENOSYS, errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.EBADF}


def append_file(descriptor: int, path: Path) -> None:
    """Append all of `path` to the open file; raises `OSError` if a disk fails or is full."""
    source = os.open(path, os.O_RDONLY)
    try:
        while _copy_in_kernel(source, descriptor):
            pass
        # Where the system cannot copy by itself, this goes on from where it stopped.
        while piece := os.read(source, 1024 * 1024):
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
