"""An upload as an execution knows it."""

from __future__ import annotations

from dataclasses import dataclass

from tus_conformance.state.content import Content, read_content


@dataclass
class UploadState:
    """An upload of one execution, with content of its own.

    Sizes are in bytes. `offset` is what the server last acknowledged. `length` is what the upload
    will come to; `length_declared` says whether the server knows it. `metadata` is the
    Upload-Metadata that it was created with, `parts` the uploads that it is made of, and
    `is_partial` says that it is to become a part of another. `sent` is how
    far bytes of it were sent, whatever became of them; `last_byte_unanswered` is set when the last
    of them was sent and no response came, and `interrupted` when that happened to any request with
    bytes of it. `completion_acknowledged` says that a request which sent its last byte succeeded,
    `found_intact` that it was complete and nothing was wrong with its bytes. `was_deleted` is set
    once a DELETE of it was sent. `expires_at` is when it expires, in seconds since the epoch, as
    the server said last. `has_foreign_bytes` is set when the server accepted bytes that are not of
    the content, so that nothing can be said of it any more.
    """

    name: str
    url: str
    body: Content
    length: int | None = None
    length_declared: bool = False
    offset: int = 0
    metadata: str | None = None
    parts: tuple[UploadState, ...] = ()
    is_partial: bool = False
    sent: int = 0
    last_byte_unanswered: bool = False
    interrupted: bool = False
    completion_acknowledged: bool = False
    found_intact: bool = False
    was_deleted: bool = False
    expires_at: float | None = None
    has_foreign_bytes: bool = False

    @property
    def may_be_complete(self) -> bool:
        """Return whether every byte of it was sent, so that the server may have all of them."""
        if self.parts:
            return all(part.may_be_complete for part in self.parts)
        return self.length is not None and self.sent >= self.length

    def content(self, start: int, stop: int) -> bytes:
        """Return the bytes of the upload's content from start to stop."""
        return read_content(self.body, start, stop)
