"""A store on an S3 in memory, with sizes so small that a few bytes make many parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from memory_s3 import InterceptedS3, MemoryS3, byte_source

from tus_reference.model import FileInfo
from tus_reference.stores.s3 import S3Store

SMALL_SIZES: dict[str, Any] = {
    "min_part_size": 5,
    "preferred_part_size": 10,
    "max_part_size": 5000,
    "max_object_size": 1_000_000,
    "max_multipart_parts": 1000,
    "late_write_delay": 0.0,
}


@dataclass
class S3Harness:
    """The store, the S3 below it, and what a client would do with them."""

    store: S3Store
    s3: MemoryS3
    intercepted: InterceptedS3

    async def create(self, size: int | None = 100, **more: Any) -> str:
        """Create an upload and return its id."""
        return await self.store.new_upload(FileInfo(size=size, **more))

    async def append(self, upload_id: str, content: bytes) -> int:
        """Append bytes as a PATCH does, and return the new offset."""
        info = await self.store.get_info(upload_id)
        return (await self.store.append(info, byte_source(content))).offset

    async def get_offset(self, upload_id: str) -> int:
        """Return the offset."""
        return (await self.store.get_info(upload_id)).offset

    async def finish_and_read(self, upload_id: str) -> bytes:
        """Finish an upload and return what its object has."""
        await self.store.finish(await self.store.get_info(upload_id))
        made: bytes = self.s3.objects[upload_id.partition("+")[0]].content
        return made

    def stored_parts(self, upload_id: str) -> dict[int, bytes]:
        """Return the parts by number."""
        multipart = self.s3.multiparts[upload_id.rpartition("+")[2]]
        return {number: part.content for number, part in sorted(multipart.parts.items())}

    def stored_tail(self, upload_id: str) -> tuple[bytes, str | None] | None:
        """Return the tail's bytes and the offset that it says it begins at."""
        found = self.s3.objects.get(upload_id.partition("+")[0] + ".part")
        return None if found is None else (found.content, found.metadata.get("tus-base-offset"))

    def put_part(self, upload_id: str, number: int, content: bytes) -> None:
        """Leave a part as a request that died did."""
        name, _, multipart_id = upload_id.rpartition("+")
        self.s3.upload_part(
            Bucket="bucket",
            Key=name,
            UploadId=multipart_id,
            PartNumber=number,
            Body=content,
            ContentLength=len(content),
        )

    def put_tail(self, upload_id: str, content: bytes, base: str | None) -> None:
        """Leave a tail, with or without what it says about its place."""
        metadata = {} if base is None else {"tus-base-offset": base}
        key = upload_id.partition("+")[0] + ".part"
        self.s3.put_object(Bucket="bucket", Key=key, Body=content, Metadata=metadata)


def new_s3_harness(*, lists_overwritten: bool = False, **settings: Any) -> S3Harness:
    """Return a stage with small sizes, changed by `settings`."""
    s3 = MemoryS3(lists_overwritten=lists_overwritten)
    intercepted = InterceptedS3(s3)
    return S3Harness(S3Store("bucket", intercepted, **{**SMALL_SIZES, **settings}), s3, intercepted)
