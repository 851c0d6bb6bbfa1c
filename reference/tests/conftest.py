"""A client that speaks HTTP in literal bytes to a handler in the same process."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h11
import pytest
import trio
import trio.testing

from tus_reference import Config, FileStore, Handler, MemoryLocker, MemoryStore, StoreComposer
from tus_reference.middleware import Layer, LayeredService
from tus_reference.model import Headers
from tus_reference.server import Limits, serve_stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tus_reference import RedisLocker
    from tus_reference.stores.s3 import S3Store

TUS_HEADERS = {"Host": "tus.test", "Tus-Resumable": "1.0.0"}
OFFSET_CONTENT_TYPE = {"Content-Type": "application/offset+octet-stream"}


@pytest.fixture
def autojump_clock() -> trio.testing.MockClock:
    """Make the test's clock jump ahead when every task waits; only for stores in memory."""
    return trio.testing.MockClock(autojump_threshold=0)


@pytest.fixture
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, object]]:
    """Run on trio, with the mock clock in tests that ask for it."""
    if "autojump_clock" in request.fixturenames:
        return "trio", {"clock": request.getfixturevalue("autojump_clock")}
    return "trio", {}


@dataclass(frozen=True)
class ReceivedResponse:
    """One response; `code` is the stable error code that its text begins with."""

    status: int
    headers: Headers
    body: bytes

    @property
    def code(self) -> str:
        return self.body.partition(b":")[0].decode()

    def __getitem__(self, name: str) -> str | None:
        return self.headers.one(name)


class MemoryConnection:
    """One connection to the handler, in memory."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self._parser = h11.Connection(h11.CLIENT)
        self._left = b""

    async def send(self, data: bytes | str) -> None:
        """Send bytes, or text in which every line end becomes CRLF."""
        if isinstance(data, str):
            data = data.replace("\n", "\r\n").encode("latin-1")
        await self.stream.send_all(data)

    async def receive_response(self, method: str = "GET") -> ReceivedResponse:
        """Return the next final response; fails if none comes within 5 s of trio's clock."""
        with trio.fail_after(5):
            return await self._answer(method)

    async def _answer(self, method: str) -> ReceivedResponse:
        parser = h11.Connection(h11.CLIENT)
        parser.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
        parser.send(h11.EndOfMessage())
        if self._left:
            parser.receive_data(self._left)
        status, headers, body = 0, Headers(), b""
        while True:
            event = parser.next_event()
            if event is h11.NEED_DATA:
                parser.receive_data(bytes(await self.stream.receive_some(65536)))
            elif isinstance(event, h11.Response):
                status = event.status_code
                headers = Headers((n.decode(), v.decode("latin-1")) for n, v in event.headers)
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                self._left = parser.trailing_data[0]
                return ReceivedResponse(status, headers, body)

    async def receive(self) -> bytes:
        """Return the bytes that have come, waiting for some."""
        with trio.fail_after(5):
            return bytes(await self.stream.receive_some(65536))

    async def is_closed(self) -> bool:
        """Return whether the server has finished sending."""
        with trio.fail_after(5):
            return await self.stream.receive_some(1) == b""


class HandlerClient:
    """Requests to one handler, each over a connection of its own."""

    def __init__(
        self, handler: Handler, limits: Limits | None = None, layers: tuple[Layer, ...] = ()
    ) -> None:
        self.handler = handler
        self._layers = layers
        self._limits = limits

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[MemoryConnection]:
        ours, theirs = trio.testing.memory_stream_pair()
        async with trio.open_nursery() as nursery:

            async def serve() -> None:
                service = LayeredService(self.handler, *self._layers)
                await serve_stream(service, theirs, limits=self._limits)

            nursery.start_soon(serve)
            yield MemoryConnection(ours)
            await ours.aclose()

    async def request(
        self,
        method: str,
        path: str,
        headers: dict[str, str | None] | None = None,
        body: bytes | None = None,
        *,
        chunked: bool = False,
    ) -> ReceivedResponse:
        """Send a request with tus's usual headers; a header given as None is left out."""
        fields: dict[str, str | None] = {**TUS_HEADERS, **(headers or {})}
        if chunked:
            fields["Transfer-Encoding"] = "chunked"
        elif body is not None:
            fields.setdefault("Content-Length", str(len(body)))
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in fields.items() if value is not None
        )
        data = body or b""
        if chunked:
            data = b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data) if data else b"0\r\n\r\n"
        async with self.connect() as wire:
            await wire.send(head.encode("latin-1") + b"\r\n" + data)
            return await wire.receive_response(method)

    async def create(self, length: int | None = 10, stored: bytes = b"", **headers: str) -> str:
        """Create an upload with `stored` bytes and return its path; underscores are dashes."""
        fields: dict[str, str | None] = {k.replace("_", "-"): v for k, v in headers.items()}
        if length is None:
            fields["Upload-Defer-Length"] = "1"
        else:
            fields["Upload-Length"] = str(length)
        answer = await self.request("POST", "/files/", fields)
        assert answer.status == 201, answer
        path = (answer["Location"] or "").removeprefix("http://tus.test")
        if stored:
            assert (await self.patch(path, 0, stored)).status == 204
        return path

    async def patch(
        self, path: str, offset: int | str, body: bytes = b"", *, chunked: bool = False, **more: str
    ) -> ReceivedResponse:
        """Send a PATCH; further headers are given with underscores for dashes."""
        fields: dict[str, str | None] = {k.replace("_", "-"): v for k, v in more.items()}
        fields = {**OFFSET_CONTENT_TYPE, "Upload-Offset": str(offset), **fields}
        return await self.request("PATCH", path, fields, body, chunked=chunked)

    async def head(self, path: str) -> ReceivedResponse:
        return await self.request("HEAD", path)

    async def get(self, path: str) -> bytes:
        """Return the content of a complete upload."""
        answer = await self.request("GET", path)
        assert answer.status == 200, answer
        return answer.body

    async def get_offset(self, path: str) -> int:
        """Return the offset that HEAD tells."""
        answer = await self.head(path)
        assert answer.status == 200, answer
        return int(answer["Upload-Offset"] or "-1")


class ClientFactory:
    """Makes clients of fresh handlers over a fresh store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def new_connection(self, stream: trio.abc.Stream) -> MemoryConnection:
        """Return a connection over a stream of the test's own."""
        return MemoryConnection(stream)

    def __call__(
        self,
        store: FileStore | MemoryStore | S3Store | None = None,
        *,
        limits: Limits | None = None,
        layers: tuple[Layer, ...] = (),
        locker: MemoryLocker | RedisLocker | None = None,
        **settings: Any,
    ) -> HandlerClient:
        composer = StoreComposer()
        (store or MemoryStore()).use_in(composer)
        (locker or MemoryLocker()).use_in(composer)
        config = Config(store_composer=composer, spool_directory=self.folder, **settings)
        return HandlerClient(Handler(config), limits, layers)


@pytest.fixture
def server(tmp_path: Path) -> ClientFactory:
    """Return a maker of clients; without arguments the store is in memory."""
    return ClientFactory(tmp_path)


@pytest.fixture(params=["memory", "file"])
def client(request: pytest.FixtureRequest, tmp_path: Path, server: ClientFactory) -> HandlerClient:
    """Return a client of a server without limits, once for each store."""
    return server(FileStore(tmp_path / "uploads") if request.param == "file" else MemoryStore())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a file store."""
    return tmp_path / "uploads"


@pytest.fixture
def disk_client(server: ClientFactory, folder: Path) -> HandlerClient:
    """Return a client of a server on a file store."""
    return server(FileStore(folder))
