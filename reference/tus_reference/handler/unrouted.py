"""`UnroutedHandler`: one method per tus request, for people who bring their own router.

Each takes a request and returns a response, errors included; only the departure of the
client is an exception. Checks run from the cheap to the costly: headers, then the
upload, then its lock, and the body last, so that what the headers already rule out is
answered before a byte of the body is read.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from tus_reference.downloads import content_headers, select
from tus_reference.handler import creation
from tus_reference.handler.answers import body_check, expiry_headers, http_request, merge, refuse
from tus_reference.handler.exchange import ClientDisconnected, Download, Response
from tus_reference.handler.finals import Finals
from tus_reference.handler.location import Locator
from tus_reference.handler.source import ChunkSource
from tus_reference.handler.uploads import Uploads
from tus_reference.notifications import HookEvent, HTTPResponse
from tus_reference.protocol import TUS_VERSION, Refused, errors, fields, integers
from tus_reference.protocol.checksum import ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tus_reference.handler import Config, FileInfo, Request
    from tus_reference.handler.answers import BodyCheck

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class UnroutedHandler:
    """The tus protocol over one store; raises `ConfigError` if `config` cannot work.

    The four streams carry events if their `notify_` flags are set.
    """

    def __init__(self, config: Config) -> None:
        self.config = config.validate()
        self.uploads = Uploads(self.config)
        self.finals = Finals(self.config, self.uploads)
        self.locator = Locator(
            self.config.base_path,
            respect_forwarded_headers=self.config.respect_forwarded_headers,
            relative=self.config.relative_location,
        )
        self.extensions = _extensions(self.config)
        streams = self.uploads.notifications
        self.created_uploads = streams.created_uploads
        self.upload_progress = streams.upload_progress
        self.complete_uploads = streams.complete_uploads
        self.terminated_uploads = streams.terminated_uploads

    def interrupt_all(self) -> None:
        """End every body being received: what came is stored, clients are told 503."""
        self.uploads.stop_all(errors.SERVER_SHUTDOWN)

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
        return await self.answer(request, lambda: creation.create(self, request))

    async def head_file(self, request: Request, upload_id: str) -> Response:
        """Tell the offset and what else is known about an upload (Core, HEAD)."""
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
            if refusal.error == errors.READ_TIMEOUT:
                # Clients try again after a lost connection, but take a 408 as final.
                raise ClientDisconnected from None
            response = refuse(refusal.error).with_headers(*refusal.headers)
        except Exception as failure:
            self.config.logger.exception("%s %s failed", request.method, request.path)
            full = isinstance(failure, OSError) and failure.errno in _NO_SPACE
            response = refuse(errors.INSUFFICIENT_STORAGE if full else errors.INTERNAL_SERVER_ERROR)
        return response.with_headers(("Tus-Resumable", TUS_VERSION))

    async def _head(self, request: Request, upload_id: str) -> Response:
        await self.uploads.settle_idle(upload_id)
        info = await self._up_to_date(request, upload_id)
        headers = [] if info.is_final and not info.is_complete else [_offset(info)]
        size = await self.finals.size(info) if info.is_final else info.size
        if size is None:
            headers.append(("Upload-Defer-Length", "1"))
        else:
            headers.append(("Upload-Length", str(size)))
        if info.metadata_header is not None:
            headers.append(("Upload-Metadata", info.metadata_header))
        if info.concat_header is not None:
            headers.append(("Upload-Concat", info.concat_header))
        return Response(200, (*headers, *expiry_headers(info)))

    async def _up_to_date(self, request: Request, upload_id: str) -> FileInfo:
        """Return the upload after catching up on what should have happened to it."""
        info = await self.uploads.get(upload_id)
        if info.is_final and not info.is_complete:
            info = await self.finals.join(info, http_request(request))
        elif info.is_complete:
            await self.uploads.retry_finish(info, http_request(request))
        return info

    async def _patch(self, request: Request, upload_id: str) -> Response:
        headers = request.headers
        if not fields.is_offset_media_type(headers):
            raise Refused(errors.INVALID_CONTENT_TYPE)
        offset, declared = integers.upload_offset(headers), integers.upload_length(headers)
        check = body_check(request)
        source = ChunkSource(request.body, timeout=self.config.network_timeout)
        with self.uploads.receiving(source):
            async with self.uploads.exclusive(upload_id, source.interrupt):
                info = await self.uploads.get(upload_id)
                if info.is_final:
                    raise Refused(errors.MODIFY_FINAL)
                if offset != info.offset:
                    raise Refused(errors.MISMATCHED_OFFSET)
                if declared is not None:
                    self._check_declared(info, declared)
                self.limit(source, offset, info.size if declared is None else declared)
                info = await self.uploads.extend(info)
                info, reply = await self._append(request, info, source, check, declared)
        return merge(Response(204, (_offset(info), *expiry_headers(info))), reply)

    def _check_declared(self, info: FileInfo, declared: int) -> None:
        if info.size is not None:
            if declared != info.size:
                raise Refused(errors.UPLOAD_LENGTH_MISMATCH)
            return
        if declared < info.offset:
            raise Refused(errors.INVALID_UPLOAD_LENGTH.because("Upload-Length is below the offset"))
        if self.config.max_size and declared > self.config.max_size:
            raise Refused(errors.MAX_SIZE_EXCEEDED)

    def limit(self, source: ChunkSource, offset: int, size: int | None) -> None:
        """Hold a body to the upload's length, or else to the maximum; may raise `Refused`."""
        if size is not None:
            source.limit(size - offset, errors.UPLOAD_SIZE_EXCEEDED)
        elif self.config.max_size:
            source.limit(self.config.max_size - offset, errors.MAX_SIZE_EXCEEDED)

    async def _append(
        self,
        request: Request,
        info: FileInfo,
        source: ChunkSource,
        check: BodyCheck,
        declared: int | None,
    ) -> tuple[FileInfo, HTTPResponse]:
        """Store the body, declare a deferred length and finish; the lock is held."""
        uploads, event = self.uploads, http_request(request)
        # A body that may still turn out wrong or too long must not settle the length.
        early = not check.spooled and source.size is not None
        with uploads.writing(info, source, event):
            if early:
                info = await uploads.declare_length(info, declared)
            async with uploads.checked(source, check) as data:
                info = await uploads.write(info, data)
            if not source.overflowed:
                info = await uploads.declare_length(info, declared)
        reply = HTTPResponse()
        if info.is_complete:
            reply = await uploads.finish(info, event)
            await self.finals.partial_completed(info.id, event)
        else:
            info = await uploads.extend(info)
        if source.error is not None:
            raise Refused(source.error)
        return info, reply

    async def _delete(self, request: Request, upload_id: str) -> Response:
        if "termination" not in self.extensions:
            raise Refused(errors.NOT_IMPLEMENTED)
        async with self.uploads.exclusive(upload_id, _keep):
            info = await self.uploads.get(upload_id)
            event = http_request(request)
            reply = HTTPResponse()
            callback = self.config.pre_upload_terminate_callback
            if callback is not None:
                reply = await callback(HookEvent(info, event))
            await self.uploads.terminate(info, event)
        return merge(Response(204), reply)

    async def _get(self, request: Request, upload_id: str) -> Response:
        reader = self.config.composer.get_reader
        if self.config.disable_download or reader is None:
            raise Refused(errors.NOT_IMPLEMENTED)
        info = await self._up_to_date(request, upload_id)
        if not info.is_complete:
            raise Refused(errors.INCOMPLETE_UPLOAD)
        wanted = select(info, request.headers)
        if wanted.status == 304:
            return Response(304, wanted.headers)
        chunks = reader.get_reader(upload_id, wanted.start, wanted.length)
        body = Download(wanted.length, chunks)
        return Response(wanted.status, (*content_headers(info), *wanted.headers), body)


def _offset(info: FileInfo) -> tuple[str, str]:
    return ("Upload-Offset", str(info.offset))


def _keep() -> None:
    """Answer a request to let go: a removal does not stop halfway."""


def _extensions(config: Config) -> tuple[str, ...]:
    """Return what Tus-Extension lists: what the store is able to do and nothing disables."""
    composer = config.composer
    concatenation = composer.uses_concater and not config.disable_concatenation
    offered = (
        ("creation", True),
        ("creation-with-upload", True),
        ("creation-defer-length", composer.uses_length_deferrer),
        ("expiration", config.expire_after > 0),
        ("checksum", True),
        ("checksum-trailer", config.trailers),
        ("termination", composer.uses_terminater and not config.disable_termination),
        ("concatenation", concatenation),
        ("concatenation-unfinished", concatenation),
    )
    return tuple(name for name, there in offered if there)
