"""`docs/embedding.md`: its examples run in frameworks, behind servers and under trio."""

from __future__ import annotations

import re
import socket
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import httpx
import pytest
import trio
import trio.testing
from asgi_call import AsgiCall, body_messages, run_lifespan

if TYPE_CHECKING:
    from collections.abc import Callable

    from asgi_call import App
    from conftest import ClientFactory

    from tus_reference.asgi import TusApp

PAGE = Path(__file__).parents[3] / "docs" / "embedding.md"
GUIDE = PAGE.with_name("fix-your-server.md")
BLOCKS, GUIDE_BLOCKS = (
    re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL) for page in (PAGE, GUIDE)
)
EVENT_LOOPS = pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
ORIGIN = {"origin": "https://example.org"}

# Whether path begins with root_path: ASGI says so, some servers do not do so.
ROOTS = pytest.mark.parametrize(("root_path", "path"), [("", ""), ("/api", "/api"), ("/api", "")])


@pytest.fixture(autouse=True)
def _change_to_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "example", ModuleType("example"))


def run(mark: str, blocks: list[str] = BLOCKS) -> dict[str, Any]:
    """Run the one example with `mark` in it and return what it defines."""
    (source,) = [block for block in blocks if mark in block]
    names = sys.modules["example"].__dict__
    exec(compile(source, str(PAGE), "exec"), names)
    return names


def test_the_examples_import_from_the_package_alone() -> None:
    text = "\n".join(BLOCKS)
    assert "from tus_reference import" in text
    assert re.findall(r"tus_reference\.\w+", text) == []


class AppClient:
    """Requests to an application."""

    def __init__(self, app: App, root_path: str = "", **headers: str) -> None:
        self._app = app
        self._root_path = root_path
        self._headers = headers

    async def send_request(self, method: str, path: str, **headers: str) -> AsgiCall:
        """Send a request; headers are written with underscores for dashes."""
        return await self._send(method, path, b"", headers)

    async def _send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> AsgiCall:
        fields = {"content_length": str(len(body)), **self._headers, **headers}
        return await AsgiCall(method, path, fields, body_messages(body), self._root_path).run(
            self._app
        )

    async def create(self, endpoint: str, length: int, **headers: str) -> str:
        """Create an upload and return its path."""
        made = await self.send_request("POST", endpoint, upload_length=str(length), **headers)
        assert (made.status, made["tus-resumable"]) == (201, "1.0.0"), made.sent
        location = made["location"] or ""
        assert location.startswith("https://tus.test/")
        return location.removeprefix("https://tus.test")

    async def patch(self, path: str, offset: int, body: bytes) -> AsgiCall:
        """Send a PATCH."""
        media_type = "application/offset+octet-stream"
        headers = {"content_type": media_type, "upload_offset": str(offset)}
        return await self._send("PATCH", path, body, headers)

    async def upload(self, endpoint: str, cut: str = "") -> str:
        """Upload ten bytes in two PATCHes, compare them, and return their path.

        `cut` is what a proxy takes from the paths of requests.
        """
        url = await self.create(endpoint, 10, upload_metadata="filename bm90ZXM=")
        path = url.removeprefix(cut)
        assert (await self.patch(path, 0, b"hello")).status == 204
        head = await self.send_request("HEAD", path)
        assert (head.status, head["upload-offset"], head.body) == (200, "5", b"")
        assert (await self.patch(path, 0, b"hello")).status == 409
        assert (await self.patch(path, 5, b" tus!"))["upload-offset"] == "10"
        assert (await self.send_request("GET", path)).body == b"hello tus!"
        told = (await self.send_request("OPTIONS", endpoint))["tus-extension"] or ""
        assert "checksum" in told
        assert "checksum-trailer" not in told
        return url


@EVENT_LOOPS
@ROOTS
async def test_fastapi(root_path: str, path: str) -> None:
    names = run("import FastAPI")
    client = AppClient(names["app"], root_path)
    async with run_lifespan(names["app"]):
        url = await client.upload(f"{path}/files/", cut=root_path.removesuffix(path))
        assert re.fullmatch(root_path + "/files/[0-9a-f]{32}", url)
        with anyio.fail_after(5):
            while (await client.send_request("GET", f"{path}/received")).body == b"[]":
                await anyio.lowlevel.checkpoint()
        assert (await client.send_request("GET", f"{path}/received")).body == b'["notes"]'
        assert (await client.send_request("GET", f"{path}/elsewhere")).status == 404


# Starlette finds nothing there itself where the path does not begin with root_path.
@EVENT_LOOPS
@pytest.mark.parametrize("root_path", ["", "/api"])
async def test_starlette_mounts_within_mounts(root_path: str) -> None:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    uploads: TusApp = run("import FastAPI")["uploads"]
    inner = Mount("/{user}/files", uploads)
    app = Starlette(routes=[Mount("/files", routes=[inner])], lifespan=uploads.lifespan)
    async with run_lifespan(app):
        url = await AppClient(app, root_path).upload(f"{root_path}/files/a%20b/files/")
        assert url.startswith(f"{root_path}/files/a%20b/files/")


