"""`stores.s3.part_writer`: bodies become parts and a tail; acknowledged bytes stay."""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from memory_s3 import PieceSource, byte_source, client_error
from s3_harness import SMALL_SIZES, new_s3_harness

from tus_reference.model import FileInfo, Refused, errors
from tus_reference.stores.s3.storage_failures import storage_errors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from s3_harness import S3Harness

CONTENT = bytes(range(48, 148))


def names(folder: Path) -> list[str]:
    """Return the names of what is in a folder."""
    return [path.name for path in folder.iterdir()]


def remove(folder: Path) -> None:
    """Remove an empty folder."""
    folder.rmdir()


@pytest.mark.parametrize(
    ("bodies", "parts", "tail"),
    [
        ([3], [], (3, "0")),
        ([5], [5], None),
        ([10], [10], None),
        ([12], [10], (2, "10")),
        ([15], [10, 5], None),
        ([3, 1], [], (4, "0")),
        ([3, 2], [5], None),
        ([3, 9], [10], (2, "10")),
        ([3, 7, 1], [10], (1, "10")),
        ([100], [10] * 10, None),
        ([99, 1], [10] * 9 + [9, 1], None),
        ([94, 6], [10] * 9 + [10], None),
        ([96, 4], [10] * 9 + [6, 4], None),
        ([1] * 100, [5] * 20, None),
    ],
)
async def test_a_body_becomes_parts_and_what_is_left_a_tail(
    s3_harness: S3Harness, bodies: list[int], parts: list[int], tail: tuple[int, str] | None
) -> None:
    upload_id = await s3_harness.create(100)
    offset = 0
    for length in bodies:
        assert (
            await s3_harness.append(upload_id, CONTENT[offset : offset + length]) == offset + length
        )
        offset += length
        assert await s3_harness.get_offset(upload_id) == offset
    assert [len(content) for content in s3_harness.stored_parts(upload_id).values()] == parts
    stored = s3_harness.stored_tail(upload_id)
    assert (None if stored is None else (len(stored[0]), stored[1])) == tail
    whole = b"".join(s3_harness.stored_parts(upload_id).values()) + (stored[0] if stored else b"")
    assert whole == CONTENT[:offset]
    if offset == 100:
        assert await s3_harness.finish_and_read(upload_id) == CONTENT


async def test_a_body_that_ends_early_counts_as_far_as_it_came(s3_harness: S3Harness) -> None:
    upload_id = await s3_harness.create(100)
    assert await s3_harness.store.write_chunk(upload_id, 0, PieceSource([CONTENT[:12]], 100)) == 12
    assert await s3_harness.get_offset(upload_id) == 12


async def test_an_empty_body_asks_s3_for_nothing(s3_harness: S3Harness) -> None:
    upload_id = await s3_harness.create(100)
    await s3_harness.append(upload_id, b"abc")
    info = await s3_harness.store.get_info(upload_id)
    s3_harness.intercepted.calls.clear()
    assert (await s3_harness.store.append(info, byte_source(b""))).offset == 3
    assert not s3_harness.intercepted.calls


async def test_a_stale_tail_is_ignored(s3_harness: S3Harness) -> None:
    """A crash between storing a part and removing the tail that it took in leaves one."""
    upload_id = await s3_harness.create(20)
    s3_harness.put_part(upload_id, 1, b"abcdefgh")
    s3_harness.put_tail(upload_id, b"abc", "0")
    assert await s3_harness.get_offset(upload_id) == 8
    assert await s3_harness.append(upload_id, b"ij") == 10
    assert s3_harness.stored_tail(upload_id) == (b"ij", "8")


async def test_a_stale_tail_is_removed_once_something_else_is_stored(s3_harness: S3Harness) -> None:
    upload_id = await s3_harness.create(30)
    s3_harness.put_part(upload_id, 1, b"abcdefgh")
    s3_harness.put_tail(upload_id, b"abc", "0")
    await s3_harness.append(upload_id, b"ijklm")
    assert s3_harness.stored_tail(upload_id) is None


async def test_only_contiguous_parts_count(s3_harness: S3Harness) -> None:
    upload_id = await s3_harness.create(100)
    for number in (1, 2, 4, 5):
        s3_harness.put_part(upload_id, number, CONTENT[number * 10 - 10 : number * 10])
    assert await s3_harness.get_offset(upload_id) == 20


