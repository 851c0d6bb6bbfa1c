"""`notifications.events`: callbacks and events in order, once, without blocking requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest
import trio.testing

from tus_reference import FileStore
from tus_reference.model import FileInfo, Refused, TusError
from tus_reference.notifications import (
    EventStream,
    FileInfoChanges,
    HookEvent,
    HTTPRequest,
    HTTPResponse,
)

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import ClientFactory

TEAPOT = TusError(418, "no uploads into a teapot", "ERR_TEAPOT")


async def test_a_callback_may_change_an_upload_before_it_exists(server: ClientFactory) -> None:
    seen: list[HookEvent] = []

    async def pre_create(event: HookEvent) -> tuple[HTTPResponse, FileInfoChanges]:
        seen.append(event)
        changes = FileInfoChanges(id="chosen", metadata={"by": b"me", "empty": b""})
        return HTTPResponse(status=202, headers=(("X-From", "callback"),), body=b"hi"), changes

    client = server(pre_upload_create_callback=pre_create)
    headers: dict[str, str | None] = {"Upload-Length": "5", "Upload-Metadata": "a YQ=="}
    answer = await client.request("POST", "/files/", headers)
    assert (answer.status, answer.body, answer["X-From"]) == (202, b"hi", "callback")
    assert answer["Location"] == "http://tus.test/files/chosen"
    assert (await client.head("/files/chosen"))["Upload-Metadata"] == "by bWU=,empty"
    assert seen[0].upload.id == ""
    assert seen[0].upload.metadata == {"a": b"a"}
    assert (seen[0].request.method, seen[0].request.uri) == ("POST", "/files/")
    assert seen[0].request.headers.one("upload-length") == "5"
    again = await client.request("POST", "/files/", headers)
    assert (again.status, again.code) == (409, "ERR_UPLOAD_EXISTS")


async def test_metadata_of_a_callback_that_no_header_can_have_does_no_harm(
    server: ClientFactory, tmp_path: Path
) -> None:
    async def pre_create(event: HookEvent) -> tuple[HTTPResponse, FileInfoChanges]:
        metadata = {"\u0444": b"1", "a\r\nb": b"2", "c": "\u0444".encode()}
        return HTTPResponse(), FileInfoChanges(metadata=metadata)

    for store in (FileStore(tmp_path), None):
        client = server(store, pre_upload_create_callback=pre_create)
        path = await client.create(5)
        assert (await client.head(path))["Upload-Metadata"] == "c 0YQ="
        assert (await client.patch(path, 0, b"hello")).status == 204


async def test_an_id_that_is_none_is_the_servers_mistake(server: ClientFactory) -> None:
    async def pre_create(event: HookEvent) -> tuple[HTTPResponse, FileInfoChanges]:
        return HTTPResponse(), FileInfoChanges(id="../x")

    client = server(pre_upload_create_callback=pre_create)
    answer = await client.request("POST", "/files/", {"Upload-Length": "5"})
    assert (answer.status, answer.code) == (500, "ERR_INTERNAL_SERVER_ERROR")


async def test_a_callback_may_reject_a_creation_before_its_body_is_read(
    server: ClientFactory,
) -> None:
    async def pre_create(event: HookEvent) -> tuple[HTTPResponse, FileInfoChanges]:
        raise Refused(TEAPOT, headers=(("X-From", "callback"),))

    client = server(pre_upload_create_callback=pre_create, notify_created_uploads=True)
    async with client.connect() as wire:
        await wire.send(
            "POST /files/ HTTP/1.1\nHost: x\nTus-Resumable: 1.0.0\nUpload-Length: 5\n"
            "Content-Type: application/offset+octet-stream\nContent-Length: 5\n"
            "Expect: 100-continue\n\n"
        )
        answer = await wire.receive_response()
    assert (answer.status, answer.code, answer["X-From"]) == (418, "ERR_TEAPOT", "callback")
    assert answer["Tus-Resumable"] == "1.0.0"


async def test_a_callback_may_reject_a_termination(server: ClientFactory) -> None:
    async def pre_terminate(event: HookEvent) -> HTTPResponse:
        if event.upload.offset < 5:
            raise Refused(TEAPOT)
        return HTTPResponse(headers=(("X-From", "callback"),))

    client = server(pre_upload_terminate_callback=pre_terminate)
    path = await client.create(5)
    assert (await client.request("DELETE", path)).code == "ERR_TEAPOT"
    assert (await client.patch(path, 0, b"hello")).status == 204
    answer = await client.request("DELETE", path)
    assert (answer.status, answer["X-From"]) == (204, "callback")


class FailingFinishCallback:
    """A finish callback that fails the first `failures` times."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.calls: list[str] = []

    async def __call__(self, event: HookEvent) -> HTTPResponse:
        self.calls.append(event.upload.id)
        if len(self.calls) <= self.failures:
            raise RuntimeError("the database is away")
        return HTTPResponse(headers=(("X-From", "callback"),))


