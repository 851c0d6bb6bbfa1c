"""`transport.redaction`: no record contains a secret; the response that is evaluated does."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_peer import PeerClose, ReadUntil, send_to_peer

from tus_conformance.transport import HttpRequest, HttpResponse, Payload, Redaction

SECRET = "s3cr3t/pl+nted"
PLAIN = Redaction.with_defaults(headers=["X-Api-Key"], secrets=[SECRET], parameters=["ticket"])
END = b"\r\n\r\n"

TEXTS = {
    "a plain text stays": ("bytes 0-39 of 100", "bytes 0-39 of 100"),
    "a given secret": (f"it is {SECRET}!", "it is [redacted]!"),
    "a given secret, percent-encoded": ("at s3cr3t%2Fpl%2Bnted", "at [redacted]"),
    "a given secret, as Base64": ("key czNjcjN0L3BsK250ZWQ=", "key [redacted]Q="),
    "a query parameter": ("/f?a=1&token=abc&b=2", "/f?a=1&token=[redacted]&b=2"),
    "a query parameter in any case": ("/f?X-Amz-SIGNATURE=ab%20c", "/f?X-Amz-SIGNATURE=[redacted]"),
    "a named query parameter": ("/f?ticket=key", "/f?ticket=[redacted]"),
    "a parameter of another name stays": ("/f?monkey=1&tokens=2", "/f?monkey=1&tokens=2"),
    "the user of a URL": ("http://me:pa@ss@h/x", "http://redacted@h/x"),
    "the user of a URL in quotation marks": ('"http://me@h/x"', '"http://redacted@h/x"'),
    "an at sign in a path stays": ("http://h/a@b", "http://h/a@b"),
}


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS)
def test_text(text: str, expected: str) -> None:
    assert PLAIN.redact_text(text) == expected
    assert PLAIN.redact_text(expected) == expected


SECRET_PARAMETERS = """
    token access_token id_token refresh_token jwt auth authorization signature sig key api_key
    apikey secret client_secret password passwd x-goog-signature x-goog-credential x-amz-signature
    x-amz-security-token x-amz-credential
