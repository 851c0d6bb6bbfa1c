"""`stores.file_reading`: bytes of a file in pieces, or sent by the system; none are lost."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest
import trio

from tus_reference import Config, FileStore, Handler
from tus_reference.model import FileInfo, Refused
from tus_reference.server import serve
from tus_reference.stores.file_reading import READ_SIZE

CONTENT = bytes(range(256)) * 12_000


async def store_content(folder: Path) -> tuple[FileStore, str]:
    """Return a store with an upload of `CONTENT`."""
    store = FileStore(folder)
    upload_id = await store.new_upload(FileInfo(size=len(CONTENT)))
    (folder / upload_id).write_bytes(CONTENT)
    return store, upload_id


def is_open(path: Path) -> bool:
    """Return whether this process has a file open."""
    return path in [each.resolve() for each in Path("/proc/self/fd").iterdir()]


async def test_a_part_is_read_in_pieces_and_the_file_is_closed(tmp_path: Path) -> None:
    store, upload_id = await store_content(tmp_path)
    pieces = [piece async for piece in store.get_reader(upload_id, 5, 2 * READ_SIZE)]
    assert b"".join(pieces) == CONTENT[5 : 5 + 2 * READ_SIZE]
    assert not is_open(tmp_path / upload_id)
    reading = store.get_reader(upload_id, 0, len(CONTENT))
    await anext(reading)
    assert is_open(tmp_path / upload_id)
    await reading.aclose()
    assert not is_open(tmp_path / upload_id)
    assert [piece async for piece in reading] == []


async def test_a_file_that_is_missing_is_an_upload_that_is_missing(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    with pytest.raises(Refused, match="ERR_UPLOAD_NOT_FOUND"):
        await anext(store.get_reader("missing", 0, 5))


def refuse_always(*_: int) -> int:
    """Refuse as a file system does that cannot send files."""
    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


def send_little(sent: list[int], socket_number: int, file: int, start: int, count: int) -> int:
    """Send a few bytes at a time, and now and then none."""
    sent.append(count)
    if len(sent) % 3 == 0:
        raise BlockingIOError
    data = os.pread(file, min(count, 100_000), start)
    return os.write(socket_number, data)


@pytest.mark.parametrize("way", ["as it is", "not able", "little at a time"])
async def test_a_client_gets_every_byte_however_the_system_sends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    calls: list[int] = []
    if way == "not able":
        monkeypatch.setattr(os, "sendfile", refuse_always)
    elif way == "little at a time":
        monkeypatch.setattr(os, "sendfile", lambda *each: send_little(calls, *each))
    store, upload_id = await store_content(tmp_path)
    request = f"GET /files/{upload_id} HTTP/1.1\r\nHost: x\r\nRange: bytes=%d-\r\n\r\n"
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(serve, Handler(Config(data_store=store)), listeners)
        port = listeners[0].socket.getsockname()[1]
        for start in (0, 7):
            data = await get(port, (request % start).encode())
            head, _, body = data.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 206")
            assert body == CONTENT[start:]
        nursery.cancel_scope.cancel()
    assert bool(calls) == (way == "little at a time")


async def get(port: int, request: bytes) -> bytes:
    """Send a request and return the head and all of the body."""
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        await stream.send_all(request)
        data = b""
        while b"\r\n\r\n" not in data:
            data += await stream.receive_some()
        length = int(data.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        while len(data.partition(b"\r\n\r\n")[2]) < length:
            data += await stream.receive_some()
        return data


async def test_a_client_that_leaves_ends_the_connection_and_closes_the_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, upload_id = await store_content(tmp_path)
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(serve, Handler(Config(data_store=store)), listeners)
        port = listeners[0].socket.getsockname()[1]
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        await stream.send_all(f"GET /files/{upload_id} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await stream.receive_some(1000)
        await stream.aclose()
        with trio.fail_after(30):
            while is_open(tmp_path / upload_id):
                await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    assert caplog.text == ""
