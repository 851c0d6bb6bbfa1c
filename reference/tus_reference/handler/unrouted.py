"""`UnroutedHandler`: one method per tus request, for people who bring their own router.

Each takes a request and returns a response, errors included; the one exception that it raises
is `BodyEndedEarly`, for a client that stalled. Checks run from the cheap to the costly: headers,
then the upload, then its lock, and the body last, so that what the headers already rule out is
answered before a byte of the body is read.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from tus_reference.downloads import content_headers, select_bytes, start_reading
from tus_reference.handler.append import Appender
from tus_reference.handler.concatenation import FinalUploads
from tus_reference.handler.creation import Creation
from tus_reference.handler.extensions import offered_extensions
from tus_reference.handler.maintenance import Maintenance
from tus_reference.handler.responses import (
    describe_request,
    error_response,
    expiry_headers,
    merge_reply,
    parse_body_check,
)
from tus_reference.handler.upload_urls import UploadUrls
from tus_reference.handler.uploads import Uploads
from tus_reference.model import BodyEndedEarly, EarlyEnd, Refused, errors
from tus_reference.model.file_info import FileInfo
from tus_reference.model.http_messages import Download, Response
from tus_reference.notifications import HookEvent, HTTPResponse
from tus_reference.protocol import TUS_VERSION, fields, integers
from tus_reference.protocol.checksum import ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tus_reference.handler.config import Config
    from tus_reference.model import Request, TusError

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

# A disk that fails, is read-only or away, and a process or system with too many open files.
_UNUSABLE = {
    *(errno.EIO, errno.EROFS, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOTCONN),
    *(errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ELOOP, errno.EMFILE, errno.ENFILE),
}


class UnroutedHandler:
    """The tus protocol over one store; raises `ConfigError` if `config` cannot work.

    The four streams carry events if their `notify_` flags are set.
    """

    def __init__(self, config: Config) -> None:
        self.config = config.validate()
        self.uploads = Uploads(self.config)
        self.final_uploads = FinalUploads(self.config, self.uploads)
        self.upload_urls = UploadUrls(
            self.config.base_path,
            respect_forwarded_headers=self.config.respect_forwarded_headers,
            relative=self.config.relative_location,
        )
        self.extensions = offered_extensions(self.config)
        self._appender = Appender(self.config, self.uploads, self.final_uploads)
        self._creation = Creation(
            self.config, self.uploads, self._appender, self.final_uploads, self.upload_urls
        )
        self.maintenance = Maintenance(self.config, self.uploads, self.final_uploads)
        streams = self.uploads.notifications
        self.created_uploads = streams.created_uploads
        self.upload_progress = streams.upload_progress
        self.complete_uploads = streams.complete_uploads
        self.terminated_uploads = streams.terminated_uploads

    def interrupt_bodies(self) -> None:
        """End every body that is being received: store its bytes, and respond with 503."""
        self._appender.interrupt_all(EarlyEnd.STOPPING)

    def options(self) -> Response:
        """Answer OPTIONS: what this server is able to do (Core, OPTIONS)."""
        headers = [("Tus-Resumable", TUS_VERSION), ("Tus-Version", TUS_VERSION)]
        if self.config.max_size:
            headers.append(("Tus-Max-Size", str(self.config.max_size)))
        headers.append(("Tus-Extension", ",".join(self.extensions)))
        headers.append(("Tus-Checksum-Algorithm", ",".join(ALGORITHMS)))
        return Response(204, tuple(headers))

    async def post_file(self, request: Request) -> Response:
        """Create an upload (Creation), with its first bytes if the request has a body."""
        return await self.answer(request, lambda: self._creation.create(request))

    async def head_file(self, request: Request, upload_id: str) -> Response:
        """Return the offset, the length and the other headers of an upload (Core, HEAD)."""
        response = await self.answer(request, lambda: self._head(request, upload_id))
        return response.with_headers(("Cache-Control", "no-store"))

    async def patch_file(self, request: Request, upload_id: str) -> Response:
        """Append the body to an upload (Core, PATCH)."""
        return await self.answer(request, lambda: self._patch(request, upload_id))

    async def del_file(self, request: Request, upload_id: str) -> Response:
        """Remove an upload (Termination)."""
        return await self.answer(request, lambda: self._delete(request, upload_id))

    async def get_file(self, request: Request, upload_id: str) -> Response:
        """Give back a complete upload (not part of tus)."""
        return await self.answer(
            request, lambda: self._get(request, upload_id), version_required=False
        )

    async def answer(
        self,
        request: Request,
        operation: Callable[[], Awaitable[Response]],
        *,
        version_required: bool = True,
    ) -> Response:
        """Run `operation`, turn errors into answers and add what every answer carries."""
        try:
            fields.check_version(request.headers, required=version_required)
            response = await operation()
        except Refused as refusal:
            response = error_response(refusal.error).with_headers(*refusal.headers)
        except BodyEndedEarly as ended:
            if ended.cause is EarlyEnd.STALLED:
                # How a client learns of that depends on the shell.
                raise
            response = error_response(ended.error)
        except Exception as failure:
            response = error_response(self._report(request, failure))
        return response.with_headers(("Tus-Resumable", TUS_VERSION))

    def _report(self, request: Request, failure: Exception) -> TusError:
        """Log why a request failed, and return what its client sees."""
        number = failure.errno if isinstance(failure, OSError) else None
        if number in _NO_SPACE or number in _UNUSABLE:
            # Nobody has to look for the reason in the code.
            self.config.logger.error("%s %s failed: %s", request.method, request.path, failure)
            full = number in _NO_SPACE
            return errors.INSUFFICIENT_STORAGE if full else errors.STORAGE_UNUSABLE
        self.config.logger.error("%s %s failed", request.method, request.path, exc_info=failure)
        return errors.INTERNAL_SERVER_ERROR

    async def _head(self, request: Request, upload_id: str) -> Response:
        await self._appender.stop_idle_writer(upload_id)
        info = await self._get_after_catching_up(request, upload_id)
        headers = [] if info.is_final and not info.is_complete else [_offset(info)]
        size = await self.final_uploads.size(info) if info.is_final else info.size
        if size is None:
            headers.append(("Upload-Defer-Length", "1"))
        else:
            headers.append(("Upload-Length", str(size)))
        if info.metadata_header is not None:
            headers.append(("Upload-Metadata", info.metadata_header))
        if info.concat_header is not None:
            headers.append(("Upload-Concat", info.concat_header))
        return Response(200, (*headers, *expiry_headers(info)))

    async def _get_after_catching_up(self, request: Request, upload_id: str) -> FileInfo:
        """Return the upload after catching up on what should have happened to it."""
        info = await self.uploads.get(upload_id)
        if info.is_final and not info.is_complete:
            info = await self.final_uploads.join(info, describe_request(request))
        elif info.is_complete:
            event = describe_request(request)
            was_assembled = info.assembled
            info = await self.uploads.retry_finish(info, event)
            if not was_assembled:
                await self.final_uploads.join_waiting(info.id, event)
        return info

    async def _patch(self, request: Request, upload_id: str) -> Response:
        headers = request.headers
        if not fields.is_offset_media_type(headers):
            raise Refused(errors.INVALID_CONTENT_TYPE)
        offset, declared = (
            integers.parse_upload_offset(headers),
            integers.parse_upload_length(headers),
        )
        check = parse_body_check(request, reads_trailer=self.config.trailers)
        event = describe_request(request)
        with self._appender.receive(request) as source:
            async with self.uploads.hold_lock(upload_id, source.interrupt):
                info = await self.uploads.get(upload_id)
                if info.is_final:
                    raise Refused(errors.MODIFY_FINAL)
                if offset != info.offset:
                    raise Refused(errors.MISMATCHED_OFFSET)
                if declared is not None:
                    self._check_declared_length(info, declared)
                self._appender.limit(source, offset, info.size if declared is None else declared)
                info = await self.uploads.extend_expiry(info)
                info, reply = await self._appender.append(info, source, check, declared, event)
        return merge_reply(Response(204, (_offset(info), *expiry_headers(info))), reply)

    def _check_declared_length(self, info: FileInfo, declared: int) -> None:
        if info.size is not None:
            if declared != info.size:
                raise Refused(errors.UPLOAD_LENGTH_MISMATCH)
            return
        if declared < info.offset:
            raise Refused(errors.INVALID_UPLOAD_LENGTH.because("Upload-Length is below the offset"))
        if self.config.max_size and declared > self.config.max_size:
            raise Refused(errors.MAX_SIZE_EXCEEDED)

    async def _delete(self, request: Request, upload_id: str) -> Response:
        if "termination" not in self.extensions:
            raise Refused(errors.NOT_IMPLEMENTED)
        async with self.uploads.hold_lock(upload_id, _decline_release):
            info = await self._get_or_damaged(upload_id)
            event = describe_request(request)
            reply = HTTPResponse()
            callback = self.config.pre_upload_terminate_callback
            if callback is not None:
                reply = await callback(HookEvent(info, event))
            await self.uploads.terminate(info, event)
        return merge_reply(Response(204), reply)

    async def _get_or_damaged(self, upload_id: str) -> FileInfo:
        """Return the upload; of one with a damaged record, the id alone, which is what removes it.

        Other uploads with such a record are unknown.
        """
        try:
            return await self.uploads.get(upload_id)
        except Refused as refused:
            if refused.error.code != errors.UPLOAD_DAMAGED.code:
                raise
            return FileInfo(id=upload_id)

    async def _get(self, request: Request, upload_id: str) -> Response:
        reader = self.config.composer.get_reader
        if self.config.disable_download or reader is None:
            raise Refused(errors.NOT_IMPLEMENTED)
        info = await self._get_after_catching_up(request, upload_id)
        if not info.is_complete:
            raise Refused(errors.INCOMPLETE_UPLOAD)
        selection = select_bytes(info, request.headers)
        if selection.status == 304:
            return Response(304, selection.headers)
        chunks = reader.get_reader(upload_id, selection.start, selection.length)
        body = Download(selection.length, await start_reading(chunks, selection.length))
        return Response(selection.status, (*content_headers(info), *selection.headers), body)


def _offset(info: FileInfo) -> tuple[str, str]:
    return ("Upload-Offset", str(info.offset))


def _decline_release() -> None:
    """Ignore a request to release the lock: a removal does not stop halfway."""
