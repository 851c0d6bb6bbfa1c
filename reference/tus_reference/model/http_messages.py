"""One request and its response, without any socket: what a shell hands in and gets back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tus_reference.model.headers import Headers

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class Body(Protocol):
    """A request body that a shell receives piece by piece."""

    @property
    def length(self) -> int | None:
        """Content-Length in bytes, or None if it is known only at the end."""

    @property
    def trailers(self) -> Headers:
        """The trailer fields; empty until the end of the body was read."""

    async def read_into(self, buffer: memoryview) -> int:
        """Put the next bytes into `buffer` and return how many; 0 at the end.

        Loses nothing when cancelled. Raises `BodyEndedEarly`, such as when the client goes away
        or the body is not well-formed HTTP.
        """


class PrefetchedBody(Body, Protocol):
    """A body whose first bytes may have come with the head, as those of small uploads do.

    The handler looks for this method in every body: reading without waiting needs no time limit.
    """

    def take_prefetched(self, buffer: memoryview) -> int:
        """Put bytes that are here into `buffer` and return how many; 0 if it takes waiting."""


_ABSOLUTE_FORM = re.compile(r"https?://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """A request as received."""

    method: str
    """The method of the request line; X-HTTP-Method-Override is not applied."""

    target: str
    """The request target as received: a path with its query, or a URL."""

    headers: Headers
    """The header fields as received."""

    body: Body
    """The body, which the handler reads at most once."""

    scheme: str = "http"
    """"http" or "https": how the client reached this server."""

    remote_addr: str = ""
    """The client's address and port, or the proxy's; empty if not known."""

    mount: str = ""
    """The part of the path above the base path, where a framework mounts the handler."""

    @property
    def path(self) -> str:
        """The target without scheme, authority, mount and query, still percent-encoded."""
        path = self.target.partition("?")[0]
        # Only the absolute form has an authority (RFC 9112, 3.2.2); elsewhere in a path "://" is
        # a part of it, which a proxy in front has taken for that, too.
        if not path.startswith("/") and (absolute := _ABSOLUTE_FORM.match(path)) is not None:
            path = "/" + path[absolute.end() :].partition("/")[2]
        return path.removeprefix(self.mount)


class SendableChunks(Protocol):
    """Chunks of a file, which the system can send by itself.

    Shells on a socket may look for this method in what follows the first chunk.
    """

    async def send_to(self, socket: int) -> int:
        """Send the next bytes to a socket that does not block; return how many, 0 at the end.

        Raises `BlockingIOError` if the socket takes nothing now, and `OSError` if sending or
        reading fails.
        """


@dataclass(frozen=True, slots=True)
class Download:
    """A response body that is sent while it is read."""

    length: int
    """Content-Length in bytes."""

    chunks: AsyncGenerator[bytes, None]
    """The bytes; closed when the response ends, complete or not."""


@dataclass(frozen=True, slots=True)
class Response:
    """A response; shells add Content-Length, Date and connection fields."""

    status: int
    """The status code."""

    headers: tuple[tuple[str, str], ...] = ()
    """Names and values in the order in which they are sent."""

    body: bytes | Download = b""
    """The bytes, or what produces them."""

    reason: str = ""
    """The code of the error that it reports, such as ERR_UPLOAD_LOCKED, for layers; not sent."""

    def with_headers(self, *headers: tuple[str, str]) -> Response:
        """Return the response with more fields; those it has already win."""
        present = {name.lower() for name, _ in self.headers}
        added = tuple(item for item in headers if item[0].lower() not in present)
        # Several layers do this with every response, and `replace` costs four times as much.
        return Response(self.status, self.headers + added, self.body, self.reason)
