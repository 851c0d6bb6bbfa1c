"""What a creation needs beyond what tus asks for: found by trying, where a plain one is refused.

Servers and the frameworks around them ask for metadata, a media type or other headers. Each of the
candidates is tried alone, then all at once, then in pairs; of what works, all that is not needed is
left out again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from urllib.parse import urlsplit

from msgspec import structs

from tus_conformance.discovery.composed_request import OFFSET_TYPE
from tus_conformance.discovery.prober import Prober
from tus_conformance.targets.target import Target
from tus_conformance.transport import HttpResponse
from tus_conformance.transport.header_values import header_value, split_list

_METADATA = "Upload-Metadata"
_USUAL_PAIRS = (
    "filename dXBsb2FkLmJpbg==",
    "filetype YXBwbGljYXRpb24vb2N0ZXQtc3RyZWFt",
    "name dXBsb2FkLmJpbg==",
    "type YXBwbGljYXRpb24vb2N0ZXQtc3RyZWFt",
)
"""The file name and the media type, by the keys that clients send most often."""

_OTHER_REASONS = frozenset({401, 407, 408, 410, 413, 429})
"""Refusals that no header of a creation changes: login, time, size and rate."""

_METADATA_ALONE = frozenset({404, 405, 500})
"""What some servers answer without metadata; a wrong path gets that too, so no more is tried."""

_MAX_NAMED = 24
"""So many words of a refusal are tried as keys of metadata."""

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{1,40}")

NeededHeader = tuple[str, str]


@dataclass(frozen=True)
class CreationNeeds:
    """The headers that a creation needs; `refusal` is the status of one without them."""

    headers: tuple[NeededHeader, ...]
    refusal: int

    @property
    def metadata(self) -> str | None:
        """Return the Upload-Metadata that is needed; None if none is."""
        return dict(self.headers).get(_METADATA)

    @property
    def plain_headers(self) -> dict[str, str]:
        """Return the other headers."""
        return {name: value for name, value in self.headers if name != _METADATA}

    @property
    def sentence(self) -> str:
        """Return what was found, as a sentence."""
        shown = " and ".join(f"{name}: {value}" for name, value in self.headers)
        return f"A creation needs {shown}: without, POST got {self.refusal}."

    def apply(self, target: Target) -> Target:
        """Return a target whose creations have what they need."""
        known = target.profile
        profile = structs.replace(
            known,
            metadata=self.metadata or known.metadata,
            creation_headers={**known.creation_headers, **self.plain_headers},
        )
        return replace(target, profile=profile)


async def find_creation_needs(prober: Prober) -> CreationNeeds | None:
    """Return what creations need; None where a plain one works, or nothing that is tried helps."""
    if prober.target.profile.commands.upload is not None:
        return None
    refused = await _create(prober, ())
    status = refused.status
    if status is None or not may_need_more(status):
        return None
    candidates = _candidates(prober.target, refused)
    if status in _METADATA_ALONE:
        candidates = [each for each in candidates if each[0] == _METADATA]
    for tried in _attempts(candidates):
        if await _is_accepted(prober, tried):
            return CreationNeeds(await _leave_out(prober, tried), status)
    return None


def may_need_more(status: int | None) -> bool:
    """Return whether a refused creation may be accepted with more headers."""
    if status is None or status in _OTHER_REASONS:
        return False
    return 400 <= status < 500 or status in _METADATA_ALONE


def _candidates(target: Target, refused: HttpResponse) -> list[NeededHeader]:
    """Return what may be missing, the most usual first; never what the user already sends."""
    parts = urlsplit(target.url)
    known = [pair for pair in split_list(target.profile.metadata or "") if pair]
    pairs = [*known, *_without(_USUAL_PAIRS, known)]
    named = _without([f"{key} dXBsb2FkLmJpbg==" for key in _words(refused)], pairs)
    found = [
        (_METADATA, ",".join(pairs)),
        OFFSET_TYPE,
        ("Content-Type", "application/octet-stream"),
        ("User-Agent", "Mozilla/5.0"),
        ("Accept", "application/json"),
        ("X-Requested-With", "XMLHttpRequest"),
        ("Origin", f"{parts.scheme}://{parts.netloc}"),
    ]
    if named:
        found.insert(1, (_METADATA, ",".join([*pairs, *named])))
    sent = {name.lower() for name, _ in (*target.headers, *target.profile.creation_headers.items())}
    return [(name, value) for name, value in found if name.lower() not in sent]


def _without(pairs: Sequence[str], known: Sequence[str]) -> list[str]:
    keys = {pair.partition(" ")[0] for pair in known}
    return [pair for pair in pairs if pair.partition(" ")[0] not in keys]


def _words(refused: HttpResponse) -> list[str]:
    """Return the words of a refusal that may be keys of metadata: a page has none."""
    kind = header_value(refused.headers, "Content-Type") or ""
    text = refused.body[:400].decode("utf-8", "replace")
    words = [] if "html" in kind else _WORD.findall(text)
    return list(dict.fromkeys(word.rstrip(".-") for word in words))[:_MAX_NAMED]


def _attempts(candidates: Sequence[NeededHeader]) -> Iterator[tuple[NeededHeader, ...]]:
    """Yield each candidate, all of them, and each pair; one value for a header."""
    yield from ((each,) for each in candidates)
    if len(candidates) > 1:
        yield tuple(dict(reversed(candidates)).items())
    yield from (pair for pair in combinations(candidates, 2) if pair[0][0] != pair[1][0])


async def _leave_out(prober: Prober, headers: tuple[NeededHeader, ...]) -> tuple[NeededHeader, ...]:
    """Return the headers, and the pairs of metadata, that a creation does not work without."""
    needed = headers
    for each in headers if len(headers) > 1 else ():
        fewer = tuple(other for other in needed if other != each)
        if await _is_accepted(prober, fewer):
            needed = fewer
    pairs = [pair for pair in split_list(dict(needed).get(_METADATA, "")) if pair]
    for pair in reversed(pairs):
        left = [other for other in pairs if other != pair]
        fewer = tuple((n, ",".join(left) if n == _METADATA else v) for n, v in needed)
        if left and await _is_accepted(prober, fewer):
            pairs, needed = left, fewer
    return needed


async def _is_accepted(prober: Prober, headers: tuple[NeededHeader, ...]) -> bool:
    created = await _create(prober, headers)
    return created.status == 201 and header_value(created.headers, "Location") is not None


async def _create(prober: Prober, headers: tuple[NeededHeader, ...]) -> HttpResponse:
    created, _ = await prober.create_upload(("Upload-Length", "1"), *headers)
    return created
