"""The probes: each tries one thing that a server may be able to do, on uploads of its own.

A probe tells what it saw in a sentence. Where it could not be made, or something broke, nothing is
known: that is never taken for a refusal.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha1, shake_128
from typing import Any, Literal
from urllib.parse import urlsplit

from tus_conformance.dialogue.headers import is_integer, moment, resolved, value_of
from tus_conformance.dialogue.manners import Manners
from tus_conformance.dialogue.removal import removed
from tus_conformance.target import program
from tus_conformance.target.route import Route
from tus_conformance.target.target import Target
from tus_conformance.wire import Answer, Outgoing, Payload
from tus_reports import Exchange

GONE = frozenset({403, 404, 410})
"""What HEAD and PATCH answer where there is no upload, or none any more."""

SAMPLE = shake_128(b"tus-conformance").digest(67)
"""What the probes upload; no text is like it, nor often as long."""

_LOCKED = frozenset({401, 407})
_OFFSET_TYPE = ("Content-Type", "application/offset+octet-stream")
_WRONG_SHA1 = "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA="
_RIGHT_SHA1 = f"sha1 {b64encode(sha1(b't', usedforsecurity=False).digest()).decode()}"


class Unreachable(Exception):  # noqa: N818  it is a finding about the network
    """The target does not answer; the message says so in a sentence."""


@dataclass(frozen=True)
class Seen:
    """What a probe saw: accepted, refused, or nothing that can be told, and the sentence for it."""

    outcome: Literal["accepted", "refused", "unknown"]
    because: str


class Probe:
    """The probes, in an order in which each finds what it needs."""

    def __init__(self, target: Target, route: Route) -> None:
        self._target = target
        self._route = route
        self.exchanges: list[Exchange] = []
        self.first: str | None = None
        self.manners = Manners()
        self.seen: dict[str, Seen] = {}
        self.expires_in: float | None = None
        self._terminates = True  # unless a probe sees otherwise
        self._created: list[str] = []
        self.all: dict[str, Callable[[], Awaitable[Seen]]] = {
            "creation": self._creation,
            "creation-with-upload": self._with_upload,
            "creation-defer-length": self._defer_length,
            "expiration": self._expiration,
            "checksum": self._checksum,
            "checksum-trailer": self._checksum_trailer,
            "concatenation": self._concatenation,
            "concatenation-unfinished": self._unfinished,
            "complete-uploads": self._complete_uploads,
            "download": self._download,
            "termination": self._termination,
        }

    async def send(
        self, method: str, url: str, *headers: tuple[str, str], body: bytes = b"", **more: Any
    ) -> Answer:
        """Send one request and keep its exchange."""
        given = any(name == "Tus-Resumable" for name, _ in headers)
        usual = () if method == "OPTIONS" or given else (("Tus-Resumable", "1.0.0"),)
        length = (
            () if body or method not in {"POST", "PATCH", "DELETE"} else (("Content-Length", "0"),)
        )
        payload = Payload(length=len(body), chunks=lambda: iter([body])) if body else None
        answer = await self._route.send(
            Outgoing(
                method=method,
                url=url,
                headers=(*usual, *self._target.headers, *headers, *length),
                payload=payload,
                **more,
            )
        )
        self.exchanges.append(answer.exchange)
        self._note_expiry(value_of(answer.headers, "Upload-Expires"))
        return answer

    def _note_expiry(self, value: str | None) -> None:
        when = None if value is None else moment(value)
        if when is not None and self.expires_in is None:
            self.expires_in = (when - datetime.now(UTC)).total_seconds()
        self._expires |= value is not None

    _expires = False

    async def learn_manners(self) -> Manners:
        """Try what no server can know: a header, a version and a method that are made up."""
        one = ("Upload-Length", "1")
        header, _ = await self.create(one, ("Upload-Flavour", "strawberry"))
        if header.status in _LOCKED:
            raise Unreachable(
                f"The server lets nobody in: POST got {header.status}. Give it what it asks for by"
                " -H, or by `headers` or an `auth` command in the profile."
            )
        version, _ = await self.create(one, ("Tus-Resumable", "999.0.0"))
        method = await self.send("INVENT", self._target.url)
        self.manners = Manners(header.status, version.status, method.status)
        return self.manners

    async def create(
        self, *headers: tuple[str, str], body: bytes = b""
    ) -> tuple[Answer, str | None]:
        """Create an upload; return the answer, and the upload's URL if there is one."""
        usual = self._target.profile.metadata
        metadata = (("Upload-Metadata", usual),) if usual else ()
        answer = await self.send("POST", self._target.url, *metadata, *headers, body=body)
        url = resolved(value_of(answer.headers, "Location") or "", self._target.url)
        if not _succeeded(answer) or url is None:
            return answer, None
        self._created.append(url)
        return answer, url

    async def clean_up(self) -> list[str]:
        """Remove the uploads that the probes created, where the server can; return the others."""
        removes = self._terminates and self._target.profile.cleanup == "remove"
        return [
            url
            for url in self._created
            if not removes or not await removed(url, self._target, self._route)
        ]

    async def _creation(self) -> Seen:
        length = str(len(SAMPLE))
        answer, self.first = await self.create(("Upload-Length", length))
        seen = self._told(answer, self.first is not None, f"POST with Upload-Length: {length}")
        command = self._target.profile.commands.upload
        if self.first is None and command is not None:
            self.first = (await program.output(command, length=length)).decode("latin-1").strip()
            self._created.append(self.first)
        return seen

    async def _defer_length(self) -> Seen:
        answer, url = await self.create(("Upload-Defer-Length", "1"))
        return self._told(answer, url is not None, "POST with Upload-Defer-Length: 1")

    async def _with_upload(self) -> Seen:
        answer, url = await self.create(("Upload-Length", "2"), _OFFSET_TYPE, body=b"t")
        if url is None:
            return self._told(answer, False, "POST with a body")
        stored = await self._offset(url)
        shown = f"After a POST with one byte, HEAD said Upload-Offset: {stored}."
        if stored not in {"0", "1"}:
            return Seen("unknown", shown)
        return Seen("accepted" if stored == "1" else "refused", shown)

    async def _expiration(self) -> Seen:
        if self.first is None:
            return _impossible()
        if not self._expires:
            await self._patch(self.first, 0, SAMPLE[:1])
        seen = "An answer had" if self._expires else "No answer to POST or PATCH had"
        return Seen("accepted" if self._expires else "refused", f"{seen} Upload-Expires.")

    async def _checksum(self) -> Seen:
        async def put(url: str, digest: str) -> Answer:
            return await self._patch(url, 0, b"t", ("Upload-Checksum", digest))

        return await self._verification("checksum", put)

    async def _checksum_trailer(self) -> Seen:
        async def put(url: str, digest: str) -> Answer:
            behind = {"framing": "chunked", "trailers": (("Upload-Checksum", digest),)}
            return await self._patch(url, 0, b"t", ("Trailer", "Upload-Checksum"), **behind)

        return await self._verification("checksum trailer", put)

    async def _verification(self, what: str, put: Callable[[str, str], Awaitable[Answer]]) -> Seen:
        """See a wrong checksum refused; it counts only where the right one is taken."""
        _, url = await self.create(("Upload-Length", "2"))
        if url is None:
            return _impossible()
        answer = await put(url, _WRONG_SHA1)
        stored = await self._offset(url)
        shown = f"A PATCH with a wrong {what} got {answer.status}; HEAD then said offset {stored}"
        if _succeeded(answer) and stored == "1":
            return Seen("refused", f"{shown}.")
        if answer.status not in {400, 460} or stored != "0":
            return Seen("unknown", f"{shown}.")
        right = await put(url, _RIGHT_SHA1)
        if _succeeded(right):
            return Seen("accepted", f"{shown}.")
        refused = right.status == answer.status
        return Seen(
            "refused" if refused else "unknown", f"{shown}, and the right one got {right.status}."
        )

    async def _concatenation(self) -> Seen:
        answer, url = await self.create(("Upload-Concat", "partial"), ("Upload-Length", "1"))
        if url is None:
            return self._told(answer, False, "POST with Upload-Concat: partial")
        head = await self.send("HEAD", url)
        if not _succeeded(head):
            return Seen("unknown", f"HEAD of a partial got {head.status}.")
        echo = value_of(head.headers, "Upload-Concat")
        self._partial = url if echo == "partial" else None
        shown = f"Upload-Concat: {echo}" if echo else "no Upload-Concat"
        return Seen(
            "accepted" if echo == "partial" else "refused", f"HEAD of a partial had {shown}."
        )

    _partial: str | None = None

    async def _unfinished(self) -> Seen:
        if self._partial is None:
            outcome = self.seen["concatenation"].outcome
            return Seen(outcome, "No partial upload could be created to try it with.")
        answer, url = await self.create(("Upload-Concat", f"final;{urlsplit(self._partial).path}"))
        return self._told(answer, url is not None, "POST of a final over an unfinished partial")

    async def _complete_uploads(self) -> Seen:
        """See whether HEAD still finds what is complete; much depends on it, so on two uploads."""
        if self.first is None:
            return _impossible()
        self._finished = await self._complete(self.first)
        _, other = await self.create(("Upload-Length", str(len(SAMPLE))))
        finished = [self.first] if self._finished else []
        if other is not None and await self._complete(other):
            finished.append(other)
        if not finished:
            return Seen("unknown", "It could not be tried, since no upload could be finished.")
        heads = [await self.send("HEAD", url) for url in finished]
        got = dict.fromkeys(str(head.status) for head in heads)
        shown = f"HEAD of a finished upload got {' and '.join(got)}."
        if any(head.status in GONE for head in heads):
            return Seen("refused", shown)
        return Seen("accepted" if all(map(_succeeded, heads)) else "unknown", shown)

    _finished = False

    async def _download(self) -> Seen:
        if self.first is None:
            return _impossible()
        if not self._finished:
            return Seen("unknown", "It could not be tried, since no upload could be finished.")
        answer = await self.send("GET", self.first)
        shown = f"GET of a finished upload got {answer.status}"
        if not _succeeded(answer):
            return Seen("refused" if _refusing(answer.status) else "unknown", f"{shown}.")
        if not _resembles(answer.body):
            return Seen("refused", f"{shown} and something else than its bytes.")
        # Bytes that are wrong are a download all the same; else nobody would look at them again.
        wrong = "" if answer.body == SAMPLE else ", with other bytes than were sent"
        return Seen("accepted", f"{shown}{wrong}.")

    async def _complete(self, url: str) -> bool:
        """Send what is left of the sample, in as many requests as the server wants."""
        whole = str(len(SAMPLE))
        for _ in SAMPLE:
            stored = await self._offset(url)
            if stored is None or not is_integer(stored) or int(stored) >= len(SAMPLE):
                return stored == whole
            sent = await self._patch(url, int(stored), SAMPLE[int(stored) :])
            if not _succeeded(sent):
                return False
            if value_of(sent.headers, "Upload-Offset") == whole:
                return True
        return False

    async def _termination(self) -> Seen:
        # A server may have forgotten what is complete, so that there is nothing to remove.
        _, fresh = await self.create(("Upload-Length", "1"))
        url = fresh or self.first
        if url is None:
            return _impossible()
        answer = await self.send("DELETE", url)
        after = await self.send("HEAD", url)
        gone = after.status in GONE
        like = self.manners.like(answer.status)
        shown = f"DELETE got {answer.status}{like}, and HEAD after it {after.status}."
        if _succeeded(answer):
            return Seen("accepted" if gone else "unknown", shown)
        said_no = _refusing(answer.status) or bool(like)
        self._terminates = not said_no
        return Seen("refused" if said_no else "unknown", shown)

    def _told(self, answer: Answer, accepted: bool, what: str) -> Seen:  # noqa: FBT001
        if answer.status is None:
            return Seen("unknown", f"{what} had no answer.")
        if accepted:
            return Seen("accepted", f"{what} got {answer.status}.")
        like = self.manners.like(answer.status)
        said_no = _refusing(answer.status) or bool(like)
        return Seen("refused" if said_no else "unknown", f"{what} got {answer.status}{like}.")

    async def _patch(
        self, url: str, offset: int, body: bytes, *headers: tuple[str, str], **more: Any
    ) -> Answer:
        usual = (_OFFSET_TYPE, ("Upload-Offset", str(offset)))
        return await self.send("PATCH", url, *usual, *headers, body=body, **more)

    async def _offset(self, url: str) -> str | None:
        return value_of((await self.send("HEAD", url)).headers, "Upload-Offset")


def _resembles(body: bytes) -> bool:
    """Tell whether a body is the sample, be it damaged, and not a page about it."""
    runs = (SAMPLE[at : at + 16] for at in range(len(SAMPLE) - 15))
    return len(body) == len(SAMPLE) or any(run in body for run in runs)


def _succeeded(answer: Answer) -> bool:
    return answer.status is not None and 200 <= answer.status < 300


def _refusing(status: int | None) -> bool:
    """Tell whether a status says no, rather than that something broke."""
    return status is not None and (400 <= status < 500 or status == 501) and status != 429


def _impossible() -> Seen:
    return Seen("unknown", "It could not be tried, since no upload could be created.")
