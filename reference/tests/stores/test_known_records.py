"""`stores.known_records`: what a record said counts while its file is the same."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tus_reference import FileStore
from tus_reference.model import FileInfo, Refused
from tus_reference.stores.known_records import FIXED_SIZE, KnownRecords

if TYPE_CHECKING:
    from pathlib import Path


def age(path: Path, seconds: float) -> os.stat_result:
    """Let a file have been changed so long ago; return its status."""
    changed = time.time() - seconds
    os.utime(path, (changed, changed))
    return path.stat()


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_text("longer than before"),
        lambda path: age(path, 5),
        lambda path: (
            path.with_suffix(".new").write_text("{}"),
            path.with_suffix(".new").replace(path),
        ),
    ],
    ids=["size", "time", "another file"],
)
def test_a_file_that_changed_is_not_known(tmp_path: Path, change: object) -> None:
    assert callable(change)
    path, known = tmp_path / "record", KnownRecords()
    path.write_text("{}")
    info = FileInfo(id="x", size=1)
    known.add_read(info, age(path, 10))
    assert known.find("x", path.stat()) == info
    change(path)
    assert known.find("x", path.stat()) is None


def test_a_record_that_was_read_just_after_a_change_is_not_kept(tmp_path: Path) -> None:
    path, known = tmp_path / "record", KnownRecords()
    path.write_text("{}")
    known.add_read(FileInfo(id="x"), path.stat())
    assert known.find("x", path.stat()) is None


def test_the_oldest_records_are_forgotten_beyond_the_largest_total(tmp_path: Path) -> None:
    path = tmp_path / "record"
    path.write_text("{}")
    status = path.stat()
    known = KnownRecords(3 * (FIXED_SIZE + status.st_size))
    for name in "abcda":
        known.add_written(FileInfo(id=name), status)
    assert [name for name in "abcd" if known.find(name, status)] == ["a", "c", "d"]
    known.discard("c")
    known.discard("c")
    known.add_written(FileInfo(id="e"), status)
    assert [name for name in "abcde" if known.find(name, status)] == ["a", "d", "e"]


async def test_what_another_process_writes_is_seen_at_once(tmp_path: Path) -> None:
    ours, theirs = FileStore(tmp_path), FileStore(tmp_path)
    upload_id = await ours.new_upload(FileInfo(metadata_header="a"))
    for store, other in ((ours, theirs), (theirs, ours)):
        info = await store.get_info(upload_id)
        assert info.size is None
        await other.save_info(replace(info, expires=2e9))
        assert (await store.get_info(upload_id)).expires == 2e9
        await other.save_info(replace(info, expires=3e9))
        assert (await store.get_info(upload_id)).expires == 3e9
    await theirs.declare_length(upload_id, 5)
    assert (await ours.get_info(upload_id)).size == 5
    (tmp_path / upload_id).write_bytes(b"hello")
    assert (await ours.get_info(upload_id)).offset == 5
    await theirs.terminate(upload_id)
    with pytest.raises(Refused, match="ERR_UPLOAD_NOT_FOUND"):
        await ours.get_info(upload_id)


async def test_a_known_record_says_what_a_record_that_is_read_says(tmp_path: Path) -> None:
    ours = FileStore(tmp_path)
    info = FileInfo(
        size=7, metadata={"a": b"\xff"}, metadata_header="a /w==", concat_header="partial"
    )
    upload_id = await ours.new_upload(info)
    assert await ours.get_info(upload_id) == await FileStore(tmp_path).get_info(upload_id)


async def test_a_record_that_was_damaged_meanwhile_is_none(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    upload_id = await store.new_upload(FileInfo(size=7))
    (tmp_path / f"{upload_id}.info").write_text("{")
    with pytest.raises(Refused, match="ERR_UPLOAD_DAMAGED"):
        await store.get_info(upload_id)
