"""What happens without a request: expired uploads go, waiting final uploads are found.

The sweep asks nobody to let go: an upload whose lock is taken is in use, and its time is
looked at again the next time round.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import anyio

from tus_reference.handler.hooks import HTTPRequest
from tus_reference.handler.uploads import has_expired
from tus_reference.protocol import Refused

if TYPE_CHECKING:
    from tus_reference.handler.unrouted import UnroutedHandler

LONGEST_PAUSE: Final = 60.0
SHORTEST_PAUSE: Final = 0.2


async def keep_up(handler: UnroutedHandler) -> None:
    """Look after the uploads of `handler` until cancelled."""
    if handler.config.composer.recorder is None:
        return
    await find_waiting_finals(handler)
    if not handler.config.expire_after:
        return
    pause = min(max(handler.config.expire_after / 10, SHORTEST_PAUSE), LONGEST_PAUSE)
    while True:
        await anyio.sleep(pause)
        try:
            await sweep(handler)
        except OSError:
            handler.config.logger.exception("the sweep for expired uploads failed")


async def find_waiting_finals(handler: UnroutedHandler) -> None:
    """Join the final uploads that an earlier process left, or wait for their partials."""
    recorder = handler.config.composer.recorder
    if recorder is None or "concatenation" not in handler.extensions:
        return
    async for info in recorder.uploads():
        if info.is_final and not info.is_complete:
            handler.finals.await_partials(info)
            await handler.finals.join(info, HTTPRequest())


async def sweep(handler: UnroutedHandler) -> int:
    """Remove the unfinished uploads whose time is over; return how many there were."""
    recorder = handler.config.composer.recorder
    removed = 0
    if recorder is None:
        return removed
    async for info in recorder.uploads():
        if has_expired(info, time.time()):
            removed += await _remove(handler, info.id)
    return removed


async def _remove(handler: UnroutedHandler, upload_id: str) -> bool:
    async with handler.uploads.if_free(upload_id) as free:
        if not free:
            return False
        try:
            # Under the lock, look again: a PATCH may have given it more time.
            info = await handler.uploads.store.get_info(upload_id)
        except Refused:
            return False
        if not has_expired(info, time.time()):
            return False
        await handler.uploads.terminate(info, HTTPRequest())
        return True
