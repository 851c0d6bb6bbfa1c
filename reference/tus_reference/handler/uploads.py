"""The life of uploads, apart from HTTP: find, lock, write, finish, terminate.

An upload's offset is what its store says, never what a request computed: every answer
with an offset has read it from the store, or has just seen it confirm the bytes.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

import anyio

from tus_reference.handler.completions import PendingCompletions
from tus_reference.model import BodyEndedEarly, Refused, check_lease, errors, use_lease
from tus_reference.notifications import HookEvent, HTTPResponse, Notifications
from tus_reference.protocol import is_upload_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tus_reference.handler.config import Config
    from tus_reference.model import ByteSource, DataStore, FileInfo
    from tus_reference.model.datastore import Lock, PromptLock
    from tus_reference.notifications import HTTPRequest

RECENT_IDS_LIMIT: Final = 10_000

COMPLETION_WAIT: Final = 5.0
"""How long, in seconds, a request that reads about an upload waits for another to complete it."""


class RecentIds(OrderedDict[str, None]):
    """The newest ids of a kind; old ones are forgotten, so it cannot grow without end."""

    def add(self, upload_id: str) -> None:
        """Remember `upload_id`, and forget the oldest id if there are too many."""
        self[upload_id] = None
        if len(self) > RECENT_IDS_LIMIT:
            self.popitem(last=False)


class Uploads:
    """All uploads of one store, with what this process knows about them."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._composer = config.composer
        # A validated configuration has a core.
        self.store = cast("DataStore", config.composer.core)
        self._gone_ids = RecentIds()
        self._finished_ids = RecentIds()
        self.completions = PendingCompletions(config.logger)
        self.notifications = Notifications(
            created=config.notify_created_uploads,
            progress=config.notify_upload_progress,
            complete=config.notify_complete_uploads,
            terminated=config.notify_terminated_uploads,
            progress_interval=config.upload_progress_interval,
        )

    async def get(self, upload_id: str) -> FileInfo:
        """Return the upload; raise `Refused`: 404, or 410 if it was there once."""
        if not is_upload_id(upload_id):
            raise Refused(errors.UPLOAD_NOT_FOUND)
        if upload_id in self._gone_ids:
            raise Refused(errors.UPLOAD_GONE)
        info = await self.store.get_info(upload_id)
        if has_expired(info, time.time()):
            raise Refused(errors.UPLOAD_GONE)
        return info

    @asynccontextmanager
    async def hold_lock(
        self, upload_id: str, request_release: Callable[[], None]
    ) -> AsyncIterator[None]:
        """Hold the upload's lock, taken over from its holder; raise `Refused` (423 or 503).

        A lock that was lost before the end is 503, whatever else happened: what was stored is
        kept, but nothing of it is acknowledged.
        """
        if not is_upload_id(upload_id):
            raise Refused(errors.UPLOAD_NOT_FOUND)
        if self._composer.locker is None:
            yield
            return
        lock = self._composer.locker.new_lock(upload_id)
        if (prompt_lock := _find_prompt_lock(lock)) and prompt_lock.lock_at_once(request_release):
            try:
                yield
            finally:
                prompt_lock.unlock_at_once()
            return
        try:
            with anyio.fail_after(self._config.acquire_lock_timeout):
                await lock.lock(request_release)
        except TimeoutError:
            raise Refused(errors.UPLOAD_LOCKED) from None
        try:
            with use_lease(lock):
                try:
                    yield
                except (BodyEndedEarly, Refused, OSError):
                    check_lease()
                    raise
                check_lease()
        finally:
            with anyio.CancelScope(shield=True):
                await lock.unlock()

    async def create(self, info: FileInfo, request: HTTPRequest) -> FileInfo:
        """Create the upload and emit the event about it."""
        if self._composer.info_store is not None:
            info = await self._composer.info_store.create(info)
        else:
            info = info.with_place(await self.store.new_upload(info))
        self._gone_ids.pop(info.id, None)
        self._finished_ids.pop(info.id, None)
        self.notifications.created_uploads.put(_new_event(info, request))
        return info

    async def store_body(self, info: FileInfo, data: ByteSource) -> FileInfo:
        """Store `data` and return the upload with its new offset."""
        if self._composer.info_store is not None:
            return await self._composer.info_store.append(info, data)
        stored = await self.store.write_chunk(info.id, info.offset, data)
        return info.with_offset(info.offset + stored, info.modified)

    async def declare_length(self, info: FileInfo, length: int | None) -> FileInfo:
        """Set the length of an upload that was created without one; None leaves it open."""
        deferrer = self._composer.length_deferrer
        if length is None or info.size is not None or deferrer is None:
            return info
        await deferrer.declare_length(info.id, length)
        return replace(info, size=length)

    async def finish(self, info: FileInfo, request: HTTPRequest) -> HTTPResponse:
        """Do what follows the last byte, unless it was done before.

        The next request tries again what fails. The mark that it was done is stored
        by the store, so that a crash repeats at most the step it interrupted.
        """
        complete = self.notifications.complete_uploads
        if info.finished or info.id in self._finished_ids:
            return HTTPResponse()
        if not self._needs_finish(info):
            self._finished_ids.add(info.id)
            complete.total += 1
            return HTTPResponse()
        await self._assemble(info)
        event = _new_event(info, request)
        callback = self._config.pre_finish_response_callback
        reply = HTTPResponse()
        if callback is not None and not info.is_partial:
            reply = await callback(event)
        self._finished_ids.add(info.id)
        if info.is_partial:
            complete.total += 1
        else:
            complete.put(event)
        if self._composer.info_saver is not None:
            await self._composer.info_saver.save_info(replace(info, finished=True, expires=None))
        return reply

    async def _assemble(self, info: FileInfo) -> None:
        """Let the store do its work at completion; a failure is tried again without a request."""
        try:
            if self._composer.info_store is not None:
                await self._composer.info_store.finish(info)
            elif self._composer.finisher is not None:
                await self._composer.finisher.finish_upload(info.id)
        except Exception as failure:
            self.completions.note_failure(info.id, failure)
            raise
        self.completions.discard(info.id)

    def _needs_finish(self, info: FileInfo) -> bool:
        config = self._config
        is_wanted = (
            config.notify_complete_uploads or config.pre_finish_response_callback is not None
        )
        return self._composer.finisher is not None or (is_wanted and not info.is_partial)

    async def retry_finish(self, info: FileInfo, request: HTTPRequest) -> FileInfo:
        """Finish a complete upload whose finish failed or was cut off by a crash; return it.

        If only callbacks and events are missing, this does nothing while the lock is held, and only
        logs a new failure: reading about an upload neither waits nor fails for that. But as long
        as the store has no object of its bytes, no response may call it complete.
        """
        if not info.assembled:
            return await self._retry_assembly(info, request)
        if info.finished or info.id in self._finished_ids or not self._needs_finish(info):
            return info
        async with self.hold_lock_if_free(info.id) as free:
            if free:
                try:
                    await self.finish(await self.get(info.id), request)
                except Exception:
                    self._config.logger.exception("completing upload %s failed again", info.id)
        return info

    async def _retry_assembly(self, info: FileInfo, request: HTTPRequest) -> FileInfo:
        """Let the store make the object; raise `Refused` (423) unless it is there then."""
        with anyio.move_on_after(COMPLETION_WAIT) as waiting, suppress_lock_failure():
            async with self.hold_lock(info.id, _ignore_request):
                # Whoever had the lock may have made it meanwhile; the store is never cut short.
                waiting.deadline = math.inf
                info = await self.get(info.id)
                if info.assembled:
                    return info
                try:
                    await self.finish(info, request)
                except Exception:
                    info = await self.get(info.id)
                else:
                    info = replace(info, assembled=True)
        if not info.assembled:
            raise Refused(errors.UPLOAD_NOT_ASSEMBLED)
        return info

    @asynccontextmanager
    async def hold_lock_if_free(self, upload_id: str) -> AsyncIterator[bool]:
        """Hold the upload's lock if it is free; yield whether it was."""
        locker = self._composer.locker
        if locker is None:
            yield True
            return
        lock = locker.new_lock(upload_id)
        free = await lock.try_lock()
        try:
            with use_lease(lock if free else None):
                yield free
        finally:
            if free:
                with anyio.CancelScope(shield=True):
                    await lock.unlock()

    async def terminate(self, info: FileInfo, request: HTTPRequest) -> None:
        """Remove the upload; later requests for it get 410 while it is remembered."""
        terminater = self._composer.terminater
        if terminater is None:
            raise Refused(errors.NOT_IMPLEMENTED)
        await terminater.terminate(info.id)
        self.completions.discard(info.id)
        self._gone_ids.add(info.id)
        self.notifications.terminated_uploads.put(_new_event(info, request))

    async def discard(self, info: FileInfo, request: HTTPRequest) -> None:
        """Remove an upload that was created in vain, if the store is able to."""
        if self._composer.terminater is not None:
            await self.terminate(info, request)

    def with_expiry(self, info: FileInfo) -> FileInfo:
        """Return an upload that is about to be created with its time of expiry."""
        after = self._config.expire_after
        if not after or info.is_final:
            return info
        return replace(info, expires=time.time() + after)

    async def extend_expiry(self, info: FileInfo) -> FileInfo:
        """Give an unfinished upload more time, if that is how it expires.

        Stores keep the time on disk, so it moves in steps: not every small PATCH is worth
        a rewrite. The response always reports what is stored.
        """
        after, info_saver = self._config.expire_after, self._composer.info_saver
        if not after or info_saver is None or info.is_final or info.is_complete:
            return info
        if info.expires is not None:
            gained = time.time() + after - info.expires
            if not self._config.expire_sliding or gained < min(after / 20, 60.0):
                return info
        info = replace(info, expires=time.time() + after)
        await info_saver.save_info(info)
        return info


def _find_prompt_lock(lock: Lock) -> PromptLock | None:
    """Return the lock if it can be taken and released without waiting."""
    return cast("PromptLock", lock) if hasattr(lock, "lock_at_once") else None


LOCK_FAILURES: Final = (errors.LOCK_LOST.code, errors.LOCKS_UNAVAILABLE.code)


@contextmanager
def suppress_lock_failure() -> Iterator[None]:
    """Go on without a lock that was lost, or that could not be had because its service fails."""
    try:
        yield
    except Refused as refused:
        if refused.error.code not in LOCK_FAILURES:
            raise


def _ignore_request() -> None:
    """Answer a request to let go of a lock: the object is about to be there."""


def _new_event(info: FileInfo, request: HTTPRequest) -> HookEvent:
    """Return an event; it may wait long to be read, so it does not keep the store's snapshot."""
    return HookEvent(info if info.snapshot is None else replace(info, snapshot=None), request)


def has_expired(info: FileInfo, now: float) -> bool:
    """Return whether an unfinished upload is past its time; finished ones never expire."""
    return info.expires is not None and not info.is_complete and now >= info.expires
