"""Undoes the Content-Encoding of a response (RFC 9110, section 8.4.1), where a library can.

The suite sends `Accept-Encoding: identity`, but a server or a proxy may compress anyway.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Protocol

PIECE = 65536
"""How many bytes a decoder returns at once, so that a small body cannot become a huge one."""


class CodingError(ValueError):
    """The content is not of the coding that the header names; the message says so."""


class ContentDecoder(Protocol):
    """Decodes a body piece by piece."""

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield the decoded bytes in pieces; raise CodingError."""
        ...


class ZlibDecoder:
    """Decodes gzip or deflate, of which the latter comes with and without the header of zlib."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        # 15 is the largest window; 16 more stands for gzip.
        self._zlib = zlib.decompressobj(31) if coding == "gzip" else None
        self._first = b""

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield the decoded bytes in pieces."""
        if self._zlib is None:
            self._first = data = self._first + data
            if len(data) < 2:
                return
            self._zlib = zlib.decompressobj(15 if _has_zlib_header(data) else -15)
        while data and not self._zlib.eof:
            try:
                piece = self._zlib.decompress(data, PIECE)
            except zlib.error as error:
                raise CodingError(f"the content is not {self._coding}: {error}") from None
            data = self._zlib.unconsumed_tail
            if piece:
                yield piece


def _has_zlib_header(data: bytes) -> bool:
    """Return whether two bytes are the header of zlib (RFC 1950, section 2.2)."""
    return data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0


class BrotliDecoder:
    """Decodes br by the library of that name."""

    def __init__(self, library: Any) -> None:
        self._error = library.error
        self._brotli = library.Decompressor()

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield the decoded bytes."""
        try:
            yield bytes(self._brotli.process(data))
        except self._error as error:
            raise CodingError(f"the content is not br: {error}") from None


def decoder_for(coding: str) -> ContentDecoder | None:
    """Return a decoder for the value of Content-Encoding; None where nothing can undo it."""
    name = coding.strip().lower().removeprefix("x-")
    if name in {"gzip", "deflate"}:
        return ZlibDecoder(name)
    if name == "br":
        try:
            return BrotliDecoder(import_module("brotli"))
        except ImportError:
            return None
    return None


def is_encoded(coding: str | None) -> bool:
    """Return whether a Content-Encoding changes the content at all."""
    return coding is not None and coding.strip().lower() not in {"", "identity"}
