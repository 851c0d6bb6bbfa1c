"""`network_fault`: positions, what a fault must be, and its sentence."""

from __future__ import annotations

import re

import msgspec
import pytest

from tus_scenarios import NetworkFault
from tus_scenarios.network_fault import (
    BLOCK_SIZE,
    PART_SIZE,
    PositionError,
    describe_fault,
    resolve_position,
)

POSITIONS: list[tuple[int | str, int, int]] = [
    (0, 100, 0),
    (40, 100, 40),
    ("40", 100, 40),
    ("-1", 100, 99),
    ("50%", 101, 50),
    ("100%", 7, 7),
    ("first", 100, 1),
    ("last", 100, 100),
    ("last-but-one", 100, 99),
    ("block", 10 * BLOCK_SIZE, BLOCK_SIZE),
    ("3block", 10 * BLOCK_SIZE, 3 * BLOCK_SIZE),
    ("block-1", 10 * BLOCK_SIZE, BLOCK_SIZE - 1),
    ("part", 2 * PART_SIZE, PART_SIZE),
    ("2part+1", 3 * PART_SIZE, 2 * PART_SIZE + 1),
    ("part", 100, 100),
    (400, 100, 100),
    ("-400", 100, 0),
    ("first", 0, 0),
]


@pytest.mark.parametrize(("at", "length", "place"), POSITIONS, ids=str)
def test_positions(at: int | str, length: int, place: int) -> None:
    """Bytes, shares and boundaries, and never outside of what there is."""
    assert resolve_position(at, length) == place


@pytest.mark.parametrize("at", ["", "half", "50 %", "0block", "1.5", "--1", "+1", "blocks"])
def test_what_is_no_position(at: str) -> None:
    """The sentence says how one is written."""
    with pytest.raises(PositionError, match="is not a position: write 40"):
        resolve_position(at, 100)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"at": 4}, "exactly one action of cut, stall, .*; it has none"),
        ({"cut": "fin", "stall": 1}, "it has cut and stall"),
        ({"cut": "fin", "until": "x"}, "`until` needs a `stall`"),
        ({"throttle": 0}, "`throttle` must be a number of bytes, at least 1"),
        ({"pieces": -1}, "`pieces` must be a number of bytes, at least 1"),
        ({"stall": -0.5}, "`stall` must be a number of seconds, at least 0"),
        ({"cut": "off"}, "Invalid enum value 'off'"),
    ],
    ids=str,
)
def test_what_is_no_fault(fault: dict[str, object], sentence: str) -> None:
    """Refused when it is read."""
    with pytest.raises(msgspec.ValidationError, match=sentence):
        msgspec.convert(fault, NetworkFault)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (NetworkFault(cut="rst", at=40), "the connection reset after 40 bytes of the body"),
        (
            NetworkFault(cut="fin", at="last", inside="head"),
            "closed after the last byte of the head",
        ),
        (NetworkFault(cut="half", at="-1"), "half-closed, .* after all but 1 byte of the body"),
        (NetworkFault(stall=1.5, at="50%"), "stalled for 1.5 seconds after 50% of the body"),
        (
            NetworkFault(stall=3, until="asked", at=4),
            "until 'asked' has its response, for at most 3 seconds",
        ),
        (NetworkFault(throttle=100), "at 100 bytes per second after 0 bytes of the body"),
        (NetworkFault(pieces=1), "in writes of 1 byte after 0 bytes of the body"),
        (NetworkFault(split=True, at=1, inside="end"), "split after 1 byte of the body's end"),
        (NetworkFault(duplicate=True), "twice at once"),
        (NetworkFault(lose="reply"), "its response lost"),
    ],
    ids=lambda value: value.action if isinstance(value, NetworkFault) else "",
)
def test_how_a_fault_reads(fault: NetworkFault, words: str) -> None:
    """As the end of a sentence about its request."""
    assert re.search(words, describe_fault(fault))
