"""What happens without a request: expired uploads go, waiting final uploads are found.

The sweep asks nobody to let go: an upload whose lock is taken is in use, and its time is
looked at again the next time round.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

import anyio

from tus_reference.handler.uploads import has_expired
from tus_reference.model import Refused
from tus_reference.notifications import HTTPRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tus_reference.handler.unrouted import UnroutedHandler

MAX_INTERVAL: Final = 60.0
MIN_INTERVAL: Final = 0.2


async def run_maintenance(handler: UnroutedHandler) -> None:
    """Look after the uploads of `handler` until cancelled."""
    interval = min(max(handler.config.expire_after / 10, MIN_INTERVAL), MAX_INTERVAL)
    work: Callable[[UnroutedHandler], Awaitable[object]] = join_waiting_final_uploads
    while True:
        try:
            await work(handler)
        except Exception:
            # A store in trouble now may be well the next time, and requests go on.
            handler.config.logger.exception("looking after the uploads failed")
        if not handler.config.expire_after:
            return
        work = remove_expired_uploads
        await anyio.sleep(interval)


async def join_waiting_final_uploads(handler: UnroutedHandler) -> None:
    """Join the final uploads that an earlier process left, or wait for their partials."""
    info_saver = handler.config.composer.info_saver
    if info_saver is None or "concatenation" not in handler.extensions:
        return
    async for info in info_saver.list_uploads():
        if info.is_final and not info.is_complete:
            handler.final_uploads.add_waiting(info)
            await handler.final_uploads.join(info, HTTPRequest())


async def remove_expired_uploads(handler: UnroutedHandler) -> int:
    """Remove the unfinished uploads whose time is over; return how many there were."""
    info_saver, uploads = handler.config.composer.info_saver, handler.uploads
    expired = (
        []
        if info_saver is None
        else [info.id async for info in info_saver.list_uploads() if has_expired(info, time.time())]
    )
    removed = 0
    for upload_id in expired:
        async with uploads.hold_lock_if_free(upload_id) as free:
            with contextlib.suppress(Refused):
                # Under the lock, look again: a PATCH may have given it more time.
                info = await uploads.store.get_info(upload_id)
                if free and has_expired(info, time.time()):
                    await uploads.terminate(info, HTTPRequest())
                    removed += 1
    return removed