async def test_an_orphan_never_counts_behind_a_new_predecessor(s3_harness: S3Harness) -> None:
    """The parts beyond a gap are of an old body; what comes next may be cut otherwise."""
    upload_id = await s3_harness.create(100)
    for number in (1, 3, 4):
        s3_harness.put_part(upload_id, number, CONTENT[number * 10 - 10 : number * 10])
    assert await s3_harness.append(upload_id, CONTENT[10:15]) == 15
    assert await s3_harness.get_offset(upload_id) == 15
    assert s3_harness.stored_parts(upload_id) == {
        1: CONTENT[:10],
        3: b"",
        4: b"",
        5: CONTENT[10:15],
    }
    assert await s3_harness.append(upload_id, CONTENT[15:]) == 100
    assert await s3_harness.finish_and_read(upload_id) == CONTENT


async def test_a_void_number_never_counts_again(s3_harness: S3Harness) -> None:
    """What was missing below an orphan may be stored late, and tusd may rewrite the record."""
    upload_id = await s3_harness.create(100)
    for number in (1, 3):
        s3_harness.put_part(upload_id, number, CONTENT[number * 10 - 10 : number * 10])
    await s3_harness.append(upload_id, CONTENT[10:15])
    s3_harness.put_part(upload_id, 2, CONTENT[10:20])
    s3_harness.put_part(upload_id, 3, CONTENT[20:30])
    await s3_harness.store.declare_length(upload_id, 100)
    assert (await s3_harness.store.get_info(upload_id)).storage["VoidParts"] == "2-3"
    assert await s3_harness.get_offset(upload_id) == 15
    s3_harness.put_part(upload_id, 5, CONTENT[50:60])
    assert await s3_harness.get_offset(upload_id) == 25
    s3_harness.put_part(upload_id, 8, CONTENT[50:60])
    await s3_harness.append(upload_id, b"x")
    assert (await s3_harness.store.get_info(upload_id)).storage["VoidParts"] == "2-3,6-8"


async def test_a_part_that_was_sent_twice_is_one(s3_harness: S3Harness) -> None:
    """boto3 sends a part again when its reply is lost; SeaweedFS then lists both."""
    upload_id = await s3_harness.create(100)
    for _ in range(2):
        s3_harness.put_part(upload_id, 1, CONTENT[:10])
    assert await s3_harness.append(upload_id, CONTENT[10:]) == 100
    assert s3_harness.stored_parts(upload_id)[1] == CONTENT[:10]
    assert await s3_harness.finish_and_read(upload_id) == CONTENT


async def test_two_parts_under_one_number_are_none() -> None:
    s3_harness = new_s3_harness(lists_overwritten=True)
    upload_id = await s3_harness.create(100)
    s3_harness.put_part(upload_id, 1, CONTENT[:10])
    s3_harness.put_part(upload_id, 2, CONTENT[10:20])
    s3_harness.put_part(upload_id, 2, CONTENT[10:15])
    assert await s3_harness.append(upload_id, CONTENT[10:]) == 100
    assert await s3_harness.finish_and_read(upload_id) == CONTENT


async def test_tusds_tail_next_to_a_gap_is_not_trusted(s3_harness: S3Harness) -> None:
    upload_id = await s3_harness.create(100)
    s3_harness.put_part(upload_id, 2, CONTENT[10:20])
    s3_harness.put_tail(upload_id, CONTENT[20:23], None)
    assert await s3_harness.get_offset(upload_id) == 0


@pytest.mark.parametrize("failing", range(1, 6))
async def test_a_failed_part_leaves_what_is_before_it(s3_harness: S3Harness, failing: int) -> None:
    """The parts are sent at the same time; others of them may be stored or not."""
    upload_id = await s3_harness.create(50)
    s3_harness.intercepted.fail("upload_part", client_error("InternalError", 500), number=failing)
    with pytest.raises(Refused) as failure:
        await s3_harness.append(upload_id, CONTENT[:50])
    assert failure.value.error == storage_errors.STORAGE_BUSY
    s3_harness.intercepted.hook = None
    offset = await s3_harness.get_offset(upload_id)
    assert offset <= 10 * (failing - 1)
    assert await s3_harness.append(upload_id, CONTENT[offset:50]) == 50
    assert await s3_harness.finish_and_read(upload_id) == CONTENT[:50]


