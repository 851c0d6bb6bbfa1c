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
            raw = bytes([raw[0] ^ 1]) + raw[1:]
        case ["short"]:
            raw = raw[:-1]
        case ["hex"]:
            return raw.hex()
        case ["unpadded"]:
            return base64.b64encode(raw).decode().rstrip("=")
    return base64.b64encode(raw).decode()


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
