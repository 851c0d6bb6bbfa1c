"""`StartedRead`: bytes of an upload whose first piece is there before the response begins.

A response promises a length with its head. Storage that fails at the first byte, such as an
object that is not there, must be an error and not a response of no bytes.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from tus_reference.model import Refused, errors


class StartedRead(AsyncGenerator[bytes, None]):
    """An iteration whose first piece was read already; close it, whether it was used or not."""

    def __init__(self, first: bytes, rest: AsyncGenerator[bytes, None]) -> None:
        self._first = first
        self._rest = rest

    async def asend(self, value: None) -> bytes:
        """Return the next piece."""
        first, self._first = self._first, b""
        return first or await self._rest.asend(value)

    @property
    def rest(self) -> AsyncGenerator[bytes, None] | None:
        """What follows the first piece, once that was returned."""
        return None if self._first else self._rest

    async def athrow(self, *error: Any) -> bytes:
        """Pass an exception on."""
        return await self._rest.athrow(*error)

    async def aclose(self) -> None:
        """Stop reading."""
        await self._rest.aclose()


async def start_reading(
    chunks: AsyncGenerator[bytes, None], length: int
) -> AsyncGenerator[bytes, None]:
    """Read the first piece of `length` bytes; raise what the storage raises, or `Refused` (500)."""
    if not length:
        return chunks
    first = await anext(chunks, b"")
    if not first:
        raise Refused(
            errors.INTERNAL_SERVER_ERROR.because("the storage returned none of the bytes")
        )
    return StartedRead(first, chunks)
