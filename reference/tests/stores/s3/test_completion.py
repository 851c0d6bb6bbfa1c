"""`stores.s3.completion`: completing is repeatable, and needs the object to exist."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from memory_s3 import client_error

from tus_reference.model import Refused, errors
from tus_reference.stores.s3.recent_writes import RecentWrites
from tus_reference.stores.s3.storage_failures import storage_errors

if TYPE_CHECKING:
    from s3_dialects import Call
    from s3_harness import S3Harness

CONTENT = bytes(range(48, 148))


async def test_the_object_has_the_bytes_and_nothing_else_is_left(s3_harness: S3Harness) -> None:
    upload_id = await s3_harness.create(23, id="name")
    await s3_harness.append(upload_id, CONTENT[:12])
    await s3_harness.append(upload_id, CONTENT[12:23])
    assert await s3_harness.finish_and_read(upload_id) == CONTENT[:23]
    assert sorted(s3_harness.s3.objects) == ["name", "name.info"]
    assert s3_harness.s3.multiparts == {}


async def test_an_upload_of_no_bytes_is_made_of_one_empty_part(s3_harness: S3Harness) -> None:
    upload_id = await s3_harness.create(0, id="name")
    assert await s3_harness.finish_and_read(upload_id) == b""


async def test_the_tail_becomes_the_last_part_if_the_length_comes_late(
    s3_harness: S3Harness,
) -> None:
    upload_id = await s3_harness.create(None, id="name")
    await s3_harness.append(upload_id, CONTENT[:12])
    await s3_harness.store.declare_length(upload_id, 12)
    s3_harness.intercepted.calls.clear()
    assert await s3_harness.finish_and_read(upload_id) == CONTENT[:12]
    assert s3_harness.intercepted.calls["upload_part_copy"] == 1
    assert sorted(s3_harness.s3.objects) == ["name", "name.info"]


async def test_orphans_do_not_come_in_with_the_tail(s3_harness: S3Harness) -> None:
    upload_id = await s3_harness.create(12, id="name")
    s3_harness.put_part(upload_id, 1, CONTENT[:10])
    s3_harness.put_part(upload_id, 3, CONTENT[50:60])
    s3_harness.put_tail(upload_id, CONTENT[10:12], "10")
    s3_harness.intercepted.fail("complete_multipart_upload", client_error("InternalError", 500))
    await s3_harness.get_offset(upload_id)
    with pytest.raises(Refused):
        await s3_harness.store.finish_upload(upload_id)
    s3_harness.intercepted.hook = None
    assert await s3_harness.get_offset(upload_id) == 12
    assert await s3_harness.finish_and_read(upload_id) == CONTENT[:12]


@pytest.mark.parametrize("operation", ["complete_multipart_upload", "upload_part_copy"])
async def test_a_finish_that_failed_is_done_by_the_next(
    s3_harness: S3Harness, operation: str
) -> None:
    upload_id = await s3_harness.create(None)
    await s3_harness.append(upload_id, CONTENT[:12])
    await s3_harness.store.declare_length(upload_id, 12)
    s3_harness.intercepted.fail(operation, client_error("SlowDown", 503))
    await s3_harness.get_offset(upload_id)
    with pytest.raises(Refused) as failure:
        await s3_harness.store.finish_upload(upload_id)
    assert failure.value.error == storage_errors.STORAGE_BUSY
    s3_harness.intercepted.hook = None
    assert await s3_harness.get_offset(upload_id) == 12
    assert await s3_harness.finish_and_read(upload_id) == CONTENT[:12]


async def test_a_completion_whose_reply_is_lost_has_succeeded(s3_harness: S3Harness) -> None:
    upload_id = await s3_harness.create(12)
    await s3_harness.append(upload_id, CONTENT[:12])
    s3_harness.intercepted.lose_reply("complete_multipart_upload", TimeoutError())
    await s3_harness.get_offset(upload_id)
    await s3_harness.store.finish_upload(upload_id)
    assert await s3_harness.get_offset(upload_id) == 12
    assert await s3_harness.finish_and_read(upload_id) == CONTENT[:12]


async def test_a_second_complete_finds_the_upload_complete(s3_harness: S3Harness) -> None:
    """boto3 tries again by itself when a reply is lost, and then is told NoSuchUpload."""
    upload_id = await s3_harness.create(12)
    await s3_harness.append(upload_id, CONTENT[:12])
    await s3_harness.get_offset(upload_id)

    def hook(name: str, _arguments: object, call: Call) -> object:
        answer = call()
        return call() if name == "complete_multipart_upload" else answer

    s3_harness.intercepted.hook = hook
    await s3_harness.store.finish_upload(upload_id)
    s3_harness.intercepted.hook = None
    assert await s3_harness.get_offset(upload_id) == 12


@pytest.mark.parametrize("stored", [0, 12, 23])
async def test_an_aborted_upload_is_gone_and_not_complete(
    s3_harness: S3Harness, stored: int
) -> None:
    """As a lifecycle rule does it to stale uploads."""
    upload_id = await s3_harness.create(23)
    await s3_harness.append(upload_id, CONTENT[:stored])
    s3_harness.s3.multiparts.clear()
    for call in (s3_harness.store.get_info, s3_harness.store.finish_upload):
        with pytest.raises(Refused) as failure:
            await call(upload_id)
        assert failure.value.error == errors.UPLOAD_GONE


async def test_a_finished_upload_whose_object_was_removed_is_gone(s3_harness: S3Harness) -> None:
    upload_id = await s3_harness.create(12, id="name")
    await s3_harness.append(upload_id, CONTENT[:12])
    await s3_harness.finish_and_read(upload_id)
    info = await s3_harness.store.get_info(upload_id)
    await s3_harness.store.save_info(info)
    del s3_harness.s3.objects["name"]
    with pytest.raises(Refused) as failure:
        await s3_harness.store.get_info(upload_id)
    assert failure.value.error.status == 423, "it may have been made a moment ago"
    s3_harness.store._recent = RecentWrites(0.0)
    with pytest.raises(Refused) as failure:
        await s3_harness.store.get_info(upload_id)
    assert failure.value.error == errors.UPLOAD_GONE


@pytest.mark.parametrize("operation", ["abort_multipart_upload", "delete_object"])
async def test_a_removal_that_failed_can_be_done_again(
    s3_harness: S3Harness, operation: str
) -> None:
    upload_id = await s3_harness.create(50)
    await s3_harness.append(upload_id, CONTENT[:13])
    s3_harness.intercepted.fail(operation, client_error("SlowDown", 503))
    with pytest.raises(Refused):
        await s3_harness.store.terminate(upload_id)
    s3_harness.intercepted.hook = None
    assert s3_harness.s3.objects
    await s3_harness.store.terminate(upload_id)
    assert (s3_harness.s3.objects, s3_harness.s3.multiparts) == ({}, {})


async def test_the_sweep_sees_the_unfinished_uploads(s3_harness: S3Harness) -> None:
    ids = [await s3_harness.create(12) for _ in range(3)]
    await s3_harness.append(ids[0], CONTENT[:12])
    await s3_harness.finish_and_read(ids[0])
    await s3_harness.append(ids[1], CONTENT[:6])
    s3_harness.s3.create_multipart_upload(Bucket="bucket", Key="not of ours", Metadata={})
    seen = {info.id: info.offset async for info in s3_harness.store.list_uploads()}
    assert seen == {ids[1]: 6, ids[2]: 0}


@pytest.mark.parametrize(("code", "fails"), [("AccessDenied", False), ("SlowDown", True)])
async def test_without_the_permission_to_list_there_is_nothing_to_sweep(
    s3_harness: S3Harness, code: str, fails: bool, caplog: pytest.LogCaptureFixture
) -> None:
    await s3_harness.create()
    s3_harness.intercepted.fail("list_multipart_uploads", client_error(code, 403))
    with pytest.raises(Refused) if fails else contextlib.nullcontext():
        assert [info async for info in s3_harness.store.list_uploads()] == []
    assert f"list_multipart_uploads failed: {code}" in caplog.text


async def test_lists_are_read_page_by_page(s3_harness: S3Harness) -> None:
    upload_id = await s3_harness.create(None)
    for number in range(1, 2501):
        s3_harness.put_part(upload_id, number, b"abcde")
    s3_harness.intercepted.calls.clear()
    assert await s3_harness.get_offset(upload_id) == 12_500
    assert s3_harness.intercepted.calls["list_parts"] == 3
    ids = {upload_id, *[await s3_harness.create() for _ in range(1001)]}
    assert {info.id async for info in s3_harness.store.list_uploads()} == ids
    assert s3_harness.intercepted.calls["list_multipart_uploads"] == 2
