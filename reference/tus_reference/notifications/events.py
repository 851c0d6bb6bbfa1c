"""What callbacks and notifications are told, and what callbacks may answer."""

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
    uri: str = ""
    remote_addr: str = ""
    headers: Headers = Headers()  # noqa: RUF009 - immutable


@dataclass(frozen=True, slots=True)
class HookEvent:
    """What happened to which upload."""

    upload: FileInfo
    request: HTTPRequest


@dataclass(frozen=True, slots=True)
class HTTPResponse:
    """Changes to the answer: a status, a body and more headers; what is empty stays."""

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class FileInfoChanges:
    """Changes to an upload that is about to be created; None leaves as it is."""

    id: str | None = None
    metadata: Mapping[str, bytes] | None = None


# Each may raise `Refused` to reject, with a status, a code, a sentence and headers.
PreCreateCallback = Callable[[HookEvent], Awaitable[tuple[HTTPResponse, FileInfoChanges]]]
PreFinishCallback = Callable[[HookEvent], Awaitable[HTTPResponse]]
PreTerminateCallback = Callable[[HookEvent], Awaitable[HTTPResponse]]
