"""What behaviours are made of: answers and requests with something changed, and the stored bytes.

Nothing here knows a store: bytes are read, written and replaced through what every store offers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tus_reference.handler.body_reader import iter_chunks
from tus_reference.model import Headers, Refused, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tus_reference.defects.modification import ModifiedHandler, RequestMatcher
    from tus_reference.model import Body, FileInfo, Request

OFFSET_TYPE = "application/offset+octet-stream"


# What a request is


def method_of(request: Request) -> str:
    """Return the method that counts."""
    return (request.headers.joined("X-HTTP-Method-Override") or request.method).strip().upper()


def to(*methods: str) -> RequestMatcher:
    """Concern requests of these methods."""
    return lambda request: method_of(request) in methods


def having(name: str, *methods: str) -> RequestMatcher:
    """Concern requests with a header, of these methods, or of any."""

    def concerned(request: Request) -> bool:
        return name in request.headers and (not methods or method_of(request) in methods)

    return concerned


def value(request: Request, name: str) -> str:
    """Return a header of a request, empty if it is not there."""
    return request.headers.joined(name) or ""


def is_creation(request: Request) -> bool:
    """Return whether a request is to create an upload."""
    return method_of(request) == "POST"


def brings_bytes(request: Request) -> bool:
    """Return whether a creation says that it brings bytes along."""
    return is_creation(request) and value(request, "Content-Type").startswith(OFFSET_TYPE)


def part(request: Request, kind: str = "") -> bool:
    """Return whether a creation is one for concatenation: `partial`, `final`, or either."""
    return is_creation(request) and value(request, "Upload-Concat").startswith(kind or ("p", "f"))


# Answers


def succeeded(response: Response) -> bool:
    """Return whether an answer is a 2xx."""
    return 200 <= response.status < 300


def header(response: Response, name: str) -> str | None:
    """Return a header of an answer."""
    found = (text for key, text in response.headers if key.lower() == name.lower())
    return next(found, None)


def without(response: Response, *names: str) -> Response:
    """Return an answer without some headers."""
    gone = {name.lower() for name in names}
    kept = tuple(item for item in response.headers if item[0].lower() not in gone)
    return replace(response, headers=kept)


def saying(response: Response, name: str, text: str) -> Response:
    """Return an answer in which a header has another value, or is there at all."""
    changed = tuple(
        (key, text if key.lower() == name.lower() else old) for key, old in response.headers
    )
    return replace(response, headers=changed).with_headers((name, text))


def with_status(response: Response, status: int) -> Response:
    """Return an answer with another status."""
    return replace(response, status=status)


def rewritten(response: Response, name: str, change: Callable[[str], str]) -> Response:
    """Return an answer in which a header, if it is there, is changed."""
    old = header(response, name)
    return response if old is None else saying(response, name, change(old))


def refusal(status: int) -> Response:
    """Return a refusal as this server makes them."""
    return Response(status, (("Tus-Resumable", "1.0.0"), ("Content-Type", "text/plain")), b"no\n")


def failure() -> Response:
    """Return what a server answers that has tripped over something."""
    return refusal(500)


# Requests


def asking(request: Request, **headers: str | None) -> Request:
    """Return a request with headers replaced, or left out; names are written with underscores."""
    changed = {name.replace("_", "-").lower(): text for name, text in headers.items()}
    kept = [item for item in request.headers.items() if item[0].lower() not in changed]
    kept += [(name, text) for name, text in changed.items() if text is not None]
    return replace(request, headers=Headers(kept))


class Given:
    """A body that is here already; if it came in chunks, its length is still not said."""

    def __init__(
        self, data: bytes, trailers: Headers | None = None, *, chunked: bool = False
    ) -> None:
        self._left = memoryview(data)
        self.length: int | None = None if chunked else len(data)
        self.size: int | None = self.length
        self.trailers = trailers or Headers()

    async def read_into(self, buffer: memoryview) -> int:
        """Put the next bytes into `buffer` and return how many; 0 at the end."""
        count = min(len(self._left), len(buffer))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the bytes in pieces."""
        return iter_chunks(self)


class Untrailed:
    """A body whose trailers nobody sees."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self.trailers = Headers()

    @property
    def length(self) -> int | None:
        """The length in bytes, or None."""
        return self._body.length

    async def read_into(self, buffer: memoryview) -> int:
        """Put the next bytes into `buffer` and return how many; 0 at the end."""
        return await self._body.read_into(buffer)


class Begun:
    """A body of which the first piece was read already."""

    def __init__(self, first: bytes, body: Body) -> None:
        self._first = Given(first)
        self._body = body

    @property
    def length(self) -> int | None:
        """The length in bytes, or None."""
        return self._body.length

    @property
    def trailers(self) -> Headers:
        """The trailer fields."""
        return self._body.trailers

    async def read_into(self, buffer: memoryview) -> int:
        """Put the next bytes into `buffer` and return how many; 0 at the end."""
        return await self._first.read_into(buffer) or await self._body.read_into(buffer)


async def whole(request: Request) -> bytes:
    """Return all of a body; raises `ClientDisconnected` if it breaks off."""
    data = bytearray()
    with memoryview(bytearray(65536)) as view:
        while count := await request.body.read_into(view):
            data += view[:count]
    return bytes(data)


async def first_piece(request: Request) -> bytes:
    """Return what the first read of a body brings."""
    with memoryview(bytearray(65536)) as view:
        return bytes(view[: await request.body.read_into(view)])


def bringing(request: Request, data: bytes) -> Request:
    """Return a request with another body, in chunks if it was in chunks."""
    given = Given(data, request.body.trailers, chunked=request.body.length is None)
    return replace(request, body=given)


# Uploads


def id_of(handler: ModifiedHandler, request: Request) -> str:
    """Return the id that a request is about; empty if it names none."""
    return handler.upload_urls.id_from_path(request.path) or ""


async def known(handler: ModifiedHandler, upload_id: str) -> FileInfo | None:
    """Return an upload, or None if it is not there."""
    try:
        return await handler.uploads.get(upload_id)
    except Refused:
        return None


def created_id(handler: ModifiedHandler, response: Response) -> str:
    """Return the id of the upload that an answer says was created; empty if it says none."""
    location = header(response, "Location")
    return "" if location is None else location.rpartition("/")[2].partition("?")[0]


async def append(handler: ModifiedHandler, info: FileInfo, data: bytes) -> None:
    """Store more bytes of an upload, whatever its length is."""
    await handler.uploads.store.write_chunk(info.id, info.offset, Given(data))


async def stored(handler: ModifiedHandler, info: FileInfo) -> bytes:
    """Return the stored bytes of an upload."""
    reader = handler.config.composer.get_reader
    if reader is None:
        return b""
    return b"".join([piece async for piece in reader.get_reader(info.id, 0, info.offset)])


async def replace_bytes(handler: ModifiedHandler, info: FileInfo, data: bytes) -> None:
    """Let an upload consist of other bytes."""
    terminater = handler.config.composer.terminater
    if terminater is None:
        return
    await terminater.terminate(info.id)
    fresh = replace(info, offset=0)
    await handler.uploads.store.new_upload(fresh)
    await append(handler, fresh, data)


async def set_length(handler: ModifiedHandler, upload_id: str, length: int) -> None:
    """Let an upload have another length."""
    deferrer = handler.config.composer.length_deferrer
    if deferrer is not None:
        await deferrer.declare_length(upload_id, length)


async def remove(handler: ModifiedHandler, upload_id: str) -> None:
    """Remove an upload without remembering it."""
    terminater = handler.config.composer.terminater
    if terminater is not None:
        await terminater.terminate(upload_id)
