"""Requests, responses and bodies with something changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tus_reference.model import Headers, Response, iter_chunks
from tus_reference.protocol import TUS_VERSION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tus_reference.model import Body, Request

OFFSET_TYPE = "application/offset+octet-stream"


def find_header(response: Response, name: str) -> str | None:
    """Return the first header of this name, or None."""
    found = (text for key, text in response.headers if key.lower() == name.lower())
    return next(found, None)


def succeeded(response: Response) -> bool:
    """Return whether the status is a 2xx."""
    return 200 <= response.status < 300


def strip(response: Response, *names: str) -> Response:
    """Return the response without some headers."""
    lowered = {name.lower() for name in names}
    kept = tuple(item for item in response.headers if item[0].lower() not in lowered)
    return replace(response, headers=kept)


def set_header(response: Response, name: str, text: str) -> Response:
    """Return the response with a header of this value, in place of the one that it has."""
    changed = tuple(
        (key, text if key.lower() == name.lower() else old) for key, old in response.headers
    )
    return replace(response, headers=changed).with_headers((name, text))


def set_status(response: Response, status: int) -> Response:
    """Return the response with another status."""
    return replace(response, status=status)


def rewrite(response: Response, name: str, change: Callable[[str], str]) -> Response:
    """Return the response with a header changed, if it has that header."""
    old = find_header(response, name)
    return response if old is None else set_header(response, name, change(old))


def answer(status: int, *headers: tuple[str, str]) -> Response:
    """Return a response of this server: a sentence with errors, nothing with a 2xx."""
    version = ("Tus-Resumable", TUS_VERSION)
    if 200 <= status < 300:
        return Response(status, (version, *headers))
    return Response(status, (version, ("Content-Type", "text/plain"), *headers), b"no\n")


def acknowledge(offset: int) -> Response:
    """Return the response to a PATCH that reached an offset."""
    return answer(204, ("Upload-Offset", str(offset)))


def with_request_headers(request: Request, headers: dict[str, str | None]) -> Request:
    """Return the request with headers set, or removed where the value is None."""
    changed = {name.lower(): text for name, text in headers.items()}
    kept = [item for item in request.headers.items() if item[0].lower() not in changed]
    kept += [(name, text) for name, text in changed.items() if text is not None]
    return replace(request, headers=Headers(kept))


def with_body(request: Request, data: bytes) -> Request:
    """Return the request with another body, chunked if it was chunked, with its trailers."""
    chunked = request.body.length is None
    return replace(request, body=BytesBody(data, request.body.trailers, chunked=chunked))


def without_trailers(request: Request) -> Request:
    """Return the request with a body whose trailers are not seen."""
    return replace(request, body=UntrailedBody(request.body))


def without_checksum(request: Request) -> Request:
    """Return the request with neither a checksum nor the announcement of one."""
    bare = with_request_headers(request, {"Upload-Checksum": None, "Trailer": None})
    return without_trailers(bare)


async def read_body(request: Request) -> bytes:
    """Return all of the body; raise `BodyEndedEarly` if it breaks off."""
    data = bytearray()
    with memoryview(bytearray(65536)) as view:
        while count := await request.body.read_into(view):
            data += view[:count]
    return bytes(data)


async def read_first_chunk(request: Request) -> bytes:
    """Return what the first read of the body brings."""
    with memoryview(bytearray(65536)) as view:
        return bytes(view[: await request.body.read_into(view)])


class BytesBody:
    """A body that has been received; one that came in chunks still has no length."""

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
        """Iterate over the bytes in chunks."""
        return iter_chunks(self)


class UntrailedBody:
    """A body whose trailers are not seen."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self.length = body.length
        self.trailers = Headers()

    async def read_into(self, buffer: memoryview) -> int:
        """Put the next bytes into `buffer` and return how many; 0 at the end."""
        return await self._body.read_into(buffer)


class ContinuedBody:
    """A body of which the first chunk has been read."""

    def __init__(self, first: bytes, body: Body) -> None:
        self._first = BytesBody(first)
        self._body = body
        self.length = body.length

    @property
    def trailers(self) -> Headers:
        """The trailer fields."""
        return self._body.trailers

    async def read_into(self, buffer: memoryview) -> int:
        """Put the next bytes into `buffer` and return how many; 0 at the end."""
        return await self._first.read_into(buffer) or await self._body.read_into(buffer)
