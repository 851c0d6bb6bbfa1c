"""`asgi.app`: messages in, messages out, on asyncio and on trio."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import pytest
import trio
import trio.testing
from asgi_call import AsgiCall, body_messages

from tus_reference import Config, FileInfo, FileStore, MemoryLocker, MemoryStore, StoreComposer
from tus_reference.asgi import TusApp
from tus_reference.asgi.received_body import DRAIN_IDLE, DRAIN_TOTAL, MAX_BUFFERED, MAX_DRAINED
from tus_reference.model import Response
from tus_reference.notifications import FileInfoChanges, HookEvent, HTTPResponse

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tus_reference.asgi import Message
    from tus_reference.middleware import Respond
    from tus_reference.model import ByteSource, Request

EVENT_LOOPS = pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
DISCONNECT_MESSAGE = {"type": "http.disconnect"}


def list_names(folder: Path) -> list[str]:
    """Return the names of the files in `folder`."""
    return sorted(path.name for path in folder.iterdir())


def new_app(store: FileStore | MemoryStore | None = None, **settings: Any) -> TusApp:
    """Return an application over an empty store, below /files/ unless told otherwise."""
    composer = StoreComposer()
    (store or MemoryStore()).use_in(composer)
    MemoryLocker().use_in(composer)
    return TusApp(Config(store_composer=composer, **settings))


async def create_upload(app: TusApp, length: int = 10, **more: Any) -> str:
    """Create an upload and return its path."""
    made = await AsgiCall(headers={"upload_length": str(length)}, **more).run(app)
    assert made.status == 201
    return (made["location"] or "").removeprefix("https://tus.test")


def new_patch(
    path: str, messages: list[Message], length: int | None = None, **more: Any
) -> AsgiCall:
    """Return a PATCH at 0; without a length its body comes in chunks."""
    headers = {
        "content_type": "application/offset+octet-stream",
        "upload_offset": "0",
        **({"transfer_encoding": "chunked"} if length is None else {"content_length": str(length)}),
        **more.pop("headers", {}),
    }
    return AsgiCall("PATCH", path, headers, messages, **more)


async def get_offset(app: TusApp, path: str) -> int:
    """Return the offset that HEAD tells."""
    head = await AsgiCall("HEAD", path).run(app)
    assert (head.status, head.body) == (200, b"")
    return int(head["upload-offset"] or "-1")


@EVENT_LOOPS
async def test_an_upload_from_its_creation_to_its_end(tmp_path: Path) -> None:
    app = new_app(FileStore(tmp_path))
    path = await create_upload(app, 10)
    first = await new_patch(path, body_messages(b"he", b"llo"), 5).run(app)
    assert (first.status, first["upload-offset"], first["content-length"]) == (204, "5", None)
    second = new_patch(path, body_messages(b" tus!", b""), headers={"upload_offset": "5"})
    assert (await second.run(app)).status == 204
    got = await AsgiCall("GET", path).run(app)
    assert (got.status, got["content-length"], got.body) == (200, "10", b"hello tus!")
    asked = await AsgiCall("HEAD", path + "x").run(app)
    assert (asked.status, asked["content-length"], asked.body) == (404, "46", b"")
    gone = await AsgiCall("DELETE", path).run(app)
    assert (gone.status, gone.body) == (204, b"")


async def test_what_asgi_cannot_carry_is_not_offered() -> None:
    told = await AsgiCall("OPTIONS").run(new_app(expire_after=1.0))
    assert told["tus-extension"] == (
        "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination,"
        "concatenation,concatenation-unfinished"
    )


async def test_a_checksum_in_a_trailer_is_ignored_as_the_server_does() -> None:
    app = new_app()
    path = await create_upload(app)
    announced = new_patch(path, body_messages(b"hello"), headers={"trailer": "Upload-Checksum"})
    assert (await announced.run(app)).status == 204


async def test_space_around_a_value_is_no_part_of_it() -> None:
    app = new_app()
    spaced = new_patch(
        await create_upload(app), body_messages(b"hello"), headers={"upload_offset": "\t0 "}
    )
    assert (await spaced.run(app)).status == 204


@pytest.mark.parametrize(
    ("base_path", "root_path", "path", "url"),
    [
        ("/files/", "", "/files/", "https://tus.test/files/"),
        ("/", "", "/", "https://tus.test/"),
        ("/", "/files", "/files/", "https://tus.test/files/"),
        ("/", "/files", "/files", "https://tus.test/files/"),
        ("/", "/files", "/", "https://tus.test/files/"),
        ("/", "/files/", "/files/", "https://tus.test/files/"),
        ("/", "/a/b c", "/a/b c/", "https://tus.test/a/b%20c/"),
        ("/", "/ü", "/ü/", "https://tus.test/%C3%BC/"),
        ("/files/", "/api", "/api/files/", "https://tus.test/api/files/"),
        ("/files/", "/api", "/files/", "https://tus.test/api/files/"),
        ("/files/", "/fil", "/files/", "https://tus.test/fil/files/"),
        ("https://cdn.test/x/files/", "/x", "/x/files/", "https://cdn.test/x/files/"),
    ],
)
async def test_uploads_are_found_wherever_the_application_is_mounted(
    base_path: str, root_path: str, path: str, url: str
) -> None:
    app = new_app(base_path=base_path)

    def at(method: str, where: str, **headers: str) -> AsgiCall:
        return AsgiCall(method, where, headers, root_path=root_path)

    urls = []
    for _ in range(2):
        made = await at("POST", path, upload_length="0", upload_concat="partial").run(app)
        assert made.status == 201
        urls.append(made["location"] or "")
        assert urls[-1].startswith(url)
        assert len(urls[-1]) == len(url) + 32
    found = await at("HEAD", path.rstrip("/") + "/" + urls[0].rpartition("/")[2]).run(app)
    assert found.status == 200
    for names in (urls, ["/" + each.split("/", 3)[3] for each in urls]):
        concat = f"final;{' '.join(names)}"
        assert (await at("POST", path, upload_concat=concat).run(app)).status == 201
    elsewhere = f"final;/nowhere{urls[0].removeprefix('https://tus.test')}"
    assert (await at("POST", path, upload_concat=elsewhere).run(app)).status == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/files/a/b", 404), ("/files/../files/x", 404), ("/files/%41", 404), ("/file", 404),
        ("/files/x\r\ny", 404), ("/files/\ufffd", 404), ("/files/?", 404), ("*", 204),
    ],
)  # fmt: skip
async def test_odd_paths_name_no_upload(path: str, status: int) -> None:
    answer = await AsgiCall("OPTIONS" if path == "*" else "HEAD", path).run(new_app())
    assert answer.status == status


async def test_callbacks_receive_the_whole_request() -> None:
    events: list[HookEvent] = []

    async def callback(event: HookEvent) -> tuple[HTTPResponse, FileInfoChanges]:
        events.append(event)
        return HTTPResponse(headers=(("X-Mine", "1"),)), FileInfoChanges(id="mine")

    app = new_app(base_path="/", pre_upload_create_callback=callback, notify_created_uploads=True)
    headers = {"upload_length": "1", "cookie": "a=b"}
    made = await AsgiCall(path="/up/", root_path="/up", headers=headers).run(app)
    assert (made["location"], made["x-mine"]) == ("https://tus.test/up/mine", "1")
    request = events[0].request
    assert (request.method, request.uri) == ("POST", "/up/?a=%20b")
    assert (request.remote_addr, request.headers.one("Cookie")) == ("192.0.2.1:4711", "a=b")
    assert (await app.handler.created_uploads.receive()).upload.id == "mine"


@EVENT_LOOPS
@pytest.mark.parametrize("length", [10, None])
@pytest.mark.parametrize(
    "messages",
    [
        pytest.param(
            [*body_messages(b"he", b"llo", last=False), DISCONNECT_MESSAGE], id="the client goes"
        ),
        pytest.param(body_messages(b"he", b"llo"), id="the body just ends"),
    ],
)
async def test_what_came_of_a_body_that_breaks_off_is_kept(
    tmp_path: Path, messages: list[Message], length: int | None
) -> None:
    app = new_app(FileStore(tmp_path))
    path = await create_upload(app)
    answer = await new_patch(path, messages, length).run(app)
    ended_well = length is None and messages[-1] is not DISCONNECT_MESSAGE
    assert answer.status == (204 if ended_well else 400)
    assert await get_offset(app, path) == 5
    rest = new_patch(path, body_messages(b" tus!"), 5, headers={"upload_offset": "5"})
    assert (await rest.run(app)).status == 204
    assert (await AsgiCall("GET", path).run(app)).body == b"hello tus!"


async def test_a_body_is_whole_when_its_length_is_reached() -> None:
    app = new_app()
    whole = new_patch(await create_upload(app), body_messages(b"he", b"llo", last=False), 5)
    assert (await whole.run(app)).status == 204


async def test_a_body_longer_than_it_says_is_refused() -> None:
    app = new_app()
    path = await create_upload(app)
    answer = await new_patch(path, body_messages(b"hello", b" tus!"), 7).run(app)
    assert (answer.status, answer.body[:16]) == (400, b"ERR_BAD_REQUEST:")
    assert await get_offset(app, path) == 5


async def test_a_stalled_client_gets_a_response_that_asks_for_a_retry(
    autojump_clock: object,
) -> None:
    app = new_app(network_timeout=30.0)
    path = await create_upload(app)
    answer = await new_patch(path, body_messages(b"hello", last=False), 10).run(app)
    assert (answer.status, answer.body[:17]) == (503, b"ERR_READ_TIMEOUT:")
    assert answer["tus-resumable"] == "1.0.0"
    assert await get_offset(app, path) == 5


@pytest.mark.parametrize(
    ("rest", "headers", "version", "least", "connection"),
    [
        pytest.param(5, {}, "1.1", 2, None, id="a small rest is dropped"),
        pytest.param(10**6, {}, "1.1", 2, "close", id="so is a large one, before the close"),
        pytest.param(10**6, {"expect": "100-continue"}, "1.1", 0, "close", id="not asked for"),
        pytest.param(5, {"expect": "100-continue"}, "1.1", 0, "close", id="nor a small one"),
        pytest.param(10**6, {}, "2", 0, None, id="HTTP/2 ends a stream by itself"),
    ],
)
async def test_a_refusal_comes_before_the_body(
    rest: int, headers: dict[str, str], version: str, least: int, connection: str | None
) -> None:
    app = new_app()
    path = await create_upload(app, 2 * 10**6)
    fields = {"upload_offset": "3", **headers}
    body = body_messages(b"x" * (rest - 1), b"x")
    early = new_patch(path, body, rest, headers=fields, http_version=version)
    await early.run(app)
    assert (early.status, early.body[:22]) == (409, b"ERR_MISMATCHED_OFFSET:")
    assert early["connection"] == connection
    assert early.taken >= least
    assert early.taken == 0 or "expect" not in headers
    assert await get_offset(app, path) == 0


@EVENT_LOOPS
async def test_the_answer_is_whole_before_the_rest_is_dropped() -> None:
    app = new_app()
    path = await create_upload(app)
    early = new_patch(path, [], 5, headers={"upload_offset": "3"})
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(early.run, app)
        while len(early.sent) < 2:
            await anyio.lowlevel.checkpoint()
        assert early["content-length"] == str(len(early.sent[1]["body"]))
        assert not early.ended.is_set()
        tasks.cancel_scope.cancel()


class SlowCall(AsgiCall):
    """A client that sends a piece every four seconds."""

    async def _receive(self) -> Message:
        await anyio.sleep(4)
        return await super()._receive()


@pytest.mark.parametrize(
    ("messages", "seconds"),
    [
        pytest.param([], DRAIN_IDLE, id="nothing comes"),
        pytest.param(body_messages(*[b"x"] * 100), DRAIN_TOTAL, id="it comes slowly"),
        pytest.param(body_messages(*[b"x" * (MAX_DRAINED // 4)] * 9), 4 * 4, id="too much comes"),
    ],
)
async def test_waiting_for_the_rest_of_a_body_is_bounded(
    autojump_clock: object, messages: list[Message], seconds: float
) -> None:
    app = new_app()
    headers = {"upload_offset": "3", "upload_length": "1", "content_length": str(10**12)}
    early = SlowCall("POST", "/files/", headers, messages)
    started = trio.current_time()
    await early.run(app)
    assert early.body.startswith(b"ERR_INVALID_CONTENT_TYPE:")
    assert trio.current_time() - started == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("body", "status"), [(body_messages(b""), 201), (body_messages(b"hello"), 415)]
)
async def test_without_a_length_the_first_message_shows_whether_there_is_a_body(
    body: list[Message], status: int
) -> None:
    made = AsgiCall(headers={"upload_length": "10"}, messages=body, http_version="2")
    assert (await made.run(new_app())).status == status


class GatedStore(MemoryStore):
    """A store that keeps bytes when the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = anyio.Event()
        self.waits = anyio.Event()

    async def write_chunk(self, upload_id: str, offset: int, source: ByteSource) -> int:
        self.waits.set()
        buffer = memoryview(bytearray(1))
        await source.read_into(buffer)
        await self.gate.wait()
        return 1 + await super().write_chunk(upload_id, offset, source)


