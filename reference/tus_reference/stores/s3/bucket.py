"""`Bucket`: S3's calls as coroutines, each in a thread, for one bucket.

It knows S3 and nothing of tus. What does not exist is None; what fails is `Refused` with the
error that clients are told. Calls that change something are never abandoned: a cancelled task
waits for its thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from tus_reference.model import Refused, check_lease, errors
from tus_reference.stores.s3 import storage_failures
from tus_reference.stores.s3.storage_failures import ABSENT, NO_KEY, NO_UPLOAD, UNSUPPORTED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Set

    from tus_reference.stores.s3.api import S3API
    from tus_reference.stores.s3.object_keys import UploadKeys

MAX_CALLS: Final = 40
"""How many calls that carry no part may be under way at once, per process."""


CHANGES: Final = frozenset(
    {
        *("put_object", "delete_object", "upload_part", "upload_part_copy"),
        *("complete_multipart_upload", "abort_multipart_upload"),
    }
)
"""The calls that change an upload, and so need its lock."""


@dataclass(frozen=True, slots=True)
class StoredPart:
    """One stored part; `size` in bytes."""

    number: int
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class ObjectHead:
    """What is known of an object without reading it; `size` in bytes, `modified` in seconds."""

    size: int
    etag: str
    metadata: Mapping[str, str]
    modified: float | None = None


@dataclass(frozen=True, slots=True)
class CopySource:
    """An object to copy from, in the version that was seen if that is known."""

    key: str
    etag: str = ""


class CopyUnsupported(Exception):  # noqa: N818 - says what the S3 is not able to do
    """This S3 copies no parts: their bytes have to be read and sent."""


class SourceMissing(Exception):  # noqa: N818 - says what happened to the object
    """The object that should be copied from is not there."""


class Bucket:
    """One bucket; `concurrent_part_uploads` parts are sent at once, and as many copied."""

    def __init__(self, service: S3API, name: str, *, concurrent_part_uploads: int) -> None:
        self.name = name
        self._service = service
        self._calls = CapacityLimiter(MAX_CALLS)
        self._parts = CapacityLimiter(concurrent_part_uploads)
        self._copies = CapacityLimiter(concurrent_part_uploads)
        self._copies_parts = True
        self._swaps = True

    async def create(self, key: str, metadata: Mapping[str, str], content_type: str | None) -> str:
        """Begin a multipart upload and return its id."""
        arguments: dict[str, Any] = {"Key": key, "Metadata": dict(metadata)}
        if content_type is not None:
            arguments["ContentType"] = content_type
        answer = await self._call(self._service.create_multipart_upload, arguments)
        return str(answer["UploadId"])

    async def put(self, key: str, body: Any, metadata: Mapping[str, str] | None = None) -> str:
        """Store an object, in place of any before; return its ETag, empty if unknown."""
        answer = await self._call(
            self._service.put_object,
            {"Key": key, "Body": body, "Metadata": dict(metadata or {})},
        )
        return str((answer or {}).get("ETag") or "")

    async def swap(
        self, key: str, body: Any, metadata: Mapping[str, str], replaced_etag: str
    ) -> str:
        """Store an object in place of the one with this ETag, or of none if that is empty.

        Raises `Refused` (409) if another one is there. An S3 that knows no conditions stores it
        in any case.
        """
        if not self._swaps:
            return await self.put(key, body, metadata)

        def put_object(**arguments: Any) -> Any:
            try:
                return self._service.put_object(**arguments)
            except Exception as failure:
                if storage_failures.error_code(failure) == "PreconditionFailed":
                    raise Refused(errors.MISMATCHED_OFFSET) from None
                raise

        condition = {"IfMatch": replaced_etag} if replaced_etag else {"IfNoneMatch": "*"}
        arguments = {"Key": key, "Body": body, "Metadata": dict(metadata), **condition}
        answer = await self._call(put_object, arguments, absent=UNSUPPORTED)
        if answer is not None:
            return str(answer.get("ETag") or "")
        self._swaps = False
        storage_failures.LOGGER.warning("this S3 knows no conditions for what it stores")
        if hasattr(body, "seek"):
            body.seek(0)
        return await self.put(key, body, metadata)

    async def read(self, key: str) -> bytes | None:
        """Return a small object's bytes; only NoSuchKey means that there is no such object."""

        def read(**arguments: Any) -> bytes:
            body = self._service.get_object(**arguments)["Body"]
            try:
                return bytes(body.read())
            finally:
                body.close()

        found = await self._call(read, {"Key": key}, absent=NO_KEY, is_lookup=True)
        return None if found is None else bytes(found)

    async def head(self, key: str) -> ObjectHead | None:
        """Look an object up; one that may not be seen is taken for absent."""
        answer = await self._call(
            self._service.head_object, {"Key": key}, absent=ABSENT, forbidden=True, is_lookup=True
        )
        if answer is None:
            return None
        # Names come back as some server writes headers: their case is nobody's promise.
        metadata = {name.lower(): text for name, text in (answer.get("Metadata") or {}).items()}
        modified = answer.get("LastModified")
        return ObjectHead(
            size=int(answer["ContentLength"]),
            etag=str(answer["ETag"]),
            metadata=metadata,
            modified=None if modified is None else modified.timestamp(),
        )

    async def open(self, key: str, start: int, length: int, etag: str | None = None) -> Any:
        """Return a stream of a part of an object, to be read in threads."""
        arguments = {"Key": key, "Range": f"bytes={start}-{start + length - 1}"}
        if etag:
            arguments["IfMatch"] = etag
        answer = await self._call(self._service.get_object, arguments)
        if etag and _opaque_tag(answer.get("ETag", etag)) != _opaque_tag(etag):
            # Stale content of an S3 that does not look at If-Match.
            await run_sync(answer["Body"].close)
            raise storage_failures.stale_response("get_object")
        return answer["Body"]

    async def delete(self, key: str) -> None:
        """Remove an object, if it is there."""
        await self._call(self._service.delete_object, {"Key": key}, absent=ABSENT)

    async def upload_part(
        self, upload: UploadKeys, number: int, body: Any, size: int
    ) -> StoredPart:
        """Store a part; waits for a place to send it."""
        answer = await self._call(
            self._service.upload_part,
            {**_part_arguments(upload, number), "Body": body, "ContentLength": size},
            limiter=self._parts,
        )
        return StoredPart(number, size, str(answer["ETag"]))

    async def copy_part(
        self,
        upload: UploadKeys,
        number: int,
        source: CopySource,
        size: int,
        start: int | None = None,
    ) -> StoredPart:
        """Store `size` bytes of an object as a part; all of it if `start` is None.

        Raises `CopyUnsupported` if this S3 copies no parts.
        """
        arguments = _part_arguments(upload, number)
        arguments["CopySource"] = {"Bucket": self.name, "Key": source.key}
        if source.etag:
            arguments["CopySourceIfMatch"] = source.etag
        if start is not None:
            arguments["CopySourceRange"] = f"bytes={start}-{start + size - 1}"
        if not self._copies_parts:
            raise CopyUnsupported
        answer = await self._call(
            self._service.upload_part_copy,
            arguments,
            limiter=self._copies,
            absent=UNSUPPORTED | NO_KEY,
        )
        etag = ((answer or {}).get("CopyPartResult") or {}).get("ETag")
        if etag:
            return StoredPart(number, size, str(etag))
        if answer is None and await self.head(source.key) is None:
            raise SourceMissing
        # Refused, or taken for an upload of no bytes by an S3 that does not know the call.
        self._copies_parts = False
        storage_failures.LOGGER.warning("this S3 does not copy parts; they are sent instead")
        raise CopyUnsupported

    async def list_parts(self, upload: UploadKeys) -> list[StoredPart] | None:
        """Return all parts; None if there is no such multipart upload (any more).

        Only NoSuchUpload says that. Whoever takes another 404 for it lets clients start over.
        """
        found: list[StoredPart] = []
        marker = 0
        while True:
            arguments = _multipart_arguments(upload)
            if marker:
                arguments["PartNumberMarker"] = marker
            page = await self._call(
                self._service.list_parts, arguments, absent=NO_UPLOAD, is_lookup=True
            )
            if page is None:
                return None
            found += (
                StoredPart(int(p["PartNumber"]), int(p["Size"]), str(p["ETag"]))
                for p in page.get("Parts") or ()
            )
            if not page.get("IsTruncated"):
                return sorted(found, key=lambda part: part.number)
            marker = int(page["NextPartNumberMarker"])

    async def complete(self, upload: UploadKeys, parts: Iterable[StoredPart]) -> bool:
        """Make the object; return False if there is no such multipart upload (any more)."""
        listed = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
        answer = await self._call(
            self._service.complete_multipart_upload,
            {**_multipart_arguments(upload), "MultipartUpload": {"Parts": listed}},
            absent=NO_UPLOAD,
        )
        return answer is not None

    async def abort(self, upload: UploadKeys) -> None:
        """Drop a multipart upload, if it is there."""
        await self._call(
            self._service.abort_multipart_upload, _multipart_arguments(upload), absent=ABSENT
        )

    async def list_multipart_uploads(self, prefix: str) -> AsyncIterator[tuple[str, str]]:
        """Iterate over the keys and ids of the multipart uploads under way."""
        marker: dict[str, str] = {}
        while True:
            page = await self._call(
                self._service.list_multipart_uploads, {"Prefix": prefix, **marker}
            )
            for one in page.get("Uploads") or ():
                yield str(one["Key"]), str(one["UploadId"])
            if not page.get("IsTruncated"):
                return
            marker = {
                "KeyMarker": page["NextKeyMarker"],
                "UploadIdMarker": page["NextUploadIdMarker"],
            }

    async def _call(
        self,
        operation: Callable[..., Any],
        arguments: Mapping[str, Any],
        *,
        limiter: CapacityLimiter | None = None,
        absent: Set[str] = frozenset(),
        forbidden: bool = False,
        is_lookup: bool = False,
    ) -> Any:
        """Make a call in a thread; None if the error's code is one of `absent`.

        A look-up that is cancelled leaves its thread behind, which changes nothing in S3.
        """
        call = partial(operation, Bucket=self.name, **arguments)
        try:
            if operation.__name__ in CHANGES:
                check_lease()
            return await run_sync(call, limiter=limiter or self._calls, abandon_on_cancel=is_lookup)
        except Exception as failure:
            if storage_failures.error_code(failure) in absent:
                return None
            if forbidden and storage_failures.is_forbidden(failure):
                return None
            raise storage_failures.log_and_convert(failure, operation.__name__) from None


def _opaque_tag(etag: str) -> str:
    """Return an ETag without what proxies change of it."""
    return etag.removeprefix("W/").strip('"')


def _multipart_arguments(upload: UploadKeys) -> dict[str, Any]:
    return {"Key": upload.object, "UploadId": upload.multipart_id}


def _part_arguments(upload: UploadKeys, number: int) -> dict[str, Any]:
    return {**_multipart_arguments(upload), "PartNumber": number}
