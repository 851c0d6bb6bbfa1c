"""Discovery: what a server says it can do, against what a probe saw it do.

Both count. What OPTIONS lists is taken to be meant; what is not listed is only called unsupported
after a probe saw it refused. A probe that could not be made says "unknown", never "refused".
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import shake_128
from string import ascii_lowercase
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

import trio

from tus_conformance.dialogue.headers import is_integer, members, moment, resolved, value_of
from tus_conformance.dialogue.removal import removed
from tus_conformance.target import program
from tus_conformance.target.route import ImpassableError, Route
from tus_conformance.target.target import Target
from tus_conformance.wire import Answer, Outgoing, Payload
from tus_reports import Capability, Discovery, Exchange

EXTENSIONS = (
    "creation",
    "creation-with-upload",
    "creation-defer-length",
    "expiration",
    "checksum",
    "checksum-trailer",
    "termination",
    "concatenation",
    "concatenation-unfinished",
)
_LOCKED = frozenset({401, 407})
SAMPLE = shake_128(b"tus-conformance").digest(67)
"""What the probes upload; no text is like it, nor often as long."""

_OFFSET_TYPE = ("Content-Type", "application/offset+octet-stream")
_WRONG_SHA1 = "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA="


class Unreachable(Exception):  # noqa: N818  it is a finding about the network
    """The target does not answer; the message says so in a sentence."""


@dataclass(frozen=True)
class Manners:
    """How a server answers what it cannot know: made-up header, version and method, by status.

    None stands for no answer. The header was part of a creation that is otherwise in order.
    """

    header: int | None = None
    version: int | None = None
    method: int | None = None

    @property
    def sentences(self) -> tuple[str, ...]:
        """Return what was learnt, a sentence each."""
        told = (
            ("A creation with a made-up header", self.header),
            ("A creation in a made-up version", self.version),
            ("A made-up method", self.method),
        )
        return tuple(f"{what} got {status or 'no answer'}." for what, status in told)

    def like(self, status: int | None) -> str:
        """Return which made-up thing was refused with a status, too, as part of a sentence.

        A 5xx that only the creations got tells of a server that is broken, not of one that refuses.
        """
        if status is None or status < 400:
            return ""
        told = (("header", self.header), ("version", self.version), ("method", self.method))
        same = [what for what, known in told if known == status]
        if status >= 500 and status != 501:
            same = [what for what in same if what == "method"]
        return f", as a made-up {same[-1]} does" if same else ""


@dataclass(frozen=True)
class Discovered:
    """What is known of a server before the first scenario.

    `expires_in` is after how many seconds a fresh upload is said to expire.
    """

    max_size: int | None = None
    versions: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ()
    capabilities: dict[str, Capability] = field(default_factory=dict)
    exchanges: tuple[Exchange, ...] = ()
    unknown_url: str = ""
    manners: Manners = field(default_factory=Manners)
    expires_in: float | None = None

    def advertised(self, name: str) -> bool:
        """Tell whether the server lists an extension."""
        return name in self.extensions

    def observed(self, name: str) -> bool:
        """Tell whether a probe saw that the server does it."""
        found = self.capabilities.get(name)
        return found is not None and found.observed == "accepted"

    def record(self) -> Discovery:
        """Return the line of the run record."""
        return Discovery(
            versions=self.versions,
            extensions=self.extensions,
            algorithms=self.algorithms,
            max_size=self.max_size,
            capabilities=tuple(self.capabilities.values()),
            manners=self.manners.sentences,
            exchanges=self.exchanges,
        )


@dataclass(frozen=True)
class _Seen:
    """What a probe saw: accepted, refused, or nothing that can be told, and the sentence for it."""

    outcome: Literal["accepted", "refused", "unknown"]
    because: str


async def discover(
    target: Target, route: Route, left_behind: list[str] | None = None
) -> Discovered:
    """Ask a server what it can do and try it; what cannot be removed is added to `left_behind`.

    Raises Unreachable if the server does not answer at all, or lets nobody in.
    """
    probe = _Probe(target, route)
    try:
        return await _discover(target, probe)
    finally:
        with trio.CancelScope(shield=True):
            left = await probe.clean_up()
            if left_behind is not None:
                left_behind += left


async def _discover(target: Target, probe: _Probe) -> Discovered:
    options = await probe.send("OPTIONS", target.url)
    if options.failure is not None and options.status is None:
        raise Unreachable(options.failure.sentence)
    extensions = _listed(options, "Tus-Extension")
    manners = await probe.learn_manners()
    capabilities = {}
    for name, attempt in probe.all.items():
        try:
            seen = await attempt()
        except ImpassableError as impassable:
            seen = _Seen("unknown", str(impassable))
        probe.seen[name] = seen
        capabilities[name] = Capability(
            name=name,
            advertised=name in extensions,
            observed=seen.outcome,
            because=seen.because,
        )
    size = value_of(options.headers, "Tus-Max-Size")
    return Discovered(
        max_size=int(size) if size is not None and is_integer(size) else None,
        versions=_listed(options, "Tus-Version"),
        extensions=extensions,
        algorithms=_listed(options, "Tus-Checksum-Algorithm"),
        capabilities=capabilities,
        exchanges=tuple(probe.exchanges),
        unknown_url=unknown(probe.first or target.url, created=probe.first is not None),
        manners=manners,
        expires_in=probe.expires_in,
    )


class _Probe:
    """The probes, in an order in which each finds what it needs."""

    def __init__(self, target: Target, route: Route) -> None:
        self._target = target
        self._route = route
        self.exchanges: list[Exchange] = []
        self.first: str | None = None
        self.manners = Manners()
        self.seen: dict[str, _Seen] = {}
        self.expires_in: float | None = None
        self._terminates = True  # unless a probe sees otherwise
        self._created: list[str] = []
        self.all: dict[str, Callable[[], Awaitable[_Seen]]] = {
            "creation": self._creation,
            "creation-with-upload": self._with_upload,
            "creation-defer-length": self._defer_length,
            "expiration": self._expiration,
            "checksum": self._checksum,
            "checksum-trailer": self._checksum_trailer,
            "concatenation": self._concatenation,
            "concatenation-unfinished": self._unfinished,
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

    async def _creation(self) -> _Seen:
        length = str(len(SAMPLE))
        answer, self.first = await self.create(("Upload-Length", length))
        seen = self._told(answer, self.first is not None, f"POST with Upload-Length: {length}")
        command = self._target.profile.commands.upload
        if self.first is None and command is not None:
            self.first = (await program.output(command, length=length)).decode("latin-1").strip()
            self._created.append(self.first)
        return seen

    async def _defer_length(self) -> _Seen:
        answer, url = await self.create(("Upload-Defer-Length", "1"))
        return self._told(answer, url is not None, "POST with Upload-Defer-Length: 1")

    async def _with_upload(self) -> _Seen:
        answer, url = await self.create(("Upload-Length", "2"), _OFFSET_TYPE, body=b"t")
        if url is None:
            return self._told(answer, False, "POST with a body")
        stored = await self._offset(url)
        shown = f"After a POST with one byte, HEAD said Upload-Offset: {stored}."
        if stored not in {"0", "1"}:
            return _Seen("unknown", shown)
        return _Seen("accepted" if stored == "1" else "refused", shown)

    async def _expiration(self) -> _Seen:
        if self.first is None:
            return _impossible()
        if not self._expires:
            await self._patch(self.first, 0, SAMPLE[:1])
        seen = "An answer had" if self._expires else "No answer to POST or PATCH had"
        return _Seen("accepted" if self._expires else "refused", f"{seen} Upload-Expires.")

    async def _checksum(self) -> _Seen:
        return await self._wrong_checksum("checksum", headers=(("Upload-Checksum", _WRONG_SHA1),))

    async def _checksum_trailer(self) -> _Seen:
        return await self._wrong_checksum(
            "checksum trailer",
            headers=(("Trailer", "Upload-Checksum"),),
            framing="chunked",
            trailers=(("Upload-Checksum", _WRONG_SHA1),),
        )

    async def _wrong_checksum(
        self, what: str, *, headers: tuple[tuple[str, str], ...], **more: Any
    ) -> _Seen:
        _, url = await self.create(("Upload-Length", "2"))
        if url is None:
            return _impossible()
        answer = await self._patch(url, 0, b"t", *headers, **more)
        stored = await self._offset(url)
        shown = f"A PATCH with a wrong {what} got {answer.status}; HEAD then said offset {stored}."
        if _succeeded(answer) and stored == "1":
            return _Seen("refused", shown)
        verified = answer.status in {400, 460} and stored == "0"
        return _Seen("accepted" if verified else "unknown", shown)

    async def _concatenation(self) -> _Seen:
        answer, url = await self.create(("Upload-Concat", "partial"), ("Upload-Length", "1"))
        if url is None:
            return self._told(answer, False, "POST with Upload-Concat: partial")
        head = await self.send("HEAD", url)
        if not _succeeded(head):
            return _Seen("unknown", f"HEAD of a partial got {head.status}.")
        echo = value_of(head.headers, "Upload-Concat")
        self._partial = url if echo == "partial" else None
        shown = f"Upload-Concat: {echo}" if echo else "no Upload-Concat"
        return _Seen(
            "accepted" if echo == "partial" else "refused", f"HEAD of a partial had {shown}."
        )

    _partial: str | None = None

    async def _unfinished(self) -> _Seen:
        if self._partial is None:
            outcome = self.seen["concatenation"].outcome
            return _Seen(outcome, "No partial upload could be created to try it with.")
        answer, url = await self.create(("Upload-Concat", f"final;{urlsplit(self._partial).path}"))
        return self._told(answer, url is not None, "POST of a final over an unfinished partial")

    async def _download(self) -> _Seen:
        if self.first is None:
            return _impossible()
        if not await self._complete(self.first):
            return _Seen("unknown", "It could not be tried, since no upload could be finished.")
        answer = await self.send("GET", self.first)
        shown = f"GET of a finished upload got {answer.status}"
        if not _succeeded(answer):
            return _Seen("refused" if _refusing(answer.status) else "unknown", f"{shown}.")
        if not _resembles(answer.body):
            return _Seen("refused", f"{shown} and something else than its bytes.")
        # Bytes that are wrong are a download all the same; else nobody would look at them again.
        wrong = "" if answer.body == SAMPLE else ", with other bytes than were sent"
        return _Seen("accepted", f"{shown}{wrong}.")

    async def _complete(self, url: str) -> bool:
        """Send what is left of the sample, in as many requests as the server wants."""
        for _ in SAMPLE:
            stored = await self._offset(url)
            if stored is None or not is_integer(stored) or int(stored) >= len(SAMPLE):
                return stored == str(len(SAMPLE))
            if not _succeeded(await self._patch(url, int(stored), SAMPLE[int(stored) :])):
                return False
        return False

    async def _termination(self) -> _Seen:
        if self.first is None:
            return _impossible()
        answer = await self.send("DELETE", self.first)
        after = await self.send("HEAD", self.first)
        gone = after.status in {403, 404, 410}
        like = self.manners.like(answer.status)
        shown = f"DELETE got {answer.status}{like}, and HEAD after it {after.status}."
        if _succeeded(answer):
            return _Seen("accepted" if gone else "unknown", shown)
        said_no = _refusing(answer.status) or bool(like)
        self._terminates = not said_no
        return _Seen("refused" if said_no else "unknown", shown)

    def _told(self, answer: Answer, accepted: bool, what: str) -> _Seen:  # noqa: FBT001
        if answer.status is None:
            return _Seen("unknown", f"{what} had no answer.")
        if accepted:
            return _Seen("accepted", f"{what} got {answer.status}.")
        like = self.manners.like(answer.status)
        said_no = _refusing(answer.status) or bool(like)
        return _Seen("refused" if said_no else "unknown", f"{what} got {answer.status}{like}.")

    async def _patch(
        self, url: str, offset: int, body: bytes, *headers: tuple[str, str], **more: Any
    ) -> Answer:
        usual = (_OFFSET_TYPE, ("Upload-Offset", str(offset)))
        return await self.send("PATCH", url, *usual, *headers, body=body, **more)

    async def _offset(self, url: str) -> str | None:
        return value_of((await self.send("HEAD", url)).headers, "Upload-Offset")


def unknown(url: str, *, created: bool) -> str:
    """Return a URL shaped like an upload's, but of one that never existed."""
    parts = urlsplit(url)
    if not created:
        path = parts.path.rstrip("/") + "/" + "7" * 32
        return urlunsplit(parts._replace(path=path, query=""))
    stem, _, last = parts.path.rpartition("/")
    return urlunsplit(parts._replace(path=f"{stem}/{_mutated(last)}"))


