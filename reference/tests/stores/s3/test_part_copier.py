"""`stores.s3.part_copier`: partial uploads are joined by copying; small ones are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_s3 import client_error

from tus_reference.model import Refused
from tus_reference.stores.s3.part_copier import SourceSlice, plan_parts
from tus_reference.stores.s3.part_limits import GIB, MIB, PartLimits

if TYPE_CHECKING:
    from s3_harness import S3Harness

SMALL_SIZES = PartLimits(
    min_part_size=5,
    preferred_part_size=10,
    max_part_size=20,
    max_object_size=2000,
    max_multipart_parts=1000,
)


def slices(*triples: tuple[int, int, int]) -> tuple[SourceSlice, ...]:
    return tuple(SourceSlice(*triple) for triple in triples)


@pytest.mark.parametrize(
    ("sizes", "parts"),
    [
        ([], []),
        ([0, 0], []),
        ([3], [slices((0, 0, 3))]),
        ([5, 6], [slices((0, 0, 5)), slices((1, 0, 6))]),
        ([5, 2], [slices((0, 0, 5)), slices((1, 0, 2))]),
        ([2, 5], [slices((0, 0, 2), (1, 0, 5))]),
        ([2, 9], [slices((0, 0, 2), (1, 0, 3)), slices((1, 3, 6))]),
        ([2, 0, 2, 2], [slices((0, 0, 2), (2, 0, 2), (3, 0, 2))]),
        ([50], [slices((0, 0, 16)), slices((0, 16, 17)), slices((0, 33, 17))]),
    ],
)
def test_parts_are_copied_or_gathered(
    sizes: list[int], parts: list[tuple[SourceSlice, ...]]
) -> None:
    assert plan_parts(sizes, SMALL_SIZES) == parts


@given(st.lists(st.integers(0, 60), max_size=12))
def test_a_plan_has_every_byte_once_in_parts_that_s3_takes(sizes: list[int]) -> None:
    parts = plan_parts(sizes, SMALL_SIZES)
    lengths = [sum(slice_.length for slice_ in part) for part in parts]
    assert all(5 <= length <= 20 for length in lengths[:-1])
    position = [
        (slice_.index, byte)
        for part in parts
        for slice_ in part
        for byte in range(slice_.start, slice_.start + slice_.length)
    ]
    assert position == [(i, byte) for i, size in enumerate(sizes) for byte in range(size)]
    for part in parts:
        if len(part) == 1 and part[0].length < sizes[part[0].index]:
            assert sizes[part[0].index] > 5, "S3 copies no range of a small object"


def test_a_plan_for_long_sources_stays_within_the_limits() -> None:
    parts = plan_parts([12 * GIB, 1 * MIB, 5 * MIB, 3], PartLimits())
    assert [sum(s.length for s in part) for part in parts] == [
        *[4 * GIB] * 3,
        6 * MIB,
        3,
    ]
    many = plan_parts([5 * MIB] * 20_000, PartLimits())
    assert len(many) <= 10_000


async def create_final(s3_harness: S3Harness, contents: list[bytes]) -> tuple[str, list[str]]:
    """Create finished partial uploads with these contents and a final one."""
    ids = []
    for content in contents:
        partial = await s3_harness.create(len(content), is_partial=True)
        await s3_harness.append(partial, content)
        await s3_harness.finish_and_read(partial)
        ids.append(partial)
    final = await s3_harness.create(
        sum(map(len, contents)),
        id="final",
        is_final=True,
        partial_uploads=tuple(ids),
        metadata={"filetype": b"text/plain", "a": b"b"},
    )
    return final, ids


@pytest.mark.parametrize(
    "contents",
    [
        [b"0123456789", b"abcdefgh"],
        [b"0123456789", b"abc"],
        [b"abc", b"0123456789"],
        [b"a", b"b", b"c", b"", b"d"],
        [b"", b""],
        [b"x" * 12_000, b"abc", b"y" * 30],
    ],
)
async def test_the_final_object_is_all_of_them_with_metadata_and_type(
    s3_harness: S3Harness, contents: list[bytes]
) -> None:
    final, ids = await create_final(s3_harness, contents)
    assert await s3_harness.get_offset(final) == 0
    await s3_harness.store.concat_uploads(final, ids)
    info = await s3_harness.store.get_info(final)
    assert (info.offset, info.is_complete) == (sum(map(len, contents)), True)
    await s3_harness.store.finish_upload(final)
    made = s3_harness.s3.objects["final"]
    assert made.content == b"".join(contents)
    assert (made.content_type, made.metadata["a"]) == ("text/plain", "b")


async def test_large_ones_are_copied_within_s3(s3_harness: S3Harness) -> None:
    final, ids = await create_final(s3_harness, [b"0123456789", b"abcdefgh", b"01234"])
    s3_harness.intercepted.calls.clear()
    await s3_harness.store.concat_uploads(final, ids)
    assert s3_harness.intercepted.calls == {
        "head_object": 3,
        "upload_part_copy": 3,
        "complete_multipart_upload": 1,
    }


@pytest.mark.parametrize(
    "operation", ["upload_part_copy", "upload_part", "get_object", "complete_multipart_upload"]
)
async def test_a_join_that_failed_has_no_bytes_and_is_done_by_the_next(
    s3_harness: S3Harness, operation: str
) -> None:
    final, ids = await create_final(s3_harness, [b"0123456789", b"abc", b"abcdefghijkl"])
    s3_harness.intercepted.fail(operation, client_error("SlowDown", 503))
    with pytest.raises(Refused):
        await s3_harness.store.concat_uploads(final, ids)
    s3_harness.intercepted.hook = None
    assert await s3_harness.get_offset(final) == 0
    await s3_harness.store.concat_uploads(final, ids)
    assert s3_harness.s3.objects["final"].content == b"0123456789abcabcdefghijkl"


async def test_a_partial_that_was_not_finished_is_finished_first(s3_harness: S3Harness) -> None:
    final, ids = await create_final(s3_harness, [b"0123456789"])
    late = await s3_harness.create(7, is_partial=True)
    await s3_harness.append(late, b"abcdefg")
    await s3_harness.store.declare_length(final, 17)
    await s3_harness.store.concat_uploads(final, [*ids, late])
    assert s3_harness.s3.objects["final"].content == b"0123456789abcdefg"


async def test_the_same_partial_may_come_twice(s3_harness: S3Harness) -> None:
    final, ids = await create_final(s3_harness, [b"0123456789"])
    await s3_harness.store.declare_length(final, 20)
    await s3_harness.store.concat_uploads(final, [*ids, *ids])
    assert s3_harness.s3.objects["final"].content == b"01234567890123456789"
