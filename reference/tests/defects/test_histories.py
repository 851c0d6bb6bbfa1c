"""`history`: what rules may depend on: the requests before, the connection, what is stored."""

from __future__ import annotations

import pytest
import trio
from trio.testing import memory_stream_pair

from tus_defects.connection_facts import tag_requests
from tus_defects.gallery import read_rules
from tus_defects.message_edits import ComposedBody, find_header
from tus_defects.server import Server
from tus_defects.service import ChangeLayer
from tus_defects.variant import change_by_rule
from tus_reference import Config, MemoryStore
from tus_reference.handler import Handler
from tus_reference.model import Download, Headers, Request, Response

VERSION = ("Tus-Resumable", "1.0.0")
BYTES = ("Content-Type", "application/offset+octet-stream")


class Client:
    """A client of a server with one rule."""

    def __init__(self, rule: str) -> None:
        made = read_rules(f'[quirk.one]\nsentence = "One."\n{rule}').quirk["one"]
        self.handler = Handler(Config(data_store=MemoryStore()))
        server = Server(self.handler.config)
        self.layer = ChangeLayer(change_by_rule(made.match, made.edit), server)

    async def send(
        self, method: str, target: str, *headers: tuple[str, str], body: bytes = b""
    ) -> Response:
        sent = Headers((VERSION, *headers))
        request = Request(method, target, sent, ComposedBody(body, length=len(body)))
        return await self.layer.answer(request, self.handler.handle)

    async def create(self, *headers: tuple[str, str], body: bytes = b"") -> str:
        response = await self.send("POST", "/files/", *headers, body=body)
        return "/files/" + (find_header(response, "Location") or "").rpartition("/")[2]

    async def patch(self, url: str, offset: int, body: bytes) -> int:
        response = await self.send("PATCH", url, ("Upload-Offset", str(offset)), BYTES, body=body)
        return response.status

    async def read(self, url: str) -> bytes:
        body = (await self.send("GET", url)).body
        if isinstance(body, Download):
            return b"".join([chunk async for chunk in body.chunks])
        return body


STORED = [
    ("byte-inverted", "-1", b"ab\x9c"),
    ("byte-inverted", "0", b"\x9ebc"),
    ("byte-inverted", "7", b"abc"),
    ("zeroed", "1", b"a\0\0"),
    ("reversed", "-1", b"cba"),
]


@pytest.mark.parametrize(("change", "at", "stored"), STORED)
async def test_stored_changes_what_is_read_afterwards(change: str, at: str, stored: bytes) -> None:
    rule = f'match.method = "PATCH"\nedit = {{ stored = "{change}", at = {at} }}'
    client = Client(rule)
    url = await client.create(("Upload-Length", "3"))
    assert await client.patch(url, 0, b"abc") == 204
    assert await client.read(url) == stored


LENGTHS = [("last-byte-dropped", 2), ("byte-added", 4), ("doubled", 6), ("undone", 0)]


@pytest.mark.parametrize(("change", "offset"), LENGTHS)
async def test_stored_changes_the_offset(change: str, offset: int) -> None:
    client = Client(f'match = {{ method = "PATCH", upload = ["known"] }}\nedit.stored = "{change}"')
    url = await client.create(("Upload-Length", "9"))
    await client.patch(url, 0, b"abc")
    response = await client.send("HEAD", url)
    assert find_header(response, "Upload-Offset") == str(offset)


async def test_stored_removes_an_upload_or_its_metadata() -> None:
    for change, status in (("removed", 404), ("metadata-removed", 200), ("length-forgotten", 200)):
        client = Client(f'match.method = "PATCH"\nedit.stored = "{change}"')
        url = await client.create(("Upload-Length", "3"), ("Upload-Metadata", "a YQ=="))
        await client.patch(url, 0, b"a")
        response = await client.send("HEAD", url)
        assert response.status == status
        assert (find_header(response, "Upload-Metadata") is None) is (change != "length-forgotten")
        assert (find_header(response, "Upload-Length") is None) is (change != "metadata-removed")


async def test_stored_reaches_the_partial_uploads_and_the_others() -> None:
    client = Client(
        'match.request = ["final-creation"]\nedit = { stored = "reversed", of = "partials" }'
    )
    part = await client.create(("Upload-Length", "2"), ("Upload-Concat", "partial"))
    await client.patch(part, 0, b"ab")
    final = await client.create(("Upload-Concat", f"final;{part}"))
    assert (await client.read(final), await client.read(part)) == (b"ab", b"ba")
    client = Client('match.method = "DELETE"\nedit = { stored = "reversed", of = "others" }')
    one, other = [await client.create(("Upload-Length", "2")) for _ in range(2)]
    await client.patch(other, 0, b"ab")
    await client.send("DELETE", one)
    assert await client.read(other) == b"ba"


async def test_content_changes_a_download_only() -> None:
    client = Client('match = { method = "GET", ordinal = 2 }\nedit.content = "reversed"')
    url = await client.create(("Upload-Length", "2"))
    await client.patch(url, 0, b"ab")
    assert [await client.read(url) for _ in range(3)] == [b"ab", b"ba", b"ab"]


HISTORIES = [
    ("refused", True),
    ("refused-offset", True),
    ("refused-checksum", False),
    ("created-partial", True),
    ("created-deferred", False),
    ("created-with-upload", True),
    ("created-empty", False),
    ("any-refused", True),
    ("any-deleted", False),
    ("deleted", False),
]


@pytest.mark.parametrize(("word", "applies"), HISTORIES)
async def test_history_is_what_happened_to_an_upload(word: str, applies: bool) -> None:
    client = Client(f'match = {{ method = "HEAD", history = ["{word}"] }}\nedit.status = 299')
    headers = (("Upload-Length", "3"), ("Upload-Concat", "partial"), BYTES)
    url = await client.create(*headers, body=b"a")
    assert await client.patch(url, 3, b"a") == 409
    assert (await client.send("HEAD", url)).status == (299 if applies else 200)


async def test_history_of_one_upload_is_not_that_of_another() -> None:
    client = Client('match = { method = "HEAD", history = ["refused"] }\nedit.status = 299')
    one, other = [await client.create(("Upload-Length", "2")) for _ in range(2)]
    await client.patch(one, 2, b"a")
    assert (await client.send("HEAD", other)).status == 200


HEAD = b"HEAD /u HTTP/1.1\r\nHost: x\r\n\r\n"
PATCH = b"PATCH /u HTTP/1.0\r\nupload-offset: 0\r\nContent-Length: 30\r\n\r\n"


async def test_each_head_tells_of_its_connection_and_bodies_do_not() -> None:
    near, far = memory_stream_pair()
    server = Server(Config(data_store=MemoryStore()).validate())
    stream = tag_requests(far, server)
    seen = []
    for data in (PATCH, HEAD + b"\n", HEAD, HEAD.replace(b"Host", b"TUS-resumable")):
        await near.send_all(data)
        received = await stream.receive_some()
        lines = [x for x in received.splitlines() if x.startswith(b"Connection-Facts")]
        seen += [line.split(b" ", 2)[2].decode() for line in lines] or [""]
        if len(seen) > 1:
            await stream.send_all(b"HTTP/1.1 409 Conflict\r\n\r\n")
    assert seen == ["1.0 0 0 lower", "", "1.1 1 409 usual", "1.1 2 409 odd"]
    await trio.aclose_forcefully(stream)
