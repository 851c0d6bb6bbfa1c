"""Counts a body as it passes: its length in bytes, its digest, and its first bytes."""

from __future__ import annotations

from hashlib import sha256

MAX_KEPT_BYTES = 65536


class BodySummary:
    """The length and SHA-256 of the bytes added so far, and the first 64 KiB of them."""

    def __init__(self) -> None:
        self.length = 0
        self._digest = sha256()
        self._first_bytes = bytearray()

    def add(self, data: bytes) -> None:
        """Count the next bytes."""
        self.length += len(data)
        self._digest.update(data)
        if len(self._first_bytes) < MAX_KEPT_BYTES:
            self._first_bytes += data[: MAX_KEPT_BYTES - len(self._first_bytes)]

    @property
    def first_bytes(self) -> bytes:
        """Return the first bytes, at most 64 KiB."""
        return bytes(self._first_bytes)

    @property
    def sha256(self) -> str:
        """Return the hexadecimal SHA-256 of all bytes so far."""
        return self._digest.hexdigest()
