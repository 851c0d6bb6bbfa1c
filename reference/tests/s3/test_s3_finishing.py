"""Finishing is repeatable, and an upload is complete only if its object says so."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from s3.memory_s3 import refused

from tus_reference.protocol import Refused, errors
from tus_reference.stores.s3.trouble import trouble

if TYPE_CHECKING:
    from s3.stage import Stage

CONTENT = bytes(range(48, 148))


async def test_the_object_has_the_bytes_and_nothing_else_is_left(stage: Stage) -> None:
    upload_id = await stage.create(23, id="name")
    await stage.append(upload_id, CONTENT[:12])
    await stage.append(upload_id, CONTENT[12:23])
    assert await stage.content(upload_id) == CONTENT[:23]
    assert sorted(stage.s3.objects) == ["name", "name.info"]
    assert stage.s3.multiparts == {}


async def test_an_upload_of_no_bytes_is_made_of_one_empty_part(stage: Stage) -> None:
    upload_id = await stage.create(0, id="name")
    assert await stage.content(upload_id) == b""


async def test_the_tail_becomes_the_last_part_if_the_length_comes_late(stage: Stage) -> None:
    upload_id = await stage.create(None, id="name")
    await stage.append(upload_id, CONTENT[:12])
    await stage.store.declare_length(upload_id, 12)
    stage.watched.calls.clear()
    assert await stage.content(upload_id) == CONTENT[:12]
    assert stage.watched.calls["upload_part_copy"] == 1
    assert sorted(stage.s3.objects) == ["name", "name.info"]


async def test_orphans_do_not_come_in_with_the_tail(stage: Stage) -> None:
    upload_id = await stage.create(12, id="name")
    stage.put_part(upload_id, 1, CONTENT[:10])
    stage.put_part(upload_id, 3, CONTENT[50:60])
    stage.put_tail(upload_id, CONTENT[10:12], "10")
    stage.watched.fail("complete_multipart_upload", refused("InternalError", 500))
    await stage.offset(upload_id)
    with pytest.raises(Refused):
        await stage.store.finish_upload(upload_id)
    stage.watched.hook = None
    assert await stage.offset(upload_id) == 12
    assert await stage.content(upload_id) == CONTENT[:12]


@pytest.mark.parametrize("operation", ["complete_multipart_upload", "upload_part_copy"])
async def test_a_finish_that_failed_is_done_by_the_next(stage: Stage, operation: str) -> None:
    upload_id = await stage.create(None)
    await stage.append(upload_id, CONTENT[:12])
    await stage.store.declare_length(upload_id, 12)
    stage.watched.fail(operation, refused("SlowDown", 503))
    await stage.offset(upload_id)
    with pytest.raises(Refused) as failure:
        await stage.store.finish_upload(upload_id)
    assert failure.value.error == trouble.STORAGE_BUSY
    stage.watched.hook = None
    assert await stage.offset(upload_id) == 12
    assert await stage.content(upload_id) == CONTENT[:12]


async def test_a_lost_reply_is_no_failure_to_the_next(stage: Stage) -> None:
    upload_id = await stage.create(12)
    await stage.append(upload_id, CONTENT[:12])
    stage.watched.lose_reply("complete_multipart_upload", TimeoutError())
    await stage.offset(upload_id)
    with pytest.raises(Refused):
        await stage.store.finish_upload(upload_id)
    assert await stage.offset(upload_id) == 12
    assert await stage.content(upload_id) == CONTENT[:12]


async def test_a_second_complete_is_told_the_upload_is_there(stage: Stage) -> None:
    """boto3 tries again by itself when a reply is lost, and then is told NoSuchUpload."""
    upload_id = await stage.create(12)
    await stage.append(upload_id, CONTENT[:12])
    await stage.offset(upload_id)

    def hook(name: str, _arguments: object, call: object) -> object:
        answer = call()  # type: ignore[operator]
        return call() if name == "complete_multipart_upload" else answer  # type: ignore[operator]

    stage.watched.hook = hook
    await stage.store.finish_upload(upload_id)
    stage.watched.hook = None
    assert await stage.offset(upload_id) == 12


@pytest.mark.parametrize("stored", [0, 12, 23])
async def test_an_aborted_upload_is_gone_and_not_complete(stage: Stage, stored: int) -> None:
    """As a lifecycle rule does it to stale uploads."""
    upload_id = await stage.create(23)
    await stage.append(upload_id, CONTENT[:stored])
    stage.s3.multiparts.clear()
    for call in (stage.store.get_info, stage.store.finish_upload):
        with pytest.raises(Refused) as failure:
            await call(upload_id)
        assert failure.value.error == errors.UPLOAD_GONE


async def test_a_finished_upload_whose_object_was_removed_is_gone(stage: Stage) -> None:
    upload_id = await stage.create(12, id="name")
    await stage.append(upload_id, CONTENT[:12])
    await stage.content(upload_id)
    info = await stage.store.get_info(upload_id)
    await stage.store.record(info)
    del stage.s3.objects["name"]
    with pytest.raises(Refused) as failure:
        await stage.store.get_info(upload_id)
    assert failure.value.error == errors.UPLOAD_GONE


@pytest.mark.parametrize("operation", ["abort_multipart_upload", "delete_objects", "delete_object"])
async def test_a_removal_that_failed_can_be_done_again(stage: Stage, operation: str) -> None:
    upload_id = await stage.create(50)
    await stage.append(upload_id, CONTENT[:13])
    stage.watched.fail(operation, refused("SlowDown", 503))
    with pytest.raises(Refused):
        await stage.store.terminate(upload_id)
    stage.watched.hook = None
    assert stage.s3.objects
    await stage.store.terminate(upload_id)
    assert (stage.s3.objects, stage.s3.multiparts) == ({}, {})


async def test_a_removal_that_s3_reports_inside_its_answer_fails(stage: Stage) -> None:
    upload_id = await stage.create(50)

    def hook(name: str, _arguments: object, call: object) -> object:
        if name == "delete_objects":
            return {"Errors": [{"Key": "x", "Code": "SlowDown", "Message": "slow"}]}
        return call()  # type: ignore[operator]

    stage.watched.hook = hook
    with pytest.raises(Refused) as failure:
        await stage.store.terminate(upload_id)
    assert failure.value.error == trouble.STORAGE_BUSY
    assert stage.s3.objects


async def test_the_sweep_sees_the_unfinished_uploads(stage: Stage) -> None:
    ids = [await stage.create(12) for _ in range(3)]
    await stage.append(ids[0], CONTENT[:12])
    await stage.content(ids[0])
    await stage.append(ids[1], CONTENT[:6])
    stage.s3.create_multipart_upload(Bucket="bucket", Key="not of ours", Metadata={})
    seen = {info.id: info.offset async for info in stage.store.uploads()}
    assert seen == {ids[1]: 6, ids[2]: 0}


@pytest.mark.parametrize(("code", "fails"), [("AccessDenied", False), ("SlowDown", True)])
async def test_without_the_permission_to_list_there_is_nothing_to_sweep(
    stage: Stage, code: str, fails: bool, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.create()
    stage.watched.fail("list_multipart_uploads", refused(code, 403))
    with pytest.raises(Refused) if fails else contextlib.nullcontext():
        assert [info async for info in stage.store.uploads()] == []
    assert f"list_multipart_uploads failed: {code}" in caplog.text


async def test_lists_are_read_page_by_page(stage: Stage) -> None:
    upload_id = await stage.create(None)
    for number in range(1, 2501):
        stage.put_part(upload_id, number, b"abcde")
    stage.watched.calls.clear()
    assert await stage.offset(upload_id) == 12_500
    assert stage.watched.calls["list_parts"] == 3
    ids = {upload_id, *[await stage.create() for _ in range(1001)]}
    assert {info.id async for info in stage.store.uploads()} == ids
    assert stage.watched.calls["list_multipart_uploads"] == 2
