"""`transport.request_encoder`: what the server receives, byte for byte."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scripted_peer import ReadUntil, send_to_peer

from tus_conformance.transport import Http1Transport, HttpRequest, Payload, UnsendableError

URL = "http://tus.test/files/1"
DONE = b"HTTP/1.1 204 No Content\r\n\r\n"


def pieces(*chunks: bytes) -> Payload:
    return Payload(sum(map(len, chunks)), lambda: iter(chunks))


SENT = {
    "a request without a body has no framing header": (
        HttpRequest("HEAD", URL, (("Tus-Resumable", "1.0.0"),)),
        b"HEAD /files/1 HTTP/1.1\r\nHost: tus.test\r\nTus-Resumable: 1.0.0\r\n\r\n",
    ),
    "headers keep their order, their case and their repetitions": (
        HttpRequest("GET", URL, (("b-b", "1"), ("A-a", "2"), ("b-B", "3"))),
        b"GET /files/1 HTTP/1.1\r\nHost: tus.test\r\nb-b: 1\r\nA-a: 2\r\nb-B: 3\r\n\r\n",
    ),
    "a sized body follows its Content-Length": (
        HttpRequest("PATCH", URL, (("Upload-Offset", "0"),), pieces(b"hel", b"lo")),
        b"PATCH /files/1 HTTP/1.1\r\nHost: tus.test\r\nUpload-Offset: 0\r\n"
        b"Content-Length: 5\r\n\r\nhello",
    ),
    "an empty payload is declared as empty": (
        HttpRequest("POST", URL, (), pieces()),
        b"POST /files/1 HTTP/1.1\r\nHost: tus.test\r\nContent-Length: 0\r\n\r\n",
    ),
    "a Content-Length of one's own stays where it stands": (
        HttpRequest("POST", URL, (("content-length", "5"), ("X", "1")), pieces(b"hello")),
        b"POST /files/1 HTTP/1.1\r\nHost: tus.test\r\ncontent-length: 5\r\nX: 1\r\n\r\nhello",
    ),
    "each chunk of a chunked body is a chunk, and trailers end it": (
        HttpRequest(
            "PATCH",
            URL,
            (("Trailer", "Upload-Checksum"),),
            pieces(b"hel", b"lo"),
            framing="chunked",
            trailers=(("Upload-Checksum", "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00="),),
        ),
        b"PATCH /files/1 HTTP/1.1\r\nHost: tus.test\r\nTrailer: Upload-Checksum\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n"
        b"Upload-Checksum: sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=\r\n\r\n",
    ),
    "a chunked body may be empty": (
        HttpRequest("PATCH", URL, (), framing="chunked"),
        b"PATCH /files/1 HTTP/1.1\r\nHost: tus.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    "by hand, spaces around a value stay": (
        HttpRequest("POST", URL, (("Upload-Length", " 10 "),), framing="raw"),
        b"POST /files/1 HTTP/1.1\r\nHost: tus.test\r\nUpload-Length:  10 \r\n\r\n",
    ),
    "by hand, a value may hold bytes beyond ASCII, as Latin-1 or else as UTF-8": (
        HttpRequest("POST", URL, (("A", "\xe9"), ("B", "\u20ac")), framing="raw"),
        b"POST /files/1 HTTP/1.1\r\nHost: tus.test\r\nA: \xe9\r\nB: \xe2\x82\xac\r\n\r\n",
    ),
    "by hand, more may be declared than is sent": (
        HttpRequest("PATCH", URL, (), pieces(b"hello"), framing="raw", declared_length="10"),
        b"PATCH /files/1 HTTP/1.1\r\nHost: tus.test\r\nContent-Length: 10\r\n\r\nhello",
    ),
    "by hand, Content-Length may be two and unlike": (
        HttpRequest(
            "PATCH",
            URL,
            (("Content-Length", "5"), ("Content-Length", "3")),
            pieces(b"hello"),
            framing="raw",
        ),
        b"PATCH /files/1 HTTP/1.1\r\nHost: tus.test\r\nContent-Length: 5\r\n"
        b"Content-Length: 3\r\n\r\nhello",
    ),
    "by hand, a body is still declared where nobody frames it": (
        HttpRequest("PATCH", URL, (("X-Bad ", "1"),), pieces(b"hello"), framing="raw"),
        b"PATCH /files/1 HTTP/1.1\r\nHost: tus.test\r\nX-Bad : 1\r\nContent-Length: 5\r\n\r\nhello",
    ),
    "a coding that the headers name is not named again": (
        HttpRequest(
            "PATCH", URL, (("transfer-encoding", "chunked"),), pieces(b"hello"), framing="chunked"
        ),
        b"PATCH /files/1 HTTP/1.1\r\nHost: tus.test\r\ntransfer-encoding: chunked\r\n\r\n"
        b"5\r\nhello\r\n0\r\n\r\n",
    ),
    "the target may be the server itself": (
        HttpRequest("OPTIONS", URL, asterisk_form=True),
        b"OPTIONS * HTTP/1.1\r\nHost: tus.test\r\n\r\n",
    ),
    "HTTP/1.0 has a version of its own, and a body with its length": (
        HttpRequest(
            "PATCH", URL, (("x-a", "1"),), payload=Payload.literal(b"hello"), http_version="1.0"
        ),
        b"PATCH /files/1 HTTP/1.0\r\nHost: tus.test\r\nx-a: 1\r\nContent-Length: 5\r\n\r\nhello",
    ),
    "the letter case of header names is kept": (
        HttpRequest("GET", URL, (("x-a", "1"), ("UpLoAd-B", "2"))),
        b"GET /files/1 HTTP/1.1\r\nHost: tus.test\r\nx-a: 1\r\nUpLoAd-B: 2\r\n\r\n",
    ),
    "a port that is not the usual one is named, and the query is kept": (
        HttpRequest("GET", "http://tus.test:1080/files/1?a=b&c#part"),
        b"GET /files/1?a=b&c HTTP/1.1\r\nHost: tus.test:1080\r\n\r\n",
    ),
    "a usual port, and a user, are not": (
        HttpRequest("GET", "http://me:pass@tus.test:80"),
        b"GET / HTTP/1.1\r\nHost: tus.test\r\n\r\n",
    ),
    "an IPv6 address keeps its brackets": (
        HttpRequest("GET", "http://[::1]:1080/"),
        b"GET / HTTP/1.1\r\nHost: [::1]:1080\r\n\r\n",
    ),
    "bytes that a Location should not have held are encoded as they came": (
        HttpRequest("GET", "http://tus.test/a b/\xc3\xa9"),
        b"GET /a%20b/%C3%A9 HTTP/1.1\r\nHost: tus.test\r\n\r\n",
    ),
    "a Host of one's own replaces the URL's": (
        HttpRequest("GET", URL, (("Host", "other.test"),)),
        b"GET /files/1 HTTP/1.1\r\nHost: other.test\r\n\r\n",
    ),
}


@pytest.mark.parametrize(("http_request", "expected"), SENT.values(), ids=SENT)
async def test_peer_receives_the_expected_bytes(http_request: HttpRequest, expected: bytes) -> None:
    http_response, peer = await send_to_peer(http_request, ReadUntil(expected), DONE)
    assert bytes(peer.heard) == expected
    assert http_response.status == 204
    assert http_response.failure is None
    head, _, _ = expected.partition(b"\r\n\r\n")
    assert http_response.exchange.request_head == (head + b"\r\n\r\n").decode("latin-1")


REFUSED = {
    "trailers without chunks": lambda: HttpRequest("PATCH", URL, trailers=(("A", "b"),)),
    "a declared length that h11 would check": lambda: HttpRequest(
        "PATCH", URL, declared_length="10"
    ),
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED)
def test_an_impossible_request_is_refused_when_it_is_made(make: Callable[[], HttpRequest]) -> None:
    with pytest.raises(UnsendableError, match="set framing to"):
        make()


UNSENDABLE = {
    "a value with a space in front": HttpRequest("POST", URL, (("Upload-Length", " 10"),)),
    "a value with a line break": HttpRequest("POST", URL, (("A", "b\r\nC: d"),)),
    "another length than the body's": HttpRequest(
        "POST", URL, (("Content-Length", "6"),), pieces(b"hello")
    ),
    "a length that is none": HttpRequest(
        "POST", URL, (("Content-Length", "-1"),), pieces(b"hello")
    ),
    "a method that is no token": HttpRequest("PA TCH", URL),
}


@pytest.mark.parametrize("http_request", UNSENDABLE.values(), ids=UNSENDABLE)
async def test_what_h11_refuses_needs_raw_framing(http_request: HttpRequest) -> None:
    with pytest.raises(UnsendableError, match='set framing to "raw"'):
        Http1Transport().open(http_request)
