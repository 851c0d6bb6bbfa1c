"""An upload as a telling knows it."""

from __future__ import annotations

from dataclasses import dataclass

from tus_conformance.state.content import Content, read_content


@dataclass
class UploadState:
    """An upload of one telling, with content of its own.

    `offset` is what the server last acknowledged, in bytes. `length` is what the upload will come
    to; `declared` tells whether the server has been told. `metadata` is the Upload-Metadata that it
    was created with, `parts` the uploads that it is made of. `sent` is how far bytes of it were
    sent, whatever became of them; `unanswered` is set once the last of them went out and no answer
    came. `foreign` is set once the server accepted bytes that are not of the content, so that
    nothing can be said of it any more.
    """

    name: str
    url: str
    body: Content
    length: int | None = None
    length_declared: bool = False
    offset: int = 0
    metadata: str | None = None
    parts: tuple[UploadState, ...] = ()
    sent: int = 0
    last_byte_unanswered: bool = False
    has_foreign_bytes: bool = False

    @property
    def may_be_complete(self) -> bool:
        """Tell whether every byte of it was sent, so that the server may have all of them."""
        if self.parts:
            return all(part.may_be_complete for part in self.parts)
        return self.length is not None and self.sent >= self.length

    def content(self, start: int, stop: int) -> bytes:
        """Return the bytes of the upload's content from start to stop."""
        return read_content(self.body, start, stop)
