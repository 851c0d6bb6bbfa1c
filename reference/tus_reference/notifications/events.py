"""The events that callbacks and notifications receive, and the results of callbacks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tus_reference.model import Headers

if TYPE_CHECKING:
    from tus_reference.model import FileInfo


@dataclass(frozen=True, slots=True)
class HTTPRequest:
    """The request that caused an event; empty for what the server does on its own."""

    method: str = ""
    """The method of the request line; X-HTTP-Method-Override is not applied."""

    uri: str = ""
    """The request target as received."""

    remote_addr: str = ""
    """The client's address and port, or the proxy's."""

    headers: Headers = Headers()  # noqa: RUF009 - immutable
    """The header fields as received."""


@dataclass(frozen=True, slots=True)
class HookEvent:
    """What happened to which upload."""

    upload: FileInfo
    """The upload as it is then; before its creation, as it will be created."""

    request: HTTPRequest
    """The request that caused it."""


@dataclass(frozen=True, slots=True)
class HTTPResponse:
    """Changes to the answer: a status, a body and more headers; what is empty stays."""

    status: int = 0
    """A status code that replaces the own one, 0 to leave it."""

    headers: tuple[tuple[str, str], ...] = ()
    """Headers to add or replace."""

    body: bytes = b""
    """A body that replaces the own one; empty to leave it."""


@dataclass(frozen=True, slots=True)
class FileInfoChanges:
    """Changes to an upload that is about to be created; None leaves as it is."""

    id: str | None = None
    """The id to use; None leaves the choice to the store."""

    metadata: Mapping[str, bytes] | None = None
    """Values to store instead of those of the client; None leaves them."""


# Each may raise `Refused` to reject, with a status, a code, a sentence and headers.
PreCreateCallback = Callable[[HookEvent], Awaitable[tuple[HTTPResponse, FileInfoChanges]]]
PreFinishCallback = Callable[[HookEvent], Awaitable[HTTPResponse]]
PreTerminateCallback = Callable[[HookEvent], Awaitable[HTTPResponse]]
