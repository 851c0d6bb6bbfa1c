"""`load.body`: bodies are generated while they are read, and end where they are cut."""

from __future__ import annotations

import base64
import hashlib

import pytest

from tus_conformance.load.body import SMALL, CutError, GeneratedBody, format_checksum, make_body
from tus_conformance.load.content import UploadContent

CONTENT = UploadContent(1, 1)


def read_all(body: GeneratedBody) -> bytes:
    return b"".join(iter(lambda: body.read(8192), b""))


def test_a_body_is_its_range_of_the_content() -> None:
    body = make_body(CONTENT, 100, SMALL + 5000)
    assert isinstance(body, GeneratedBody)
    assert len(body) == SMALL + 4900
    assert read_all(body) == CONTENT.read(100, SMALL + 5000)


def test_a_small_body_is_one_piece() -> None:
    assert make_body(CONTENT, 5, 900) == CONTENT.read(5, 900)


@pytest.mark.parametrize("cut", [0, 1, 65536, 70_000])
def test_a_cut_ends_a_body_early_and_its_length_stays(cut: int) -> None:
    body = make_body(CONTENT, 10, 200_000, cut)
    assert len(body) == 199_990
    assert isinstance(body, GeneratedBody)
    received = b"".join(body.read() for _ in range(-(-cut // 65536)))
    assert received == CONTENT.read(10, 10 + cut)
    with pytest.raises(CutError):
        body.read()


def test_a_checksum_is_that_of_the_range() -> None:
    digest = hashlib.sha256(CONTENT.read(7, 150_000)).digest()
    expected = f"sha256 {base64.b64encode(digest).decode()}"
    assert format_checksum(CONTENT, 7, 150_000, "sha256") == expected
