"""`fuzzing.targets`: a few examples of each, and servers that break a rule are found."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NoReturn

import pytest

from fuzzing.chunks import decode
from fuzzing.exchange import RuleBroken, check_responses
from fuzzing.targets import TARGETS, run_target
from tus_reference import MemoryStore
from tus_reference.server.request_body import ChunkedBody
from tus_reference.stores import info_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from tus_reference import FileInfo

EXAMPLES = {"heads": 150, "headers": 150, "chunks": 150, "records": 60}


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "tus_reference")


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_every_rule_holds(name: str) -> None:
    assert run_target(name, EXAMPLES[name], 1) >= EXAMPLES[name]


def _break_store(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr(MemoryStore, "get_info", fail)


def _break_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    take = ChunkedBody._take

    def take_with_a_change(self: ChunkedBody, buffer: memoryview) -> int:
        count = take(self, buffer)
        buffer[:count] = b"x" * count
        return count

    monkeypatch.setattr(ChunkedBody, "_take", take_with_a_change)


def _break_records(monkeypatch: pytest.MonkeyPatch) -> None:
    decode_record = info_file.decode

    def decode_or_fail(
        content: bytes, offset: int, modified: float | None = None, upload_id: str | None = None
    ) -> FileInfo:
        if not content:
            raise TypeError
        return decode_record(content, offset, modified, upload_id)

    monkeypatch.setattr(info_file, "decode", decode_or_fail)


@pytest.mark.parametrize(
    ("name", "break_server"),
    [
        ("heads", _break_store),
        ("headers", _break_store),
        ("chunks", _break_chunks),
        ("records", _break_records),
    ],
)
def test_a_server_that_breaks_a_rule_is_found(
    name: str,
    break_server: Callable[[pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    break_server(monkeypatch)
    with pytest.raises((RuleBroken, TypeError)):
        run_target(name, 300, 1)


@pytest.mark.parametrize(
    ("received", "problem"),
    [
        (b"HTTP/1.1 500 Failed\r\nContent-Length: 0\r\n\r\n", "answered 500"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0", "no end of its head"),
        (b"HTTP/1.1 200 OK\r\nA b: c\r\nContent-Length: 0\r\n\r\n", "malformed"),
    ],
)
def test_responses_are_http_and_report_no_failure(received: bytes, problem: str) -> None:
    with pytest.raises(RuleBroken, match=problem):
        check_responses(received)


def test_the_decoder_of_chunks_is_strict() -> None:
    assert decode(b"2\r\nab\r\n0\r\n\r\nDELETE") == (b"ab", True)
    assert decode(b"2;x\r\nab\r\n0\r\nX: y\r\n\r\n") == (b"ab", True)
    for body in (
        b"2\nab\r\n0\r\n\r\n",
        b"0x2\r\nab\r\n0\r\n\r\n",
        b"2\r\nab0\r\n\r\n",
        b"2\r\nab\r\n",
    ):
        assert not decode(body)[1]
