"""`Maintenance`: what happens without a request.

Expired uploads are removed, and final uploads that wait for their partial uploads are found.
The sweep does not ask holders to release their locks: an upload whose lock is taken is in use,
and the next sweep checks its expiry again.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

import anyio

from tus_reference.handler.extensions import offered_extensions
from tus_reference.handler.uploads import has_expired
from tus_reference.model import Refused
from tus_reference.notifications import HTTPRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tus_reference.handler.concatenation import FinalUploads
    from tus_reference.handler.config import Config
    from tus_reference.handler.uploads import Uploads

MAX_INTERVAL: Final = 60.0
MIN_INTERVAL: Final = 0.2


class Maintenance:
    """Looks after the uploads of one handler."""

    def __init__(self, config: Config, uploads: Uploads, final_uploads: FinalUploads) -> None:
        self._config = config
        self._info_saver = config.composer.info_saver
        self._uploads = uploads
        self._final_uploads = final_uploads

    async def run(self) -> None:
        """Join waiting final uploads once, then remove expired uploads until cancelled."""
        expire_after = self._config.expire_after
        interval = min(max(expire_after / 10, MIN_INTERVAL), MAX_INTERVAL)
        work: Callable[[], Awaitable[object]] = self.join_waiting_final_uploads
        while True:
            try:
                await work()
            except Exception:
                # A store in trouble now may be well the next time, and requests go on.
                self._config.logger.exception("maintenance of the uploads failed")
            if not expire_after:
                return
            work = self.remove_expired_uploads
            await anyio.sleep(interval)

    async def join_waiting_final_uploads(self) -> None:
        """Join the final uploads that an earlier process left, or wait for their partials."""
        if self._info_saver is None or "concatenation" not in offered_extensions(self._config):
            return
        async for info in self._info_saver.list_uploads():
            if info.is_final and not info.is_complete:
                self._final_uploads.add_waiting(info)
                await self._final_uploads.join(info, HTTPRequest())

    async def remove_expired_uploads(self) -> int:
        """Remove the unfinished uploads whose time is over; return how many there were."""
        if self._info_saver is None:
            return 0
        listed = self._info_saver.list_uploads()
        expired = [info.id async for info in listed if has_expired(info, time.time())]
        removed = 0
        for upload_id in expired:
            async with self._uploads.hold_lock_if_free(upload_id) as free:
                with contextlib.suppress(Refused):
                    # Under the lock, look again: a PATCH may have given it more time.
                    info = await self._uploads.store.get_info(upload_id)
                    if free and has_expired(info, time.time()):
                        await self._uploads.terminate(info, HTTPRequest())
                        removed += 1
        return removed