"""


@pytest.mark.parametrize("name", SECRET_PARAMETERS.split())
def test_what_usually_is_a_secret_in_a_query(name: str) -> None:
    assert Redaction().redact_text(f"/f?{name}=abc&a=1") == f"/f?{name}=[redacted]&a=1"


def test_the_value_of_a_cookie_is_learnt_whole() -> None:
    learnt = PLAIN.with_request_secrets("http://h/", [("Cookie", 'sid="abcdefgh=ijklmnop"; a=b')])
    assert learnt.redact_text("it was abcdefgh=ijklmnop!") == "it was [redacted]!"


HEADS = {
    "the request line and the headers": (
        "GET /f?key=abc HTTP/1.1\r\nAuthorization: Bearer abc\r\nA: b\r\n\r\n",
        "GET /f?key=[redacted] HTTP/1.1\r\nAuthorization: [redacted]\r\nA: b\r\n\r\n",
    ),
    "names in any case and spacing": (
        "X-API-KEY : abc\r\ncookie:abc\r\nSet-Cookie:\tabc\r\n",
        "X-API-KEY : [redacted]\r\ncookie: [redacted]\r\nSet-Cookie: [redacted]\r\n",
    ),
    "a value that goes on in the next line": (
        "Cookie: a\r\n  b\r\n\tc\r\nB: d\r\n",
        "Cookie: [redacted]\r\nB: d\r\n",
    ),
    "a URL in another header": (
        "Location: https://u:p@h/f?signature=abc\r\n",
        "Location: https://redacted@h/f?signature=[redacted]\r\n",
    ),
    "a header whose name only ends alike stays": ("My-Cookie: abc\r\n", "My-Cookie: abc\r\n"),
}


@pytest.mark.parametrize(("text", "expected"), HEADS.values(), ids=HEADS)
def test_head(text: str, expected: str) -> None:
    assert PLAIN.redact_head(text) == expected


def test_a_secret_beyond_ascii_is_found_in_its_encoded_form() -> None:
    assert Redaction.with_defaults(secrets=["pässwörd"]).redact_text(
        "pässwörd".encode().decode("latin-1")
    ) == ("[redacted]")


def test_a_secret_that_begins_with_another_goes_whole() -> None:
    assert (
        Redaction.with_defaults(secrets=["abc", "abcdef"]).redact_text("abcdef abc")
        == "[redacted] [redacted]"
    )


@given(st.text(), st.text(min_size=1).filter(lambda one: one not in "[redacted]"), st.text())
def test_a_secret_never_survives(before: str, secret: str, after: str) -> None:
    assert secret not in Redaction.with_defaults(secrets=[secret]).redact_text(
        before + secret + after
    ).replace("[redacted]", "")


async def send_with_secrets(http_request: HttpRequest, *said: bytes) -> HttpResponse:
    """Send a request whole, with the planted secrets known, and return the answer."""
    ending = b"".join(http_request.payload.chunks()) if http_request.payload else END
    http_response, _ = await send_to_peer(
        http_request, ReadUntil(ending), *said, PeerClose(), redaction=PLAIN
    )
    return http_response


BEARER = "Bearer tok-1234567890"
# Each row: a request, what the server says, and what the record must not hold.
PLANTED = {
    "in the request's headers": (
        HttpRequest("GET", "http://h/", (("Authorization", BEARER), ("x-api-key", "k"))),
        (b"HTTP/1.1 204 \r\n\r\n",),
        ["tok-1234567890"],
    ),
    "in the URL": (
        HttpRequest("GET", "http://me:hunter22@h/f?token=tok-1234567890&ticket=t1ck3t"),
        (b"HTTP/1.1 204 \r\n\r\n",),
        ["tok-1234567890", "hunter22", "t1ck3t"],
    ),
    "in a literal body, over the edge of what is kept": (
        HttpRequest("POST", "http://h/", (), Payload.literal(b"." * 250 + SECRET.encode())),
        (b"HTTP/1.1 204 \r\n\r\n",),
        [SECRET[:3]],
    ),
    "in a response header, an interim one and a body": (
        HttpRequest("GET", "http://h/"),
        (
            b"HTTP/1.1 104 \r\nSet-Cookie: sid=c00k1e\r\nLocation: /f?sig=s1gned\r\n\r\n",
            f"HTTP/1.1 200 {SECRET}\r\nX: {SECRET}\r\nSet-Cookie: sid=c00k1e\r\n\r\n".encode(),
            b"." * 1020 + SECRET.encode(),
        ),
        [SECRET, SECRET[:4], "c00k1e", "s1gned"],
    ),
    "in trailers": (
        HttpRequest("GET", "http://h/"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + SECRET.encode() + END,),
        [SECRET],
    ),
    "in an echo of what was sent": (
        HttpRequest("GET", "http://h/?token=tok-1234567890", (("Cookie", "sid=abcdefghij; a=b"),)),
        (b"HTTP/1.1 200 OK\r\n\r\nyou said tok-1234567890 and abcdefghij",),
        ["tok-1234567890", "abcdefghij"],
    ),
    "in bytes that are no response": (
        HttpRequest("GET", "http://h/"),
        (b"HTTP/1.1 200 OK\r\nbad name: " + SECRET.encode() + b"\r\nSet-Cookie: c00k1e" + END,),
        [SECRET, "c00k1e"],
    ),
    "in bytes of another protocol": (
        HttpRequest("GET", "http://h/"),
        (b"USER " + SECRET.encode() + END,),
        [SECRET],
    ),
}


@pytest.mark.parametrize(("http_request", "said", "hidden"), PLANTED.values(), ids=PLANTED)
async def test_the_record_holds_no_planted_secret(
    http_request: HttpRequest, said: tuple[bytes, ...], hidden: list[str]
) -> None:
    http_response = await send_with_secrets(http_request, *said)
    record = msgspec.json.encode(http_response.exchange).decode()
    assert [secret for secret in hidden if secret in record] == []
    assert "[redac" in record


async def test_the_answer_itself_is_not_redacted() -> None:
    said = f"HTTP/1.1 201 \r\nLocation: /f?token=abc\r\nSet-Cookie: a\r\n\r\n{SECRET}".encode()
    http_response = await send_with_secrets(HttpRequest("POST", "http://h/"), said)
    assert http_response.headers == (("Location", "/f?token=abc"), ("Set-Cookie", "a"))
    assert http_response.body == SECRET.encode()
