"""The handler, its stores and its lockers inside an asyncio application."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from tus_reference import Config, FileLocker, FileStore, Handler, StoreComposer
from tus_reference.handler import Download, Request, Response
from tus_reference.protocol import Headers

if TYPE_CHECKING:
    from pathlib import Path


class Bytes:
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


async def ask(handler: Handler, method: str, path: str, body: Bytes, **headers: str) -> Response:
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
        created = await ask(handler, "POST", "/files/", Bytes(), Upload_Length="10")
        path = dict(created.headers)["Location"]
        patch = {"Content_Type": "application/offset+octet-stream"}

        async def stall() -> None:
            body = Bytes(b"hello", length=10)
            answer = await ask(handler, "PATCH", path, body, Upload_Offset="0", **patch)
            statuses.append(answer.status)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stall)
            told = ""
            while told != "5":
                head = await ask(handler, "HEAD", path, Bytes())
                told = dict(head.headers)["Upload-Offset"]
            answer = await ask(handler, "PATCH", path, Bytes(b" tus!"), Upload_Offset="5", **patch)
            statuses.append(answer.status)
        assert (await handler.complete_uploads.receive()).upload.offset == 10
        content = (await ask(handler, "GET", path, Bytes())).body
        assert isinstance(content, Download)
        assert b"".join([piece async for piece in content.chunks]) == b"hello tus!"

    anyio.run(main, backend=backend)
    assert statuses == [400, 204]
    assert [p.suffix for p in sorted(tmp_path.iterdir())] == ["", ".info"]