async def test_what_waits_in_the_server_is_taken_while_the_disk_is_slow() -> None:
    store = GatedStore()
    app = new_app(store)
    piece = b"x" * 65536
    path = await create_upload(app, 20 * len(piece))
    sending = new_patch(path, body_messages(*[piece] * 20), 20 * len(piece))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sending.run, app)
        await trio.testing.wait_all_tasks_blocked()
        assert sending.taken == MAX_BUFFERED // len(piece) + 1
        store.gate.set()
    assert sending.taken == 20


async def test_what_came_is_taken_before_the_handler_wants_it() -> None:
    class Pensive(MemoryStore):
        """A store that is asked about an upload, and answers when the test lets it."""

        gate = anyio.Event()

        async def get_info(self, upload_id: str) -> FileInfo:
            await self.gate.wait()
            return await super().get_info(upload_id)

    app = new_app(Pensive())
    path = await create_upload(app)
    sending = new_patch(path, [*body_messages(b"hello", last=False), DISCONNECT_MESSAGE], 10)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sending.run, app)
        await trio.testing.wait_all_tasks_blocked()
        assert sending.taken == 2
        Pensive.gate.set()
    assert await get_offset(app, path) == 5


@EVENT_LOOPS
async def test_a_request_that_the_server_cancels_keeps_what_came(tmp_path: Path) -> None:
    app = new_app(FileStore(tmp_path))
    path = await create_upload(app)
    sending = new_patch(path, body_messages(b"hello", last=False), 10)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sending.run, app)
        while await get_offset(app, path) == 0 and sending.taken == 0:
            await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    assert sending.sent == []
    assert await get_offset(app, path) == 5


