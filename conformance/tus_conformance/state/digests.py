"""Digests of a request's body, right and wrong, for Upload-Checksum."""

from __future__ import annotations

import base64
import hashlib
import zlib

from tus_conformance.transport import Payload


def body_digest(name: str, body: Payload | None) -> str:
    """Return what a reference such as `body.sha1` or `body.sha1.wrong` stands for.

    Without a body it is the digest of no bytes.
    """
    _, algorithm, *form = name.split(".")
    raw = _compute_digest(algorithm, body)
    match form:
        case ["wrong"]:
            # A server may compare only a part of the digest, so that each body has another bit.
            raw = _flip_bit(raw, int.from_bytes(hashlib.sha256(raw).digest()) % (8 * len(raw)))
        case ["wrong-first"]:
            raw = _flip_bit(raw, 0)
        case ["wrong-last"]:
            raw = _flip_bit(raw, 8 * len(raw) - 1)
        case ["short"]:
            raw = raw[:-1]
        case ["hex"]:
            return raw.hex()
        case ["unpadded"]:
            return base64.b64encode(raw).decode().rstrip("=")
    return base64.b64encode(raw).decode()


def _flip_bit(raw: bytes, bit: int) -> bytes:
    """Return bytes with one bit inverted; bit 0 is the highest of the first byte."""
    flipped = int.from_bytes(raw) ^ 1 << (8 * len(raw) - 1 - bit)
    return flipped.to_bytes(len(raw))


def _compute_digest(algorithm: str, body: Payload | None) -> bytes:
    chunks = body.chunks() if body else iter(())
    if algorithm == "crc32":
        crc = 0
        for chunk in chunks:
            crc = zlib.crc32(chunk, crc)
        return crc.to_bytes(4, "big")
    state = hashlib.new(algorithm, usedforsecurity=False)
    for chunk in chunks:
        state.update(chunk)
    return state.digest()
