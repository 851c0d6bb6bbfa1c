"""`Maintenance`: what happens without a request.

What an earlier process left unfinished is found at the start, and what failed is tried again. The
sweep removes expired uploads, and what crashes left that is no part of any upload. It does not ask
holders to release their locks: an upload whose lock is taken is in use, and the next sweep looks
again.
"""

from __future__ import annotations

import contextlib
import random
import time
from typing import TYPE_CHECKING, Final

import anyio

from tus_reference.handler.extensions import offered_extensions
from tus_reference.handler.uploads import has_expired
from tus_reference.model import FileInfo, Refused, errors
from tus_reference.notifications import HTTPRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from tus_reference.handler.concatenation import FinalUploads
    from tus_reference.handler.config import Config
    from tus_reference.handler.uploads import Uploads
    from tus_reference.model.datastore import InfoSaver

MAX_INTERVAL: Final = 60.0
MIN_INTERVAL: Final = 0.2

LEFTOVER_AGE: Final = 60.0
"""How old, in seconds, a file without an upload must be: a younger one may be in the making."""


LOOK_AGAIN: Final = 3600.0
"""How long, in seconds, an upload that cannot expire is not looked at; half of that at least."""

PASS_PAUSE: Final = 10.0
"""How much longer the pause after a sweep is than the sweep lasted, up to `MAX_INTERVAL`."""


REMOVAL_PAUSE: Final = 3.0
"""How many times longer than a removal the pause after it is: there may be very many at once."""


class ExpirySchedule:
    """When each upload has to be looked at for its time of expiry: a sweep reads no other records.

    Reading every record at each sweep would cost seconds for many uploads. A PATCH gives more time,
    never less, and what is complete does not expire.
    """

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._listed: dict[str, float] = {}

    def is_due(self, upload_id: str) -> bool:
        """Return whether to look at an upload of the current listing."""
        due = self._listed[upload_id] = self._due.get(upload_id, 0.0)
        return due <= time.time()

    def note(self, info: FileInfo) -> None:
        """Take note of what was seen of an upload."""
        self._listed[info.id] = _next_look(None if info.is_complete else info.expires)

    def note_known(self, upload_id: str, expires: float | None) -> None:
        """Take note of what an earlier process has seen, before the first listing."""
        self._due[upload_id] = _next_look(expires)

    def end_listing(self) -> None:
        """Forget the uploads that the listing did not have."""
        self._due, self._listed = self._listed, {}


async def _pace(upload_ids: Iterable[str]) -> AsyncIterator[str]:
    """Iterate over ids, with pauses for the requests of others."""
    for upload_id in upload_ids:
        begun = anyio.current_time()
        yield upload_id
        await anyio.sleep((anyio.current_time() - begun) * REMOVAL_PAUSE)


def _next_look(expires: float | None) -> float:
    """Return when to look at an upload for which this is the time of expiry; None for never."""
    if expires is not None:
        return expires
    # Another process may have made another upload of the same id: look again some time, and not
    # at all of them at once.
    return time.time() + LOOK_AGAIN * random.uniform(0.5, 1.0)  # noqa: S311


