"""`handler`: the handler, its stores and its lockers inside an asyncio application."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from tus_reference import Config, FileLocker, FileStore, Handler, StoreComposer
from tus_reference.model import Download, Headers, Request, Response

if TYPE_CHECKING:
    from pathlib import Path


class BytesBody:
    """A body that is there already, or that stalls after its bytes."""

    trailers = Headers()

    def __init__(self, data: bytes = b"", length: int | None = None) -> None:
        self._data = data
        self.length = len(data) if length is None else length
        self._stalls = length is not None

    async def read_into(self, buffer: memoryview) -> int:
        if not self._data and self._stalls:
            await anyio.sleep_forever()
        piece, self._data = self._data[: len(buffer)], self._data[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


async def send_request(
    handler: Handler, method: str, path: str, body: BytesBody, **headers: str
) -> Response:
    """Give the handler a request; headers are written with underscores for dashes."""
    fields = [("Tus-Resumable", "1.0.0"), *((k.replace("_", "-"), v) for k, v in headers.items())]
    return await handler.handle(Request(method, path, Headers(fields), body))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_uploads_and_take_overs(tmp_path: Path, backend: str) -> None:
    statuses: list[int] = []

    async def main() -> None:
        composer = StoreComposer()
        FileStore(tmp_path).use_in(composer)
        FileLocker(tmp_path).use_in(composer)
        handler = Handler(Config(store_composer=composer, notify_complete_uploads=True))
        created = await send_request(handler, "POST", "/files/", BytesBody(), Upload_Length="10")
        path = dict(created.headers)["Location"]
        patch = {"Content_Type": "application/offset+octet-stream"}

        async def stall() -> None:
            body = BytesBody(b"hello", length=10)
            answer = await send_request(handler, "PATCH", path, body, Upload_Offset="0", **patch)
            statuses.append(answer.status)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stall)
            told = ""
            while told != "5":
                head = await send_request(handler, "HEAD", path, BytesBody())
                told = dict(head.headers)["Upload-Offset"]
            answer = await send_request(
                handler, "PATCH", path, BytesBody(b" tus!"), Upload_Offset="5", **patch
            )
            statuses.append(answer.status)
        assert (await handler.complete_uploads.receive()).upload.offset == 10
        content = (await send_request(handler, "GET", path, BytesBody())).body
        assert isinstance(content, Download)
        assert b"".join([piece async for piece in content.chunks]) == b"hello tus!"

    anyio.run(main, backend=backend)
    assert statuses == [400, 204]
    assert [p.suffix for p in sorted(tmp_path.iterdir())] == ["", ".info"]
