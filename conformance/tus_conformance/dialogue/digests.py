"""Digests of a request's body, right and wrong, for Upload-Checksum."""

from __future__ import annotations

import base64
import hashlib
import zlib

from tus_conformance.wire import Payload


def digest(name: str, body: Payload | None) -> str:
    """Return what a reference such as `body.sha1` or `body.sha1.wrong` stands for.

    Without a body it is the digest of no bytes.
    """
    _, algorithm, *form = name.split(".")
    raw = _raw(algorithm, body)
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


def _raw(algorithm: str, body: Payload | None) -> bytes:
    chunks = body.chunks() if body else iter(())
    if algorithm == "crc32":
        sum_ = 0
        for chunk in chunks:
            sum_ = zlib.crc32(chunk, sum_)
        return sum_.to_bytes(4, "big")
    state = hashlib.new(algorithm, usedforsecurity=False)
    for chunk in chunks:
        state.update(chunk)
    return state.digest()