class Maintenance:
    """Looks after the uploads of one handler."""

    def __init__(self, config: Config, uploads: Uploads, final_uploads: FinalUploads) -> None:
        self._config = config
        self._info_saver = config.composer.info_saver
        self._cleaner = config.composer.cleaner
        self._uploads = uploads
        self._final_uploads = final_uploads
        self._schedule = ExpirySchedule()

    async def run(self) -> None:
        """Complete what an earlier process or a failure left, and sweep, until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._retry_completions)
            await self._try(self.find_unfinished_uploads)
            expire_after = self._config.expire_after
            interval = min(max(expire_after / 10, MIN_INTERVAL), MAX_INTERVAL)
            lasted = 0.0
            while expire_after or self._cleaner is not None:
                begun = anyio.current_time()
                await self._try(self.remove_leftovers)
                lasted += anyio.current_time() - begun
                pause = max(interval, min(lasted * PASS_PAUSE, MAX_INTERVAL))
                await anyio.sleep(pause if expire_after else MAX_INTERVAL)
                begun = anyio.current_time()
                if expire_after:
                    await self._try(self.remove_expired_uploads)
                lasted = anyio.current_time() - begun

    async def _try(self, work: Callable[[], Awaitable[object]]) -> None:
        try:
            await work()
        except (OSError, Refused) as failure:
            # A store in trouble now may be well the next time, and requests go on.
            self._config.logger.error("maintenance of the uploads failed: %s", failure)  # noqa: TRY400
        except Exception:
            self._config.logger.exception("maintenance of the uploads failed")

    async def find_unfinished_uploads(self) -> None:
        """Find what an earlier process left: complete uploads and final ones, both unfinished.

        Final uploads are joined, or wait for their partial uploads.
        """
        if self._info_saver is None:
            return
        if (known_uploads := self._config.composer.known_uploads) is not None:
            async for upload_id, expires in known_uploads.list_known():
                self._schedule.note_known(upload_id, expires)
        joins = "concatenation" in offered_extensions(self._config)
        async for info in self._list_due(self._info_saver):
            if info.is_final and not info.is_complete:
                if joins:
                    self._final_uploads.add_waiting(info)
                    await self._final_uploads.join(info, HTTPRequest())
            elif not info.assembled:
                self._uploads.completions.add(info.id)

    async def _list_due(self, info_saver: InfoSaver) -> AsyncIterator[FileInfo]:
        """Iterate over the uploads that are new, or may have expired."""
        async for info in info_saver.list_uploads(self._schedule.is_due):
            self._schedule.note(info)
            yield info
        self._schedule.end_listing()

    async def _retry_completions(self) -> None:
        """Try again what failed, with growing pauses, until cancelled."""
        while True:
            for upload_id in await self._uploads.completions.wait_due():
                await self.retry_completion(upload_id)

    async def retry_completion(self, upload_id: str) -> None:
        """Complete an upload, unless a request is doing that."""
        completions = self._uploads.completions
        attempts = completions.count_attempts(upload_id)
        try:
            info = await self._uploads.get(upload_id)
            if info.is_final and not info.is_complete:
                await self._final_uploads.join(info, HTTPRequest())
            elif not info.assembled:
                await self._uploads.retry_finish(info, HTTPRequest())
                await self._final_uploads.join_waiting(upload_id, HTTPRequest())
        except Exception as failure:
            if completions.count_attempts(upload_id) > attempts:
                return
            if isinstance(failure, Refused) and failure.error == errors.UPLOAD_NOT_ASSEMBLED:
                completions.postpone(upload_id)
            else:
                completions.note_failure(upload_id, failure)
        else:
            if completions.count_attempts(upload_id) == attempts:
                completions.discard(upload_id)

    async def remove_expired_uploads(self) -> int:
        """Remove the unfinished uploads whose time is over; return how many there were."""
        if self._info_saver is None:
            return 0
        listed = self._list_due(self._info_saver)
        expired = [info.id async for info in listed if has_expired(info, time.time())]
        removed = 0
        async for upload_id in _pace(expired):
            async with self._uploads.hold_lock_if_free(upload_id) as free:
                with contextlib.suppress(Refused):
                    # Under the lock, look again: a PATCH may have given it more time.
                    info = await self._uploads.store.get_info(upload_id)
                    if free and has_expired(info, time.time()):
                        await self._uploads.terminate(info, HTTPRequest())
                        removed += 1
        return removed

    async def remove_leftovers(self) -> int:
        """Remove files that belong to no upload, and damaged uploads whose time is over.

        Returns how many uploads they were of.
        """
        if self._cleaner is None:
            return 0
        expire_after = self._config.expire_after
        age = min(expire_after or LEFTOVER_AGE, LEFTOVER_AGE)
        found = 0
        async for upload_id in _pace(await self._cleaner.list_leftovers(age)):
            async with self._uploads.hold_lock_if_free(upload_id) as free:
                if free and (names := await self._cleaner.remove_leftovers(upload_id, age)):
                    self._config.logger.info("removed what a crash left: %s", ", ".join(names))
                    found += 1
        damaged = await self._cleaner.list_damaged(expire_after) if expire_after else ()
        async for upload_id in _pace(damaged):
            async with self._uploads.hold_lock_if_free(upload_id) as free:
                if free:
                    await self._uploads.terminate(FileInfo(id=upload_id), HTTPRequest())
                    self._config.logger.info("removed the damaged upload %s", upload_id)
                    found += 1
        return found
