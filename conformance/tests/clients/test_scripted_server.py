"""`clients.scripted_server`: what its rules do to requests, byte for byte."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio
from seen_client import make_situation
from small_honest_server import SmallServer

from tus_conformance.clients.scripted_server import ScriptedServer

pytestmark = pytest.mark.anyio

POST = b"POST /files/ HTTP/1.1\r\nHost: h\r\nUpload-Length: 10\r\nContent-Length: 0\r\n\r\n"
HEAD = b"HEAD /files/u1 HTTP/1.1\r\nHost: h\r\n\r\n"
PATCH = b"PATCH /files/u1 HTTP/1.1\r\nHost: h\r\nUpload-Offset: 0\r\nContent-Length: 10\r\n\r\n"
BODY = b"0123456789"


@asynccontextmanager
async def serving(
    text: str = "", **fields: str
) -> AsyncIterator[tuple[ScriptedServer, SmallServer, Callable[[bytes], Awaitable[bytes]]]]:
    """Serve a situation; yield the server, what is behind it, and what sends bytes to it."""
    honest = SmallServer()
    server = ScriptedServer(make_situation(text, **fields), honest)
    async with trio.open_nursery() as nursery:
        port = await nursery.start(server.serve, 0)

        async def send(data: bytes) -> bytes:
            stream = await trio.open_tcp_stream("127.0.0.1", port)
            received = b""
            try:
                async with stream:
                    await stream.send_all(data.replace(b"Host: h", b"Host: h:%d" % port))
                    await stream.send_eof()
                    while piece := await stream.receive_some(65536):
                        received += piece
            except trio.BrokenResourceError:
                received += b"<reset>"
            return received

        yield server, honest, send
        nursery.cancel_scope.cancel()
    await honest.aclose()


def rule(on: str, fields: str) -> str:
    return f'[[situation.rule]]\non = "{on}"\n{fields}\n'


async def test_without_rules_it_is_the_reference() -> None:
    async with serving() as (server, honest, send):
        assert b"HTTP/1.1 201" in await send(POST)
        assert b"Upload-Offset: 10" in await send(PATCH + BODY)
        assert honest.uploads == {"u1": BODY}
        upload = server.log.uploads["u1"]
        assert (upload.offset, bytes(upload.received)) == (10, BODY)
        assert [each.status for each in server.log.requests] == [201, 204]


async def test_the_record_says_in_words_what_a_rule_did() -> None:
    async with serving(rule("PATCH", 'store = "50%"')) as (server, _honest, send):
        await send(POST)
        await send(PATCH + BODY)
        created, patched = server.log.requests
        assert created.applied == []
        assert patched.applied == ["The first PATCH has 50% of its body stored and acknowledged."]


@pytest.mark.parametrize(
    ("fields", "stored", "received"),
    [
        ('cut = { after = "4" }', b"0123", b"<reset>"),
        ('cut = { after = "4", by = "fin" }', b"0123", b""),
        ('cut = { after = "-1" }', b"012345678", b"<reset>"),
        ('cut = { after = "4", keep = false }', b"", b"<reset>"),
        ('cut = { after = "0" }', b"", b"<reset>"),
        ('lose = "fin"', BODY, b""),
    ],
)
async def test_connections_break_as_a_rule_says(
    fields: str, stored: bytes, received: bytes
) -> None:
    async with serving(rule("PATCH", fields)) as (server, honest, send):
        await send(POST)
        assert await send(PATCH + BODY) == received
        assert honest.uploads == {"u1": stored}
        assert server.log.requests[-1].response is None


@pytest.mark.parametrize(
    ("fields", "stored", "shown"),
    [
        ('store = "50%"', b"01234", b"Upload-Offset: 5\r\n"),
        ('store = "0"', b"", b"Upload-Offset: 0\r\n"),
        ("answer = { status = 503, header = { Retry-After = '3' } }", b"", b"Retry-After: 3\r\n"),
        ("answer = { status = 200, tus = false, body = 'hi' }", b"", b"\r\n\r\nhi"),
        ("answer = { status = 413, early = true }", b"", b"HTTP/1.1 413"),
        ("redirect = 307", b"", b"/moved/files/u1\r\n"),
        ("forget = true", b"", b"HTTP/1.1 404"),
        ("edit = { interim = [102, 103] }", BODY, b"HTTP/1.1 103 \r\n\r\nHTTP/1.1 204"),
        ("edit = { set = { Upload-Offset = 'abc' } }", BODY, b"Upload-Offset: abc\r\n"),
        ("edit = { status = 200 }", BODY, b"HTTP/1.1 200"),
    ],
)
async def test_responses_are_those_that_a_rule_says(
    fields: str, stored: bytes, shown: bytes
) -> None:
    async with serving(rule("PATCH", fields)) as (_, honest, send):
        await send(POST)
        assert shown in await send(PATCH + BODY)
        assert honest.uploads.get("u1", b"") == stored


async def test_a_header_is_dropped() -> None:
    async with serving(rule("POST", 'edit = { drop = ["Location"] }')) as (server, _, send):
        assert b"ocation" not in await send(POST)
        assert server.log.uploads


async def test_a_location_in_another_form_is_the_only_one() -> None:
    form = 'edit = { location = "/other/{id}?a=b" }'
    async with serving(rule("POST", form)) as (_, honest, send):
        assert b"Location: /other/u1?a=b\r\n" in await send(POST)
        assert b"HTTP/1.1 404" in await send(PATCH + BODY)
        assert b"HTTP/1.1 204" in await send(PATCH.replace(b"/files/u1", b"/other/u1?a=b") + BODY)
        assert honest.uploads == {"u1": BODY}


@pytest.mark.parametrize("path", [b"/files/unknown", b"/files/u1"])
async def test_a_response_to_head_has_no_body(path: bytes) -> None:
    answer = "answer = { status = 200, body = 'hi' }"
    async with serving(rule("HEAD", answer) if path == b"/files/u1" else "") as (server, _, send):
        await send(POST)
        received = await send(HEAD.replace(b"/files/u1", path) + HEAD.replace(b"/files/u1", path))
        assert received.count(b"HTTP/1.1 ") == 2
        assert b"hi" not in received
        assert len(server.log.requests) == 3


async def test_a_rule_about_the_request_after_another() -> None:
    rules = rule("PATCH", 'name = "cut"\ncut = { after = "4" }')
    rules += rule("HEAD", 'after = "cut"\nanswer = { status = 423 }')
    async with serving(rules) as (_, _, send):
        await send(POST)
        assert b"HTTP/1.1 200" in await send(HEAD)
        await send(PATCH + BODY)
        assert b"HTTP/1.1 423" in await send(HEAD)
        assert b"HTTP/1.1 200" in await send(HEAD)


async def test_a_client_that_leaves_in_the_body_has_what_it_sent_stored() -> None:
    async with serving() as (server, honest, send):
        await send(POST)
        await send(PATCH + BODY[:4])
        assert honest.uploads == {"u1": b"0123"}
        assert server.log.requests[-1].closed_by_client


async def test_a_share_of_a_body_without_length_is_that_of_the_missing_bytes() -> None:
    chunked = PATCH.replace(b"Content-Length: 10", b"Transfer-Encoding: chunked")
    async with serving(rule("PATCH", 'cut = { after = "40%" }')) as (_, honest, send):
        await send(POST)
        await send(chunked + b"a\r\n" + BODY + b"\r\n0\r\n\r\n")
        assert honest.uploads == {"u1": b"0123"}


async def test_pages_of_other_origins_may_upload() -> None:
    ask = b"OPTIONS /files/ HTTP/1.1\r\nHost: h\r\nOrigin: http://page\r\n"
    ask += b"Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-a\r\n\r\n"
    post = POST.replace(b"Host: h", b"Host: h\r\nOrigin: http://page")
    rules = rule("OPTIONS", "times = 0\nanswer = { status = 404 }")
    rules += rule("POST", "answer = { status = 503 }")
    async with serving(rules) as (_, _, send):
        allowed = await send(ask)
        assert b"HTTP/1.1 204" in allowed
        assert b"Access-Control-Allow-Headers: x-a\r\n" in allowed
        for status in (b"503", b"201"):
            answered = await send(post)
            assert status in answered
            assert b"Access-Control-Allow-Origin: http://page\r\n" in answered


async def test_what_is_not_http_is_noted() -> None:
    async with serving() as (server, _, send):
        await send(b"nonsense\r\n\r\n")
        assert server.log.unreadable


@pytest.mark.parametrize(
    ("fields", "shown"),
    [("{ http10 = true }", b"HTTP/1.0 201"), ("{ close = true }", b"Connection: close\r\n")],
)
async def test_a_server_that_closes(fields: str, shown: bytes) -> None:
    async with serving(server=fields) as (_, _, send):
        received = await send(POST + POST)
        assert received.count(b" 201 ") == 1
        assert shown in received


async def test_an_upload_to_go_on_with() -> None:
    async with serving() as (server, honest, send):
        url = await server.create_prior("http://h/files/", b"0123", 10)
        assert url == "http://h/files/u1"
        assert b"Upload-Offset: 4" in await send(HEAD)
        assert server.log.uploads["u1"].received == b"0123"
        await server.forget("u1")
        assert honest.uploads == {}
