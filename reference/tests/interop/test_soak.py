"""`interop.soak`: a short run holds, and a server that loses a byte is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from interop.soak import encode_head, soak


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted in /proc")
def test_a_short_run_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert soak(slow=10, fast=3, seconds=4.0, seed="1") == []
    assert "0 errors" in capsys.readouterr().out


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted in /proc")
def test_a_server_that_corrupts_uploads_is_found() -> None:
    flags = ("--defect", "first-byte-corrupted")
    found = soak(slow=0, fast=3, seconds=4.0, seed="1", flags=flags)
    assert any("the content differs" in sentence for sentence in found)


def test_a_head_has_what_tus_needs() -> None:
    assert encode_head("HEAD", "/files/x", {"A": 1}).split(b"\r\n") == [
        b"HEAD /files/x HTTP/1.1",
        b"Host: 127.0.0.1",
        b"Tus-Resumable: 1.0.0",
        b"A: 1",
        b"",
        b"",
    ]
