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
_IN_THE_MAKING: Final = re.compile(r"\.(.+)\.(?:info|concat)")
_OF_LOCKS: Final = re.compile(r"(.+)\.(?:lock|stop)")


def is_made_id(upload_id: str) -> bool:
    """Return whether this server makes such ids, so that a file of that name is its own."""
    return _MADE_ID.fullmatch(upload_id) is not None


class LeftoverSearch:
    """A search that goes through all names of a folder, and then through the few that are odd.

    `older_than` is in seconds since the epoch: what was changed later may be in the making. There
    may be millions of names, so it remembers only made ids of which it has seen one file of two.
    """

    def __init__(self, folder: str, older_than: float) -> None:
        self._folder = folder
        self._older_than = older_than
        self._bytes_only: set[bytes] = set()
        self._records_only: set[bytes] = set()
        self._odd_names: list[str] = []
        self._found: set[str] = set()

    def note_name(self, name: str) -> None:
        """Take note of one name of the folder."""
        if is_made_id(name):
            _pair(bytes.fromhex(name), self._bytes_only, self._records_only)
        elif is_made_id(name.removesuffix(".info")):
            _pair(bytes.fromhex(name[:32]), self._records_only, self._bytes_only)
        elif _IN_THE_MAKING.fullmatch(name) or _OF_LOCKS.fullmatch(name):
            self._odd_names.append(name)

    def list_candidates(self) -> Iterator[str]:
        """Iterate over the names that may be leftovers; all names have been noted."""
        yield from self._odd_names
        for key in self._bytes_only:
            yield key.hex()

    def note_age(self, name: str) -> None:
        """Look at a candidate: whether it is a leftover, and old enough."""
        upload_id = self._owner(name)
        if upload_id and _modified(f"{self._folder}/{name}") < self._older_than:
            self._found.add(upload_id)

    def _owner(self, name: str) -> str:
        """Return the id of the upload that a leftover is of; empty if it is none."""
        if self._has_record(name):
            return ""
        in_the_making = _IN_THE_MAKING.fullmatch(name)
        if in_the_making is not None:
            return in_the_making[1]
        of_locks = _OF_LOCKS.fullmatch(name)
        if of_locks is None:
            return name
        is_known = is_made_id(of_locks[1]) or self._has_record(of_locks[1])
        return of_locks[1] if is_known else ""

    def _has_record(self, upload_id: str) -> bool:
        return os.path.lexists(f"{self._folder}/{upload_id}.info")

    def list_found(self) -> list[str]:
        """Return the ids of the uploads that the leftovers are of."""
        return sorted(self._found)

    def list_without_bytes(self) -> list[str]:
        """Return the ids whose record is there, and whose bytes may not be."""
        return [key.hex() for key in self._records_only]


def _pair(key: bytes, same: set[bytes], other: set[bytes]) -> None:
    """Forget an upload with both files, and remember one whose other file was not seen yet."""
    if key in other:
        other.discard(key)
    else:
        same.add(key)


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
