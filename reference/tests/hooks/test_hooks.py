"""`hooks.hooks`: web services and programs that receive events, and may refuse."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import h11
import pytest
import trio

from tus_reference.hooks import Hooks, HttpHooks, ProgramHooks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from conftest import ClientFactory, HandlerClient

Answer = tuple[int, bytes]


class HookService:
    """A web service that records what it is sent, and answers what `answer` returns."""

    def __init__(self, answer: Callable[[dict[str, Any]], Answer]) -> None:
        self.answer = answer
        self.received: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""
        self._called = trio.Event()

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds, which is looked at after each call."""
        with trio.fail_after(10):
            while not condition():
                await self._called.wait()
                self._called = trio.Event()

    async def serve(self, stream: trio.SocketStream) -> None:
        parser, body = h11.Connection(h11.SERVER), b""
        while not isinstance(event := parser.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                parser.receive_data(await stream.receive_some())
            elif isinstance(event, h11.Request):
                self.headers.append({n.decode(): v.decode() for n, v in event.headers})
            elif isinstance(event, h11.Data):
                body += event.data
            else:
                return
        self.received.append(json.loads(body))
        self._called.set()
        status, content = self.answer(self.received[-1])
        head = f"HTTP/1.1 {status} x\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        with suppress(trio.BrokenResourceError):  # the hook reads no more than its limit
            await stream.send_all(head.encode() + content)
        await stream.aclose()

    def types(self) -> list[str]:
        return [each["Type"] for each in self.received]


@asynccontextmanager
async def run_service(answer: Callable[[dict[str, Any]], Answer]) -> AsyncIterator[HookService]:
    service = HookService(answer)
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    service.url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}/"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, service.serve, [listener])
        yield service
        nursery.cancel_scope.cancel()


def new_client(server: ClientFactory, hooks: Hooks) -> HandlerClient:
    """Return a client of a handler with hooks."""
    client = server()
    return server(**_changed_fields(client, hooks))


def _changed_fields(client: HandlerClient, hooks: Hooks) -> dict[str, Any]:
    before, after = client.handler.config, hooks.add_to(client.handler.config)
    names = [name for name in type(before).__dataclass_fields__ if name != "logger"]
    return {
        name: getattr(after, name)
        for name in names
        if getattr(after, name) is not getattr(before, name)
    }


async def test_a_web_service_is_told_of_the_life_of_an_upload(server: ClientFactory) -> None:
    async with run_service(lambda _event: (200, b"{}")) as service:
        hooks = Hooks(HttpHooks(service.url, ("X-Team",)))
        client = new_client(server, hooks)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hooks.run, client.handler)
            path = await client.create(5, b"hello", Upload_Metadata="name Ym9i", X_Team="red")
            await service.wait_for(lambda: "post-finish" in service.types())
            await client.request("DELETE", path)
            await service.wait_for(lambda: "post-terminate" in service.types())
            nursery.cancel_scope.cancel()
    order = [name for name in service.types() if name != "post-receive"]
    assert order.index("pre-create") < order.index("post-create")
    assert order.index("pre-finish") < order.index("post-finish")
    first = service.received[0]["Event"]
    assert first["Upload"]["ID"] == ""
    assert (first["Upload"]["Size"], first["Upload"]["MetaData"]) == (5, {"name": "bob"})
    assert first["HTTPRequest"]["Method"] == "POST"
    assert service.headers[0]["hook-name"] == "pre-create"
    last = service.received[order.index("post-finish")]["Event"]["Upload"]
    assert last["ID"]


async def test_a_service_rejects_a_creation(server: ClientFactory) -> None:
    answer = {
        "RejectUpload": True,
        "HTTPResponse": {"StatusCode": 402, "Body": "pay first", "Header": {"X-Why": "money"}},
    }
    async with run_service(lambda _event: (200, json.dumps(answer).encode())) as service:
        client = new_client(server, Hooks(HttpHooks(service.url), ["pre-create"]))
        refused = await client.request("POST", "/files/", {"Upload-Length": "5"})
    assert refused.status == 402
    assert refused["X-Why"] == "money"
    assert b"pay first" in refused.body


