"""`stores.shared_append`: bytes go to the end of the file only, with or without the lock."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

import pytest
from fixed_leases import FixedLease

from tus_reference import Refused
from tus_reference.stores import shared_append
from tus_reference.stores.shared_append import append_at_end

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    """Return an open file of five bytes."""
    path = tmp_path / "id"
    path.write_bytes(b"hello")
    opened = os.open(path, os.O_RDWR)
    yield opened
    os.close(opened)


def read(descriptor: int) -> bytes:
    return os.pread(descriptor, 100, 0)


@pytest.mark.parametrize("lease", [None, FixedLease(held=True)], ids=["no lease", "held"])
def test_bytes_are_appended_at_the_end(descriptor: int, lease: FixedLease | None) -> None:
    append_at_end(descriptor, memoryview(b" tus!"), 5, lease)
    assert read(descriptor) == b"hello tus!"


@pytest.mark.parametrize("position", [0, 4, 6])
def test_nothing_is_written_over_nor_beyond_the_end(descriptor: int, position: int) -> None:
    with pytest.raises(Refused, match="ERR_MISMATCHED_OFFSET"):
        append_at_end(descriptor, memoryview(b"XXXXXXXX"), position, FixedLease(held=True))
    assert read(descriptor) == b"hello"


def test_nothing_is_written_without_the_lease(descriptor: int) -> None:
    with pytest.raises(Refused, match="ERR_LOCK_LOST"):
        append_at_end(descriptor, memoryview(b" tus!"), 5, FixedLease(held=False))
    assert read(descriptor) == b"hello"


def test_a_process_in_the_middle_of_an_append_is_not_overtaken(
    descriptor: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_append, "WAIT", 0.05)
    other = os.open(tmp_path / "id", os.O_RDWR)
    fcntl.flock(other, fcntl.LOCK_EX)
    with pytest.raises(Refused, match="ERR_UPLOAD_LOCKED"):
        append_at_end(descriptor, memoryview(b" tus!"), 5, None)
    os.close(other)
    append_at_end(descriptor, memoryview(b" tus!"), 5, None)
    assert read(descriptor) == b"hello tus!"