async def test_starlette_middleware_runs_around_the_app() -> None:
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.base import BaseHTTPMiddleware
    from starlette.middleware.gzip import GZipMiddleware
    from starlette.routing import Mount

    async def dispatch(request: Any, call_next: Callable[[Any], Any]) -> Any:
        response = await call_next(request)
        response.headers["X-Seen"] = "1"
        return response

    uploads: TusApp = run("import FastAPI")["uploads"]
    around = [Middleware(BaseHTTPMiddleware, dispatch=dispatch), Middleware(GZipMiddleware)]
    app = Starlette(routes=[Mount("/", uploads)], middleware=around, lifespan=uploads.lifespan)
    async with run_lifespan(app):
        url = await AppClient(app).upload("/")
        assert (await AppClient(app).send_request("HEAD", url))["x-seen"] == "1"


@EVENT_LOOPS
async def test_the_server_of_the_guide_that_corrects_servers() -> None:
    app = run("import FastAPI", GUIDE_BLOCKS)["app"]
    async with run_lifespan(app):
        url = await AppClient(app).upload("/files/")
        assert url.startswith("/files/")


@EVENT_LOOPS
@ROOTS
async def test_litestar(root_path: str, path: str) -> None:
    pytest.importorskip("litestar", reason="nox -s embedding has it")
    app = run("import Litestar")["app"]
    async with run_lifespan(app):
        cut = root_path.removesuffix(path)
        url = await AppClient(app, root_path).upload(f"{path}/files/", cut)
        assert url.startswith(f"{root_path}/files/")


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_django() -> None:
    pytest.importorskip("django", reason="nox -s embedding has it")
    from django.conf import settings
    from django.http import HttpResponse
    from django.urls import path

    if not settings.configured:
        settings.configure(
            ALLOWED_HOSTS=["tus.test"],
            ROOT_URLCONF=(path("hello/", lambda request: HttpResponse("from Django")),),
            LOGGING_CONFIG=None,
        )
    app = run("get_asgi_application")["application"]
    async with run_lifespan(app):
        await AppClient(app).upload("/files/")
        assert (await AppClient(app).send_request("GET", "/hello/")).body == b"from Django"
        assert (await AppClient(app).send_request("GET", "/files")).status == 404


@EVENT_LOOPS
async def test_by_itself() -> None:
    app = run("expire_after=86400.0")["app"]
    async with run_lifespan(app):
        url = await AppClient(app).upload("/files/")
        told = await AppClient(app).send_request("HEAD", url, **ORIGIN)
        assert told["access-control-allow-origin"] == ORIGIN["origin"]
        made = await AppClient(app).send_request("POST", "/files/", upload_length="1")
        assert made["upload-expires"] is not None


ALICE, BOB, MALLORY = ({"authorization": f"Bearer {t}"} for t in ("8f2c1d", "5b07ae", "wrong"))


NOTHING: dict[str, str] = {}
DISGUISE = {"x_http_method_override": "DELETE", "access_control_request_method": "PATCH"}


@EVENT_LOOPS
@pytest.mark.parametrize(("stranger", "status"), [(BOB, 404), (MALLORY, 401), (NOTHING, 401)])
async def test_only_the_owner_comes_to_an_upload(stranger: dict[str, str], status: int) -> None:
    app = run("class Authentication")["app"]
    url = await AppClient(app, **ALICE).upload("/files/")
    assert url.startswith("/files/alice.")
    client = AppClient(app, **stranger, **ORIGIN)
    for where in (url, url.replace("alice", "%61lice")):
        for method in ("HEAD", "PATCH", "GET", "DELETE", "OPTIONS", "POST"):
            for override in NOTHING, DISGUISE:
                answer = await client.send_request(method, where, **override)
                assert (method, answer.status) == (method, status)
                assert answer["tus-resumable"] == "1.0.0"
                assert answer["access-control-allow-origin"] == ORIGIN["origin"]
    made = await client.send_request("POST", "/files/", upload_length="1")
    assert made.status == (201 if stranger is BOB else 401)
    assert (await AppClient(app, **ALICE).send_request("GET", url)).body == b"hello tus!"


async def test_a_preflight_needs_no_token() -> None:
    client = AppClient(run("class Authentication")["app"], **ORIGIN)
    for path in ("/files/", "/files/alice.1"):
        answer = await client.send_request("OPTIONS", path, access_control_request_method="PATCH")
        assert answer.status == 204
        assert "PATCH" in (answer["access-control-allow-methods"] or "")


async def test_partial_uploads_of_other_users_cannot_be_joined() -> None:
    app = run("class Authentication")["app"]
    url = await AppClient(app, **ALICE).create("/files/", 0, upload_concat="partial")
    for who, status in ((BOB, 404), (ALICE, 201)):
        made = await AppClient(app, **who).send_request(
            "POST", "/files/", upload_concat=f"final;{url}"
        )
        assert made.status == status


