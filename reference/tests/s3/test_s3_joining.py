"""Partial uploads are joined by copying, and those that are too small through us."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from s3.memory_s3 import refused

from tus_reference.protocol import Refused
from tus_reference.stores.s3.joining import Slice, plan
from tus_reference.stores.s3.sizes import GIB, MIB, Limits

if TYPE_CHECKING:
    from s3.stage import Stage

SMALL = Limits(
    min_part_size=5,
    preferred_part_size=10,
    max_part_size=20,
    max_object_size=2000,
    max_multipart_parts=1000,
)


def slices(*triples: tuple[int, int, int]) -> tuple[Slice, ...]:
    return tuple(Slice(*triple) for triple in triples)


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
def test_parts_are_copied_or_gathered(sizes: list[int], parts: list[tuple[Slice, ...]]) -> None:
    assert plan(sizes, SMALL) == parts


@given(st.lists(st.integers(0, 60), max_size=12))
def test_a_plan_has_every_byte_once_in_parts_that_s3_takes(sizes: list[int]) -> None:
    parts = plan(sizes, SMALL)
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
    parts = plan([12 * GIB, 1 * MIB, 5 * MIB, 3], Limits())
    assert [sum(s.length for s in part) for part in parts] == [
        *[4 * GIB] * 3,
        6 * MIB,
        3,
    ]
    many = plan([5 * MIB] * 20_000, Limits())
    assert len(many) <= 10_000


async def finals(stage: Stage, contents: list[bytes]) -> tuple[str, list[str]]:
    """Create finished partial uploads with these contents and a final one."""
    ids = []
    for content in contents:
        partial = await stage.create(len(content), is_partial=True)
        await stage.append(partial, content)
        await stage.content(partial)
        ids.append(partial)
    final = await stage.create(
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
    stage: Stage, contents: list[bytes]
) -> None:
    final, ids = await finals(stage, contents)
    assert await stage.offset(final) == 0
    await stage.store.concat_uploads(final, ids)
    info = await stage.store.get_info(final)
    assert (info.offset, info.is_complete) == (sum(map(len, contents)), True)
    await stage.store.finish_upload(final)
    made = stage.s3.objects["final"]
    assert made.content == b"".join(contents)
    assert (made.content_type, made.metadata["a"]) == ("text/plain", "b")


async def test_large_ones_are_copied_within_s3(stage: Stage) -> None:
    final, ids = await finals(stage, [b"0123456789", b"abcdefgh", b"01234"])
    stage.watched.calls.clear()
    await stage.store.concat_uploads(final, ids)
    assert stage.watched.calls == {
        "head_object": 3,
        "upload_part_copy": 3,
        "complete_multipart_upload": 1,
    }


@pytest.mark.parametrize(
    "operation", ["upload_part_copy", "upload_part", "get_object", "complete_multipart_upload"]
)
async def test_a_join_that_failed_has_no_bytes_and_is_done_by_the_next(
    stage: Stage, operation: str
) -> None:
    final, ids = await finals(stage, [b"0123456789", b"abc", b"abcdefghijkl"])
    stage.watched.fail(operation, refused("SlowDown", 503))
    with pytest.raises(Refused):
        await stage.store.concat_uploads(final, ids)
    stage.watched.hook = None
    assert await stage.offset(final) == 0
    await stage.store.concat_uploads(final, ids)
    assert stage.s3.objects["final"].content == b"0123456789abcabcdefghijkl"


async def test_a_partial_that_was_not_finished_is_finished_first(stage: Stage) -> None:
    final, ids = await finals(stage, [b"0123456789"])
    late = await stage.create(7, is_partial=True)
    await stage.append(late, b"abcdefg")
    await stage.store.declare_length(final, 17)
    await stage.store.concat_uploads(final, [*ids, late])
    assert stage.s3.objects["final"].content == b"0123456789abcdefg"


async def test_the_same_partial_may_come_twice(stage: Stage) -> None:
    final, ids = await finals(stage, [b"0123456789"])
    await stage.store.declare_length(final, 20)
    await stage.store.concat_uploads(final, [*ids, *ids])
    assert stage.s3.objects["final"].content == b"01234567890123456789"
