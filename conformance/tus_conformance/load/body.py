"""The body of a request: generated while it is sent, and cut where the plan says so."""

from __future__ import annotations

import base64
import errno
import hashlib

from tus_conformance.load.content import LoadContent

_PIECE = 65536

SMALL = 256 * 1024
"""Bodies up to this size, in bytes, are sent as one piece with the head of their request."""


class CutError(OSError):
    """The client closes the connection in the middle of a body, on purpose."""

    def __init__(self) -> None:
        super().__init__(errno.ECANCELED, "cut by the plan")


class GeneratedBody:
    """The bytes of a content from `start` to `stop`, read as from a file of that length.

    With `cut`, reading raises CutError after that many bytes; the length stays that of the whole.
    """

    def __init__(self, content: LoadContent, start: int, stop: int, cut: int | None = None) -> None:
        self._content = content
        self._position, self._stop = start, stop
        self._cut = None if cut is None else start + cut
        self._length = stop - start

    def __len__(self) -> int:
        return self._length

    def read(self, _size: int = -1) -> bytes:
        """Return the next bytes, 64 KiB at most whatever was asked for, or b"" at the end."""
        limit = self._stop if self._cut is None else self._cut
        if self._position == self._cut:
            raise CutError
        data = self._content.read(self._position, min(self._position + _PIECE, limit))
        self._position += len(data)
        return data


def make_body(
    content: LoadContent, start: int, stop: int, cut: int | None = None
) -> bytes | GeneratedBody:
    """Return what a request sends: bytes if they are few and not cut, else generated ones."""
    if cut is None and stop - start <= SMALL:
        return content.read(start, stop)
    return GeneratedBody(content, start, stop, cut)


def format_checksum(content: LoadContent, start: int, stop: int, algorithm: str) -> str:
    """Return the Upload-Checksum of a body."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    for position in range(start, stop, _PIECE):
        digest.update(content.read(position, min(position + _PIECE, stop)))
    return f"{algorithm} {base64.b64encode(digest.digest()).decode()}"
