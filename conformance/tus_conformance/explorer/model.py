"""The model: what is known of each upload in a story, however the server may have answered.

An offset is known as a range, since a server may keep all, some or nothing of what broke off. The
exact offset, as the server acknowledges it, is a reference in the steps: `{a.offset}`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Upload:
    """An upload: of `length` bytes, between `low` and `high` of which are stored.

    It is `unsettled` after a connection broke: something may still be under way on the server.
    `concat` is "", "partial" or "final"; a partial that is part of a final is `used`.
    """

    name: str
    length: int
    concat: str = ""
    declared: bool = True
    metadata: str = ""
    low: int = 0
    high: int = 0
    unsettled: bool = False
    gone: bool = False
    used: bool = False
    parts: tuple[Upload, ...] = ()

    @property
    def room(self) -> int:
        """Return how many bytes certainly fit in."""
        return self.length - self.high

    @property
    def complete(self) -> bool:
        """Tell whether everything is certainly stored."""
        return self.low == self.length and self.declared

    @property
    def steady(self) -> bool:
        """Tell whether it takes bytes in the ordinary way, with nothing else under way."""
        return not (self.gone or self.unsettled or self.used or self.concat == "final")

    def stored(self, size: int) -> None:
        """Take note that so many bytes more are stored."""
        self.low += size
        self.high += size

    def maybe(self, size: int) -> None:
        """Take note that up to so many bytes more may be stored."""
        self.high = min(self.high + size, self.length)

    def finished(self) -> None:
        """Take note that it was resumed and completed."""
        self.low = self.high = self.length
        self.declared, self.unsettled = True, False


@dataclass
class World:
    """The uploads of a story, in the order of their creation."""

    uploads: list[Upload] = field(default_factory=list)
    _names: int = 0

    def name(self) -> str:
        """Return a name that no upload has yet."""
        self._names += 1
        return chr(ord("a") + (self._names - 1) % 26) + (
            str((self._names - 1) // 26) if self._names > 26 else ""
        )

    def add(self, upload: Upload) -> Upload:
        """Take in a new upload."""
        self.uploads.append(upload)
        return upload

    def pick(self, who: int, like: Callable[[Upload], bool]) -> Upload | None:
        """Return one of the uploads that are like that; None where there is none."""
        found = [upload for upload in self.uploads if like(upload)]
        return found[who % len(found)] if found else None