async def test_a_finish_callback_is_called_once_whatever_follows(
    server: ClientFactory, tmp_path: Path
) -> None:
    finish = FailingFinishCallback()
    folder = tmp_path / "uploads"
    for _ in range(2):
        client = server(FileStore(folder), pre_finish_response_callback=finish)
        path = await client.create(5)
        done = await client.patch(path, 0, b"hello")
        assert (done.status, done["X-From"]) == (204, "callback")
        for _ in range(2):
            assert (await client.patch(path, 5)).status == 204
            assert await client.get_offset(path) == 5
            assert await client.get(path) == b"hello"
        # A process that starts anew knows from the record that it was done.
        other = server(FileStore(folder), pre_finish_response_callback=finish)
        assert await other.get_offset(path) == 5
    assert len(finish.calls) == len(set(finish.calls)) == 2


@pytest.mark.parametrize("retry", ["HEAD", "PATCH", "GET", "a new process"])
async def test_a_failed_finish_is_tried_again_by_the_next_request(
    server: ClientFactory, tmp_path: Path, retry: str
) -> None:
    finish = FailingFinishCallback(failures=1)
    folder = tmp_path / "uploads"
    settings: dict[str, Any] = {
        "pre_finish_response_callback": finish,
        "notify_complete_uploads": True,
    }
    client = server(FileStore(folder), **settings)
    path = await client.create(5)
    failed = await client.patch(path, 0, b"hello")
    assert (failed.status, failed.code) == (500, "ERR_INTERNAL_SERVER_ERROR")
    if retry == "a new process":
        client = server(FileStore(folder), **settings)
    if retry == "PATCH":
        assert (await client.patch(path, 5))["X-From"] == "callback"
    elif retry == "GET":
        assert await client.get(path) == b"hello"
    else:
        assert await client.get_offset(path) == 5
    assert len(finish.calls) == 2
    assert await client.get_offset(path) == 5
    assert len(finish.calls) == 2
    with anyio.fail_after(1):
        event = await client.handler.complete_uploads.receive()
    assert event.upload.offset == 5


async def test_while_finishing_fails_the_upload_still_looks_complete(server: ClientFactory) -> None:
    finish = FailingFinishCallback(failures=10)
    client = server(pre_finish_response_callback=finish)
    path = await client.create(5)
    assert (await client.patch(path, 0, b"hello")).status == 500
    assert await client.get_offset(path) == 5
    assert (await client.patch(path, 5)).status == 500
    assert await client.get(path) == b"hello"
    assert len(finish.calls) == 4


@pytest.mark.parametrize("body", [b"", b"hello"])
async def test_an_upload_that_is_complete_at_creation_is_finished_there(
    server: ClientFactory, body: bytes
) -> None:
    finish = FailingFinishCallback()
    client = server(pre_finish_response_callback=finish, notify_complete_uploads=True)
    answer = await client.request(
        "POST",
        "/files/",
        {"Upload-Length": str(len(body)), "Content-Type": "application/offset+octet-stream"},
        body,
    )
    assert (answer.status, answer["X-From"]) == (201, "callback")
    assert len(finish.calls) == 1
    assert (await client.handler.complete_uploads.receive()).upload.id == finish.calls[0]


async def test_partial_uploads_are_not_processed_but_their_final_is(server: ClientFactory) -> None:
    finish = FailingFinishCallback()
    client = server(pre_finish_response_callback=finish)
    path = await client.create(5, Upload_Concat="partial")
    final = await client.request("POST", "/files/", {"Upload-Concat": f"final;{path}"})
    assert (await client.patch(path, 0, b"hello")).status == 204
    assert [f"http://tus.test/files/{i}" for i in finish.calls] == [final["Location"]]


async def test_every_event_waits_until_it_is_read(server: ClientFactory) -> None:
    client = server(
        notify_created_uploads=True,
        notify_complete_uploads=True,
        notify_terminated_uploads=True,
        notify_upload_progress=True,
    )
    paths = [await client.create(5, b"hello") for _ in range(50)]
    for path in paths:
        assert (await client.request("DELETE", path)).status == 204
    handler = client.handler
    for stream, offset in (
        (handler.created_uploads, 0),
        (handler.upload_progress, 5),
        (handler.complete_uploads, 5),
        (handler.terminated_uploads, 5),
    ):
        with anyio.fail_after(1):
            events = [await stream.receive() for _ in paths]
        assert [f"/files/{event.upload.id}" for event in events] == paths
        assert {event.upload.offset for event in events} == {offset}


async def test_progress_keeps_the_newest_state_of_each_upload() -> None:
    stream = EventStream(wanted=True, newest_only=True)
    for offset in range(3):
        for upload_id in ("a", "b"):
            stream.put(HookEvent(FileInfo(id=upload_id, offset=offset), HTTPRequest()))
    seen = [(await stream.receive()).upload for _ in range(2)]
    assert [(info.id, info.offset) for info in seen] == [("a", 2), ("b", 2)]


async def test_a_reader_waits_and_a_closed_stream_ends() -> None:
    stream, seen = EventStream(wanted=True), []

    async def read() -> None:
        seen.extend([event.upload.id async for event in stream])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        await trio.testing.wait_all_tasks_blocked()
        for upload_id in ("a", "b"):
            stream.put(HookEvent(FileInfo(id=upload_id), HTTPRequest()))
        await trio.testing.wait_all_tasks_blocked()
        await stream.aclose()
        stream.put(HookEvent(FileInfo(id="c"), HTTPRequest()))
    assert seen == ["a", "b"]
