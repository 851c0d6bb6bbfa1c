"""`state.content`: contents are made from a key alone, and compared byte by byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tus_conformance.state.content import (
    BLOCK,
    ConcatenatedContent,
    Content,
    ContentComparison,
    GeneratedContent,
    read_content,
)

ONE = GeneratedContent("seed:scenario:1:upload")
JOINED = ConcatenatedContent(
    ((GeneratedContent("a"), 10), (GeneratedContent("b"), 0), (GeneratedContent("c"), 5))
)
positions = st.integers(0, 3 * BLOCK)


@given(positions, positions, positions)
def test_the_bytes_of_a_range_do_not_depend_on_how_it_is_cut(a: int, b: int, c: int) -> None:
    start, middle, stop = sorted((a, b, c))
    whole = read_content(ONE, start, stop)
    assert len(whole) == stop - start
    assert read_content(ONE, start, middle) + read_content(ONE, middle, stop) == whole


def test_pieces_are_never_larger_than_a_block() -> None:
    pieces = [len(piece) for piece in ONE.chunks(BLOCK - 1, 2 * BLOCK + 1)]
    assert pieces == [1, BLOCK, 1]


def test_each_key_has_bytes_of_its_own_and_each_block_too() -> None:
    blocks = [
        read_content(GeneratedContent(key), at, at + 64) for key in ("a", "b") for at in (0, BLOCK)
    ]
    assert len(set(blocks)) == 4


@given(st.integers(0, 15), st.integers(0, 15))
def test_a_joined_content_is_its_parts_one_after_the_other(a: int, b: int) -> None:
    start, stop = sorted((a, b))
    whole = read_content(GeneratedContent("a"), 0, 10) + read_content(GeneratedContent("c"), 0, 5)
    assert read_content(JOINED, start, stop) == whole[start:stop]
    assert JOINED.key == "a + b + c"


CONTENT = read_content(ONE, 0, 2 * BLOCK)
FLIPPED = bytes([CONTENT[70] ^ 1])

DOWNLOADS: list[tuple[bytes, int | None, str]] = [
    (b"", None, "nothing differs in nothing"),
    (CONTENT, None, "the very bytes"),
    (CONTENT[:70] + FLIPPED + CONTENT[71:], 70, "one bit of one byte"),
    (CONTENT[1:], 0, "the first byte lost"),
    (CONTENT[:100] + CONTENT[101:], 100, "a byte lost in the middle"),
    (CONTENT[:100] + CONTENT[99:], 100, "a byte doubled in the middle"),
    (CONTENT[:BLOCK] * 2, BLOCK, "a block doubled"),
    (CONTENT[:-1] + b"\x00", 2 * BLOCK - 1, "the last byte wrong"),
]


@pytest.mark.parametrize(
    ("data", "difference"), [pytest.param(*case[:2], id=case[2]) for case in DOWNLOADS]
)
@pytest.mark.parametrize("piece", [7000, BLOCK, 1 << 20])
def test_comparison_finds_the_first_wrong_byte(
    data: bytes, difference: int | None, piece: int
) -> None:
    comparison = ContentComparison(ONE)
    for at in range(0, len(data), piece):
        comparison.feed(data[at : at + piece])
    assert comparison.first_difference == difference
    assert comparison.position == len(data)


@pytest.mark.parametrize(
    ("content", "start", "data", "difference"),
    [
        pytest.param(ONE, 10, CONTENT[10:20], None, id="a download may begin in the middle"),
        pytest.param(ONE, 10, CONTENT[:10], 10, id="and is then compared from there"),
        pytest.param(
            JOINED, 0, read_content(JOINED, 0, 15) + b"x", 15, id="a byte after the end is wrong"
        ),
    ],
)
def test_a_comparison_knows_where_it_is(
    content: Content, start: int, data: bytes, difference: int | None
) -> None:
    comparison = ContentComparison(content, start)
    comparison.feed(data)
    assert comparison.first_difference == difference
