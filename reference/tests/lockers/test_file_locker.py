"""`lockers.file_locker`: a full disk leaves no lock, no file and no descriptor behind."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tus_reference import FileLocker
from tus_reference.model import Refused, errors


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the disk be full whenever a lock file is written."""
    monkeypatch.setattr(os, "truncate", _fail)


def count_descriptors() -> int:
    """Return how many descriptors this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


def names(folder: Path) -> list[str]:
    """Return the names of the files in `folder`."""
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.usefixtures("full_disk")
async def test_a_lock_is_taken_on_a_full_disk(tmp_path: Path) -> None:
    locker = FileLocker(tmp_path)
    before = count_descriptors()
    for _ in range(3):
        lock = locker.new_lock("id")
        await lock.lock(lambda: None)
        assert not await locker.new_lock("id").try_lock()
        await lock.unlock()
    assert (names(tmp_path), count_descriptors()) == ([], before)


@pytest.mark.parametrize("waits", [False, True], ids=["try_lock", "lock"])
async def test_a_lock_that_failed_is_free_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waits: bool
) -> None:
    locker = FileLocker(tmp_path, on_abandoned=lambda _: None)
    before = count_descriptors()
    with monkeypatch.context() as patched:
        patched.setattr(os, "truncate", _fail)
        for _ in range(3):
            lock = locker.new_lock("id")
            with pytest.raises(OSError, match="No space"):
                await (lock.lock(lambda: None) if waits else lock.try_lock())
    assert (names(tmp_path), count_descriptors()) == ([], before)
    lock = locker.new_lock("id")
    assert await lock.try_lock()
    await lock.unlock()


@pytest.mark.parametrize("in_its_place", [False, True], ids=["missing", "a file"])
async def test_without_the_folder_uploads_cannot_be_locked_now(
    tmp_path: Path, in_its_place: bool
) -> None:
    folder = tmp_path / "uploads"
    if in_its_place:
        folder.touch()
    lock = FileLocker(folder).new_lock("id")
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            await lock.lock(lambda: None)
        assert refused.value.error == errors.LOCKS_UNAVAILABLE


def _fail(*_: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
