"""The model: what is known of each upload in a sequence, whatever the server responded.

An offset is known as a range, since a server may keep all, some or nothing of what broke off. The
exact offset, as the server acknowledges it, is a reference in the steps: `{a.offset}`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class ModelUpload:
    """An upload: of `length` bytes, between `min_offset` and `max_offset` of which are stored.

    It is `uncertain` after a connection broke: something may still be under way on the server.
    `concat` is "", "partial" or "final"; a partial that is part of a final is `joined`.
    """

    name: str
    length: int
    concat: str = ""
    declared: bool = True
    metadata: str = ""
    min_offset: int = 0
    max_offset: int = 0
    uncertain: bool = False
    deleted: bool = False
    joined: bool = False
    parts: tuple[ModelUpload, ...] = ()

    @property
    def remaining(self) -> int:
        """Return how many bytes certainly fit in."""
        return self.length - self.max_offset

    @property
    def complete(self) -> bool:
        """Return whether everything is certainly stored."""
        return self.min_offset == self.length and self.declared

    @property
    def writable(self) -> bool:
        """Return whether it takes bytes in the ordinary way, with nothing else under way."""
        return not (self.deleted or self.uncertain or self.joined or self.concat == "final")

    def add_stored(self, size: int) -> None:
        """Take note that so many bytes more are stored."""
        self.min_offset += size
        self.max_offset += size

    def add_uncertain(self, size: int) -> None:
        """Take note that up to so many bytes more may be stored."""
        self.max_offset = min(self.max_offset + size, self.length)

    def mark_complete(self) -> None:
        """Take note that it was resumed and completed."""
        self.min_offset = self.max_offset = self.length
        self.declared, self.uncertain = True, False


@dataclass
class ModelState:
    """The uploads of a sequence, in the order of their creation."""

    uploads: list[ModelUpload] = field(default_factory=list)
    _names: int = 0

    def name(self) -> str:
        """Return a name that no upload has yet."""
        self._names += 1
        return chr(ord("a") + (self._names - 1) % 26) + (
            str((self._names - 1) // 26) if self._names > 26 else ""
        )

    def add(self, upload: ModelUpload) -> ModelUpload:
        """Take in a new upload."""
        self.uploads.append(upload)
        return upload

    def choose_upload(
        self, who: int, matching: Callable[[ModelUpload], bool]
    ) -> ModelUpload | None:
        """Return one of the uploads that are like that; None where there is none."""
        found = [upload for upload in self.uploads if matching(upload)]
        return found[who % len(found)] if found else None
