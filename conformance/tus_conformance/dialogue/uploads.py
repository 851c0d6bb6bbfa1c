"""An upload as a telling knows it."""

from __future__ import annotations

from dataclasses import dataclass

from tus_conformance.dialogue.content import Content, read


@dataclass
class Upload:
    """An upload of one telling, with content of its own.

    `offset` is what the server last acknowledged, in bytes. `length` is what the upload will come
    to; `declared` tells whether the server has been told. `metadata` is the Upload-Metadata that it
    was created with. `foreign` is set once the server accepted
    bytes that are not of the content, so that nothing can be said of it any more.
    """

    name: str
    url: str
    body: Content
    length: int | None = None
    declared: bool = False
    offset: int = 0
    metadata: str | None = None
    foreign: bool = False

    def content(self, start: int, stop: int) -> bytes:
        """Return the bytes of the upload's content from start to stop."""
        return read(self.body, start, stop)
