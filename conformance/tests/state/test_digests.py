"""`state.digests`: digests of a body, right and wrong in the ways a scenario can request."""

from __future__ import annotations

import base64

import pytest

from tus_conformance.state.digests import body_digest
from tus_conformance.transport import Payload
from tus_scenarios import DIGEST_FORMS, DIGESTS

HELLO = Payload(length=5, chunks=lambda: iter([b"he", b"llo"]))

# From `printf hello | openssl dgst -ALGORITHM -binary | base64`, and the CRC from gzip's trailer.
RIGHT = {
    "md5": "XUFAKrxLKna5cZ2REBfFkg==",
    "sha1": "qvTGHdzF6KLavt4PO0gs2a6pQ00=",
    "sha256": "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
    "sha512": (
        "m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw=="
    ),
    "crc32": "NhCmhg==",
}


def test_every_algorithm_matches_another_implementation() -> None:
    assert {name: body_digest(f"body.{name}", HELLO) for name in DIGESTS} == RIGHT


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        pytest.param("wrong-first", "KvTGHdzF6KLavt4PO0gs2a6pQ00=", id="the first bit flipped"),
        pytest.param("wrong-last", "qvTGHdzF6KLavt4PO0gs2a6pQ0w=", id="the last bit flipped"),
        pytest.param("hex", "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d", id="hexadecimal"),
        pytest.param("unpadded", "qvTGHdzF6KLavt4PO0gs2a6pQ00", id="without its padding"),
        pytest.param("short", "qvTGHdzF6KLavt4PO0gs2a6pQw==", id="without its last byte"),
    ],
)
def test_a_form_of_a_digest_is_wrong_in_one_way(form: str, expected: str) -> None:
    assert form in DIGEST_FORMS
    assert body_digest(f"body.sha1.{form}", HELLO) == expected


def test_the_wrong_bit_differs_from_body_to_body() -> None:
    bits = set()
    for size in range(1, 100):
        body = Payload.literal(bytes(size))
        right, wrong = (
            int.from_bytes(base64.b64decode(body_digest(name, body)))
            for name in ("body.sha1", "body.sha1.wrong")
        )
        assert (right ^ wrong).bit_count() == 1
        bits.add((right ^ wrong).bit_length())
    assert len(bits) > 50
    assert {(bit - 1) // 32 for bit in bits} == {0, 1, 2, 3, 4}


def test_without_a_body_it_is_the_digest_of_nothing() -> None:
    assert body_digest("body.sha1", None) == "2jmj7l5rSw0yVb/vlWAYkK/YBwk="
    assert body_digest("body.crc32", None) == "AAAAAA=="
