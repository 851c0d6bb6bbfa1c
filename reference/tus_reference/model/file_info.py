"""`FileInfo`: everything a store knows about one upload."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class FileInfo:
    """One upload, as stores return it and events carry it."""

    id: str = ""
    """The last segment of the URL; empty before the store has chosen one."""

    size: int | None = None
    """Upload-Length in bytes; None while it is deferred."""

    offset: int = 0
    """Upload-Offset: how many bytes are stored."""

    metadata: Mapping[str, bytes] = field(default_factory=dict)
    """The decoded values of Upload-Metadata by key; clients choose both."""

    metadata_header: str | None = None
    """Upload-Metadata as received, which HEAD must return; None if there was none."""

    is_partial: bool = False
    """Whether it was created with Upload-Concat: partial."""

    is_final: bool = False
    """Whether it was created with Upload-Concat: final."""

    partial_uploads: tuple[str, ...] = ()
    """The ids that a final upload joins, in order."""

    concat_header: str | None = None
    """Upload-Concat as received, which HEAD must return; None if there was none."""

    expires: float | None = None
    """When an unfinished upload may be removed, in seconds since the epoch; None for never."""

    finished: bool = False
    """Whether everything that follows completion, callbacks included, was done."""

    revision: int = 0
    """How often the store has written the record; 0 if it does not count."""

    assembled: bool = True
    """False while a complete upload is not one object yet, in a store that makes it of parts."""

    modified: float | None = None
    """When the last byte was stored, in seconds since the epoch; None if not known."""

    storage: Mapping[str, str] = field(default_factory=dict)
    """Where the bytes are, in tusd's terms: Type and Path, or Type, Bucket and Key."""

    snapshot: object = field(default=None, repr=False, compare=False)
    """For the store alone: what else it saw when it returned this; see `InfoStore`."""

    @property
    def is_complete(self) -> bool:
        """Whether every byte is stored."""
        return self.size is not None and self.offset == self.size

    def with_offset(self, offset: int, modified: float | None = None) -> FileInfo:
        """Return the upload with `offset` bytes, the last of which was stored at `modified`.

        Every request does this, and `dataclasses.replace` costs three times as much.
        """
        return self._copy(self.id, offset, modified, self.storage)

    def with_place(self, upload_id: str, storage: Mapping[str, str] | None = None) -> FileInfo:
        """Return the upload as its store creates it: under an id, without bytes, and where."""
        return self._copy(upload_id, 0, None, self.storage if storage is None else storage)

    def _copy(
        self, upload_id: str, offset: int, modified: float | None, storage: Mapping[str, str]
    ) -> FileInfo:
        return FileInfo(
            upload_id,
            self.size,
            offset,
            self.metadata,
            self.metadata_header,
            self.is_partial,
            self.is_final,
            self.partial_uploads,
            self.concat_header,
            self.expires,
            self.finished,
            self.revision,
            self.assembled,
            modified,
            storage,
            self.snapshot,
        )
