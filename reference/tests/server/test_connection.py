"""`server.connection`: literal bytes in, literal bytes out."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from tus_reference import FileStore, MemoryStore
from tus_reference.model import Refused, errors
from tus_reference.server import Limits
from tus_reference.server.request_body import ChunkedBody

if TYPE_CHECKING:
    from conftest import ClientFactory, HandlerClient

PATCH = """PATCH {path} HTTP/1.1
Host: tus.test
Tus-Resumable: 1.0.0
Content-Type: application/offset+octet-stream
Upload-Offset: {offset}
"""


async def test_an_answer_on_the_page(client: HandlerClient) -> None:
    async with client.connect() as wire:
        await wire.send("HEAD /files/nothing HTTP/1.1\nHost: x\nTus-Resumable: 1.0.0\n\n")
        lines = (await wire.receive()).decode().split("\r\n")
    dates = [line for line in lines if line.startswith("Date: ")]
    assert len(dates) == 1
    assert [line for line in lines if line not in dates] == [
        "HTTP/1.1 404 Not Found",
        "Content-Type: text/plain; charset=utf-8",
        "Tus-Resumable: 1.0.0",
        "Cache-Control: no-store",
        "Content-Length: 46",
        "Server: tus-reference",
        "",
        "",
    ]


async def test_requests_sent_at_once_are_answered_in_order(client: HandlerClient) -> None:
    path = await client.create(10)
    async with client.connect() as wire:
        await wire.send(
            PATCH.format(path=path, offset=0) + "Content-Length: 5\n\nhello"
            + PATCH.format(path=path, offset=5) + "Transfer-Encoding: chunked\n\n2\n w\n0\n\n"
            + f"HEAD {path} HTTP/1.1\nHost: x\nTus-Resumable: 1.0.0\n\n"
            + PATCH.format(path=path, offset=7) + "Content-Length: 3\n\norl"
        )  # fmt: skip
        answers = [await wire.receive_response(m) for m in ("PATCH", "PATCH", "HEAD", "PATCH")]
    assert [answer["Upload-Offset"] for answer in answers] == ["5", "7", "7", "10"]


@pytest.mark.parametrize(
    ("version", "connection", "stays"),
    [
        ("1.1", "", True),
        ("1.1", "Connection: keep-alive\n", True),
        ("1.1", "Connection: close\n", False),
        ("1.1", "Connection: TE, Close\n", False),
        ("1.0", "", False),
    ],
)
async def test_the_connection_stays_open_if_both_want_it(
    client: HandlerClient, version: str, connection: str, stays: bool
) -> None:
    async with client.connect() as wire:
        await wire.send(f"OPTIONS /files/ HTTP/{version}\nHost: x\n{connection}\n")
        answer = await wire.receive_response()
        assert (answer["Connection"] == "close") is not stays
        if stays:
            await wire.send("OPTIONS /files/ HTTP/1.1\nHost: x\n\n")
            assert (await wire.receive_response()).status == 204
        else:
            assert await wire.is_closed()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("nonsense\n\n", 400),
        ("GET /files/x HTTP/1.1\n\n", 400),
        ("GET /files/x HTTP/1.1\nHost: x\nbad header\n\n", 400),
        ("GET /files/x HTTP/1.1\nHost: x\nContent-Length: x\n\n", 400),
        ("GET /files/x HTTP/1.1\nHost: x\nContent-Length: 1\nContent-Length: 2\n\n", 400),
        ("GET /files/x HTTP/1.1\nHost: x\nTransfer-Encoding: gzip\n\n", 501),
        (f"GET /files/x HTTP/1.1\nHost: x\nContent-Length: {'1' * 5000}\n\n", 400),
        ("GET /files/x HTTP/1.1\nHost: x\nLong: " + "x" * 9000, 431),
    ],
)
async def test_what_is_not_http_gets_a_400_with_the_protocol_version(
    server: ClientFactory, head: str, status: int
) -> None:
    client = server(limits=Limits(head_size=8192))
    async with client.connect() as wire:
        await wire.send(head)
        answer = await wire.receive_response()
        assert (answer.status, answer.code) == (status, "ERR_BAD_REQUEST")
        assert (answer["Tus-Resumable"], answer["Connection"]) == ("1.0.0", "close")


async def test_the_body_is_invited_only_if_it_is_wanted(client: HandlerClient) -> None:
    path = await client.create(10)
    head = PATCH + "Content-Length: 5\nExpect: 100-continue\n\n"
    async with client.connect() as wire:
        await wire.send(head.format(path=path, offset=0))
        assert await wire.receive() == b"HTTP/1.1 100 Continue\r\n\r\n"
        await wire.send("hello")
        assert (await wire.receive_response()).status == 204
    async with client.connect() as wire:
        await wire.send(head.format(path=path, offset=0))
        answer = await wire.receive_response()
        assert (answer.status, answer["Connection"]) == (409, "close")
    assert await client.get_offset(path) == 5


async def test_a_body_that_comes_uninvited_needs_no_invitation(client: HandlerClient) -> None:
    path = await client.create(10)
    async with client.connect() as wire:
        await wire.send(
            PATCH.format(path=path, offset=0) + "Content-Length: 5\nExpect: 100-continue\n\nhello"
        )
        assert (await wire.receive()).startswith(b"HTTP/1.1 204 ")


@pytest.mark.parametrize(
    "framing", ["Content-Length: 5\n\nhello", "Transfer-Encoding: chunked\n\n"]
)
async def test_after_an_early_refusal_a_small_rest_is_dropped(
    client: HandlerClient, framing: str
) -> None:
    path = await client.create(10)
    async with client.connect() as wire:
        await wire.send(PATCH.format(path=path, offset=3) + framing)
        answer = await wire.receive_response()
        assert answer.status == 409
        if answer["Connection"] == "close":
            assert await wire.is_closed()
        else:
            await wire.send("OPTIONS /files/ HTTP/1.1\nHost: x\n\n")
            assert (await wire.receive_response()).status == 204


async def test_a_client_that_goes_on_sending_can_still_read_the_refusal(
    client: HandlerClient,
) -> None:
    path = await client.create(10)
    size = 8 * 1024 * 1024
    async with client.connect() as wire:
        await wire.send(PATCH.format(path=path, offset=0) + f"Content-Length: {size}\n\n")
        for _ in range(size // 65536):
            await wire.send(bytes(65536))
        answer = await wire.receive_response()
        assert (answer.status, answer["Connection"]) == (413, "close")
        assert await wire.is_closed()
    assert await client.get_offset(path) == 0


async def test_draining_is_bounded(server: ClientFactory, autojump_clock: object) -> None:
    client = server(limits=Limits(drain_limit_closing=1024 * 1024))
    path = await client.create(10)
    async with client.connect() as wire:
        await wire.send(PATCH.format(path=path, offset=0) + "Content-Length: 999999999\n\n")
        assert (await wire.receive_response()).status == 413
        taken = 0
        with contextlib.suppress(trio.BrokenResourceError):
            while taken < 10 * 1024 * 1024:
                await wire.send(bytes(65536))
                taken += 65536
                await trio.testing.wait_all_tasks_blocked()
    assert taken <= 1024 * 1024 + 65536


@pytest.mark.parametrize(
    "framing", ["Content-Length: 9\n\nhello", "Transfer-Encoding: chunked\n\n5\nhello\n"]
)
@pytest.mark.parametrize("abrupt", [True, False], ids=["close", "half-close"])
async def test_what_arrived_before_the_client_left_is_stored(
    client: HandlerClient, framing: str, abrupt: bool
) -> None:
    path = await client.create(10)
    async with client.connect() as wire:
        await wire.send(PATCH.format(path=path, offset=0) + framing)
        if abrupt:
            await wire.stream.aclose()
        else:
            assert isinstance(wire.stream, trio.StapledStream)
            await wire.stream.send_eof()
            answer = await wire.receive_response()
            assert (answer.status, answer.code) == (400, "ERR_UNEXPECTED_EOF")
    assert await client.get_offset(path) == 5
    assert (await client.patch(path, 5, b" tus!")).status == 204
    assert await client.get(path) == b"hello tus!"


async def test_malformed_chunks_end_the_body_and_keep_what_was_sound(client: HandlerClient) -> None:
    path = await client.create(10)
    async with client.connect() as wire:
        await wire.send(
            PATCH.format(path=path, offset=0) + "Transfer-Encoding: chunked\n\n5\nhello\n"
        )
        await wire.send("zz\nxx\n")
        answer = await wire.receive_response()
        assert (answer.status, answer.code) == (400, "ERR_BAD_REQUEST")
    assert await client.get_offset(path) == 5


async def test_a_client_that_falls_silent_is_given_up(
    server: ClientFactory, autojump_clock: object
) -> None:
    client = server(network_timeout=3.0)
    path = await client.create(10)
    async with client.connect() as wire:
        await wire.send(PATCH.format(path=path, offset=0) + "Content-Length: 9\n\nhello")
        assert await wire.is_closed()
    assert await client.get_offset(path) == 5


async def test_an_idle_connection_is_closed_without_a_word(
    server: ClientFactory, autojump_clock: object
) -> None:
    client = server(limits=Limits(keep_alive=2.0))
    async with client.connect() as wire:
        assert await wire.is_closed()


async def test_a_request_behind_two_lengths_is_not_carried_out(client: HandlerClient) -> None:
    path = await client.create(100)
    smuggled = f"DELETE {path} HTTP/1.1\nHost: x\nTus-Resumable: 1.0.0\n\n"
    async with client.connect() as wire:
        await wire.send(
            PATCH.format(path=path, offset=0)
            + f"Content-Length: {5 + len(smuggled)}\nTransfer-Encoding: chunked\n\n0\n\n{smuggled}"
        )
        answers = (await wire.receive()).decode()
    assert answers.count("HTTP/1.1") == 1
    assert "Connection: close" in answers
    assert (await client.head(path)).status == 200


@pytest.mark.parametrize("target", ["/files/a://b/files/", "/a://b/files/", "x://y/files/"])
async def test_only_an_absolute_form_has_an_authority(client: HandlerClient, target: str) -> None:
    answer = await client.request("POST", target, {"Upload-Length": "5"})
    assert answer.status == 404


async def test_an_absolute_form_is_understood(client: HandlerClient) -> None:
    answer = await client.request("POST", "http://tus.test/files/", {"Upload-Length": "5"})
    assert answer.status == 201


async def test_chunks_of_one_byte_are_stored_together(
    client: HandlerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that is given each chunk by itself goes to a thread for each byte."""
    sizes: list[int] = []
    read_into = ChunkedBody.read_into

    async def count_reads(body: ChunkedBody, buffer: memoryview) -> int:
        sizes.append(await read_into(body, buffer))
        return sizes[-1]

    monkeypatch.setattr(ChunkedBody, "read_into", count_reads)
    path = await client.create(3000)
    async with client.connect() as wire:
        chunks = "".join("1\nx\n" for _ in range(3000))
        await wire.send(
            PATCH.format(path=path, offset=0) + f"Transfer-Encoding: chunked\n\n{chunks}0\n\n"
        )
        assert (await wire.receive_response())["Upload-Offset"] == "3000"
    assert sum(sizes) == 3000
    assert len(sizes) < 100


