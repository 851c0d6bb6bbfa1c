"""`handler.maintenance`: unfinished uploads expire, complete ones stay."""

from __future__ import annotations

import os
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest
import trio

from tus_reference import FileStore, MemoryStore
from tus_reference.lockers import FileLocker
from tus_reference.protocol import http_date

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from conftest import ClientFactory, ReceivedResponse

    from tus_reference import FileInfo


class WallClock:
    """The time of day as the server sees it."""

    def __init__(self) -> None:
        self.now = 1_000_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> WallClock:
    clock = WallClock()
    monkeypatch.setattr(time, "time", clock)
    return clock


def parse_expires(answer: ReceivedResponse) -> float | None:
    """Return Upload-Expires in seconds since the epoch, or None; fails if it is no date."""
    text = answer["Upload-Expires"]
    if text is None:
        return None
    seconds = parsedate_to_datetime(text).timestamp()
    assert http_date(seconds) == text
    return seconds


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore | MemoryStore:
    return FileStore(tmp_path / "uploads") if request.param == "file" else MemoryStore()


async def test_every_response_about_an_unfinished_upload_has_its_expiry(
    server: ClientFactory, store: FileStore | MemoryStore, clock: WallClock
) -> None:
    client = server(store, expire_after=100.0)
    created = await client.request("POST", "/files/", {"Upload-Length": "10"})
    path = (created["Location"] or "").removeprefix("http://tus.test")
    assert parse_expires(created) == clock.now + 100
    assert parse_expires(await client.head(path)) == clock.now + 100
    clock.now += 50
    assert parse_expires(await client.patch(path, 0, b"hello")) == clock.now + 100
    assert parse_expires(await client.head(path)) == clock.now + 100
    done = await client.patch(path, 5, b" tus!")
    assert (done.status, parse_expires(done)) == (204, None)


async def test_a_partial_upload_expires_and_a_final_one_does_not(
    server: ClientFactory, clock: WallClock
) -> None:
    client = server(expire_after=100.0)
    partial = await client.request(
        "POST", "/files/", {"Upload-Length": "2", "Upload-Concat": "partial"}
    )
    assert parse_expires(partial) == clock.now + 100
    url = partial["Location"] or ""
    final = await client.request("POST", "/files/", {"Upload-Concat": f"final;{url}"})
    assert (final.status, parse_expires(final)) == (201, None)


async def test_an_absolute_expiry_does_not_move(
    server: ClientFactory, store: FileStore | MemoryStore, clock: WallClock
) -> None:
    client = server(store, expire_after=100.0, expire_sliding=False)
    path = await client.create(10)
    end = clock.now + 100
    clock.now += 50
    assert parse_expires(await client.patch(path, 0, b"hello")) == end


async def test_without_expiry_no_header_is_sent_and_nothing_is_removed(
    server: ClientFactory, clock: WallClock
) -> None:
    client = server()
    path = await client.create(10)
    assert parse_expires(await client.patch(path, 0, b"hello")) is None
    clock.now += 1e9
    assert await client.handler.maintenance.remove_expired_uploads() == 0
    assert await client.get_offset(path) == 5


async def test_an_expired_upload_is_gone_before_and_after_the_sweep(
    server: ClientFactory, store: FileStore | MemoryStore, clock: WallClock, tmp_path: Path
) -> None:
    client = server(store, expire_after=100.0, notify_terminated_uploads=True)
    path = await client.create(10, b"hello")
    clock.now += 99
    assert await client.get_offset(path) == 5
    clock.now += 1
    for swept in (0, 1):
        for method in ("HEAD", "DELETE", "GET"):
            answer = await client.request(method, path)
            assert answer.status == 410
            assert answer["Upload-Offset"] is None
        assert (await client.patch(path, 5, b"x")).status == 410
        assert await client.handler.maintenance.remove_expired_uploads() == 1 - swept
    event = await client.handler.terminated_uploads.receive()
    assert f"/files/{event.upload.id}" == path
    assert [info async for info in store.list_uploads()] == []


async def test_finished_uploads_stay(
    server: ClientFactory, store: FileStore | MemoryStore, clock: WallClock
) -> None:
    client = server(store, expire_after=100.0)
    path, empty = await client.create(5, b"hello"), await client.create(0)
    clock.now += 1e6
    assert await client.handler.maintenance.remove_expired_uploads() == 0
    assert await client.get(path) == b"hello"
    assert await client.get(empty) == b""


async def test_the_sweep_leaves_uploads_in_use_alone(
    server: ClientFactory, clock: WallClock
) -> None:
    client = server(expire_after=100.0)
    path = await client.create(10)
    locker = client.handler.config.composer.locker
    assert locker is not None
    lock = locker.new_lock(path.removeprefix("/files/"))
    assert await lock.try_lock()
    clock.now += 1000
    assert await client.handler.maintenance.remove_expired_uploads() == 0
    await lock.unlock()
    assert await client.handler.maintenance.remove_expired_uploads() == 1


async def test_small_patches_do_not_rewrite_the_record_each(
    server: ClientFactory, tmp_path: Path, clock: WallClock
) -> None:
    folder = tmp_path / "uploads"
    client = server(FileStore(folder), expire_after=100.0)
    path = await client.create(10)
    info = folder / (path.removeprefix("/files/") + ".info")
    before = info.stat().st_ino
    clock.now += 1
    told = await client.patch(path, 0, b"h")
    assert info.stat().st_ino == before
    # What is told is what is stored, even if it is a little less than it could be.
    assert parse_expires(told) == clock.now + 99
    clock.now += 10
    assert parse_expires(await client.patch(path, 1, b"h")) == clock.now + 100
    assert info.stat().st_ino != before


