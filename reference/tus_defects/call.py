"""`Call`: one request on its way to the server, as a defect or a quirk sees it."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tus_defects.history import History
from tus_defects.message_edits import (
    find_header,
    method_of,
    set_header,
    with_body,
    with_request_headers,
)
from tus_defects.server import Server
from tus_reference.model import BodyEndedEarly, EarlyEnd, FileInfo, Request, Response

Respond = Callable[[Request], Awaitable[Response]]


@dataclass(slots=True)
class Memory:
    """What one defect of one server remembers from one request to the next."""

    marked: set[str] = field(default_factory=set)
    texts: dict[str, str] = field(default_factory=dict)
    history: History = field(default_factory=History)


@dataclass(frozen=True, slots=True)
class Call:
    """A request, the rest of the server behind `respond`, and what the defect remembers."""

    request: Request
    server: Server
    memory: Memory
    pass_on: Respond
    matched: FileInfo | None = None
    ordinal: int = 0

    @property
    def info(self) -> FileInfo:
        """The upload that the request is about, as it was before; a match on `upload` finds it."""
        assert self.matched is not None, "match on `upload` to get the upload"
        return self.matched

    async def read_body(self) -> bytes:
        """Return all of the body; raise `BodyEndedEarly` if it breaks off."""
        data = bytearray()
        while chunk := await self.read_chunk():
            data += chunk
        return bytes(data)

    async def read_chunk(self) -> bytes:
        """Return what one read of the body brings, nothing at its end."""
        buffer = memoryview(bytearray(65536))
        return bytes(buffer[: await self.request.body.read_into(buffer)])

    async def respond(self, request: Request | None = None, **headers: str | None) -> Response:
        """Let the server respond, to another request or with other headers if so wanted.

        Underscores in names of headers are hyphens; None removes a header.
        """
        request = self.request if request is None else request
        if headers:
            named = {name.replace("_", "-"): text for name, text in headers.items()}
            request = with_request_headers(request, named)
        return await self.pass_on(request)

    async def respond_to(self, data: bytes, **headers: str | None) -> Response:
        """Let the server respond to the same request with another body."""
        return await self.respond(with_body(self.request, data), **headers)

    async def respond_unless_broken(self) -> Response | None:
        """Let the server respond; return None if the body ended too early."""
        try:
            response = await self.respond()
        except BodyEndedEarly:
            return None
        return None if response.reason == "ERR_UNEXPECTED_EOF" else response

    async def respond_or_mark(self) -> Response:
        """Let the server respond; mark the upload if the body ended too early."""
        response = await self.respond_unless_broken()
        if response is None:
            self.memory.marked.add(self.upload_id)
            raise BodyEndedEarly(EarlyEnd.DISCONNECTED)
        return response

    async def echo(self, name: str, accepted: str | None, *, unusual: bool) -> Response:
        """Create an upload with an accepted header for an unusual one, which HEAD then returns."""
        if self.method == "HEAD":
            response, sent = await self.respond(), self.memory.texts.get(self.upload_id)
            return response if sent is None else set_header(response, name, sent)
        if not unusual:
            return await self.respond()
        response = await self.respond(with_request_headers(self.request, {name: accepted}))
        if created := created_id(response):
            self.memory.texts[created] = self.header(name)
        return response

    @property
    def is_marked(self) -> bool:
        """Whether the upload of the request is marked."""
        return self.upload_id in self.memory.marked

    @contextmanager
    def marking(self) -> Iterator[None]:
        """Mark the upload as long as the request is under way."""
        self.memory.marked.add(self.upload_id)
        try:
            yield
        finally:
            self.memory.marked.discard(self.upload_id)

    @property
    def method(self) -> str:
        """The method that counts."""
        return method_of(self.request)

    def header(self, name: str) -> str:
        """Return a header of the request; empty if it has none."""
        return self.request.headers.joined(name) or ""

    def has(self, name: str) -> bool:
        """Return whether the request has a header."""
        return name in self.request.headers

    def number(self, name: str) -> int | None:
        """Return a decimal header of the request; None if it has none, or another value."""
        text = self.header(name)
        return int(text) if text.isdecimal() else None

    @property
    def upload_id(self) -> str:
        """The id that the path of the request names; empty if it names none."""
        return self.server.urls.id_from_path(self.request.path) or ""

    async def upload(self) -> FileInfo | None:
        """Return the upload that the request is about, as it is now."""
        return await self.server.find(self.upload_id)

    async def find_created(self, response: Response) -> FileInfo | None:
        """Find the upload that a response says was created."""
        return await self.server.find(created_id(response))


def created_id(response: Response) -> str:
    """Return the id of the upload that a response says was created; empty if it says none."""
    location = find_header(response, "Location")
    return "" if location is None else location.rpartition("/")[2].partition("?")[0]
