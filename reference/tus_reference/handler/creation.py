"""`Creation`: POST, which creates uploads, with or without their first bytes."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from tus_reference.handler.concatenation import total_size
from tus_reference.handler.extensions import offered_extensions
from tus_reference.handler.responses import (
    describe_request,
    expiry_headers,
    merge_reply,
    parse_body_check,
)
from tus_reference.handler.uploads import LOCK_FAILURES
from tus_reference.model import Refused, errors
from tus_reference.model.file_info import FileInfo
from tus_reference.model.http_messages import Response
from tus_reference.notifications import HookEvent, HTTPResponse
from tus_reference.protocol import fields, format_metadata, integers, is_upload_id, parse_metadata
from tus_reference.protocol.concat import parse_concat

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tus_reference.handler.append import Appender
    from tus_reference.handler.body_reader import BodyReader
    from tus_reference.handler.concatenation import FinalUploads
    from tus_reference.handler.config import Config
    from tus_reference.handler.upload_urls import UploadUrls
    from tus_reference.handler.uploads import Uploads
    from tus_reference.model import ByteSource, Headers, Request
    from tus_reference.notifications import FileInfoChanges, HTTPRequest
    from tus_reference.protocol.concat import UploadConcat


class Creation:
    """Creates the uploads of one handler (Creation, Creation With Upload, Concatenation)."""

    def __init__(
        self,
        config: Config,
        uploads: Uploads,
        appender: Appender,
        final_uploads: FinalUploads,
        upload_urls: UploadUrls,
    ) -> None:
        self._config = config
        self._extensions = offered_extensions(config)
        self._uploads = uploads
        self._appender = appender
        self._final_uploads = final_uploads
        self._upload_urls = upload_urls

    async def create(self, request: Request) -> Response:
        """Create the upload of a POST, and store its body if it has one."""
        headers = request.headers
        concat_header = headers.one("Upload-Concat")
        concat = None if concat_header is None else parse_concat(concat_header)
        if concat is not None and "concatenation" not in self._extensions:
            raise Refused(errors.NOT_IMPLEMENTED)
        metadata_header = headers.joined("Upload-Metadata") or None
        metadata = {} if metadata_header is None else parse_metadata(metadata_header)
        is_final = concat is not None and concat.is_final
        info = FileInfo(
            size=None if is_final else self._parse_length(headers),
            metadata=metadata,
            metadata_header=metadata_header,
            concat_header=concat_header,
            is_partial=concat is not None and not is_final,
        )
        if concat is not None and concat.is_final:
            return await self._create_final(request, info, concat)
        if not fields.is_offset_media_type(headers):
            if request.body.length != 0:
                raise Refused(errors.INVALID_CONTENT_TYPE)
            return await self._create_empty(request, info)
        return await self._create_with_body(request, info)

    def _parse_length(self, headers: Headers) -> int | None:
        length = integers.parse_upload_length(headers)
        deferred = integers.parse_upload_defer_length(headers)
        if length is not None and deferred:
            raise Refused(errors.AMBIGUOUS_UPLOAD_LENGTH)
        if length is None and not deferred:
            raise Refused(errors.INVALID_UPLOAD_LENGTH)
        if deferred and "creation-defer-length" not in self._extensions:
            raise Refused(errors.NOT_IMPLEMENTED)
        self._check_size(length)
        return length

    def _check_size(self, size: int | None) -> None:
        """Raise `Refused` (413) if an upload of `size` bytes is more than the maximum."""
        if size is not None and self._config.max_size and size > self._config.max_size:
            raise Refused(errors.MAX_SIZE_EXCEEDED)

    def _check_total(self, partials: Sequence[FileInfo]) -> int | None:
        """Return the length of a final upload, None if it is not known yet.

        Raises `Refused` (413) if that is too much, or too much of it is there more than once.
        """
        size = total_size(partials)
        self._check_size(size)
        seen: set[str] = set()
        repeated = 0
        for partial in partials:
            if partial.id in seen:
                if partial.size is None:
                    raise Refused(
                        errors.INVALID_CONCAT.because(
                            "a partial upload without a length can be named only once"
                        )
                    )
                repeated += partial.size
            seen.add(partial.id)
        if repeated > self._config.max_repeated_bytes:
            raise Refused(errors.MAX_SIZE_EXCEEDED)
        return size

    async def _create_empty(self, request: Request, info: FileInfo) -> Response:
        event = describe_request(request)
        info, reply = await self._run_pre_create(info, event)
        info = await self._uploads.create(info, event)
        return await self._respond_created(request, info, reply)

    async def _create_with_body(self, request: Request, info: FileInfo) -> Response:
        """Creation With Upload: a body that is refused leaves no upload behind."""
        uploads, appender, event = self._uploads, self._appender, describe_request(request)
        check = parse_body_check(request, reads_trailer=self._config.trailers)
        with appender.receive(request) as source:
            appender.limit(source, 0, info.size)
            info, reply = await self._run_pre_create(info, event)
            async with appender.verify(source, check) as data:
                info = await uploads.create(info, event)
                async with self._hold_new_lock(info, source, event):
                    with appender.register_writer(info, source, event):
                        info = await self._store_body(info, data)
                    if source.overflowed:
                        await uploads.discard(info, event)
                        source.raise_failure()
                    return await self._respond_created(request, info, reply)

    @asynccontextmanager
    async def _hold_new_lock(
        self, info: FileInfo, source: BodyReader, event: HTTPRequest
    ) -> AsyncIterator[None]:
        """Hold the lock of a new upload; if that fails, nobody ever learns its URL: remove it."""
        try:
            async with self._uploads.hold_lock(info.id, source.interrupt):
                yield
        except Refused as refused:
            if refused.error.code in LOCK_FAILURES:
                await self._discard(info, event)
            raise

    async def _store_body(self, info: FileInfo, data: ByteSource) -> FileInfo:
        """Store what can be stored: the upload exists now, and PATCH can continue it."""
        try:
            return await self._uploads.store_body(info, data)
        except (OSError, Refused) as failure:
            self._config.logger.warning("creating %s: %s", info.id, failure)
            return await self._uploads.get(info.id)

    async def _run_pre_create(
        self, info: FileInfo, event: HTTPRequest
    ) -> tuple[FileInfo, HTTPResponse]:
        """Let the callback reject or change an upload, and give it its time of expiry."""
        reply = HTTPResponse()
        callback = self._config.pre_upload_create_callback
        if callback is not None:
            reply, changes = await callback(HookEvent(info, event))
            info = _apply_changes(info, changes)
        return self._uploads.with_expiry(info), reply

    async def _respond_created(
        self, request: Request, info: FileInfo, reply: HTTPResponse
    ) -> Response:
        """Answer 201; an upload without missing bytes is finished first."""
        headers = [("Location", self._upload_urls.url(request, info.id))]
        if not info.is_final or info.is_complete:
            headers.append(("Upload-Offset", str(info.offset)))
        headers += expiry_headers(info)
        response = merge_reply(Response(201, tuple(headers)), reply)
        if info.is_complete:
            event = describe_request(request)
            try:
                reply = await self._appender.complete(info, event)
            except Exception:
                # The client never learns the URL of what has no object, so nobody can use it.
                if info.id in self._uploads.completions:
                    await self._discard(info, event)
                raise
            response = merge_reply(response, reply)
        return response

    async def _discard(self, info: FileInfo, event: HTTPRequest) -> None:
        try:
            await self._uploads.discard(info, event)
        except (OSError, Refused) as failure:
            self._config.logger.warning("removing %s: %s", info.id, failure)

    async def _create_final(
        self, request: Request, info: FileInfo, concat: UploadConcat
    ) -> Response:
        """Concatenation: a final upload made of the partial uploads that `concat` lists."""
        headers = request.headers
        if "Upload-Length" in headers or "Upload-Defer-Length" in headers:
            raise Refused(
                errors.INVALID_CONCAT.because(
                    "a final upload has the length of its partial uploads"
                )
            )
        if request.body.length != 0:
            raise Refused(errors.MODIFY_FINAL)
        ids = tuple(self._upload_urls.id_from_url(request, url) for url in concat.urls)
        partials = [upload_id for upload_id in ids if upload_id is not None]
        if len(partials) < len(ids):
            raise Refused(
                errors.INVALID_CONCAT.because(
                    "a URL in Upload-Concat does not belong to this server"
                )
            )
        if len(partials) > self._config.max_partial_uploads:
            raise Refused(
                errors.INVALID_CONCAT.because(
                    f"a final upload may name {self._config.max_partial_uploads} partial uploads,"
                    f" not {len(partials)}"
                )
            )
        event = describe_request(request)
        size = self._check_total(await self._final_uploads.get_partial_uploads(partials))
        info = replace(info, size=size, is_final=True, partial_uploads=tuple(partials))
        info, reply = await self._run_pre_create(info, event)
        info = await self._uploads.create(info, event)
        info = await self._final_uploads.join_new(info, event)
        return await self._respond_created(request, info, reply)


def _apply_changes(info: FileInfo, changes: FileInfoChanges) -> FileInfo:
    if changes.id is not None:
        if not is_upload_id(changes.id):
            raise ValueError(
                f"the pre-create callback returned an invalid upload id: {changes.id!r}"
            )
        info = replace(info, id=changes.id)
    if changes.metadata is not None:
        header = format_metadata(changes.metadata) or None
        info = replace(info, metadata=dict(changes.metadata), metadata_header=header)
    return info
