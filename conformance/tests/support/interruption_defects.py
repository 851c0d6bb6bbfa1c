"""A small tus server in memory that locks with 423, and the ways in which it can break.

It differs from the reference on purpose: nobody takes an upload over from anybody, a lock ends
with its connection, and what broke off is kept as far as it came. Each of `breaks` spoils one
thing.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import h11
import trio

URL = "http://tus.test/files/"
EXTENSIONS = (
    "creation,creation-with-upload,creation-defer-length,checksum,checksum-trailer,termination,"
    "concatenation"
)

Headers = dict[str, str]


@dataclass
class InterruptedUpload:
    """An upload."""

    length: int | None
    concat: str = ""
    data: bytearray = field(default_factory=bytearray)
    locked: bool = False


class ClientGoneError(Exception):
    """The client is gone."""


class InterruptionDefectServer:
    """The server; its uploads are those of all its connections."""

    def __init__(self, *breaks: str) -> None:
        self.breaks = frozenset(breaks)
        self.uploads: dict[str, InterruptedUpload] = {}
        self.left_over = b""
        self.freed = trio.Event()

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Serve one connection, request by request."""
        connection = h11.Connection(h11.SERVER)
        while True:
            talk = RequestDialog(stream, connection)
            try:
                if not await talk.read_head():
                    return
                await self._answer(talk)
                while connection.their_state is h11.SEND_BODY:
                    await talk.read_piece()
            except h11.RemoteProtocolError:
                await talk.respond(400)
                return
            except ClientGoneError:
                if talk.request is None and talk.half and "acts on half a head" in self.breaks:
                    for upload in self.uploads.values():
                        del upload.data[-1:]
                return
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return
            connection.start_next_cycle()

    async def _answer(self, talk: RequestDialog) -> None:
        upload = self.uploads.get(talk.name)
        if talk.method == "OPTIONS":
            await talk.respond(
                204, {"Tus-Version": "1.0.0", "Tus-Extension": EXTENSIONS, **DIGESTS}
            )
        elif talk.headers.get("tus-resumable") != "1.0.0" and talk.method != "GET":
            await self._refuse(talk, 412, {"Tus-Version": "1.0.0"})
        elif talk.method == "POST":
            await self._create(talk)
        elif upload is None:
            await self._refuse(talk, 404)
        elif talk.method == "PATCH":
            await self._patch(talk, upload)
        elif talk.method == "DELETE":
            await self._delete(talk, upload)
        elif talk.method == "GET":
            await talk.respond(200, body=bytes(upload.data))
        else:
            await self._head(talk, upload)

    async def _refuse(
        self, talk: RequestDialog, status: int, headers: Headers | None = None
    ) -> None:
        """Read the body, so that the next request can be found, and refuse it."""
        if "leaves bodies unread" in self.breaks:
            rest = talk.unread_bytes() or bytes(await talk.stream.receive_some())
            await talk.stream.send_all(_empty_response(status))
            await self._serve_remaining(talk.stream, rest)
            raise ClientGoneError
        while await talk.read_piece():
            pass
        await talk.respond(status, headers)

    async def _serve_remaining(self, stream: trio.abc.Stream, rest: bytes) -> None:
        """Take what is left of a body for the next request."""
        again = h11.Connection(h11.SERVER)
        if rest:
            again.receive_data(rest)
        talk = RequestDialog(stream, again)
        try:
            if await talk.read_head():
                await self._answer(talk)
        except h11.RemoteProtocolError:
            await stream.send_all(_empty_response(400))

    async def _head(self, talk: RequestDialog, upload: InterruptedUpload) -> None:
        if "one lock for all" in self.breaks:
            while any(each.locked for each in self.uploads.values()):
                await self.freed.wait()
        headers = {"Upload-Offset": str(len(upload.data)), "Cache-Control": "no-store"}
        if upload.length is None:
            headers["Upload-Defer-Length"] = "1"
        else:
            headers["Upload-Length"] = str(upload.length)
        if upload.concat:
            headers["Upload-Concat"] = upload.concat
        await talk.respond(200, headers)

    async def _delete(self, talk: RequestDialog, upload: InterruptedUpload) -> None:
        if upload.locked and "deletion undone" not in self.breaks:
            await talk.respond(423)
            return
        self.uploads.pop(talk.name, None)
        await talk.respond(204)

    async def _create(self, talk: RequestDialog) -> None:
        length, concat = talk.headers.get("upload-length"), talk.headers.get("upload-concat", "")
        upload = InterruptedUpload(None if length is None else int(length), concat)
        name = str(len(self.uploads) + 1)
        if "names uploads by their length" in self.breaks and length and not concat:
            name = f"of-{length}"
            upload = self.uploads.get(name, upload)
        if concat.startswith("final;"):
            parts = [self.uploads.get(urlsplit(url).path[7:]) for url in concat[6:].split()]
            early = "joins what is there" not in self.breaks
            if any(part is None or (early and len(part.data) != part.length) for part in parts):
                await self._refuse(talk, 400)
                return
            upload.data += b"".join(part.data for part in parts if part is not None)
            upload.length = len(upload.data)
            if "joins without the seam" in self.breaks:
                upload.data[50:51] = b""
                upload.data += b"\0"
        elif talk.headers.get("content-type") == TYPE:
            if "begins with what was left" in self.breaks:
                upload.data += self.left_over
                self.left_over = b""
            await self._receive(talk, upload)
        self.uploads[name] = upload
        await talk.respond(201, {"Location": URL + name, "Upload-Offset": str(len(upload.data))})

    async def _patch(self, talk: RequestDialog, upload: InterruptedUpload) -> None:
        offset = int(talk.headers.get("upload-offset", "-1"))
        if "numbers of 32 bits" in self.breaks:
            offset %= 2**32
        late = "takes past offsets" in self.breaks and offset < len(upload.data)
        if talk.headers.get("content-type") != TYPE:
            await self._refuse(talk, 415)
        elif upload.concat.startswith("final"):
            await self._refuse(talk, 403)
        elif upload.locked and "no locks" not in self.breaks:
            await self._refuse(talk, 423)
        elif offset != len(upload.data) and not late:
            await self._refuse(talk, 409)
        else:
            upload.locked = True
            try:
                await self._receive_chunk(talk, upload)
            finally:
                if not ("stays locked" in self.breaks and talk.gone):
                    upload.locked = False
                self.freed.set()
                self.freed = trio.Event()

    async def _receive_chunk(self, talk: RequestDialog, upload: InterruptedUpload) -> None:
        """Receive a chunk, and tell how far the upload has come."""
        declared = talk.headers.get("upload-length")
        if declared is not None and upload.length is None:
            upload.length = int(declared)
        before = len(upload.data)
        refusal = await self._receive(talk, upload)
        if "deletion undone" in self.breaks:
            self.uploads[talk.name] = upload
        if refusal:
            del upload.data[before:]
            await talk.respond(refusal)
        else:
            await talk.respond(204, {"Upload-Offset": str(len(upload.data))})

    async def _receive(self, talk: RequestDialog, upload: InterruptedUpload) -> int | None:
        """Store a body; return the status to refuse it with, None if it is right."""
        before = len(upload.data)
        stated = talk.headers.get("upload-checksum")
        checked = stated is not None or "upload-checksum" in talk.headers.get("trailer", "").lower()
        chunk = bytearray()
        kept = bytearray() if checked or "no locks" in self.breaks else upload.data
        try:
            while piece := await talk.read_piece():
                if "drops single bytes" in self.breaks and len(piece) == 1:
                    continue
                chunk += piece
                kept += piece
                if upload.length is not None and before + len(chunk) > upload.length:
                    return 413
        except (ClientGoneError, h11.RemoteProtocolError):
            talk.gone = True
            self.left_over = bytes(chunk)
            self._keep_interrupted(upload, before, chunk, kept)
            raise
        stated = stated or talk.trailers.get("upload-checksum")
        if stated is not None:
            algorithm, _, digest = stated.partition(" ")
            if algorithm != "sha1":
                return 400
            if base64.b64encode(hashlib.sha1(chunk).digest()).decode() != digest:
                return 460
        if kept is not upload.data:
            upload.data += kept
        return None

    def _keep_interrupted(
        self, upload: InterruptedUpload, before: int, chunk: bytearray, kept: bytearray
    ) -> None:
        if "keeps what it did not verify, twice" in self.breaks and kept is not upload.data:
            upload.data += chunk[:10] + chunk[:10]
        if kept is not upload.data and "no locks" in self.breaks:
            upload.data += kept
        if "counts a byte too many" in self.breaks:
            upload.data += b"\0"
        if "forgets all that it had" in self.breaks:
            del upload.data[:]
        if "forgets the declared length" in self.breaks and upload.length is not None:
            upload.length = before + len(chunk)


