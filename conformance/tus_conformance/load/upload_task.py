"""One upload as a client does it: create, send, be cut, ask HEAD, go on from there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from tus_conformance.load.body import format_checksum, make_body
from tus_conformance.load.content import UploadContent
from tus_conformance.load.mix import Mix
from tus_conformance.load.reply import BUSY, GONE, Reply, encode_metadata
from tus_conformance.load.tally import Tally
from tus_conformance.load.upload_plan import UploadPlan

if TYPE_CHECKING:  # importing it imports Locust
    from tus_conformance.load.requests import TusRequests

_ALGORITHMS = ("sha1", "sha256", "sha512", "md5")
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 2.0
"""Seconds before the first retry after an error, and at most; each wait is twice the one before."""


@dataclass(frozen=True)
class ServerOffer:
    """What the server offers: extensions, checksum algorithms, and its maximum size in bytes."""

    extensions: frozenset[str] = frozenset()
    algorithms: frozenset[str] = frozenset()
    max_size: int | None = None

    @classmethod
    def from_reply(cls, reply: Reply, limit: int | None) -> ServerOffer:
        """Return the offer of a response to OPTIONS; `limit` is the profile's maximum size."""
        stated = reply.integer("tus-max-size")
        limits = [each for each in (stated, limit) if each]
        return cls(
            _split(reply.headers.get("tus-extension", "")),
            _split(reply.headers.get("tus-checksum-algorithm", "")),
            min(limits) if limits else None,
        )

    @property
    def algorithm(self) -> str:
        """Return a checksum algorithm of the server that Python has, or ""."""
        if "checksum" not in self.extensions:
            return ""
        return next((each for each in _ALGORITHMS if each in self.algorithms), "")


def _split(value: str) -> frozenset[str]:
    return frozenset(filter(None, (each.strip().lower() for each in value.split(","))))


@dataclass(frozen=True)
class Client:
    """What all uploads of one user share; `sleep` waits for a number of seconds."""

    requests: TusRequests
    offer: ServerOffer
    mix: Mix
    tally: Tally
    random: Random
    sleep: Callable[[float], object]


