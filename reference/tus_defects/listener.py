"""`ChangedListener`: connections whose streams a server with changes wraps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from tus_defects.service import wrap_stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tus_defects.change import Change


class ChangedListener(trio.abc.Listener[trio.abc.Stream]):
    """A listener that wraps the stream of every connection."""

    def __init__(
        self, listener: trio.abc.Listener[trio.abc.Stream], changes: Sequence[Change]
    ) -> None:
        self._listener = listener
        self._changes = changes

    async def accept(self) -> trio.abc.Stream:
        """Wait for a connection."""
        return wrap_stream(await self._listener.accept(), self._changes)

    async def aclose(self) -> None:
        """Stop listening."""
        await self._listener.aclose()