@pytest.mark.parametrize("operation", ["upload_part", "get_object", "put_object", "delete_object"])
@pytest.mark.parametrize("happens", [False, True])
@pytest.mark.parametrize("length", [2, 9, 13])
async def test_no_failure_takes_back_the_tail(
    s3_harness: S3Harness, operation: str, happens: bool, length: int
) -> None:
    """Each call of a PATCH behind a tail fails, before or after it has had its effect."""
    upload_id = await s3_harness.create(100)
    await s3_harness.append(upload_id, CONTENT[:3])
    await s3_harness.get_offset(upload_id)
    if happens:
        s3_harness.intercepted.lose_reply(operation, TimeoutError())
    else:
        s3_harness.intercepted.fail(operation, TimeoutError())
    with contextlib.suppress(Refused):
        await s3_harness.store.write_chunk(upload_id, 3, byte_source(CONTENT[3 : 3 + length]))
    s3_harness.intercepted.hook = None
    found = await s3_harness.get_offset(upload_id)
    assert 3 <= found <= 3 + length
    assert await s3_harness.append(upload_id, CONTENT[found:]) == 100
    assert await s3_harness.finish_and_read(upload_id) == CONTENT


async def test_looking_up_never_sees_less_while_a_part_takes_in_the_tail(
    s3_harness: S3Harness,
) -> None:
    """HEAD takes no lock: it looks while a PATCH is at any of its steps."""
    upload_id = await s3_harness.create(100)
    await s3_harness.append(upload_id, CONTENT[:3])
    assert await s3_harness.get_offset(upload_id) == 3
    seen: list[int] = []
    resumed = False

    def hook(name: str, _arguments: Mapping[str, Any], call: Any) -> Any:
        nonlocal resumed
        answer = call()
        if name == "list_parts" and not resumed:
            # Between two calls of the look-up the other request does all of its work.
            resumed = True
            anyio.from_thread.run(write)
        return answer

    async def write() -> None:
        await s3_harness.store.write_chunk(upload_id, 3, byte_source(CONTENT[3:12]))

    s3_harness.intercepted.hook = hook
    seen.append(await s3_harness.get_offset(upload_id))
    s3_harness.intercepted.hook = None
    seen.append(await s3_harness.get_offset(upload_id))
    assert seen == [12, 12]


async def test_a_slow_client_leaves_all_places_to_others() -> None:
    """With one place to send parts, a body that does not go on holds nobody up."""
    s3_harness = new_s3_harness(concurrent_part_uploads=1, max_buffered_parts=1)
    slow, quick = await s3_harness.create(100), await s3_harness.create(100)
    waiting, go_on = anyio.Event(), anyio.Event()

    class SlowSource(PieceSource):
        async def read_into(self, buffer: memoryview) -> int:
            if len(self._pieces) == 1:
                waiting.set()
                await go_on.wait()
            return await super().read_into(buffer)

    async def write_slowly() -> None:
        await s3_harness.store.write_chunk(slow, 0, SlowSource([CONTENT[:17], CONTENT[17:]], 100))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(write_slowly)
            await waiting.wait()
            assert await s3_harness.append(quick, CONTENT) == 100
            go_on.set()
    assert (
        await s3_harness.finish_and_read(slow) == await s3_harness.finish_and_read(quick) == CONTENT
    )


