"""The folder in the temporary directory that the workers of one start share.

It is locked as long as a process of this start lives, so that the next start can tell it from one
that a killed supervisor left behind, and remove that.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX: Final = "tus-workers-"
LOCK_NAME: Final = "in-use"


@contextmanager
def open_worker_folder() -> Iterator[Path]:
    """Make a folder for this start, after removing those of killed ones; yield its path."""
    remove_abandoned_folders()
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        folder = Path(name)
        # Workers inherit the descriptor, and with it the lock.
        descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor)
            yield folder
        finally:
            os.close(descriptor)


def remove_abandoned_folders() -> None:
    """Remove the folders of this user that no process uses any more."""
    if not hasattr(os, "getuid"):
        return  # Windows, which has no workers
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.lstat().st_uid == os.getuid() and not _is_used(folder):
                shutil.rmtree(folder)


def _is_used(folder: Path) -> bool:
    """Return whether a process has the lock, or there is none yet."""
    try:
        descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return True
    try:
        return not _lock(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock the file if nobody else has; return whether that is so."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