async def test_a_service_changes_id_and_metadata(server: ClientFactory) -> None:
    changes = {"ChangeFileInfo": {"ID": "chosen", "MetaData": {"owner": "ann"}}}
    async with run_service(lambda _event: (200, json.dumps(changes).encode())) as service:
        client = new_client(server, Hooks(HttpHooks(service.url), ["pre-create"]))
        created = await client.request("POST", "/files/", {"Upload-Length": "5"})
        told = await client.head("/files/chosen")
    assert (created["Location"] or "").endswith("/files/chosen")
    assert told["Upload-Metadata"] == "owner YW5u"


async def test_a_service_that_keeps_an_upload(server: ClientFactory) -> None:
    async with run_service(lambda _event: (200, b'{"RejectTermination": true}')) as service:
        client = new_client(server, Hooks(HttpHooks(service.url), ["pre-terminate"]))
        path = await client.create(5)
        refused = await client.request("DELETE", path)
        assert (await client.head(path)).status == 200
    assert refused.status == 400


async def test_a_failure_is_tried_again(server: ClientFactory) -> None:
    answers = iter([(503, b""), (500, b""), (200, b"{}")])
    async with run_service(lambda _event: next(answers)) as service:
        hooks = Hooks(HttpHooks(service.url, retries=3, backoff=0.01), ["pre-create"])
        client = new_client(server, hooks)
        created = await client.request("POST", "/files/", {"Upload-Length": "5"})
    assert created.status == 201
    assert len(service.received) == 3


@pytest.mark.parametrize(
    "answer",
    [(503, b""), (404, b""), (200, b"no json"), (200, b'{"RejectUpload": 7}'), (200, b" " * 9000)],
)
async def test_a_hook_that_fails_is_a_500(server: ClientFactory, answer: Answer) -> None:
    async with run_service(lambda _event: answer) as service:
        hooks = Hooks(HttpHooks(service.url, retries=1, backoff=0.01), ["pre-create"])
        client = new_client(server, hooks)
        refused = await client.request("POST", "/files/", {"Upload-Length": "5"})
    assert refused.status == 500
    assert b"the hook pre-create failed" in refused.body


async def test_a_hook_that_hangs_is_given_up(server: ClientFactory) -> None:
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}/"
    client = new_client(server, Hooks(HttpHooks(url, timeout=0.2), ["pre-create"]))
    refused = await client.request("POST", "/files/", {"Upload-Length": "5"})
    await listener.aclose()
    assert refused.status == 500


async def test_events_go_on_after_a_hook_failed(server: ClientFactory) -> None:
    answers = iter([(404, b""), (200, b"{}")])
    async with run_service(lambda _event: next(answers)) as service:
        hooks = Hooks(HttpHooks(service.url), ["post-create"])
        client = new_client(server, hooks)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hooks.run, client.handler)
            await client.create(5)
            await client.create(5)
            await service.wait_for(lambda: len(service.received) == 2)
            nursery.cancel_scope.cancel()


def write_program(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


async def test_a_program_is_given_the_event(server: ClientFactory, tmp_path: Path) -> None:
    write_program(
        tmp_path, "pre-create", f'cat > {tmp_path}/event; echo "$TUS_SIZE" > {tmp_path}/size'
    )
    client = new_client(server, Hooks(ProgramHooks(tmp_path)))
    assert (await client.request("POST", "/files/", {"Upload-Length": "7"})).status == 201
    assert json.loads((tmp_path / "event").read_text())["Type"] == "pre-create"
    assert (tmp_path / "size").read_text() == "7\n"


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("exit 1", 500),
        ("exec sleep 60", 500),
        ("echo nonsense", 500),
        ("""echo '{"RejectUpload": true, "HTTPResponse": {"StatusCode": 403}}'""", 403),
        ("exit 0", 201),
    ],
)
async def test_a_program_refuses_or_fails(
    server: ClientFactory, tmp_path: Path, script: str, status: int
) -> None:
    write_program(tmp_path, "pre-create", script)
    client = new_client(server, Hooks(ProgramHooks(tmp_path, timeout=2.0)))
    assert (await client.request("POST", "/files/", {"Upload-Length": "7"})).status == status
