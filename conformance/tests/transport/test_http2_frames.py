"""`transport.http2_frames`: frames by name, however the bytes are split."""

from __future__ import annotations

import pytest

from tus_conformance.transport.http2_frames import PREFACE, FrameParser


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return (
        len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload
    )


# Each row: the bytes of a frame, and its name.
NAMED = {
    "data": (frame(0, 0, 1, b"hello"), "DATA stream 1"),
    "the last data": (frame(0, 1, 3, b"hello"), "DATA stream 3 END_STREAM"),
    "empty data": (frame(0, 1, 1), "DATA stream 1 END_STREAM"),
    "headers": (frame(1, 4, 1, b"\x82"), "HEADERS stream 1"),
    "priority": (frame(2, 0, 1, bytes(5)), "PRIORITY stream 1"),
    "a promise": (frame(5, 4, 1, bytes(4)), "PUSH_PROMISE stream 1"),
    "a ping": (frame(6, 0, 0, bytes(8)), "PING"),
    "a ping that is answered": (frame(6, 1, 0, bytes(8)), "PING ACK"),
    "headers that go on": (frame(9, 4, 1, b"\x82"), "CONTINUATION stream 1"),
    "a reset with its code": (frame(3, 0, 1, b"\0\0\0\x08"), "RST_STREAM stream 1 code 8"),
    "settings": (frame(4, 0, 0, bytes(6)), "SETTINGS"),
    "settings acknowledged": (frame(4, 1, 0), "SETTINGS ACK"),
    "a farewell with its code": (frame(7, 0, 0, bytes(7) + b"\x0bbye"), "GOAWAY code 11"),
    "a frame nobody knows": (frame(0x21, 0, 0, b"x"), "frame of type 33"),
    "a reserved bit is not part of the stream": (
        frame(8, 0, 0x80000005, bytes(4)),
        "WINDOW_UPDATE stream 5",
    ),
}


def named(frames: FrameParser, data: bytes, step: int) -> dict[str, int]:
    """Return the bytes of each frame by its name, fed in steps."""
    sizes: dict[str, int] = {}
    for at in range(0, len(data), step):
        for size, words in frames.feed(data[at : at + step]):
            sizes[words] = sizes.get(words, 0) + size
    return sizes


@pytest.mark.parametrize("step", [1, 5, 9, 1000])
@pytest.mark.parametrize(("data", "name"), NAMED.values(), ids=NAMED)
def test_a_frame_is_named(data: bytes, name: str, step: int) -> None:
    assert named(FrameParser(), data, step) == {name: len(data)}


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_every_byte_of_a_client_is_accounted_for(step: int) -> None:
    frames = [data for data, _ in NAMED.values()]
    sizes = named(FrameParser(preface=True), PREFACE + b"".join(frames), step)
    assert sizes == {"preface": len(PREFACE)} | {name: len(data) for data, name in NAMED.values()}
