"""Complete uploads that stay on the server until the end of a run, to be read a second time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tus_conformance.state.upload import UploadState

MAX_KEPT = {"final": 20, "empty": 10, "large": 10, "ordinary": 60}
"""How many uploads of each kind stay, unless every one does."""

MAX_KEPT_BYTES = 64 * 2**20
"""How many bytes they have together, at most."""

SMALLEST_LARGE = 65536
"""From how many bytes on an upload is large."""

_ORDINARY_STRIDE = 4
"""Of ordinary uploads every fourth stays, so that the sample is of the whole run."""


@dataclass(frozen=True)
class KeptUpload:
    """A complete upload of a scenario; `completed` is when, in seconds since the epoch."""

    scenario: str
    upload: UploadState
    completed: float

    @property
    def age(self) -> float:
        """Return for how many seconds it has been complete."""
        return time.time() - self.completed


class KeptUploads:
    """A sample of the complete uploads of a run, or all of them.

    `limit`, if given, is how many there are at most, of whatever kind.
    """

    def __init__(self, *, everything: bool = False, limit: int | None = None) -> None:
        self.uploads: list[KeptUpload] = []
        self.urls: list[str] = []
        self._everything = everything
        self._limit = limit
        self._bytes = 0
        self._offered: Counter[str] = Counter()
        self._kept: Counter[str] = Counter()

    def offer(self, scenario: str, uploads: Iterable[UploadState]) -> set[str]:
        """Take uploads into the sample; return the URLs that must not be removed for it."""
        needed: set[str] = set()
        for upload in uploads:
            if not _is_whole(upload) or not self._has_room(upload):
                continue
            self.uploads.append(KeptUpload(scenario, upload, time.time()))
            needed |= {each.url for each in _with_parts(upload)}
        self.urls += [url for url in needed if url not in self.urls]
        return needed

    def _has_room(self, upload: UploadState) -> bool:
        if self._everything:
            return True
        kind, size = _kind_of(upload), upload.length or 0
        self._offered[kind] += 1
        is_full = self._kept[kind] >= MAX_KEPT[kind] or self._bytes + size > MAX_KEPT_BYTES
        is_skipped = kind == "ordinary" and self._offered[kind] % _ORDINARY_STRIDE != 1
        beyond = self._limit is not None and len(self.uploads) >= self._limit
        if is_full or is_skipped or beyond:
            return False
        self._kept[kind] += 1
        self._bytes += size
        return True


def _is_whole(upload: UploadState) -> bool:
    """Return whether an upload was found intact, and nothing it consists of was deleted."""
    return upload.found_intact and not any(each.was_deleted for each in _with_parts(upload))


def _with_parts(upload: UploadState) -> Iterator[UploadState]:
    yield upload
    for part in upload.parts:
        yield from _with_parts(part)


def _kind_of(upload: UploadState) -> str:
    if upload.parts:
        return "final"
    length = upload.length or 0
    return "large" if length >= SMALLEST_LARGE else "ordinary" if length else "empty"