class UploadTask:
    """Carries out the plan of one upload.

    `url` is that of the upload once it is created, and `acknowledged` the offset that the server
    has confirmed, in bytes.
    """

    def __init__(
        self, client: Client, content: UploadContent, plan: UploadPlan, metadata: str = ""
    ) -> None:
        self._requests, self._tally, self._sleep = client.requests, client.tally, client.sleep
        self._offer, self._mix, self._random = client.offer, client.mix, client.random
        self.content = content
        self.plan = plan
        self._metadata = metadata or encode_metadata(f"load-{content.number}.bin")
        self.url: str | None = None
        self.acknowledged = 0
        self._sent = 0
        self._cuts = 0
        self._errors = 0
        self._after_cut = False

    def run(self, concat: str = "") -> bool:
        """Upload; return whether the server has everything up to the end of the plan."""
        if not self._create(concat) or not self._send_all():
            self._tally.count("uploads_failed")
            return False
        return True

    def _create(self, concat: str) -> bool:
        stop = self._first_bytes()
        kind = "create with upload" if stop else "create partial" if concat else "create"
        while True:
            checksum = self._checksum(0, stop)
            reply, self.url = self._requests.create(
                self.plan.size,
                kind=kind,
                metadata=self._metadata,
                concat=concat,
                body=make_body(self.content, 0, stop) if stop else b"",
                checksum=checksum,
            )
            if self.url is not None:
                break
            # 4xx other than "try later" will not change, nor a Location at another origin.
            is_refusal = 400 <= reply.status < 500 and reply.status not in {*BUSY, 429}
            if is_refusal or reply.is_success or not self._retry():
                return False
        self._tally.count("uploads_created")
        self._sent = stop
        return self._advance(reply.integer("upload-offset") or 0)

    def _first_bytes(self) -> int:
        offered = "creation-with-upload" in self._offer.extensions
        return self.plan.next_body(0) if self.plan.at_creation and offered else 0

    def _send_all(self) -> bool:
        while self.acknowledged < self.plan.end:
            if not self._send_next():
                return False
        return True

    def _send_next(self) -> bool:
        """Send one request; return whether the client goes on."""
        assert self.url is not None
        start = self.acknowledged
        stop = start + self.plan.next_body(start)
        cut = self.plan.next_cut(start, self._cuts)
        self._sent = max(self._sent, stop if cut is None else start + cut)
        reply = self._requests.patch(
            self.url,
            start,
            make_body(self.content, start, stop, cut),
            kind="cut" if cut is not None else "resumed upload" if self._after_cut else "upload",
            checksum="" if cut is not None else self._checksum(start, stop),
            expected=BUSY if self._after_cut else (),
        )
        if reply.is_cut:
            self._cuts += 1
            self._after_cut = True
            self._tally.count("cuts")
            cuts = self._mix.cuts
            self._sleep(self._random.uniform(cuts.shortest_wait, cuts.longest_wait))
            return self._resume()
        if reply.is_success:
            self._after_cut = False
            return self._take_offset(reply)
        if reply.status in GONE:
            return self._report_lost(f"PATCH answers {reply.status} after {start} bytes")
        if cut is not None:  # the server answered before the client could cut
            self._cuts += 1
        return self._retry() and self._resume()

    def _take_offset(self, reply: Reply) -> bool:
        """Take the offset of a response to PATCH; return whether the client goes on."""
        offset = reply.integer("upload-offset")
        if offset is None:  # a response without an offset is wrong; a client then asks
            return self._resume()
        if offset == self.acknowledged and not self._retry():
            return False  # the server stores nothing, again and again
        return self._advance(offset)

    def _resume(self) -> bool:
        """Ask HEAD where to go on; return whether the client can."""
        assert self.url is not None
        while True:
            reply = self._requests.head(self.url, "resume", expected=BUSY)
            offset = reply.integer("upload-offset")
            if reply.is_success and offset is not None:
                self._tally.count("resumes")
                return self._advance(offset)
            if reply.status in GONE:
                # A server may move an upload elsewhere once it is complete, which this one may be.
                is_maybe_complete = self._sent == self.plan.size
                sentence = f"HEAD answers {reply.status}"
                return False if is_maybe_complete else self._report_lost(sentence)
            if not self._retry():
                return False

    def _advance(self, offset: int) -> bool:
        """Take the offset of a response; return whether it is possible."""
        known = self.acknowledged
        if offset < known:
            return self._report_lost(
                f"the offset went back from {known} to {offset}", known - offset
            )
        if offset > self._sent:
            sentence = f"the offset is {offset}, and only {self._sent} bytes were sent"
            extra, url = offset - self._sent, self.url or ""
            self._tally.wrong("mixed", extra, self.content.number, url, sentence)
            return False
        if offset > known:
            self._errors = 0
            self._tally.count("bytes_acknowledged", offset - known)
        self.acknowledged = offset
        return True

    def _report_lost(self, sentence: str, size: int | None = None) -> bool:
        """Count acknowledged bytes that the server no longer has; the upload has failed."""
        lost = self.acknowledged if size is None else size
        if lost:
            self._tally.wrong("lost", lost, self.content.number, self.url or "", sentence)
        return False

    def _retry(self) -> bool:
        """Wait before another attempt; return False once there were too many."""
        if self._errors >= self._mix.retries:
            return False
        self._sleep(min(_FIRST_WAIT * 2**self._errors, _LONGEST_WAIT))
        self._errors += 1
        self._tally.count("retries")
        return True

    def _checksum(self, start: int, stop: int) -> str:
        if not self.plan.has_checksums or not self._offer.algorithm or stop <= start:
            return ""
        return format_checksum(self.content, start, stop, self._offer.algorithm)
