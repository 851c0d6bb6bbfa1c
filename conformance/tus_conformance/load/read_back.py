"""Reading complete uploads back, by GET or the profile's `read` command, and what that shows.

Whether a server offers downloads is learned from the first answers, unless the profile says it. A
missing upload is lost only where downloads are known to work; otherwise it is "not verified".
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from tus_conformance.load.content import ByteComparison, LoadContent
from tus_conformance.load.reply import GONE, Reply
from tus_conformance.load.tally import Tally
from tus_conformance.targets.command_words import ProgramError, split_command
from tus_conformance.targets.profile import Profile

if TYPE_CHECKING:  # importing it imports Locust
    from tus_conformance.load.requests import TusRequests

DOWNLOAD_DELAY = 5.0
"""Seconds until a complete upload must be readable, unless the profile has another time."""

_PAUSE = 0.2
_NOT_YET = frozenset({*GONE, 403, 409, 423, 425, 429, 503})
_NO_DOWNLOADS = frozenset({*GONE, 400, 401, 403, 405, 406, 501})
_PAGES = ("text/html", "application/json")


@dataclass
class Downloads:
    """What is known about the downloads of a server; shared by the users of a process.

    `are_offered` is None until the profile or an answer decides. `take_ranges` is False once a
    request for a range was not answered with one.
    """

    are_offered: bool | None = None
    take_ranges: bool = True


@dataclass(frozen=True)
class CompleteUpload:
    """An upload that the server called complete, at `completed_at` on the monotonic clock.

    `partials` are URLs of what it was made from.
    """

    url: str
    number: int
    content: LoadContent
    size: int
    partials: tuple[str, ...] = ()
    completed_at: float = field(default_factory=monotonic)


class ReadBack:
    """Compares complete uploads with what was sent; `sleep` waits for a number of seconds."""

    def __init__(
        self,
        requests: TusRequests,
        profile: Profile,
        downloads: Downloads,
        tally: Tally,
        sleep: Callable[[float], object],
    ) -> None:
        self._requests = requests
        self._profile = profile
        self._downloads = downloads
        self._tally = tally
        self._sleep = sleep
        if profile.downloads is not None:
            downloads.are_offered = profile.downloads

    def _can_download(self) -> bool:
        """Return whether GET returns uploads, as far as is known."""
        return self._downloads.are_offered is not False

    def verify(self, upload: CompleteUpload, kind: str) -> None:
        """Read a whole upload, compare it and count what that shows."""
        if not self._can_download():
            self._verify_by_command(upload)
            return
        comparison, reply = self._read(upload, kind)
        if self._downloads.are_offered is None:
            self._downloads.are_offered = _offers_downloads(comparison, reply)
        if not self._can_download() and self._profile.commands.read is not None:
            self._verify_by_command(upload)
        else:
            self._conclude(upload, comparison, reply)

    def is_retained(self, upload: CompleteUpload) -> bool:
        """Return whether the server still has an upload, by the profile's `retention`."""
        retention = self._profile.retention
        return retention is None or monotonic() - upload.completed_at < retention

    def verify_range(self, upload: CompleteUpload, start: int, stop: int) -> None:
        """Read bytes of an upload that was read before, and compare them."""
        if not self._downloads.are_offered or not self._downloads.take_ranges or start >= stop:
            self.verify(upload, "download")
            return
        comparison = ByteComparison(upload.content, start, stop)
        # A server need not take ranges: 200 is right, and its body is not read.
        reply = self._requests.read(
            upload.url, comparison, kind="range", byte_range=(start, stop), expected={200}
        )
        if reply.status == 200:
            self._downloads.take_ranges = False
        elif reply.status == 206 and not reply.error:
            self._count_difference(upload, comparison)

    def _read(self, upload: CompleteUpload, kind: str) -> tuple[ByteComparison, Reply]:
        """Read an upload; a server may need a while until it can be read."""
        delay = self._profile.download_delay or DOWNLOAD_DELAY
        deadline = monotonic() + (delay if self._downloads.are_offered else min(delay, 1.0))
        tolerated = _NOT_YET if self._downloads.are_offered else _NOT_YET | _NO_DOWNLOADS
        while True:
            comparison = ByteComparison(upload.content, 0, upload.size)
            reply = self._requests.read(upload.url, comparison, kind=kind, expected=tolerated)
            may_come = reply.status in _NOT_YET or reply.status >= 500 or reply.error
            if not may_come or monotonic() > deadline:
                return comparison, reply
            self._sleep(_PAUSE)

    def _conclude(self, upload: CompleteUpload, comparison: ByteComparison, reply: Reply) -> None:
        if not self._can_download():
            self._tally.not_verified(
                upload.size,
                f"GET answers {reply.status}; the profile can have a `read` command",
            )
        elif reply.status in GONE:
            sentence = f"GET answers {reply.status}: the complete upload is not found"
            self._tally.wrong("lost", upload.size, upload.number, upload.url, sentence)
        elif reply.status != 200 or reply.error:
            self._tally.not_verified(upload.size, reply.error or f"GET answers {reply.status}")
        elif reply.headers.get("content-encoding", "identity").lower() != "identity":
            self._tally.not_verified(upload.size, "the response has a Content-Encoding")
        else:
            self._count_difference(upload, comparison)

    def _count_difference(self, upload: CompleteUpload, comparison: ByteComparison) -> None:
        difference = comparison.conclude()
        if difference is None:
            self._tally.verified(comparison.equal)
        else:
            self._tally.different(difference, upload.number, upload.url)

    def _verify_by_command(self, upload: CompleteUpload) -> None:
        command = self._profile.commands.read
        if command is None:
            why = "the server offers no downloads, and the profile has no `read` command"
            self._tally.not_verified(upload.size, why)
            return
        comparison = ByteComparison(upload.content, 0, upload.size)
        wrong = _run_command(command, upload.url, comparison)
        if wrong:
            self._tally.not_verified(upload.size, wrong)
        else:
            self._count_difference(upload, comparison)


def _offers_downloads(comparison: ByteComparison, reply: Reply) -> bool | None:
    """Return what a first answer shows of downloads; None where it shows nothing."""
    if reply.status == 200 and not reply.error:
        media_type = reply.headers.get("content-type", "")
        is_page = media_type.startswith(_PAGES) and not comparison.equal
        return not is_page or comparison.conclude() is None
    return False if reply.status in _NO_DOWNLOADS else None


def _run_command(command: str, url: str, comparison: ByteComparison) -> str:
    """Compare what a program prints; return why it could not be run, or ""."""
    identifier = url.partition("?")[0].rstrip("/").rpartition("/")[2]
    try:
        words = split_command(command, id=identifier, url=url)
        process = subprocess.Popen(  # noqa: S603  the user's own command
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except ProgramError as error:
        return str(error)
    except OSError as error:
        return f"the `read` command cannot be started: {error.strerror}"
    with process:
        assert process.stdout is not None
        while block := process.stdout.read(65536):
            comparison.feed(block)
    code = process.returncode
    return f"the `read` command exited with {code}" if code else ""