async def test_what_came_before_a_malformed_chunk_is_stored(client: HandlerClient) -> None:
    path = await client.create(10)
    async with client.connect() as wire:
        await wire.send(
            PATCH.format(path=path, offset=0) + "Transfer-Encoding: chunked\n\n3\nabc\nnonsense\n"
        )
        assert (await wire.receive_response()).status == 400
    assert (await client.head(path))["Upload-Offset"] == "3"


async def test_a_download_whose_upload_is_removed_ends_the_connection(
    client: HandlerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The length was promised already, and the server goes on with other connections."""
    path = await client.create(2, b"ab")

    async def find_half(*_arguments: object) -> AsyncGenerator[bytes, None]:
        yield b"a"
        raise Refused(errors.UPLOAD_NOT_FOUND)

    for store in (FileStore, MemoryStore):
        monkeypatch.setattr(store, "get_reader", find_half)
    async with client.connect() as wire:
        await wire.send(f"GET {path} HTTP/1.1\nHost: x\n\n")
        received = b""
        while not received.endswith(b"\r\n\r\na"):
            received += await wire.receive()
        assert await wire.is_closed()
    assert await client.get_offset(path) == 2


async def test_a_download_that_finds_nothing_is_an_error(
    client: HandlerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await client.create(2, b"ab")

    async def find_nothing(*arguments: object) -> AsyncGenerator[bytes, None]:
        if arguments:
            raise Refused(errors.UPLOAD_NOT_FOUND)
        yield b""

    for store in (FileStore, MemoryStore):
        monkeypatch.setattr(store, "get_reader", find_nothing)
    assert (await client.request("GET", path)).status == 404
