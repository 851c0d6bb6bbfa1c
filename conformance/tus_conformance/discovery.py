"""Discovery: what a server says it can do, against what a probe saw it do.

Both count. What OPTIONS lists is taken to be meant; what is not listed is only called unsupported
after a probe saw it refused. A probe that could not be made says "unknown", never "refused".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from tus_conformance.headers import is_integer, members, resolved, value_of
from tus_conformance.target import Target
from tus_conformance.wire import Answer, Outgoing, Payload, Wire
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
_OFFSET_TYPE = ("Content-Type", "application/offset+octet-stream")
_WRONG_SHA1 = "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA="


class Unreachable(Exception):  # noqa: N818  it is a finding about the network
    """The target does not answer; the message says so in a sentence."""


@dataclass(frozen=True)
class Discovered:
    """What is known of a server before the first scenario."""

    max_size: int | None = None
    versions: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ()
    capabilities: dict[str, Capability] = field(default_factory=dict)
    exchanges: tuple[Exchange, ...] = ()
    unknown_url: str = ""

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
            exchanges=self.exchanges,
        )


@dataclass(frozen=True)
class _Seen:
    """What a probe saw: accepted, refused, or nothing that can be told, and the sentence for it."""

    outcome: Literal["accepted", "refused", "unknown"]
    because: str


async def discover(target: Target, wire: Wire) -> Discovered:
    """Ask a server what it can do and try it; raise Unreachable if it does not answer at all."""
    probe = _Probe(target, wire)
    options = await probe.send("OPTIONS", target.url)
    if options.failure is not None and options.status is None:
        raise Unreachable(options.failure.sentence)
    extensions = _listed(options, "Tus-Extension")
    capabilities = {}
    for name, attempt in probe.all.items():
        seen = await attempt()
        capabilities[name] = Capability(
            name=name,
            advertised=name in extensions,
            observed=seen.outcome,
            because=seen.because,
        )
    await probe.clean_up(removable=capabilities["termination"].observed == "accepted")
    size = value_of(options.headers, "Tus-Max-Size")
    return Discovered(
        max_size=int(size) if size is not None and is_integer(size) else None,
        versions=_listed(options, "Tus-Version"),
        extensions=extensions,
        algorithms=_listed(options, "Tus-Checksum-Algorithm"),
        capabilities=capabilities,
        exchanges=tuple(probe.exchanges),
        unknown_url=unknown(probe.first or target.url, created=probe.first is not None),
    )


class _Probe:
    """The probes, in an order in which each finds what it needs."""

    def __init__(self, target: Target, wire: Wire) -> None:
        self._target = target
        self._wire = wire
        self.exchanges: list[Exchange] = []
        self.first: str | None = None
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
        self._expires = False

    async def send(
        self, method: str, url: str, *headers: tuple[str, str], body: bytes = b"", **more: Any
    ) -> Answer:
        """Send one request and keep its exchange."""
        usual = () if method == "OPTIONS" else (("Tus-Resumable", "1.0.0"),)
        length = (
            () if body or method not in {"POST", "PATCH", "DELETE"} else (("Content-Length", "0"),)
        )
        payload = Payload(length=len(body), chunks=lambda: iter([body])) if body else None
        answer = await self._wire.send(
            Outgoing(
                method=method,
                url=url,
                headers=(*usual, *self._target.headers, *headers, *length),
                payload=payload,
                **more,
            )
        )
        self.exchanges.append(answer.exchange)
        self._expires |= value_of(answer.headers, "Upload-Expires") is not None
        return answer

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

    async def clean_up(self, *, removable: bool) -> None:
        """Remove the uploads that the probes created, where the server can."""
        for url in self._created if removable else ():
            await self.send("DELETE", url)

    async def _creation(self) -> _Seen:
        answer, self.first = await self.create(("Upload-Length", "1"))
        return _told(answer, self.first is not None, "POST with Upload-Length: 1")

    async def _defer_length(self) -> _Seen:
        answer, url = await self.create(("Upload-Defer-Length", "1"))
        return _told(answer, url is not None, "POST with Upload-Defer-Length: 1")

    async def _with_upload(self) -> _Seen:
        answer, url = await self.create(("Upload-Length", "2"), _OFFSET_TYPE, body=b"t")
        if url is None:
            return _told(answer, False, "POST with a body")
        stored = await self._offset(url)
        shown = f"After a POST with one byte, HEAD said Upload-Offset: {stored}."
        if stored not in {"0", "1"}:
            return _Seen("unknown", shown)
        return _Seen("accepted" if stored == "1" else "refused", shown)

    async def _expiration(self) -> _Seen:
        if self.first is None:
            return _impossible()
        if not self._expires:
            await self._patch(self.first, 0, b"t")
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
            return _told(answer, False, "POST with Upload-Concat: partial")
        head = await self.send("HEAD", url)
        echo = value_of(head.headers, "Upload-Concat")
        self._partial = url if echo == "partial" else None
        shown = f"Upload-Concat: {echo}" if echo else "no Upload-Concat"
        return _Seen(
            "accepted" if echo == "partial" else "refused", f"HEAD of a partial had {shown}."
        )

    _partial: str | None = None

    async def _unfinished(self) -> _Seen:
        if self._partial is None:
            return _Seen("refused", "Partial uploads were not accepted.")
        answer, url = await self.create(("Upload-Concat", f"final;{urlsplit(self._partial).path}"))
        return _told(answer, url is not None, "POST of a final over an unfinished partial")

    async def _download(self) -> _Seen:
        if self.first is None:
            return _impossible()
        if await self._offset(self.first) == "0":
            await self._patch(self.first, 0, b"t")
        answer = await self.send("GET", self.first)
        same = _succeeded(answer) and answer.body == b"t"
        return _Seen(
            "accepted" if same else "refused", f"GET of a finished upload got {answer.status}."
        )

    async def _termination(self) -> _Seen:
        if self.first is None:
            return _impossible()
        answer = await self.send("DELETE", self.first)
        after = await self.send("HEAD", self.first)
        gone = after.status in {403, 404, 410}
        shown = f"DELETE got {answer.status}, and HEAD after it {after.status}."
        if _succeeded(answer):
            return _Seen("accepted" if gone else "unknown", shown)
        return _Seen("refused" if _refused(answer) else "unknown", shown)

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
    """Change every hexadecimal digit for another of its kind; the shape of the name stays."""
    digits, letters = "0123456789", "abcdef"
    other = str.maketrans(digits + letters, digits[3:] + digits[:3] + letters[2:] + letters[:2])
    return name.translate(other)


def _succeeded(answer: Answer) -> bool:
    return answer.status is not None and 200 <= answer.status < 300


def _refused(answer: Answer) -> bool:
    """Tell whether an answer says no, rather than that something broke."""
    return answer.status is not None and (answer.status < 500 or answer.status == 501)


def _listed(answer: Answer, name: str) -> tuple[str, ...]:
    value = value_of(answer.headers, name)
    return tuple(member for member in members(value) if member) if value else ()


def _told(answer: Answer, accepted: bool, what: str) -> _Seen:  # noqa: FBT001
    if answer.status is None:
        return _Seen("unknown", f"{what} had no answer.")
    if accepted:
        return _Seen("accepted", f"{what} got {answer.status}.")
    return _Seen("refused" if _refused(answer) else "unknown", f"{what} got {answer.status}.")


def _impossible() -> _Seen:
    return _Seen("unknown", "It could not be tried, since no upload could be created.")