def test_a_task_that_uvicorn_cancels_keeps_what_came_and_leaves_nothing(tmp_path: Path) -> None:
    before = set(threading.enumerate())

    async def main() -> None:
        app = new_app(FileStore(tmp_path))
        async with app.lifespan():
            path = await create_upload(app)
            sending = new_patch(path, body_messages(b"hello", last=False), 10)
            task = asyncio.create_task(sending.run(app))
            while sending.taken == 0:
                await anyio.lowlevel.checkpoint()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await get_offset(app, path) == 5
            download = AsgiCall("GET", path)
            await download.run(app)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    assert set(threading.enumerate()) <= before


@EVENT_LOOPS
async def test_the_end_of_the_lifespan_saves_what_came_and_says_why() -> None:
    app = new_app()
    path = await create_upload(app)
    sending = new_patch(path, body_messages(b"hello", last=False), 10)
    async with anyio.create_task_group() as tasks:
        async with app.lifespan():
            tasks.start_soon(sending.run, app)
            while await get_offset(app, path) == 0:
                await anyio.lowlevel.checkpoint()
        with anyio.fail_after(5):
            while len(sending.sent) < 2:
                await anyio.lowlevel.checkpoint()
        assert sending.status == 503
        assert sending.sent[1]["body"].startswith(b"ERR_SERVER_SHUTDOWN:")
        tasks.cancel_scope.cancel()
    async with app.lifespan():
        rest = new_patch(path, body_messages(b" tus!"), 5, headers={"upload_offset": "5"})
        assert (await rest.run(app)).status == 204


