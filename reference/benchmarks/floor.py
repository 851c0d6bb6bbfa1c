"""The least that POST, PATCH and HEAD cost on trio and h11: python -m benchmarks.floor PORT FOLDER.

A bare loop that makes the same calls to the disk as the reference: a creation makes the data file
and writes its record aside, syncs and renames it; an append compares the record and the data with
what is remembered of them, opens, writes and closes; HEAD compares them. What a server must have
besides is missing: threads for a disk that hangs, locks, limits, times, extensions, refusals. It
says what there is to gain at most, and serves only the benchmarks.
"""

from __future__ import annotations

import os
import secrets
import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import h11
import trio

if TYPE_CHECKING:
    from collections.abc import Iterable

READ_SIZE = 64 * 1024

Fields = list[tuple[str, str]]


@dataclass
class FloorUpload:
    """What is remembered of an upload: its length in bytes, and when its record was written."""

    length: int
    recorded_at: int


class FloorServer:
    """The uploads of one folder."""

    def __init__(self, port: int, folder: str) -> None:
        self._port = port
        self._folder = folder
        self._uploads: dict[str, FloorUpload] = {}

    async def serve(self, stream: trio.SocketStream) -> None:
        """Answer the requests of one connection until the client closes it."""
        parser = h11.Connection(h11.SERVER)
        async with stream:
            while parser.our_state is h11.IDLE:
                request = await _next_event(parser, stream)
                if not isinstance(request, h11.Request):
                    return
                body = b""
                while isinstance(data := await _next_event(parser, stream), h11.Data):
                    body += data.data
                status, fields = self._answer(request, body)
                fields.append(("Tus-Resumable", "1.0.0"))
                head = h11.Response(status_code=status, headers=fields)
                answer = (parser.send(event) or b"" for event in (head, h11.EndOfMessage()))
                await stream.send_all(b"".join(answer))
                parser.start_next_cycle()

    def _answer(self, request: h11.Request, body: bytes) -> tuple[int, Fields]:
        fields = {name: value.decode() for name, value in request.headers}
        if request.method == b"POST":
            upload_id = self._create(int(fields[b"upload-length"]), fields[b"upload-metadata"])
            location = f"http://127.0.0.1:{self._port}/files/{upload_id}"
            return 201, [("Location", location), ("Upload-Offset", "0"), ("Content-Length", "0")]
        upload_id = request.target.decode().rpartition("/")[2]
        upload, offset = self._look_up(upload_id)
        if request.method == b"HEAD":
            length = str(upload.length)
            return 200, [("Upload-Offset", str(offset)), ("Upload-Length", length)]
        if offset != int(fields[b"upload-offset"]) or offset + len(body) > upload.length:
            return 409, [("Content-Length", "0")]
        self._append(upload_id, offset, body)
        return 204, [("Upload-Offset", str(offset + len(body)))]

    def _create(self, length: int, metadata: str) -> str:
        upload_id = secrets.token_hex(16)
        path, aside = f"{self._folder}/{upload_id}", f"{self._folder}/.{upload_id}.info"
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o664))
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o664)
        os.write(descriptor, f'{{"Size":{length},"MetaData":"{metadata}"}}'.encode())
        os.fsync(descriptor)
        recorded_at = os.fstat(descriptor).st_mtime_ns
        os.close(descriptor)
        os.replace(aside, f"{path}.info")  # noqa: PTH105 - a Path costs as much as the call
        self._uploads[upload_id] = FloorUpload(length, recorded_at)
        return upload_id

    def _look_up(self, upload_id: str) -> tuple[FloorUpload, int]:
        upload, path = self._uploads[upload_id], f"{self._folder}/{upload_id}"
        if os.stat(f"{path}.info").st_mtime_ns != upload.recorded_at:  # noqa: PTH116
            raise RuntimeError(f"the record of {upload_id} was changed")
        return upload, os.stat(path).st_size  # noqa: PTH116

    def _append(self, upload_id: str, offset: int, body: bytes) -> None:
        descriptor = os.open(f"{self._folder}/{upload_id}", os.O_WRONLY)
        try:
            os.pwrite(descriptor, body, offset)
        finally:
            os.close(descriptor)


async def _next_event(parser: h11.Connection, stream: trio.SocketStream) -> object:
    while (event := parser.next_event()) is h11.NEED_DATA:
        parser.receive_data(await stream.receive_some(READ_SIZE))
    return event


def main(arguments: Iterable[str]) -> None:
    """Serve the folder on the port until the process is ended."""
    port, folder = arguments
    server = FloorServer(int(port), folder)
    trio.run(partial(trio.serve_tcp, server.serve, int(port), host="127.0.0.1"))


if __name__ == "__main__":
    main(sys.argv[1:])