async def test_the_trio_server_takes_the_same_layers(server: ClientFactory) -> None:
    from tus_reference.middleware import Cors

    authentication = run("class Authentication")["Authentication"]()
    client = server(layers=(Cors(), authentication))
    created: dict[str, str | None] = {"Upload-Length": "1"}
    assert (await client.request("POST", "/files/", created)).status == 401
    created["Authorization"] = ALICE["authorization"]
    assert (await client.request("POST", "/files/", created)).status == 201


async def leave_unfinished_uploads(port: int) -> anyio.abc.SocketStream:
    """Make an upload, one that is cut at five of ten bytes and one that waits there."""
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "10", "Upload-Metadata": "filename eA=="}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as client:
        for body in (b"hello tus!", b"hello", b"hello"):
            url = (await client.post("/files/")).headers["Location"]
            stream = await anyio.connect_tcp("127.0.0.1", port)
            await stream.send(
                f"PATCH {httpx.URL(url).path} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\n"
                "Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\n"
                "Content-Length: 10\r\n\r\n".encode()
                + body
            )
            with anyio.fail_after(10):
                while int((await client.head(url)).headers["Upload-Offset"]) < len(body):
                    await anyio.lowlevel.checkpoint()
            if len(list_stored()) < 3:
                await stream.aclose()
    return stream


def list_stored() -> list[bytes]:
    """Return what is stored."""
    return sorted(p.read_bytes() for p in Path("uploads").iterdir() if not p.suffix)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_uvicorn_on_asyncio() -> None:
    import uvicorn

    app = run("import FastAPI")["app"]
    settings = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(settings)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, [listener])
            stream = await leave_unfinished_uploads(listener.getsockname()[1])
            server.should_exit = True
    await stream.aclose()
    assert list_stored() == [b"hello", b"hello", b"hello tus!"]


async def test_hypercorn_on_trio() -> None:
    import hypercorn.trio

    settings = hypercorn.Config()
    settings.bind = ["127.0.0.1:0"]
    settings.graceful_timeout = 0.1
    settings.errorlog = None
    stop = trio.Event()
    app = run("import FastAPI")["app"]
    async with trio.open_nursery() as nursery:

        async def serve(task_status: trio.TaskStatus[list[str]]) -> None:
            await hypercorn.trio.serve(
                app, settings, shutdown_trigger=stop.wait, task_status=task_status, mode="asgi"
            )

        (url,) = await nursery.start(serve)
        stream = await leave_unfinished_uploads(httpx.URL(url).port or 0)
        stop.set()
    await stream.aclose()
    assert list_stored() == [b"hello", b"hello", b"hello tus!"]


async def test_a_store_of_ones_own(server: ClientFactory) -> None:
    source = next(block for block in BLOCKS if "class SQLiteStore" in block)
    assert len(source.splitlines()) < 60
    store = run("class SQLiteStore")["SQLiteStore"]("uploads.db")
    client = server(store)
    told = (await client.request("OPTIONS", "/files/"))["Tus-Extension"]
    assert told == "creation,creation-with-upload,checksum,checksum-trailer,termination"
    path = await client.create(10, b"hello", Upload_Metadata="a YQ==")
    assert (await client.head(path))["Upload-Metadata"] == "a YQ=="
    assert await client.get_offset(path) == 5
    assert (await client.patch(path, 0, b"x")).status == 409
    assert (await client.patch(path, 5, b" tus!")).status == 204
    assert await client.get_offset(path) == 10
    assert (await client.request("GET", path)).status == 405
    assert (await client.request("DELETE", path)).status == 204
    assert (await client.head(path)).status == 410
    assert (await client.head("/files/unknown")).status == 404
    store.close()


async def test_the_trio_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    listening = trio.Event()
    ports: list[int] = []
    opening = trio.open_tcp_listeners

    async def open_any(port: int, *, host: str) -> list[trio.SocketListener]:
        listeners = await opening(0, host=host)
        ports.append(listeners[0].socket.getsockname()[1])
        listening.set()
        return listeners

    monkeypatch.setattr(trio, "open_tcp_listeners", open_any)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run("import trio\n")["main"])
        await listening.wait()
        async with await trio.open_tcp_stream("127.0.0.1", ports[0]) as stream:
            await stream.send_all(
                b"POST /files/ HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\n"
                b"Upload-Length: 0\r\nUpload-Metadata: a YQ==\r\n\r\n"
            )
            with trio.fail_after(5):
                assert (await stream.receive_some(4096)).startswith(b"HTTP/1.1 201 ")
        await trio.testing.wait_all_tasks_blocked(0.01)
        nursery.cancel_scope.cancel()
    assert "{'a': b'a'}" in capsys.readouterr().out
