"""`stores.file_store`: tusd's format, crashes, full disks, capabilities that a store may lack."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tus_reference import Config, FileStore, Handler, MemoryStore, StoreComposer
from tus_reference.model import FileInfo, Refused
from tus_reference.stores import file_copy

if TYPE_CHECKING:
    from conftest import ClientFactory, HandlerClient

UPLOAD_ID = "24e533e02ec3bc40c387f1a0e460e216"


def tusd_info(folder: Path, **changes: object) -> dict[str, object]:
    """Return the record that tusd writes for an upload."""
    return {
        "ID": UPLOAD_ID,
        "Size": 11,
        "SizeIsDeferred": False,
        "Offset": 0,
        "MetaData": {"filename": "w\u00fcrst.txt", "empty": ""},
        "IsPartial": False,
        "IsFinal": False,
        "PartialUploads": None,
        "Storage": {
            "Type": "filestore",
            "Path": f"{folder}/{UPLOAD_ID}",
            "InfoPath": f"{folder}/{UPLOAD_ID}.info",
        },
        **changes,
    }


def write_tusd_upload(folder: Path, content: bytes, **changes: object) -> None:
    """Leave an upload in `folder` as tusd does."""
    (folder / UPLOAD_ID).write_bytes(content)
    (folder / f"{UPLOAD_ID}.info").write_text(json.dumps(tusd_info(folder, **changes)))


def read_info(folder: Path, path: str) -> dict[str, object]:
    """Return the record of the upload at `path`."""
    record = json.loads((folder / (path.removeprefix("/files/") + ".info")).read_text())
    assert isinstance(record, dict)
    return record


def names(folder: Path) -> list[str]:
    """Return the names of the files in `folder`."""
    return sorted(path.name for path in folder.iterdir())


def mode(path: Path) -> int:
    """Return the permissions of `path`."""
    return path.stat().st_mode & 0o777


async def test_an_upload_that_tusd_began_is_finished(
    disk_client: HandlerClient, folder: Path
) -> None:
    write_tusd_upload(folder, b"hello")
    answer = await disk_client.head(f"/files/{UPLOAD_ID}")
    assert (answer["Upload-Offset"], answer["Upload-Length"]) == ("5", "11")
    assert answer["Upload-Metadata"] == "filename d8O8cnN0LnR4dA==,empty"
    assert (await disk_client.patch(f"/files/{UPLOAD_ID}", 5, b" world")).status == 204
    assert await disk_client.get(f"/files/{UPLOAD_ID}") == b"hello world"


@pytest.mark.parametrize(
    ("changes", "header", "value"),
    [
        ({"IsPartial": True}, "Upload-Concat", "partial"),
        ({"Size": 0, "SizeIsDeferred": True}, "Upload-Defer-Length", "1"),
        ({"MetaData": None}, "Upload-Metadata", None),
        (
            {"MetaData": {"a\r\nb": "1", "": "2", "\u0444": "3", "c": "4"}},
            "Upload-Metadata",
            "c NA==",
        ),
        ({"MetaData": {"\u0444": "3"}}, "Upload-Metadata", None),
        ({"Unknown": {"future": 1}}, "Upload-Length", "11"),
    ],
)
async def test_what_tusd_left_is_understood(
    disk_client: HandlerClient,
    folder: Path,
    changes: dict[str, object],
    header: str,
    value: str | None,
) -> None:
    write_tusd_upload(folder, b"hello", **changes)
    answer = await disk_client.head(f"/files/{UPLOAD_ID}")
    assert (answer.status, answer[header]) == (200, value)


async def test_what_is_left_for_tusd_has_its_format(
    disk_client: HandlerClient, folder: Path
) -> None:
    path = await disk_client.create(
        11, b"hello", Upload_Metadata="filename d8O8cnN0LnR4dA==,empty,bin /w=="
    )
    record = read_info(folder, path)
    upload_id = path.removeprefix("/files/")
    ours = record.pop("TusReference")
    assert record == {
        **tusd_info(folder),
        "ID": upload_id,
        "MetaData": {"filename": "w\u00fcrst.txt", "empty": "", "bin": "\ufffd"},
        "Storage": {
            "Type": "filestore",
            "Path": f"{folder}/{upload_id}",
            "InfoPath": f"{folder}/{upload_id}.info",
        },
    }
    assert ours == {"UploadMetadata": "filename d8O8cnN0LnR4dA==,empty,bin /w=="}
    assert (folder / upload_id).read_bytes() == b"hello"
    assert names(folder) == [upload_id, f"{upload_id}.info"]


@pytest.mark.parametrize(
    "leave",
    [
        lambda folder: (folder / UPLOAD_ID).touch(),
        lambda folder: (folder / f"{UPLOAD_ID}.info").write_text("{}"),
        lambda folder: write_tusd_upload(folder, b"hello", Size="eleven"),
        lambda folder: [
            (folder / UPLOAD_ID).touch(),
            (folder / f"{UPLOAD_ID}.info").write_text('{"ID":"24e5'),
        ],
        lambda folder: (folder / f".{UPLOAD_ID}.info").write_text("{"),
    ],
    ids=[
        "bytes without a record",
        "record without bytes",
        "record that makes no sense",
        "record cut off",
        "record in the making",
    ],
)
async def test_half_an_upload_is_none(
    disk_client: HandlerClient, folder: Path, leave: object
) -> None:
    assert callable(leave)
    leave(folder)
    assert (await disk_client.head(f"/files/{UPLOAD_ID}")).status == 404
    store = disk_client.handler.config.composer.info_saver
    assert store is not None
    assert [info async for info in store.list_uploads()] == []


async def test_the_record_does_not_say_which_upload_it_is(
    disk_client: HandlerClient, folder: Path
) -> None:
    write_tusd_upload(folder, b"hello", ID="../x")
    (folder.parent / "x").write_bytes(b"secret")
    (folder.parent / "x.info").write_bytes(b"secret")
    assert (await disk_client.patch(f"/files/{UPLOAD_ID}", 5, b" world")).status == 204
    assert (await disk_client.request("DELETE", f"/files/{UPLOAD_ID}")).status == 204
    assert names(folder) == []
    assert names(folder.parent) == ["uploads", "x", "x.info"]


@pytest.mark.parametrize(
    "changes",
    [
        {"IsFinal": True, "PartialUploads": ["../x"]},
        {"Size": -1},
        {"Size": 1 << 63},
        {"TusReference": {"Expires": 1e300}},
        {"TusReference": {"UploadMetadata": "a \u20ac"}},
        {"TusReference": {"UploadMetadata": "a\r\nSet-Cookie: b"}},
    ],
)
async def test_a_record_that_cannot_be_true_is_none(
    disk_client: HandlerClient, folder: Path, changes: dict[str, object]
) -> None:
    write_tusd_upload(folder, b"hello", **changes)
    assert (await disk_client.head(f"/files/{UPLOAD_ID}")).status == 404


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b'{"x":' + b"[" * 100_000),
        lambda path: path.mkdir(),
        lambda path: path.symlink_to(path),
        os.mkfifo,
    ],
    ids=["empty", "nested", "folder", "loop", "fifo"],
)
async def test_a_damaged_record_is_none_and_stops_no_list(
    disk_client: HandlerClient, folder: Path, spoil: object, caplog: pytest.LogCaptureFixture
) -> None:
    assert callable(spoil)
    whole = (await disk_client.create(10)).removeprefix("/files/")
    (folder / UPLOAD_ID).touch()
    spoil(folder / f"{UPLOAD_ID}.info")
    assert (await disk_client.head(f"/files/{UPLOAD_ID}")).status == 404
    store = disk_client.handler.config.composer.info_saver
    assert store is not None
    assert [info.id async for info in store.list_uploads()] == [whole]
    assert f"the record of upload {UPLOAD_ID} is damaged" in caplog.text
    assert "Traceback" not in caplog.text
    assert (await disk_client.request("DELETE", f"/files/{UPLOAD_ID}")).status == 204
    assert names(folder) == sorted([whole, f"{whole}.info"])


@pytest.mark.parametrize(
    ("left", "code"),
    [
        ((f"{UPLOAD_ID}.info",), "ERR_UPLOAD_DAMAGED"),
        ((UPLOAD_ID,), "ERR_UPLOAD_DAMAGED"),
        (("notes.txt",), "ERR_UPLOAD_NOT_FOUND"),
    ],
)
async def test_half_an_upload_can_be_removed_and_other_files_cannot(
    disk_client: HandlerClient, folder: Path, left: tuple[str, ...], code: str
) -> None:
    write_tusd_upload(folder, b"hello")
    for name in set(names(folder)) - set(left):
        (folder / name).unlink()
    (folder / left[0]).touch()
    path = f"/files/{left[0].removesuffix('.info')}"
    assert (await disk_client.patch(path, 0, b"x")).code == code
    removed = (await disk_client.request("DELETE", path)).status
    assert (removed, names(folder)) == ((204, []) if "DAMAGED" in code else (404, list(left)))


async def test_more_bytes_than_the_length_are_damage(
    disk_client: HandlerClient, folder: Path
) -> None:
    write_tusd_upload(folder, b"hello world and more")
    assert (await disk_client.head(f"/files/{UPLOAD_ID}")).status == 404


async def test_a_missing_folder_is_no_missing_upload(
    disk_client: HandlerClient, folder: Path
) -> None:
    path = await disk_client.create(10)
    os.rename(folder, f"{folder}.away")  # noqa: PTH104 - blocks for no time
    headers: dict[str, str | None] = {"Upload-Length": "1"}
    assert (await disk_client.request("HEAD", path)).status == 503
    assert (await disk_client.patch(path, 0, b"hello")).status == 503
    assert (await disk_client.request("POST", "/files", headers=headers)).status == 503
    os.rename(f"{folder}.away", folder)  # noqa: PTH104
    assert await disk_client.get_offset(path) == 0


async def test_a_file_in_place_of_the_folder_is_no_missing_upload(
    disk_client: HandlerClient, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = await disk_client.create(10)
    os.rename(folder, f"{folder}.away")  # noqa: PTH104 - blocks for no time
    folder.write_bytes(b"")  # noqa: ASYNC240
    headers: dict[str, str | None] = {"Upload-Length": "1"}
    for method in ("HEAD", "GET", "DELETE"):
        assert (await disk_client.request(method, path)).status == 503
    assert (await disk_client.patch(path, 0, b"hello")).status == 503
    assert (await disk_client.request("POST", "/files", headers=headers)).status == 503
    assert await disk_client.handler.check_health() == "the upload folder is missing"
    assert "Traceback" not in caplog.text
    os.unlink(folder)  # noqa: PTH108
    os.rename(f"{folder}.away", folder)  # noqa: PTH104
    assert await disk_client.get_offset(path) == 0


@pytest.mark.parametrize("number", [errno.EIO, errno.EROFS, errno.ESTALE, errno.EACCES])
async def test_a_disk_that_fails_is_reported(
    disk_client: HandlerClient,
    number: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = await disk_client.create(10)

    def fail(*_arguments: object) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patches:
        patches.setattr(os, "pwrite", fail)
        answer = await disk_client.patch(path, 0, b"hello")
        assert (answer.status, answer.code) == (503, "ERR_STORAGE_UNUSABLE")
    assert os.strerror(number) in caplog.text
    assert "Traceback" not in caplog.text
    assert (await disk_client.patch(path, 0, b"hello")).status == 204


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        (lambda folder: folder.rmdir(), "the upload folder is missing"),
        (lambda folder: (folder.rmdir(), folder.touch()), "the upload folder is missing"),
        (
            lambda folder: (folder.rmdir(), folder.symlink_to(folder)),
            "the upload folder cannot be used: Too many levels of symbolic links",
        ),
    ],
    ids=["missing", "file", "loop"],
)
async def test_a_folder_that_cannot_be_used_is_unhealthy(
    disk_client: HandlerClient, folder: Path, change: object, failure: str
) -> None:
    assert callable(change)
    assert await disk_client.handler.check_health() == ""
    change(folder)
    assert await disk_client.handler.check_health() == failure
    assert (await disk_client.head(f"/files/{UPLOAD_ID}")).status == 503


async def test_a_disk_that_can_only_be_read_is_unhealthy(
    disk_client: HandlerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = list(os.statvfs("/"))
    status[8] |= os.ST_RDONLY
    monkeypatch.setattr(os, "statvfs", lambda _path: os.statvfs_result(status))
    assert await disk_client.handler.check_health() == "the upload folder is read-only"


async def test_ids_never_leave_the_folder(disk_client: HandlerClient, folder: Path) -> None:
    write_tusd_upload(folder, b"hello")
    (folder.parent / "x").write_bytes(b"secret")
    (folder.parent / "x.info").write_text(json.dumps(tusd_info(folder, ID="x", Size=6)))
    for odd in ("../x", "%2e%2e%2fx", "%2e%2e/x", f"{UPLOAD_ID}.info", f".{UPLOAD_ID}", "%00"):
        for method in ("GET", "HEAD", "DELETE"):
            assert (await disk_client.request(method, f"/files/{odd}")).status == 404
        assert (await disk_client.patch(f"/files/{odd}", 5, b"x")).status == 404
    assert (folder.parent / "x").read_bytes() == b"secret"


async def test_a_full_disk_is_reported_and_what_fitted_is_kept(
    disk_client: HandlerClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await disk_client.create(10)
    pwrite = os.pwrite

    def nearly_full(descriptor: int, data: memoryview, position: int) -> int:
        if position >= 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return pwrite(descriptor, data[: 3 - position], position)

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", nearly_full)
        answer = await disk_client.patch(path, 0, b"hello")
    assert (answer.status, answer.code) == (507, "ERR_INSUFFICIENT_STORAGE")
    assert await disk_client.get_offset(path) == 3
    assert (await disk_client.patch(path, 3, b"lo tus!")).status == 204
    assert await disk_client.get(path) == b"hello tus!"


async def test_a_disk_that_fills_during_a_long_body_ends_it(
    disk_client: HandlerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 4 * 1024 * 1024
    path = await disk_client.create(size)
    pwrite = os.pwrite

    def small(descriptor: int, data: memoryview, position: int) -> int:
        if position >= 1024 * 1024:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return pwrite(descriptor, data, position)

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", small)
        answer = await disk_client.patch(path, 0, bytes(size))
    assert answer.status == 507
    assert 0 < await disk_client.get_offset(path) < size


async def test_a_creation_that_meets_a_full_disk_leaves_nothing(
    disk_client: HandlerClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        answer = await disk_client.request("POST", "/files/", {"Upload-Length": "5"})
    assert answer.status == 507
    assert [name for name in names(folder) if name[0] != "."] == []


async def test_a_concatenation_that_fails_leaves_the_final_upload_empty(
    disk_client: HandlerClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    partial = await disk_client.create(5, b"hello", Upload_Concat="partial")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("tus_reference.stores.file_store.append_file", full)
        answer = await disk_client.request("POST", "/files/", {"Upload-Concat": f"final;{partial}"})
    assert answer.status == 507
    infos = [info async for info in FileStore(folder).list_uploads() if info.is_final]
    assert [info.offset for info in infos] == [0]
    assert await disk_client.get_offset(f"/files/{infos[0].id}") == 5
    assert await disk_client.get(f"/files/{infos[0].id}") == b"hello"


@pytest.mark.parametrize("able", [True, False], ids=["copy_file_range", "read and write"])
async def test_files_are_joined_whether_the_system_helps_or_not(
    disk_client: HandlerClient, monkeypatch: pytest.MonkeyPatch, able: bool
) -> None:
    if not able:
        monkeypatch.setattr(file_copy, "_copy_in_kernel", lambda source, descriptor: 0)
    big = bytes(range(256)) * 8192
    a = await disk_client.create(len(big), big, Upload_Concat="partial")
    b = await disk_client.create(3, b"end", Upload_Concat="partial")
    answer = await disk_client.request("POST", "/files/", {"Upload-Concat": f"final;{a} {b} {a}"})
    path = (answer["Location"] or "").removeprefix("http://tus.test")
    assert await disk_client.get(path) == big + b"end" + big


async def test_durability_against_power_failures_syncs_before_it_answers(
    server: ClientFactory, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    client = server(FileStore(folder, sync=True))
    path = await client.create(3 * 1024 * 1024)
    data = folder / path.removeprefix("/files/")
    monkeypatch.setattr(os, "fsync", watched)
    assert (await client.patch(path, 0, b"hello")).status == 204
    assert synced == [data.stat().st_ino]
    assert (await client.patch(path, 5, bytes(3 * 1024 * 1024 - 5))).status == 204
    assert synced == [data.stat().st_ino] * 2


async def test_modes_are_as_configured(server: ClientFactory, folder: Path) -> None:
    mask = os.umask(0)
    try:
        client = server(FileStore(folder, dir_perms=0o750, file_perms=0o640))
        path = await client.create(5)
    finally:
        os.umask(mask)
    upload = folder / path.removeprefix("/files/")
    assert [mode(p) for p in (folder, upload, upload.with_suffix(".info"))] == [
        0o750,
        0o640,
        0o640,
    ]


LIMITED: list[tuple[str, dict[str, str | None], int]] = [
    ("termination", {}, 405),
    ("creation-defer-length", {"Upload-Defer-Length": "1"}, 501),
    ("concatenation", {"Upload-Length": "5", "Upload-Concat": "partial"}, 501),
]


@pytest.mark.parametrize(
    ("extension", "headers", "status"), LIMITED, ids=[case[0] for case in LIMITED]
)
async def test_what_a_store_does_not_offer_is_neither_advertised_nor_accepted(
    server: ClientFactory, extension: str, headers: dict[str, str | None], status: int
) -> None:
    client = server()
    composer = StoreComposer(core=MemoryStore())
    client.handler = Handler(Config(store_composer=composer))
    told = (await client.request("OPTIONS", "/files/"))["Tus-Extension"] or ""
    assert extension not in told.split(",")
    method, path = ("DELETE", "/files/x") if extension == "termination" else ("POST", "/files/")
    assert (await client.request(method, path, headers)).status == status
    assert (await client.request("GET", "/files/x")).status == 405
    assert (composer.uses_core, composer.uses_terminater, composer.uses_concater) == (
        True,
        False,
        False,
    )


@pytest.mark.parametrize("make", [MemoryStore, lambda: None], ids=["memory", "file"])
async def test_both_stores_keep_every_field(make: object, folder: Path) -> None:
    assert callable(make)
    store = make() or FileStore(folder)
    info = FileInfo(
        size=7,
        metadata={"a": b"\xff"},
        metadata_header="a /w==",
        is_partial=True,
        concat_header="partial",
        expires=1e9,
    )
    upload_id = await store.new_upload(info)
    stored = await store.get_info(upload_id)
    assert (stored.size, stored.metadata_header, stored.is_partial) == (7, "a /w==", True)
    assert (stored.concat_header, stored.expires, stored.finished) == ("partial", 1e9, False)


def count_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted in /proc")
async def test_a_record_that_is_a_folder_costs_no_descriptors(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    upload_id = await store.new_upload(FileInfo(id="", size=5))
    record = tmp_path / f"{upload_id}.info"
    record.unlink()
    record.mkdir()
    before = count_descriptors()
    for _ in range(5):
        with pytest.raises(Refused, match="damaged"):
            await store.get_info(upload_id)
    assert count_descriptors() == before


async def test_a_record_that_is_too_large_is_not_read_whole(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    upload_id = await store.new_upload(FileInfo(id="", size=5))
    os.truncate(tmp_path / f"{upload_id}.info", 1 << 40)
    with pytest.raises(Refused, match="damaged"):
        await store.get_info(upload_id)


@pytest.mark.parametrize("method", ["fsync", "replace"])
async def test_a_record_that_could_not_be_written_leaves_nothing(
    disk_client: HandlerClient,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    method: str,
) -> None:
    path = await disk_client.create(None)

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, method, fail)
        created = await disk_client.request("POST", "/files/", {"Upload-Length": "1"})
        declared = await disk_client.patch(path, 0, b"hello", Upload_Length="5")
    assert (created.status, declared.status) == (507, 507)
    assert os.strerror(errno.ENOSPC) in caplog.text
    assert "Traceback" not in caplog.text
    upload_id = path.removeprefix("/files/")
    assert names(folder) == [upload_id, f"{upload_id}.info"]
    offset = await disk_client.get_offset(path)
    assert (
        await disk_client.patch(path, offset, b"hello"[offset:], Upload_Length="5")
    ).status == 204
    assert await disk_client.get(path) == b"hello"


@pytest.mark.parametrize("able", [True, False], ids=["copy_file_range", "read and write"])
async def test_a_verified_body_is_copied_from_its_file(
    server: ClientFactory, folder: Path, monkeypatch: pytest.MonkeyPatch, able: bool
) -> None:
    if not able:
        monkeypatch.delattr(os, "copy_file_range")
    client = server(FileStore(folder))
    body = bytes(range(256)) * 9000
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    path = await client.create(5 + len(body), b"first")
    answer = await client.patch(path, 5, body, Upload_Checksum=f"sha256 {digest}")
    assert (answer.status, answer["Upload-Offset"]) == (204, str(5 + len(body)))
    assert await client.get(path) == b"first" + body


async def test_a_disk_that_fills_while_a_verified_body_is_copied_keeps_what_fitted(
    server: ClientFactory, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = server(FileStore(folder))
    body = bytes(range(256)) * 9000
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    path = await client.create(len(body))

    def nearly_full(source: int, descriptor: int, count: int, start: int, position: int) -> int:
        if position >= 1000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.pwrite(descriptor, os.pread(source, 1000, start), position)

    with monkeypatch.context() as patched:
        patched.setattr(os, "copy_file_range", nearly_full)
        answer = await client.patch(path, 0, body, Upload_Checksum=f"sha256 {digest}")
    assert answer.status == 507
    assert await client.get_offset(path) == 1000
    assert (await client.patch(path, 1000, body[1000:])).status == 204
    assert await client.get(path) == body
