"""Finishing: the parts become the object, once, however often it is tried (rule 4).

Whether that succeeded, the object alone says. An S3 may complete a multipart upload and lose its
response, or report a failure of what it did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tus_reference.model import Refused
from tus_reference.stores.s3.bucket import CopySource, CopyUnsupported
from tus_reference.stores.s3.object_reader import ObjectReader
from tus_reference.stores.s3.part_buffer import PartBuffer
from tus_reference.stores.s3.storage_failures import storage_errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tus_reference.stores.s3.bucket import Bucket, ObjectHead, StoredPart
    from tus_reference.stores.s3.object_keys import UploadKeys
    from tus_reference.stores.s3.part_buffer import BufferBudget
    from tus_reference.stores.s3.stored_parts import StoredParts


async def finish_object(
    bucket: Bucket, budget: BufferBudget, upload: UploadKeys, stored: StoredParts, size: int
) -> None:
    """Make an object of `size` bytes of what is stored.

    Raises `Refused` if it is not there afterwards; 500 if what is stored is not `size` bytes.
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
        parts.append(
            await _add_part(bucket, budget, upload, number=number, source=source, size=tail.size)
        )
    if not parts:
        parts.append(await bucket.upload_part(upload, 1, b"", 0))
    await complete_multipart(bucket, upload, parts, size)
    if stored.tail is not None or stored.leftover:
        await bucket.delete(upload.tail)


async def complete_multipart(
    bucket: Bucket, upload: UploadKeys, parts: Iterable[StoredPart], size: int
) -> None:
    """Complete the multipart upload; raise `Refused` if there is no object after that.

    A call whose response was lost has completed it, and the next gets NoSuchUpload. That alone
    does not mean that the upload is gone: an object can be visible a little later.
    """
    failure = Refused(
        storage_errors.STORAGE_BUSY.because("the storage has not made the object yet; try again")
    )
    try:
        if await bucket.complete(upload, parts):
            return
    except Refused as refused:
        failure = refused
    if await find_finished_object(bucket, upload, size) is None:
        raise failure


async def _add_part(
    bucket: Bucket,
    budget: BufferBudget,
    upload: UploadKeys,
    *,
    number: int,
    source: CopySource,
    size: int,
) -> StoredPart:
    """Store `size` bytes, all of an object, as a part; send them if S3 cannot copy them."""
    try:
        return await bucket.copy_part(upload, number, source, size)
    except CopyUnsupported:
        pass
    part = PartBuffer(budget, size)
    part.ensure_capacity(size)
    reader = ObjectReader(bucket, source.key, 0, size, source.etag)
    try:
        while await part.fill(reader, reader.size):
            pass
        return await bucket.upload_part(upload, number, await part.open_body(), size)
    finally:
        await reader.aclose()
        await part.aclose()


async def find_finished_object(
    bucket: Bucket, upload: UploadKeys, size: int | None
) -> ObjectHead | None:
    """Return the finished object, or None if it is not there with all of its bytes."""
    if size is None:
        return None
    found = await bucket.head(upload.object)
    return found if found is not None and found.size == size else None
