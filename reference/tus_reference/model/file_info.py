"""`FileInfo`: everything a store knows about one upload."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class FileInfo:
    """One upload: sizes in bytes, times in seconds since the epoch.

    `metadata_header` and `concat_header` are the headers as received, which HEAD must
    return; `metadata` is what they mean. `size` is None while the length is deferred.
    `finished` is set once everything that follows completion was done. `modified` is when the
    last byte came, if the store knows. `snapshot` is for the store alone: what else it saw of
    the upload when it returned this, see `InfoStore`.
    """

    id: str = ""
    size: int | None = None
    offset: int = 0
    metadata: Mapping[str, bytes] = field(default_factory=dict)
    metadata_header: str | None = None
    is_partial: bool = False
    is_final: bool = False
    partial_uploads: tuple[str, ...] = ()
    concat_header: str | None = None
    expires: float | None = None
    finished: bool = False
    modified: float | None = None
    storage: Mapping[str, str] = field(default_factory=dict)
    snapshot: object = field(default=None, repr=False, compare=False)

    @property
    def is_complete(self) -> bool:
        """Whether every byte is stored."""
        return self.size is not None and self.offset == self.size
