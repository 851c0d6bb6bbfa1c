"""Final uploads: joined as soon as all of their partial uploads are complete.

A final upload may be created before its partials are complete. Then it waits: the PATCH
that completes the last partial joins it, and so does any request for the final itself,
which covers what a crash or another process left undone. Joining takes the final's lock
and looks again under it, so it happens once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tus_reference.model import Refused, errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tus_reference.handler.config import Config
    from tus_reference.handler.uploads import Uploads
    from tus_reference.model import FileInfo
    from tus_reference.notifications import HTTPRequest


class FinalUploads:
    """The final uploads of one handler, and who waits for whom."""

    def __init__(self, config: Config, uploads: Uploads) -> None:
        self._composer = config.composer
        self._logger = config.logger
        self._uploads = uploads
        self._waiting: dict[str, set[str]] = {}

    async def get_partial_uploads(self, partial_ids: Sequence[str]) -> list[FileInfo]:
        """Return the partial uploads in order; raise `Refused` (400) if one is not there."""
        found: dict[str, FileInfo] = {}
        for upload_id in dict.fromkeys(partial_ids):
            try:
                info = await self._uploads.get(upload_id)
            except Refused as refused:
                if refused.error.status not in {404, 410}:
                    raise
                raise Refused(
                    errors.INVALID_CONCAT.because("a partial upload does not exist")
                ) from None
            if not info.is_partial:
                raise Refused(
                    errors.INVALID_CONCAT.because(
                        "an upload in Upload-Concat is not a partial upload"
                    )
                )
            found[upload_id] = info
        return [found[upload_id] for upload_id in partial_ids]

    def _stop_waiting(self, info: FileInfo) -> None:
        for partial_id in info.partial_uploads:
            waiting = self._waiting.get(partial_id, set())
            waiting.discard(info.id)
            if not waiting:
                self._waiting.pop(partial_id, None)

    def add_waiting(self, info: FileInfo) -> None:
        """Remember that a final upload waits for its partials."""
        for partial_id in info.partial_uploads:
            self._waiting.setdefault(partial_id, set()).add(info.id)

    async def size(self, info: FileInfo) -> int | None:
        """Return the length of a final upload, or None while it is not known."""
        if info.size is not None:
            return info.size
        try:
            return total_size(await self.get_partial_uploads(info.partial_uploads))
        except Refused:
            return None

    async def join_new(self, info: FileInfo, request: HTTPRequest) -> FileInfo:
        """Return a final upload that was just created, joined if its partials are complete.

        Raises what makes that fail. It is tried again without a request then, but if a partial
        upload was removed meanwhile, which is `Refused` (400), so is the final one.
        """
        self.add_waiting(info)
        try:
            async with self._uploads.hold_lock_if_free(info.id) as free:
                return await self._join(info, request) if free else info
        except Exception as failure:
            if not _is_invalid(failure):
                self._uploads.completions.note_failure(info.id, failure)
                raise
            self._stop_waiting(info)
            await self._uploads.discard(info, request)
            raise

    async def join(self, info: FileInfo, request: HTTPRequest) -> FileInfo:
        """Return the final upload, joined and finished if its partials are complete.

        What fails is logged and tried again without a request: the client did not cause it.
        """
        if info.is_complete:
            return info
        try:
            async with self._uploads.hold_lock_if_free(info.id) as free:
                joined = await self._join(info, request) if free else info
        except Exception as failure:
            if not _is_invalid(failure):
                self._uploads.completions.note_failure(info.id, failure)
            return info
        if joined.is_complete:
            self._uploads.completions.discard(info.id)
        return joined

    async def _join(self, info: FileInfo, request: HTTPRequest) -> FileInfo:
        """Join under the final's lock; raise `Refused` (400) if a partial is not there."""
        info = await self._uploads.get(info.id)
        concater = self._composer.concater
        if info.is_complete or concater is None:
            return info
        partials = await self.get_partial_uploads(info.partial_uploads)
        if not all(partial.is_complete for partial in partials):
            return info
        await self._uploads.declare_length(info, total_size(partials))
        try:
            await concater.concat_uploads(info.id, info.partial_uploads)
        except (FileNotFoundError, Refused):
            # A DELETE of a partial does not wait for this, which is then no fault of the store's.
            await self.get_partial_uploads(info.partial_uploads)
            raise
        info = await self._uploads.get(info.id)
        try:
            await self._uploads.finish(info, request)
        except Exception:
            # The next request for the final upload tries again; this one did not cause the failure.
            self._logger.exception("completing upload %s failed", info.id)
        return info

    async def join_waiting(self, partial_id: str, request: HTTPRequest) -> None:
        """Join the final uploads that waited for this partial, if it was their last."""
        for final_id in self._waiting.pop(partial_id, set()):
            try:
                info = await self._uploads.get(final_id)
            except (OSError, Refused):
                # Removed, or to be found again by the next request for it.
                continue
            await self.join(info, request)


def _is_invalid(failure: Exception) -> bool:
    """Return whether a final upload cannot be joined because a partial upload is not there."""
    return isinstance(failure, Refused) and failure.error.code == errors.INVALID_CONCAT.code


def total_size(get_partial_uploads: Sequence[FileInfo]) -> int | None:
    """Return the bytes of all partials together; None if one has no length yet."""
    sizes = [partial.size for partial in get_partial_uploads]
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None
