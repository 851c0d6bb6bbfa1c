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
from tus_reference.notifications import HTTPRequest
from tus_reference.protocol import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tus_reference.handler import UnroutedHandler

LONGEST_PAUSE: Final = 60.0
SHORTEST_PAUSE: Final = 0.2


async def keep_up(handler: UnroutedHandler) -> None:
    """Look after the uploads of `handler` until cancelled."""
    pause = min(max(handler.config.expire_after / 10, SHORTEST_PAUSE), LONGEST_PAUSE)
    work: Callable[[UnroutedHandler], Awaitable[object]] = find_waiting_finals
    while True:
        try:
            await work(handler)
        except Exception:
            # A store in trouble now may be well the next time, and requests go on.
            handler.config.logger.exception("looking after the uploads failed")
        if not handler.config.expire_after:
            return
        work = sweep
        await anyio.sleep(pause)


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
    recorder, uploads = handler.config.composer.recorder, handler.uploads
    expired = (
        []
        if recorder is None
        else [info.id async for info in recorder.uploads() if has_expired(info, time.time())]
    )
    removed = 0
    for upload_id in expired:
        async with uploads.if_free(upload_id) as free:
            with contextlib.suppress(Refused):
                # Under the lock, look again: a PATCH may have given it more time.
                info = await uploads.store.get_info(upload_id)
                if free and has_expired(info, time.time()):
                    await uploads.terminate(info, HTTPRequest())
                    removed += 1
    return removed
