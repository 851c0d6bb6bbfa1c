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
            except Refused:
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

    async def join(self, info: FileInfo, request: HTTPRequest) -> FileInfo:
        """Return the final upload, joined and finished if its partials are complete."""
        if info.is_complete:
            return info
        async with self._uploads.hold_lock_if_free(info.id) as free:
            return await self._join(info, request) if free else info

    async def _join(self, info: FileInfo, request: HTTPRequest) -> FileInfo:
        info = await self._uploads.get(info.id)
        concater = self._composer.concater
        if info.is_complete or concater is None:
            return info
        try:
            get_partial_uploads = await self.get_partial_uploads(info.partial_uploads)
        except Refused:
            return info
        if not all(partial.is_complete for partial in get_partial_uploads):
            return info
        await self._uploads.declare_length(info, total_size(get_partial_uploads))
        await concater.concat_uploads(info.id, info.partial_uploads)
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
                await self.join(await self._uploads.get(final_id), request)
            except Refused:
                continue
            except OSError:
                self._logger.exception("concatenating upload %s failed", final_id)


def total_size(get_partial_uploads: Sequence[FileInfo]) -> int | None:
    """Return the bytes of all partials together; None if one has no length yet."""
    sizes = [partial.size for partial in get_partial_uploads]
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None
