"""`load.read_back`: what is lost, what is mixed, and what could not be verified."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import Any

import pytest

from tus_conformance.load.content import ByteComparison, UploadContent
from tus_conformance.load.read_back import CompleteUpload, Downloads, ReadBack
from tus_conformance.load.reply import Reply
from tus_conformance.load.tally import Tally
from tus_conformance.targets.profile import Commands, Profile

CONTENT = UploadContent(1, 1)
UPLOAD = CompleteUpload("http://s/files/abc?x=1", 1, CONTENT, 5000)
WHOLE = CONTENT.read(0, 5000)


class Answers:
    """A server that answers GET with what a function says: the response and the body."""

    def __init__(self, answer: Callable[[int], tuple[Reply, bytes]]) -> None:
        self.answer = answer
        self.count = 0

    def read(self, _url: str, comparison: ByteComparison, **_: Any) -> Reply:
        self.count += 1
        reply, body = self.answer(self.count)
        if reply.status in {200, 206}:
            comparison.feed(body)
        return reply


def verify(
    reply: Reply, body: bytes = b"", *, known: bool | None = None, profile: Profile | None = None
) -> Tally:
    tally = Tally()
    server: Any = Answers(lambda _: (reply, body))
    downloads = Downloads(known)
    # A wait that does not wait: the clock of the deadline goes on by itself.
    used = profile or Profile(download_delay=0.01)
    ReadBack(server, used, downloads, tally, lambda _: None).verify(UPLOAD, "verify")
    return tally


def test_right_bytes_are_verified() -> None:
    counts = verify(Reply(200), WHOLE).to_counts()
    assert (counts.uploads_verified, counts.bytes_verified) == (1, 5000)


def test_a_missing_byte_is_lost() -> None:
    counts = verify(Reply(200), WHOLE[:9] + WHOLE[10:]).to_counts()
    assert (counts.uploads_lost, counts.bytes_lost, counts.uploads_verified) == (1, 1, 0)


@pytest.mark.parametrize("status", [404, 410])
def test_a_missing_upload_is_lost_only_where_downloads_work(status: int) -> None:
    assert verify(Reply(status), known=True).to_counts().bytes_lost == 5000
    unknown = verify(Reply(status)).to_counts()
    assert (unknown.bytes_lost, unknown.bytes_unverified) == (0, 5000)


UNVERIFIED = {
    "GET answers 500": Reply(500),
    "GET answers 405; the profile can have a `read` command": Reply(405),
    "the body broke off": Reply(200, error="the body broke off"),
    "the response has a Content-Encoding": Reply(200, {"content-encoding": "gzip"}),
}


@pytest.mark.parametrize("reason", UNVERIFIED)
def test_what_cannot_be_compared_is_not_verified_with_the_reason(reason: str) -> None:
    """None of these shows that a byte is wrong."""
    tally = verify(UNVERIFIED[reason], b"x")
    assert tally.unverified == {reason: 1}
    assert not tally.findings


def test_a_page_instead_of_a_download_is_not_a_download() -> None:
    page = Reply(200, {"content-type": "text/html; charset=utf-8"})
    tally = verify(page, b"<!doctype html>")
    assert tally.to_counts().uploads_unverified == 1
    assert verify(page, b"<!doctype html>", known=True).to_counts().uploads_lost == 1


def test_an_upload_that_can_be_read_a_little_later_is_verified() -> None:
    tally = Tally()
    server: Any = Answers(lambda count: (Reply(200 if count > 2 else 404), WHOLE))
    read_back = ReadBack(server, Profile(), Downloads(are_offered=True), tally, lambda _: None)
    read_back.verify(UPLOAD, "verify")
    assert tally.to_counts().uploads_verified == 1


@pytest.mark.parametrize(("cut", "verified"), [(0, 1), (1, 0)])
def test_the_read_command_is_used_where_there_are_no_downloads(cut: int, verified: int) -> None:
    """The command gets the last part of the URL, and its output is compared."""
    program = (
        "import sys; from tus_conformance.load.content import UploadContent as U;"
        f" sys.argv[1] == 'abc' and sys.stdout.buffer.write(U(1, 1).read({cut}, 5000))"
    )
    command = f'{sys.executable} -c "{program}" {{id}}'
    profile = Profile(downloads=False, commands=Commands(read=command))
    counts = verify(Reply(404), profile=profile).to_counts()
    assert (counts.uploads_verified, counts.bytes_lost) == (verified, cut)


def test_a_read_command_that_fails_verifies_nothing() -> None:
    command = f"{sys.executable} -c raise(SystemExit(3)) {{id}}"
    profile = Profile(downloads=False, commands=Commands(read=command))
    assert verify(Reply(404), profile=profile).unverified == {"the `read` command exited with 3": 1}


def test_an_upload_is_read_again_only_while_the_server_keeps_it() -> None:
    server: Any = Answers(lambda _: (Reply(200), WHOLE))
    old = replace(UPLOAD, completed_at=monotonic() - 100)
    for retention, retained in ((None, True), (200.0, True), (50.0, False)):
        profile = Profile(retention=retention)
        read_back = ReadBack(server, profile, Downloads(), Tally(), lambda _: None)
        assert read_back.is_retained(old) is retained


def test_a_range_is_compared_and_a_server_without_ranges_is_not_asked_again() -> None:
    tally, downloads = Tally(), Downloads(are_offered=True)
    server: Any = Answers(lambda _: (Reply(206), WHOLE[100:200]))
    read_back = ReadBack(server, Profile(), downloads, tally, lambda _: None)
    read_back.verify_range(UPLOAD, 100, 200)
    assert tally.to_counts().bytes_verified == 100
    server.answer = lambda _: (Reply(200), b"")
    read_back.verify_range(UPLOAD, 100, 200)
    assert not downloads.take_ranges
    assert not tally.findings
