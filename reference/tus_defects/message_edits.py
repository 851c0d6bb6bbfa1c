"""Requests, responses and bodies with something changed."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from tus_reference.model import Body, Headers, Request, Response, iter_chunks
from tus_reference.protocol import TUS_VERSION

OFFSET_TYPE = "application/offset+octet-stream"


def method_of(request: Request) -> str:
    """Return the method that counts."""
    return (request.headers.joined("X-HTTP-Method-Override") or request.method).strip().upper()


def find_header(response: Response, name: str) -> str | None:
    """Return the first header of this name, or None."""
    found = (text for key, text in response.headers if key.lower() == name.lower())
    return next(found, None)


def succeeded(response: Response) -> bool:
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
    length = None if request.body.length is None else len(data)
    return replace(request, body=ComposedBody(data, length=length, trailers=request.body.trailers))


def without_trailers(request: Request) -> Request:
    """Return the request with a body whose trailers are not seen."""
    body = request.body
    return replace(request, body=ComposedBody(b"", body, length=body.length, trailers=Headers()))


def without_checksum(request: Request) -> Request:
    """Return the request with neither a checksum nor the announcement of one."""
    bare = with_request_headers(request, {"Upload-Checksum": None, "Trailer": None})
    return without_trailers(bare)


class ComposedBody:
    """A body of `first`, then of what is left of `rest`, with other trailers if they are given."""

    def __init__(
        self,
        first: bytes,
        rest: Body | None = None,
        *,
        length: int | None,
        trailers: Headers | None = None,
    ) -> None:
        self._first = memoryview(first)
        self._rest = rest
        self._trailers = trailers
        self.length = self.size = length

    @property
    def trailers(self) -> Headers:
        """The trailer fields."""
        if self._trailers is None and self._rest is not None:
            return self._rest.trailers
        return self._trailers or Headers()

    async def read_into(self, buffer: memoryview) -> int:
        """Put the next bytes into `buffer` and return how many; 0 at the end."""
        if not self._first and self._rest is not None:
            return await self._rest.read_into(buffer)
        count = min(len(self._first), len(buffer))
        buffer[:count] = self._first[:count]
        self._first = self._first[count:]
        return count

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the bytes in chunks."""
        return iter_chunks(self)