@EVENT_LOOPS
async def test_the_lifespan_removes_expired_uploads(tmp_path: Path) -> None:
    app = new_app(FileStore(tmp_path), expire_after=0.001)
    await create_upload(app)
    assert len(list_names(tmp_path)) == 2
    said: list[str] = []
    stop = anyio.Event()

    async def receive() -> Message:
        if said:
            await stop.wait()
        return {"type": "lifespan.shutdown" if said else "lifespan.startup"}

    async def send(message: Message) -> None:
        said.append(message["type"])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(app, {"type": "lifespan"}, receive, send)
        deadline = time.monotonic() + 10
        while list_names(tmp_path) and time.monotonic() < deadline:
            await anyio.lowlevel.checkpoint()
        assert said == ["lifespan.startup.complete"]
        stop.set()
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert list_names(tmp_path) == []


@pytest.mark.parametrize(
    ("expire_after", "lives", "warnings"), [(60.0, False, 1), (60.0, True, 0), (0.0, False, 0)]
)
async def test_a_missing_lifespan_is_logged_once(
    caplog: pytest.LogCaptureFixture, expire_after: float, lives: bool, warnings: int
) -> None:
    app = new_app(expire_after=expire_after)
    if lives:
        async with app.lifespan():
            pass
    for _ in range(2):
        assert (await AsgiCall("OPTIONS").run(app)).status == 204
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == warnings
    assert all("has to, with its method lifespan" in sentence for sentence in told)


