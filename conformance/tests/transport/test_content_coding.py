"""`transport.content_coding`: what is undone, what is not, and what is not what it claims to be."""

from __future__ import annotations

import gzip
import zlib

import pytest
from scripted_peer import send_to_peer

from tus_conformance.transport import HttpRequest
from tus_conformance.transport.content_coding import PIECE, CodingError, decoder_for, is_encoded

CONTENT = b"the bytes of the upload " * 100


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("gzip", gzip.compress(CONTENT)),
        ("X-GZIP", gzip.compress(CONTENT)),
        ("deflate", zlib.compress(CONTENT)),
        ("deflate", _raw_deflate(CONTENT)),
    ],
    ids=["gzip", "x-gzip", "zlib", "raw"],
)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_coding_is_undone_however_it_is_cut(coding: str, data: bytes, size: int) -> None:
    decoder = decoder_for(coding)
    assert decoder is not None
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    assert b"".join(out for piece in pieces for out in decoder.decode(piece)) == CONTENT


def test_a_small_body_that_becomes_a_huge_one_comes_in_pieces() -> None:
    decoder = decoder_for("gzip")
    assert decoder is not None
    first = next(decoder.decode(gzip.compress(bytes(50_000_000))))
    assert len(first) <= PIECE


def test_what_is_of_another_coding_is_refused() -> None:
    decoder = decoder_for("gzip")
    assert decoder is not None
    with pytest.raises(CodingError, match="is not gzip"):
        list(decoder.decode(CONTENT))


def test_what_nothing_undoes() -> None:
    assert decoder_for("compress") is None
    assert decoder_for("identity") is None
    assert is_encoded("compress")
    assert not is_encoded("identity")
    assert not is_encoded(None)


async def test_a_download_is_read_without_its_coding() -> None:
    packed = gzip.compress(CONTENT)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    answer, _ = await send_to_peer(HttpRequest("GET", "http://tus.test/1"), head.encode() + packed)
    assert (answer.complete, answer.body) == (True, CONTENT)


async def test_a_body_that_grows_beyond_all_bounds_is_given_up() -> None:
    packed = gzip.compress(bytes(1_000_000))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    request = HttpRequest("GET", "http://tus.test/1", max_response=100_000)
    answer, _ = await send_to_peer(request, head.encode() + packed)
    assert answer.failure is not None
    assert answer.failure.kind == "endless"
    assert answer.body_length < 200_000