async def test_after_the_sweep_nothing_is_left_but_uploads(
    server: ClientFactory, tmp_path: Path, clock: WallClock
) -> None:
    folder = tmp_path / "uploads"
    client = server(FileStore(folder), expire_after=100.0)
    path = await client.create(5, b"hello")
    kept = sorted(each.name for each in folder.iterdir())
    names = [f"{digit * 32}" for digit in "abcdef"]
    (folder / names[0]).write_bytes(b"no record")
    (folder / f".{names[1]}.info").touch()
    (folder / f".{names[2]}.concat").touch()
    (folder / f"{names[3]}.lock").write_bytes(b"123\n")
    (folder / f"{names[3]}.stop").touch()
    (folder / f"{names[4]}.info").write_bytes(b"{")
    (folder / names[4]).touch()
    (folder / f"{names[5]}.info").mkdir()
    (folder / "loop.info").symlink_to(folder / "loop.info")
    (folder / "notes.txt").touch()
    for each in folder.iterdir():
        os.utime(each, (clock.now, clock.now), follow_symlinks=False)
    maintenance = client.handler.maintenance

    async def sweep() -> None:
        await maintenance.remove_expired_uploads()
        await maintenance.remove_leftovers()

    await sweep()
    assert len(list(folder.iterdir())) == len(kept) + 10
    clock.now += 101
    await sweep()
    assert sorted(each.name for each in folder.iterdir()) == sorted([*kept, "notes.txt"])
    assert await client.get(path) == b"hello"


async def test_the_lock_of_an_upload_in_use_is_no_leftover(
    server: ClientFactory, tmp_path: Path, clock: WallClock
) -> None:
    folder = tmp_path / "uploads"
    client = server(FileStore(folder))
    lock = FileLocker(folder).new_lock("a" * 32)
    assert await lock.try_lock()
    clock.now += 1e9
    assert await client.handler.maintenance.remove_leftovers() == 0
    assert (folder / f"{'a' * 32}.lock").exists()
    await lock.unlock()


async def test_a_failure_in_maintenance_stops_nothing(
    server: ClientFactory, autojump_clock: object, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(MemoryStore):
        """A store whose list of uploads cannot be read."""

        def list_uploads(
            self, is_wanted: Callable[[str], bool] | None = None
        ) -> AsyncIterator[FileInfo]:
            raise OSError("the disk is away")

    client = server(Failing(), expire_after=1.0)
    with trio.move_on_after(5):
        await client.handler.run_maintenance()
    assert len([r for r in caplog.records if "maintenance" in r.message]) > 2
    assert "the disk is away" in caplog.text
    assert "Traceback" not in caplog.text
    assert await client.create(5)


async def test_a_sweep_reads_only_records_that_are_new_or_due(
    server: ClientFactory, tmp_path: Path, clock: WallClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileStore(tmp_path / "uploads")
    client = server(store, expire_after=100.0)
    maintenance = client.handler.maintenance
    read: list[str] = []
    get_info = store._get_info

    def note_and_get(upload_id: str, *, keep: bool = True) -> FileInfo:
        if not keep:  # it is read for a listing
            read.append(upload_id)
        return get_info(upload_id, keep=keep)

    monkeypatch.setattr(store, "_get_info", note_and_get)

    async def sweep() -> tuple[int, list[str]]:
        read.clear()
        removed = await maintenance.remove_expired_uploads()
        return removed, sorted(f"/files/{upload_id}" for upload_id in read)

    await maintenance.find_unfinished_uploads()
    complete, open_ = await client.create(5, b"hello"), await client.create(5)
    assert await sweep() == (0, sorted([complete, open_]))
    assert await sweep() == (0, [])
    clock.now += 50
    assert (await client.patch(open_, 0, b"he")).status == 204
    another = await client.create(5)
    assert await sweep() == (0, [another])
    clock.now += 60
    # Its first time is over, and a PATCH has given it more.
    assert await sweep() == (0, [open_])
    clock.now += 40
    assert await sweep() == (2, sorted([open_, another]))
    assert await sweep() == (0, [])
    clock.now += 3600
    assert await sweep() == (0, [complete])
    assert (await client.request("DELETE", complete)).status == 204
    assert await sweep() == (0, [])
    assert not maintenance._schedule._due


async def test_a_restart_reads_each_record_once(
    server: ClientFactory, tmp_path: Path, clock: WallClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = server(FileStore(tmp_path / "uploads"), expire_after=100.0)
    path = await client.create(5)
    store = FileStore(tmp_path / "uploads")
    client = server(store, expire_after=100.0)
    read: list[str] = []
    get_info = store._get_info

    def note_and_get(upload_id: str, *, keep: bool = True) -> FileInfo:
        if not keep:  # it is read for a listing
            read.append(upload_id)
        return get_info(upload_id, keep=keep)

    monkeypatch.setattr(store, "_get_info", note_and_get)
    await client.handler.maintenance.find_unfinished_uploads()
    assert await client.handler.maintenance.remove_expired_uploads() == 0
    assert [f"/files/{upload_id}" for upload_id in read] == [path]
    clock.now += 101
    assert await client.handler.maintenance.remove_expired_uploads() == 1