def _mutated(name: str) -> str:
    """Change the letters and digits of a name for others of their kind; its shape stays."""
    if name.isdecimal() and len(name) < _COUNTED:
        return "7" * _COUNTED + name
    digits, letters = "0123456789", "abcdef" if _HEXADECIMAL.fullmatch(name) else ascii_lowercase
    every = digits, letters, letters.upper()
    turned = "".join(kind[3:] + kind[:3] for kind in every)
    other = name.translate(str.maketrans("".join(every), turned))
    return other if other != name else f"{name}7"


_HEXADECIMAL = re.compile(r"[0-9a-fA-F.+_-]*")
_COUNTED = 15
"""A number with so many digits is no counter, and no counter will come so far."""


def _resembles(body: bytes) -> bool:
    """Tell whether a body is the sample, be it damaged, and not a page about it."""
    runs = (SAMPLE[at : at + 16] for at in range(len(SAMPLE) - 15))
    return len(body) == len(SAMPLE) or any(run in body for run in runs)


def _succeeded(answer: Answer) -> bool:
    return answer.status is not None and 200 <= answer.status < 300


def _refusing(status: int | None) -> bool:
    """Tell whether a status says no, rather than that something broke."""
    return status is not None and (400 <= status < 500 or status == 501) and status != 429


def _listed(answer: Answer, name: str) -> tuple[str, ...]:
    value = value_of(answer.headers, name)
    return tuple(member for member in members(value) if member) if value else ()


def _impossible() -> _Seen:
    return _Seen("unknown", "It could not be tried, since no upload could be created.")
