"""`CountedBody`: a request body that counts the bytes received."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tus_reference.model import Body, Headers


class CountedBody:
    """A body that calls `count` with the bytes of each piece."""

    def __init__(self, body: Body, count: Callable[[int], object]) -> None:
        self._body = body
        self._count = count
        self.length = body.length

    @property
    def trailers(self) -> Headers:
        """The trailer fields; empty until the end of the body was read."""
        return self._body.trailers

    async def read_into(self, buffer: memoryview) -> int:
        """Put the next bytes into `buffer` and return how many; 0 at the end."""
        count = await self._body.read_into(buffer)
        self._count(count)
        return count
