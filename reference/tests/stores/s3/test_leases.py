"""`stores.s3`: without its lease a server changes nothing in S3, and failures are left with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fixed_leases import FixedLease
from memory_s3 import client_error
from s3_harness import S3Harness, new_s3_harness

from tus_reference import Refused
from tus_reference.model import use_lease
from tus_reference.stores.s3 import connect
from tus_reference.stores.s3.bucket import CHANGES
from tus_reference.stores.s3.recent_writes import RecentWrites
from tus_reference.stores.s3.stored_parts import StoredParts, Tail

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

CONTENT = bytes(range(48, 148))


def changes(stage: S3Harness) -> int:
    """Return how many calls there were that change something."""
    return sum(stage.intercepted.calls[name] for name in CHANGES)


@pytest.mark.parametrize(
    "change",
    [
        lambda stage, upload: stage.append(upload, CONTENT[20:45]),
        lambda stage, upload: stage.store.declare_length(upload, 60),
        lambda stage, upload: stage.store.terminate(upload),
        lambda stage, upload: stage.store.concat_uploads(upload, []),
    ],
    ids=["append", "declare_length", "terminate", "concat_uploads"],
)
async def test_nothing_is_changed_without_the_lease(
    change: Callable[[S3Harness, str], Awaitable[Any]],
) -> None:
    stage = new_s3_harness()
    upload_id = await stage.create(None)
    await stage.append(upload_id, CONTENT[:20])
    before = changes(stage)
    with use_lease(FixedLease(held=False)), pytest.raises(Refused, match="ERR_LOCK_LOST"):
        await change(stage, upload_id)
    assert changes(stage) == before
    assert await stage.get_offset(upload_id) == 20


async def test_a_lease_that_ends_in_a_body_lets_no_further_part_out() -> None:
    stage = new_s3_harness()
    upload_id = await stage.create(100)
    lease = FixedLease(held=True)

    def lose(_: str, __: Mapping[str, Any], call: Callable[[], Any]) -> Any:
        lease.held = False
        return call()

    stage.intercepted.hook = lose
    with use_lease(lease), pytest.raises(Refused, match="ERR_LOCK_LOST"):
        await stage.append(upload_id, CONTENT)
    assert len(stage.stored_parts(upload_id)) < 10


async def test_a_failed_call_leaves_the_upload_unsettled() -> None:
    stage = new_s3_harness(late_write_delay=7.0)
    upload_id = await stage.create(100)
    lease = FixedLease(held=True)
    stage.intercepted.fail("upload_part", client_error("InternalError", 500))
    with use_lease(lease), pytest.raises(Refused):
        await stage.append(upload_id, CONTENT)
    assert lease.unsettled == 7.0


@pytest.mark.parametrize("held", [True, False])
def test_boto3_sends_no_further_attempt_without_the_lease(
    monkeypatch: pytest.MonkeyPatch, held: bool
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    service: Any = connect("http://127.0.0.1:9")
    attempts = []
    lease = FixedLease(held=True)

    def count(**_: object) -> None:
        attempts.append(1)
        lease.held = held

    service.meta.events.register_last("before-send.s3", count)
    with use_lease(lease), pytest.raises(Exception, match="9" if held else "ERR_LOCK_LOST"):
        service.delete_object(Bucket="bucket", Key="key")
    assert (len(attempts) > 1) is held


async def test_what_a_stopped_server_sends_late_counts_for_nothing() -> None:
    """It was stopped in the middle of sending parts, and another server has gone on."""
    stage = new_s3_harness(concurrent_part_uploads=3)
    upload_id = await stage.create(100)
    await stage.append(upload_id, CONTENT[:20])
    stage.store.note_abandoned(upload_id)
    assert await stage.append(upload_id, CONTENT[20:60]) == 60
    assert min(set(stage.stored_parts(upload_id)) - {1, 2}) == 6
    for number in (3, 4, 5):
        stage.put_part(upload_id, number, b"XXXXXXX")
    assert await stage.get_offset(upload_id) == 60
    # Once only: later requests use the next numbers.
    assert await stage.append(upload_id, CONTENT[60:]) == 100
    assert max(stage.stored_parts(upload_id)) == 13
    assert await stage.finish_and_read(upload_id) == CONTENT


@pytest.mark.parametrize("before", [b"", CONTENT[:2]], ids=["no tail", "a tail"])
async def test_a_late_tail_does_not_replace_a_newer_one(before: bytes) -> None:
    stage = new_s3_harness()
    upload_id = await stage.create(100)
    await stage.append(upload_id, before)
    at = len(before)

    def store_newer_tail(name: str, _: Mapping[str, Any], call: Callable[[], Any]) -> Any:
        if name == "put_object":
            stage.put_tail(upload_id, CONTENT[: at + 2], "0")
        return call()

    stage.intercepted.hook = store_newer_tail
    with use_lease(FixedLease(held=True)), pytest.raises(Refused, match="ERR_MISMATCHED_OFFSET"):
        await stage.append(upload_id, CONTENT[at : at + 1])
    stage.intercepted.hook = None
    assert await stage.get_offset(upload_id) == at + 2
    with use_lease(FixedLease(held=True)):
        assert await stage.append(upload_id, CONTENT[at + 2 :]) == 100
    assert await stage.finish_and_read(upload_id) == CONTENT


async def test_an_s3_without_conditions_stores_tails_as_before() -> None:
    stage = new_s3_harness()
    upload_id = await stage.create(100)

    def refuse_conditions(name: str, a: Mapping[str, Any], call: Callable[[], Any]) -> Any:
        if name == "put_object" and {"IfMatch", "IfNoneMatch"} & set(a):
            raise client_error("NotImplemented", 501)
        return call()

    stage.intercepted.hook = refuse_conditions
    with use_lease(FixedLease(held=True)):
        assert await stage.append(upload_id, CONTENT[:2]) == 2
        assert await stage.append(upload_id, CONTENT[2:4]) == 4
    assert stage.stored_tail(upload_id) == (CONTENT[:4], "0")


def test_a_look_up_that_is_overtaken_by_another_is_not_an_old_response() -> None:
    """Also where a server must not remember what others may have changed."""
    recent = RecentWrites(stale_time=0.0)
    later = StoredParts(tail=Tail(5, "", 0))
    recent.note_state("id", later)
    assert recent.newest_state("id", StoredParts(tail=Tail(3, "", 0))) == later
