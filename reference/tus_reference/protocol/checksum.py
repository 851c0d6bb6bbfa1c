"""Upload-Checksum and Tus-Checksum-Algorithm (Checksum extension).

    Upload-Checksum = algorithm SP base64-of-the-digest

CRC-32 digests are the four bytes of the value, most significant first.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from tus_reference.model.errors import Refused, errors
from tus_reference.protocol.metadata import decode_base64

if TYPE_CHECKING:
    from collections.abc import Callable

    Octets = bytes | bytearray | memoryview


class Hash(Protocol):
    """What hashlib's objects offer, as far as it is needed here."""

    def update(self, data: Octets, /) -> None:
        """Take in more bytes."""

    def digest(self) -> bytes:
        """Return the digest of all bytes so far."""


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: Octets, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


ALGORITHMS: Final[dict[str, Callable[[], Hash]]] = {
    "sha1": partial(hashlib.sha1, usedforsecurity=False),
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "md5": partial(hashlib.md5, usedforsecurity=False),
    "crc32": _Crc32,
}


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a client says the digest of one request's body is."""

    algorithm: str
    digest: bytes

    def new_hash(self) -> Hash:
        """Return a fresh hash of this algorithm."""
        return ALGORITHMS[self.algorithm]()


def parse_checksum(text: str) -> Checksum:
    """Return the checksum; raise `Refused` (400) if malformed or of an unknown algorithm."""
    algorithm, space, encoded = text.partition(" ")
    if algorithm not in ALGORITHMS:
        if not space or not algorithm:
            raise Refused(errors.INVALID_CHECKSUM)
        raise Refused(errors.UNSUPPORTED_CHECKSUM_ALGORITHM)
    digest = decode_base64(encoded)
    if digest is None or len(digest) != len(ALGORITHMS[algorithm]().digest()):
        raise Refused(errors.INVALID_CHECKSUM)
    return Checksum(algorithm, digest)
