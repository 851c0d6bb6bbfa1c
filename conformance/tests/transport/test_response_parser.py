"""`transport.response_parser`: responses from the bytes that the server sends."""

from __future__ import annotations

from hashlib import sha256

import pytest
from scripted_peer import PeerClose, ReadUntil, send_to_peer

from tus_conformance.transport import FailureKind, HttpRequest

URL = "http://tus.test/files/1"
END = "\r\n\r\n"


def heard(status: int, body: bytes = b"", **more: object) -> dict[str, object]:
    return {"status": status, "body": body, "complete": True, "failure": None} | more


def failed(
    kind: FailureKind, status: int | None = None, body: bytes = b"", **more: object
) -> dict[str, object]:
    return {"status": status, "body": body, "complete": False, "failure": kind} | more


# Each row: the method, what the peer says, whether it then closes, and what the answer is.
SAID = {
    "an answer without a body": (
        "PATCH",
        b"HTTP/1.1 204 No Content\r\nUpload-Offset: 5\r\n\r\n",
        False,
        heard(204, headers=(("Upload-Offset", "5"),), reason="No Content", version="1.1"),
    ),
    "a sized body": (
        "GET",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        False,
        heard(200, b"hello"),
    ),
    "a chunked body and its trailers": (
        "GET",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nhel\r\n2\r\nlo\r\n0\r\nX-Sum: 1\r\n\r\n",
        False,
        heard(200, b"hello", trailers=(("X-Sum", "1"),)),
    ),
    "a body that the close delimits": (
        "GET",
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        True,
        heard(200, b"hello"),
    ),
    "an answer of HTTP/1.0": (
        "GET",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        True,
        heard(200, b"hello", version="1.0"),
    ),
    "the response to HEAD has no body, whatever its length says": (
        "HEAD",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        False,
        heard(200, headers=(("Content-Length", "5"),)),
    ),
    "a 304 has no body either": (
        "GET",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        False,
        heard(304),
    ),
    "a status line without a reason": (
        "GET",
        b"HTTP/1.1 460 \r\nContent-Length: 0\r\n\r\n",
        False,
        heard(460, reason=""),
    ),
    "headers keep their order, their case and their repetitions": (
        "HEAD",
        b"HTTP/1.1 200 OK\r\nb-b: 1\r\nA-a: 2\r\nb-B:3  \r\n\r\n",
        False,
        heard(200, headers=(("b-b", "1"), ("A-a", "2"), ("b-B", "3"))),
    ),
    "a value beyond ASCII is read as Latin-1": (
        "HEAD",
        b"HTTP/1.1 200 OK\r\nA: \xe9\r\n\r\n",
        False,
        heard(200, headers=(("A", "\xe9"),)),
    ),
    "interim responses come before the final one": (
        "PATCH",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 104 Upload Resumption Supported\r\n"
        b"Upload-Offset: 3\r\n\r\nHTTP/1.1 104 \r\n\r\n"
        b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
        False,
        heard(201, interim=(100, 104, 104)),
    ),
    "a head of 100 KiB": (
        "HEAD",
        b"HTTP/1.1 200 OK\r\nUpload-Metadata: a " + b"Q" * 102400 + b"\r\n\r\n",
        False,
        heard(200),
    ),
    "bytes after the answer do not belong to it": (
        "PATCH",
        b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 500 Oops\r\n\r\n",
        False,
        heard(204),
    ),
    "nothing, and the end": ("PATCH", b"", True, failed("closed", closed=True)),
    "an interim response, and the end": (
        "PATCH",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        True,
        failed("closed", interim=(100,), closed=True),
    ),
    "half a head, and the end": (
        "PATCH",
        b"HTTP/1.1 204 No Con",
        True,
        failed("closed", closed=True),
    ),
    "half a sized body, and the end": (
        "GET",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
        True,
        failed("closed", 200, b"hel", closed=True),
    ),
    "half a chunked body, and the end": (
        "GET",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n",
        True,
        failed("closed", 200, b"hel", closed=True),
    ),
    "another protocol": (
        "GET",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        False,
        failed("malformed", closed=False),
    ),
    "a header line without a colon": (
        "GET",
        b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
        False,
        failed("malformed"),
    ),
    "two lengths that differ": (
        "GET",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        False,
        failed("malformed"),
    ),
    "a chunk of no size": (
        "GET",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        False,
        failed("malformed", 200),
    ),
    "a protocol that nobody asked to switch to": (
        "GET",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        False,
        failed("malformed"),
    ),
}