DIGESTS = {"Tus-Checksum-Algorithm": "sha1"}
TYPE = "application/offset+octet-stream"


def _empty_response(status: int) -> bytes:
    return f"HTTP/1.1 {status} Said\r\nTus-Resumable: 1.0.0\r\nContent-Length: 0\r\n\r\n".encode()


class RequestDialog:
    """One request on a connection, and the response to it."""

    def __init__(self, stream: trio.abc.Stream, connection: h11.Connection) -> None:
        self.stream = stream
        self.connection = connection
        self.request: h11.Request | None = None
        self.headers: Headers = {}
        self.trailers: Headers = {}
        self.half = False
        self.gone = False

    async def read_head(self) -> bool:
        """Read the head; return whether there was one."""
        event = await self._next()
        if isinstance(event, h11.Request):
            self.request = event
            self.headers = _decode_headers(event.headers)
        return isinstance(event, h11.Request)

    @property
    def method(self) -> str:
        """Return the method."""
        assert self.request is not None
        return self.request.method.decode()

    @property
    def name(self) -> str:
        """Return the name of the upload."""
        assert self.request is not None
        return self.request.target.decode().removeprefix("/files/")

    async def read_piece(self) -> bytes:
        """Return the next piece of the body, none at its end; raise GoneError."""
        event = await self._next()
        if isinstance(event, h11.Data):
            return bytes(event.data)
        assert isinstance(event, h11.EndOfMessage)
        self.trailers = _decode_headers(event.headers)
        return b""

    def unread_bytes(self) -> bytes:
        """Return the bytes that have come and were not read."""
        return self.connection.trailing_data[0]

    async def respond(self, status: int, headers: Headers | None = None, body: bytes = b"") -> None:
        """Answer."""
        lines = {"Tus-Resumable": "1.0.0", "Content-Length": str(len(body))} | (headers or {})
        if status == 204:
            del lines["Content-Length"]
        if self.connection.our_state is h11.IDLE and self.request is None:
            await self.stream.send_all(_empty_response(status))
            return
        response = h11.Response(status_code=status, headers=list(lines.items()), reason=b"Said")
        said = self.connection.send(response)
        if self.request is not None and self.method != "HEAD" and body:
            said += self.connection.send(h11.Data(body))
        await self.stream.send_all(said + self.connection.send(h11.EndOfMessage()))

    async def _next(self) -> h11.Event:
        while (event := self.connection.next_event()) is h11.NEED_DATA:
            data = bytes(await self.stream.receive_some())
            self.half = self.half or bool(data)
            if not data:
                raise ClientGoneError
            self.connection.receive_data(data)
        if event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
            raise ClientGoneError
        assert isinstance(event, h11.Event)
        return event


def _decode_headers(headers: object) -> Headers:
    assert isinstance(headers, h11._headers.Headers)
    return {name.decode(): value.decode() for name, value in headers}
