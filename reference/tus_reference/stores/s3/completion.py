"""Finishing: the parts become the object, once, however often it is tried (rule 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tus_reference.model import Refused, errors
from tus_reference.stores.s3.bucket import CopySource
from tus_reference.stores.s3.storage_failures import storage_errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tus_reference.stores.s3.bucket import Bucket, ObjectHead, StoredPart
    from tus_reference.stores.s3.object_keys import UploadKeys
    from tus_reference.stores.s3.stored_parts import StoredParts


async def finish_object(bucket: Bucket, upload: UploadKeys, stored: StoredParts, size: int) -> None:
    """Make an object of `size` bytes of what is stored.

    Raises `Refused`: 410 if the upload is gone, 500 if what is stored is not `size` bytes.
    """
    if stored.offset != size:
        raise Refused(
            storage_errors.STORAGE_FAILED.because(
                "the storage does not have the bytes of the upload"
            )
        )
    parts = list(stored.parts)
    if stored.tail is not None:
        # Beyond all orphans: until the object is made, the tail counts and its copy does not.
        number, tail = max(stored.next_number - 1, *stored.orphans, 0) + 1, stored.tail
        source = CopySource(upload.tail, tail.etag)
        parts.append(await bucket.copy_part(upload, number, source, tail.size))
    if not parts:
        parts.append(await bucket.upload_part(upload, 1, b"", 0))
    await complete_multipart(bucket, upload, parts, size)
    if stored.tail is not None or stored.leftover:
        await bucket.delete(upload.tail)


async def complete_multipart(
    bucket: Bucket, upload: UploadKeys, parts: Iterable[StoredPart], size: int
) -> None:
    """Complete the multipart upload; raise `Refused` (410) if it is gone without an object.

    A call whose answer was lost has completed it, and is told that it does not exist.
    """
    if await bucket.complete(upload, parts):
        return
    if await find_finished_object(bucket, upload, size) is None:
        raise Refused(errors.UPLOAD_GONE)


async def find_finished_object(
    bucket: Bucket, upload: UploadKeys, size: int | None
) -> ObjectHead | None:
    """Return the finished object, or None if it is not there with all of its bytes."""
    if size is None:
        return None
    found = await bucket.head(upload.object)
    return found if found is not None and found.size == size else None
