"""`server.plain_chunks`: chunks in any pieces give their bytes; what is not plain is left."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tus_reference.server.plain_chunks import (
    CHUNKS_PER_TURN,
    FIRST_SPACE,
    SPACE,
    ChunkState,
    PlainChunks,
)

BEHIND = b"HEAD / HTTP/1.1\r\n"


def encode(pieces: list[bytes]) -> bytes:
    """Return a body in chunks."""
    return b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in pieces) + b"0\r\n\r\n"


def read(data: bytes, cuts: list[int], size: int) -> tuple[bytes, ChunkState, bytes]:
    """Receive `data` cut at places and read it by `size` bytes; return all that came of it."""
    places = sorted({min(cut, len(data)) for cut in cuts} | {len(data)})
    chunks, found, position = PlainChunks(data[: places[0]]), b"", places[0]
    waiting = places[1:]
    while True:
        buffer = memoryview(bytearray(size))
        count, state = chunks.take(buffer)
        found += bytes(buffer[:count])
        if state is ChunkState.MAY_GO_ON:
            continue
        if state is not ChunkState.NEEDS_BYTES or not waiting:
            return found, state, chunks.rest
        received, position = data[position : waiting[0]], waiting.pop(0)
        # What belongs to a chunk can go straight to the reader, as from a socket.
        direct = min(chunks.direct, len(received))
        space = chunks.free_space()
        if direct:
            chunks.skip(direct)
        found += received[:direct]
        space[: len(received) - direct] = received[direct:]
        chunks.add(len(received) - direct)


@settings(deadline=None)
@given(
    st.lists(st.binary(min_size=1, max_size=40), max_size=8),
    st.lists(st.integers(0, 300), max_size=6),
    st.integers(1, 50),
)
def test_the_bytes_are_those_of_the_chunks(pieces: list[bytes], cuts: list[int], size: int) -> None:
    data = encode(pieces) + BEHIND
    found, state, rest = read(data, cuts, size)
    assert (found, state) == (b"".join(pieces), ChunkState.COMPLETE)
    assert BEHIND.startswith(rest)
    assert read(data, [], size)[2] == BEHIND


@pytest.mark.parametrize(
    ("data", "found", "state"),
    [
        (b"", b"", ChunkState.NEEDS_BYTES),
        (b"5", b"", ChunkState.NEEDS_BYTES),
        (b"5\r", b"", ChunkState.NEEDS_BYTES),
        (b"5\r\nhel", b"hel", ChunkState.NEEDS_BYTES),
        (b"5\r\nhello\r", b"hello", ChunkState.NEEDS_BYTES),
        (b"5\r\nhello\r\n0\r\n\r", b"hello", ChunkState.NEEDS_BYTES),
        (b"5\r\nhello\n", b"hello", ChunkState.MALFORMED),
        (b"5\r\nhello\rx", b"hello", ChunkState.MALFORMED),
        (b"5\nhello\r\n", b"", ChunkState.NOT_PLAIN),
        (b"5;a=b\r\nhello\r\n", b"", ChunkState.NOT_PLAIN),
        (b"5\r\nhello\r\n5 \r\n", b"hello", ChunkState.NOT_PLAIN),
        (b"0\r\nUpload-Checksum: ", b"", ChunkState.NOT_PLAIN),
        (b"00\r\n\r\n", b"", ChunkState.NOT_PLAIN),
        (b"-5\r\nhello\r\n", b"", ChunkState.NOT_PLAIN),
        (b"0x5\r\nhello\r\n", b"", ChunkState.NOT_PLAIN),
        (b"1" * 16 + b"\r\n", b"", ChunkState.NOT_PLAIN),
        (b"G\r\n", b"", ChunkState.NOT_PLAIN),
    ],
)
def test_what_is_not_plain_is_left(data: bytes, found: bytes, state: ChunkState) -> None:
    assert read(data, [], 100)[:2] == (found, state)


def test_many_small_chunks_take_several_turns() -> None:
    chunks = PlainChunks(encode([b"x"] * (CHUNKS_PER_TURN + 1)))
    buffer = memoryview(bytearray(SPACE))
    assert chunks.take(buffer) == (CHUNKS_PER_TURN, ChunkState.MAY_GO_ON)
    assert chunks.take(buffer) == (1, ChunkState.COMPLETE)


def test_the_space_grows_for_a_client_that_fills_it() -> None:
    chunks = PlainChunks(b"")
    sizes = []
    for full in (False, True, True, True, False):
        space = chunks.free_space()
        sizes.append(len(space))
        count = len(space) if full else 20
        data = b"%x\r\n" % SPACE**2
        space[:count] = (data + b"x" * count)[:count] if not chunks.remaining else b"x" * count
        chunks.add(count)
        chunks.take(memoryview(bytearray(SPACE)))
    assert sizes == [FIRST_SPACE, FIRST_SPACE, 4 * FIRST_SPACE, SPACE, SPACE]


def test_a_chunk_can_be_received_by_the_reader_itself() -> None:
    chunks = PlainChunks(b"%x\r\nhello" % (2 * SPACE))
    assert chunks.direct == 0
    assert chunks.take(memoryview(bytearray(10))) == (5, ChunkState.NEEDS_BYTES)
    assert chunks.direct == 2 * SPACE - 5
    chunks.skip(2 * SPACE - 5)
    chunks.free_space()[:2] = b"\r\n"
    chunks.add(2)
    assert chunks.take(memoryview(bytearray(10))) == (0, ChunkState.NEEDS_BYTES)
