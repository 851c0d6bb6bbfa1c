"""Leftovers: files in the upload folder that are no part of any upload.

A process that is killed, and a disk that is full, leave what nobody can use:

    <id>            bytes without a record, in a name that this server makes
    .<id>.info      a record, or joined partial uploads, in the making
    .<id>.concat
    <id>.lock       a lock that nobody holds, and a request to let go of it
    <id>.stop

Files of other names are none of this server's business and stay.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_MADE_ID: Final = re.compile(r"[0-9a-f]{32}")
_RECORD: Final = re.compile(r"[^.].*\.info", re.DOTALL)
_IN_THE_MAKING: Final = re.compile(r"\.(.+)\.(?:info|concat)")
_OF_LOCKS: Final = re.compile(r"(.+)\.(?:lock|stop)")


def is_made_id(upload_id: str) -> bool:
    """Return whether this server makes such ids, so that a file of that name is its own."""
    return _MADE_ID.fullmatch(upload_id) is not None


def find_leftovers(folder: str, older_than: float) -> list[str]:
    """Return the ids of uploads with leftovers that were last changed before `older_than`.

    `older_than` is in seconds since the epoch.
    """
    names = {entry.name for entry in os.scandir(folder)}
    # Nearly all files are of uploads, and there may be many.
    odd = (name for name in names if f"{name}.info" not in names and not _RECORD.fullmatch(name))
    found = (
        upload_id
        for name in odd
        if (upload_id := _owner(name, names)) and _modified(f"{folder}/{name}") < older_than
    )
    return sorted(set(found))


def _owner(name: str, names: set[str]) -> str:
    """Return the id of the upload that a leftover is of; empty if it is none."""
    in_the_making = _IN_THE_MAKING.fullmatch(name)
    if in_the_making is not None:
        return in_the_making[1]
    of_locks = _OF_LOCKS.fullmatch(name)
    if of_locks is not None:
        known = is_made_id(of_locks[1]) or f"{of_locks[1]}.info" in names
        return of_locks[1] if known else ""
    return name if is_made_id(name) and f"{name}.info" not in names else ""


def _modified(path: str) -> float:
    try:
        return os.lstat(path).st_mtime
    except FileNotFoundError:
        return float("inf")


def remove_leftovers(folder: str, upload_id: str, older_than: float) -> list[str]:
    """Remove the leftovers of one upload, and return their names; call it under its lock."""
    removed = []
    for name in _leftover_names(folder, upload_id):
        path = f"{folder}/{name}"
        if _modified(path) >= older_than or (name.endswith(".lock") and _is_held(path)):
            continue
        remove_file(path)
        removed.append(name)
    return removed


def _leftover_names(folder: str, upload_id: str) -> Iterator[str]:
    yield from (f".{upload_id}.info", f".{upload_id}.concat")
    yield from (f"{upload_id}.lock", f"{upload_id}.stop")
    if is_made_id(upload_id) and not os.path.lexists(f"{folder}/{upload_id}.info"):
        yield upload_id


def _is_held(path: str) -> bool:
    """Return whether a process holds the lock that a file stands for."""
    try:
        import fcntl
    except ImportError:
        return False
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def remove_file(path: str) -> None:
    """Remove what has this name: a file, a link itself, or a folder with all that is in it."""
    with contextlib.suppress(FileNotFoundError):
        try:
            Path(path).unlink()
        except (IsADirectoryError, PermissionError):
            if Path(path).is_symlink() or not Path(path).is_dir():
                raise
            shutil.rmtree(path)