class EndlessStore(MemoryStore):
    """A store whose downloads never end, and which sees them closed."""

    closed = False

    async def get_reader(
        self, upload_id: str, start: int, length: int
    ) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b"x"
        finally:
            self.closed = True


class TruncatedStore(MemoryStore):
    """A store that has lost some bytes."""

    async def get_reader(
        self, upload_id: str, start: int, length: int
    ) -> AsyncGenerator[bytes, None]:
        yield b"x"


async def new_app_with_complete_upload(store: MemoryStore) -> tuple[TusApp, str]:
    """Return an application with a complete upload of 10 bytes, and its path."""
    app = new_app(store)
    path = await create_upload(app)
    assert (await new_patch(path, body_messages(b"hello tus!"), 10).run(app)).status == 204
    return app, path


async def test_layers_go_around_the_handler_the_last_added_outermost() -> None:
    class Mark:
        """A layer that says that it was there."""

        def __init__(self, name: str) -> None:
            self._name = name

        async def answer(self, request: Request, respond: Respond) -> Response:
            response = await respond(request)
            body = response.body
            assert isinstance(body, bytes)
            return Response(200, response.headers, body + self._name.encode())

    composer = StoreComposer()
    MemoryStore().use_in(composer)
    app = TusApp(Config(store_composer=composer), Mark("b"), Mark("a"))
    app.add_layer(Mark("c"))
    assert (await AsgiCall("OPTIONS").run(app)).body == b"abc"


@EVENT_LOOPS
async def test_a_download_ends_when_the_client_goes() -> None:
    store = EndlessStore()
    app, path = await new_app_with_complete_upload(store)
    got = await AsgiCall("GET", path, messages=[*body_messages(b""), DISCONNECT_MESSAGE]).run(app)
    assert (got.status, store.closed) == (200, True)


@EVENT_LOOPS
async def test_a_download_that_falls_short_never_seems_whole() -> None:
    app, path = await new_app_with_complete_upload(TruncatedStore())
    got = AsgiCall("GET", path)
    with pytest.raises(ExceptionGroup) as raised:
        await got.run(app)
    assert raised.group_contains(OSError, match="the store returned 1 bytes instead of 10")
    assert [message["more_body"] for message in got.sent[1:]] == [True]


async def test_a_line_break_in_a_header_is_no_answer() -> None:
    async def callback(event: HookEvent) -> tuple[HTTPResponse, FileInfoChanges]:
        return HTTPResponse(headers=(("X-Mine", "1\r\nSet-Cookie: a=b"),)), FileInfoChanges()

    made = AsgiCall(headers={"upload_length": "1"})
    with pytest.raises(ValueError, match="'X-Mine' contains a line break"):
        await made.run(new_app(pre_upload_create_callback=callback))
    assert made.sent == []


async def test_a_disconnected_client_causes_no_error() -> None:
    async def send(message: Message) -> None:
        raise OSError

    made = AsgiCall(headers={"upload_length": "1"})
    made._send = send  # type: ignore[method-assign]
    await made.run(new_app())


async def test_what_is_not_http_is_turned_away() -> None:
    said: list[Message] = []

    async def send(message: Message) -> None:
        said.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    await new_app()({"type": "websocket"}, receive, send)
    assert said == [{"type": "websocket.close"}]
    with pytest.raises(ValueError, match="not 'mail'"):
        await new_app()({"type": "mail"}, receive, send)


def test_an_application_needs_neither_trio_nor_a_running_loop_to_begin_with() -> None:
    program = (
        "import sys\n"
        "from tus_reference import Config, MemoryLocker, MemoryStore, StoreComposer\n"
        "from tus_reference.asgi import TusApp\n"
        "from tus_reference.middleware import Cors\n"
        "composer = StoreComposer()\n"
        "MemoryStore().use_in(composer)\n"
        "MemoryLocker().use_in(composer)\n"
        "TusApp(Config(store_composer=composer), Cors())\n"
        "print({'trio', 'h11', 'asyncio'} & {*sys.modules})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("set()\n", "")
