"""`stores.record_index`: a start reads what is new, and never believes what has changed."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from tus_reference import FileStore
from tus_reference.model import FileInfo
from tus_reference.stores import info_file
from tus_reference.stores.record_index import NAME, RecordIndex

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import ClientFactory


class WatchedStore(FileStore):
    """A store that notes which records it reads for listings, and adds lines two at a time."""

    def __init__(self, folder: Path, *, lines_at_once: int = 2, shared: bool = False) -> None:
        super().__init__(folder, shared=shared)
        self.read: list[str] = []
        self.index = RecordIndex(str(folder), 0o664, lines_at_once=lines_at_once)
        if not shared:
            self._listing.index = self.index

    def _get_info(self, upload_id: str, *, keep: bool = True) -> FileInfo:
        if not keep:  # it is read for a listing
            self.read.append(upload_id)
        return super()._get_info(upload_id, keep=keep)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "uploads"
    folder.mkdir()
    return folder


def write_upload(folder: Path, number: int, content: bytes = b"", **fields: object) -> str:
    """Write an upload that has not changed for some seconds; return its id."""
    upload_id = f"{number:032x}"
    values = {"size": len(content), "finished": True, **fields}
    (folder / upload_id).write_bytes(content)
    record = folder / f"{upload_id}.info"
    record.write_bytes(info_file.encode(FileInfo(id=upload_id, **values)))  # type: ignore[arg-type]
    os.utime(record, (time.time() - 5, time.time() - 5))
    return upload_id


async def start(server: ClientFactory, store: WatchedStore) -> list[str]:
    """Let a server start on a store; return the ids of the records that it reads."""
    client = server(store)
    await client.handler.maintenance.find_unfinished_uploads()
    return sorted(store.read)


async def restart(server: ClientFactory, folder: Path) -> list[str]:
    """Let a server start and end; return the ids of the records that it reads."""
    store = WatchedStore(folder)
    try:
        return await start(server, store)
    finally:
        store.index.close()


async def test_a_start_reads_only_records_that_are_new(server: ClientFactory, folder: Path) -> None:
    first = [write_upload(folder, number) for number in range(4)]
    assert await restart(server, folder) == first
    assert await restart(server, folder) == []
    new = write_upload(folder, 9)
    assert await restart(server, folder) == [new]


async def test_a_record_that_was_replaced_is_read(server: ClientFactory, folder: Path) -> None:
    ids = [write_upload(folder, number) for number in range(4)]
    await restart(server, folder)
    other = write_upload(folder, 10)
    (folder / f"{other}.info").replace(folder / f"{ids[1]}.info")
    assert await restart(server, folder) == [ids[1]]


async def test_a_record_that_was_rewritten_in_place_is_read(
    server: ClientFactory, folder: Path
) -> None:
    ids = [write_upload(folder, number) for number in range(4)]
    await restart(server, folder)
    record = folder / f"{ids[2]}.info"
    record.write_bytes(record.read_bytes())
    assert await restart(server, folder) == [ids[2]]


async def test_a_record_that_changed_just_before_is_not_indexed(
    server: ClientFactory, folder: Path
) -> None:
    ids = [write_upload(folder, number) for number in range(4)]
    future = time.time() + 60
    os.utime(folder / f"{ids[0]}.info", (future, future))
    assert await restart(server, folder) == ids
    assert await restart(server, folder) == [ids[0]]


async def test_an_upload_of_the_index_expires(
    server: ClientFactory, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [write_upload(folder, number) for number in range(3)]
    expires = time.time() + 1000
    expired = write_upload(folder, 7, size=5, expires=expires, finished=False)
    await restart(server, folder)
    store = WatchedStore(folder)
    client = server(store, expire_after=100.0)
    maintenance = client.handler.maintenance
    await maintenance.find_unfinished_uploads()
    assert await maintenance.remove_expired_uploads() == 0
    assert store.read == []
    monkeypatch.setattr(time, "time", lambda: expires)
    assert await maintenance.remove_expired_uploads() == 1
    assert store.read == [expired]
    assert {info.id async for info in store.list_uploads()} == set(kept)
    store.index.close()


async def test_each_start_looks_at_final_uploads_that_are_not_joined(
    server: ClientFactory, folder: Path
) -> None:
    for number in range(4):
        write_upload(folder, number)
    partial = write_upload(folder, 8, b"hello", is_partial=True, concat_header="partial")
    (folder / partial).write_bytes(b"hel")
    final = write_upload(
        folder,
        9,
        size=None,
        is_final=True,
        finished=False,
        partial_uploads=(partial,),
        concat_header=f"final;/files/{partial}",
    )
    await restart(server, folder)
    assert await restart(server, folder) == [final]
    (folder / partial).write_bytes(b"hello")
    assert await restart(server, folder) == [final]
    assert (folder / final).read_bytes() == b"hello"


def replace_by_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"\xff" * 5000),
        lambda path: path.write_bytes(path.read_bytes()[:-5]),
        lambda path: path.write_bytes(path.read_bytes().replace(b" ", b"  ")),
        lambda path: path.write_bytes(b"../x 1 1 -\n" + b"9" * 4400 + b" 1 1 -\n"),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), path.symlink_to(path)),
        replace_by_fifo,
        lambda path: path.unlink(),
    ],
    ids=["bytes", "cut off", "fields", "lines", "folder", "loop", "fifo", "gone"],
)
async def test_a_damaged_index_costs_time_alone(
    server: ClientFactory, folder: Path, damage: object, caplog: pytest.LogCaptureFixture
) -> None:
    assert callable(damage)
    ids = [write_upload(folder, number) for number in range(4)]
    await restart(server, folder)
    damage(folder / NAME)
    assert set(await restart(server, folder)) <= set(ids)
    expired = write_upload(folder, 7, size=5, expires=1.0, finished=False)
    assert expired in await restart(server, folder)
    assert "Traceback" not in caplog.text


async def test_a_full_disk_leaves_the_index_as_it_is(server: ClientFactory, folder: Path) -> None:
    for number in range(4):
        write_upload(folder, number)
    await restart(server, folder)
    before = (folder / NAME).read_bytes()
    store = WatchedStore(folder)
    (folder / f"{NAME}.new").symlink_to("/dev/full")
    assert await start(server, store) == []
    store.index.close()
    assert (folder / NAME).read_bytes() == before


async def test_only_one_process_writes(server: ClientFactory, folder: Path) -> None:
    ids = [write_upload(folder, number) for number in range(4)]
    first, second = WatchedStore(folder), WatchedStore(folder)
    assert await start(server, first) == ids
    content = (folder / NAME).read_bytes()
    new = [write_upload(folder, number) for number in range(8, 12)]
    assert await start(server, second) == new
    assert (folder / NAME).read_bytes() == content
    first.index.close()
    assert await start(server, WatchedStore(folder)) == new
    assert len((folder / NAME).read_bytes().split()) == 4 * 8
    second.index.close()


async def test_outdated_lines_are_removed(server: ClientFactory, folder: Path) -> None:
    ids = [write_upload(folder, number) for number in range(4)]
    await restart(server, folder)
    for upload_id in ids[:3]:
        (folder / upload_id).unlink()
        (folder / f"{upload_id}.info").unlink()
    (folder / NAME).write_bytes((folder / NAME).read_bytes() * 3)
    await restart(server, folder)
    assert (folder / NAME).read_text().split()[::4] == [ids[3]]
    assert not (folder / f"{NAME}.new").exists()


async def test_an_index_that_grows_is_made_smaller_while_the_server_runs(
    server: ClientFactory, folder: Path
) -> None:
    store = WatchedStore(folder)
    for number in range(4):
        write_upload(folder, number)
    for _ in range(30):
        assert [info.id async for info in store.list_uploads()]
    assert len((folder / NAME).read_text().splitlines()) < 60
    store.index.close()
    assert await restart(server, folder) == []


async def test_a_small_folder_has_no_index(server: ClientFactory, folder: Path) -> None:
    ids = [write_upload(folder, number) for number in range(4)]
    for _ in range(2):
        assert await start(server, WatchedStore(folder, lines_at_once=5)) == ids
        assert not (folder / NAME).exists()


async def test_a_folder_of_several_machines_has_no_index(
    server: ClientFactory, folder: Path
) -> None:
    ids = [write_upload(folder, number) for number in range(4)]
    assert await start(server, WatchedStore(folder, shared=True)) == ids
    assert not (folder / NAME).exists()


async def test_the_index_is_no_upload(server: ClientFactory, folder: Path) -> None:
    for number in range(4):
        write_upload(folder, number)
    await restart(server, folder)
    client = server(FileStore(folder))
    for path in (f"/files/{NAME}", f"/files/{NAME.removesuffix('.index')}"):
        assert (await client.head(path)).status == 404
    assert await client.handler.maintenance.remove_leftovers() == 0
    assert (folder / NAME).exists()