@pytest.mark.parametrize(("method", "said", "ends", "expected"), SAID.values(), ids=SAID)
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "byte by byte"])
async def test_the_answer_is(
    method: str, said: bytes, ends: bool, expected: dict[str, object], at_once: bool
) -> None:
    step = len(said) + 1 if at_once else 1 + len(said) // 500
    moves = [said[at : at + step] for at in range(0, len(said), step)]
    http_response, _ = await send_to_peer(
        HttpRequest(method, URL), ReadUntil(END.encode()), *moves, *([PeerClose()] if ends else [])
    )
    seen = {name: getattr(http_response, name) for name in expected}
    seen["failure"] = http_response.failure.kind if http_response.failure else None
    assert seen == expected
    assert http_response.body_length == len(http_response.body)
    assert http_response.body_sha256 == sha256(http_response.body).hexdigest()


async def test_the_heads_are_recorded_as_they_stood() -> None:
    first = b"HTTP/1.1 104 Upload Resumption Supported\r\nLocation:  /a\r\n\r\n"
    final = b"HTTP/1.1 201 Created\r\nlocation:/a \r\nContent-Length: 2\r\n\r\n"
    http_response, _ = await send_to_peer(
        HttpRequest("POST", URL), ReadUntil(END.encode()), first, final + b"ok"
    )
    assert [interim.head for interim in http_response.exchange.interim_responses] == [
        first.decode()
    ]
    response = http_response.exchange.response
    assert response is not None
    assert response.head == final.decode()
    assert response.headers == (("location", "/a"), ("Content-Length", "2"))
    assert response.body is not None
    assert response.body.text == "ok"
    assert response.complete


async def test_malformed_bytes_are_recorded_as_they_stood() -> None:
    said = b"HTTP/1.1 204 No Content\r\nbad name: 1\r\n\r\n"
    http_response, _ = await send_to_peer(HttpRequest("PATCH", URL), ReadUntil(END.encode()), said)
    assert http_response.status is None
    response = http_response.exchange.response
    assert response is not None
    assert response.status == 204
    assert response.head == said.decode()
    assert not response.complete


async def test_bytes_of_another_protocol_are_recorded_too() -> None:
    http_response, _ = await send_to_peer(
        HttpRequest("PATCH", URL), ReadUntil(END.encode()), b"+OK ready\r\n\r\n"
    )
    assert http_response.exchange.response is None
    received = [event.text for event in http_response.exchange.events if event.event == "received"]
    assert received == ["+OK ready\r\n\r\n"]


async def test_a_sink_is_given_the_whole_body_of_which_the_answer_keeps_the_first_64_kib() -> None:
    body = bytes(range(256)) * 1024
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    taken = bytearray()
    http_response, _ = await send_to_peer(
        HttpRequest("GET", URL), ReadUntil(END.encode()), head + body, sink=taken.extend
    )
    assert bytes(taken) == body
    assert http_response.body == body[:65536]
    assert http_response.body_length == len(body)
    assert http_response.body_sha256 == sha256(body).hexdigest()
    response = http_response.exchange.response
    assert response is not None
    assert response.body is not None
    assert response.body.truncated


@pytest.mark.parametrize("step", [1, 7])
async def test_heads_that_come_in_pieces_are_recorded_whole(step: int) -> None:
    first = b"HTTP/1.1 104 Upload Resumption Supported\r\nLocation:  /a\r\n\r\n"
    final = b"HTTP/1.1 201 Created\r\nlocation:/a \r\nContent-Length: 2\r\n\r\n"
    said = first + final + b"ok"
    pieces = [said[at : at + step] for at in range(0, len(said), step)]
    http_response, _ = await send_to_peer(
        HttpRequest("POST", URL), ReadUntil(END.encode()), *pieces
    )
    assert [interim.head for interim in http_response.exchange.interim_responses] == [
        first.decode()
    ]
    assert http_response.exchange.response is not None
    assert http_response.exchange.response.head == final.decode()