async def test_space_is_bounded_and_given_back(tmp_path: Path) -> None:
    """Ten long bodies at once: never more than the bound and a smallest part for each."""
    size = 3_000_000
    s3_harness = new_s3_harness(
        min_part_size=100_000,
        preferred_part_size=200_000,
        max_part_size=1_000_000,
        max_object_size=size,
        max_multipart_parts=100,
        max_buffered_parts=2,
        concurrent_part_uploads=2,
        temporary_directory=tmp_path,
    )
    s3_harness.s3.min_part_size, s3_harness.s3.max_part_size = 100_000, 1_000_000
    space = s3_harness.store._budget
    space.memory = 300_000
    memory, total = space.memory, space.total
    content = random.Random(1).randbytes(size)
    least: list[tuple[int, int]] = []
    largest = 0

    def hook(_name: str, arguments: Mapping[str, Any], call: Any) -> Any:
        nonlocal largest
        least.append((space.memory, space.total))
        largest = max(largest, arguments.get("ContentLength", 0))
        return call()

    async def write(upload_id: str) -> None:
        assert await s3_harness.append(upload_id, content) == size

    s3_harness.intercepted.hook = hook
    ids = [await s3_harness.create(size) for _ in range(10)]
    async with anyio.create_task_group() as tasks:
        for upload_id in ids:
            tasks.start_soon(write, upload_id)
    assert min(m for m, _ in least) >= 0
    assert min(t for _, t in least) >= 0
    assert min(t for _, t in least) < total
    assert largest == 200_000
    assert (space.memory, space.total) == (memory, total)
    for upload_id in ids:
        assert await s3_harness.finish_and_read(upload_id) == content
    assert names(tmp_path) == []


async def test_a_full_disk_fails_the_request_and_nothing_else(tmp_path: Path) -> None:
    s3_harness = new_s3_harness(temporary_directory=tmp_path)
    s3_harness.store._budget.memory = 0
    upload_id = await s3_harness.create(100)
    await s3_harness.append(upload_id, CONTENT[:3])
    remove(tmp_path)
    with pytest.raises(OSError, match="No such file"):
        await s3_harness.append(upload_id, CONTENT[3:40])
    assert await s3_harness.get_offset(upload_id) == 3


async def test_more_than_s3_can_hold_is_refused(s3_harness: S3Harness) -> None:
    with pytest.raises(Refused) as refused_:
        await s3_harness.create(1_000_001)
    assert refused_.value.error.code == errors.MAX_SIZE_EXCEEDED.code
    upload_id = await s3_harness.create(None)
    with pytest.raises(Refused) as refused_:
        await s3_harness.store.declare_length(upload_id, 1_000_001)
    assert refused_.value.error.status == 413
    s3_harness = new_s3_harness(max_object_size=20)
    upload_id = await s3_harness.create(None)
    with pytest.raises(Refused) as refused_:
        await s3_harness.append(upload_id, CONTENT)
    assert refused_.value.error == errors.MAX_SIZE_EXCEEDED


async def test_an_offset_that_is_not_the_uploads_is_refused(s3_harness: S3Harness) -> None:
    upload_id = await s3_harness.create(100)
    with pytest.raises(Refused) as refused_:
        await s3_harness.store.write_chunk(upload_id, 1, byte_source(b"x"))
    assert refused_.value.error == errors.MISMATCHED_OFFSET


@pytest.mark.parametrize("known", [True, False])
async def test_ten_thousand_parts_in_one_body(known: bool) -> None:
    """5 TiB at a scale of one byte to one MiB: parts of 525, or growing ones."""
    tib5 = 5 * 1024 * 1024
    s3_harness = new_s3_harness(
        min_part_size=5,
        preferred_part_size=50,
        max_part_size=5 * 1024,
        max_multipart_parts=10_000,
        max_object_size=tib5,
    )
    s3_harness.s3.max_part_size = 5 * 1024
    content = random.Random(1).randbytes(tib5)
    upload_id = await s3_harness.create(tib5 if known else None)
    assert await s3_harness.append(upload_id, content) == tib5
    assert await s3_harness.get_offset(upload_id) == tib5
    parts = s3_harness.stored_parts(upload_id)
    assert len(parts) <= 10_000
    if known:
        assert {len(part) for part in parts.values()} <= {524, 525}
    await s3_harness.store.declare_length(upload_id, tib5)
    assert await s3_harness.finish_and_read(upload_id) == content


async def test_many_small_bodies_do_not_run_out_of_numbers() -> None:
    """2,000 bodies in at most 100 parts, where parts of the smallest size would be 400."""
    s3_harness = new_s3_harness(
        **{**SMALL_SIZES, "max_multipart_parts": 100, "max_object_size": 2000}
    )
    upload_id = await s3_harness.store.new_upload(FileInfo(size=2000))
    content = random.Random(1).randbytes(2000)
    for offset in range(2000):
        assert await s3_harness.append(upload_id, content[offset : offset + 1]) == offset + 1
    assert len(s3_harness.stored_parts(upload_id)) == 100
    assert await s3_harness.finish_and_read(upload_id) == content
