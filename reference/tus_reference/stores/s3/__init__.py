"""Uploads in S3, or in anything that speaks it, in the object layout of tusd.

    <object>        the finished upload; not there before it is complete
    <object>.info   the record: tusd's JSON, with one key of ours
    <object>.part   the tail: received bytes that are too few for a part
    a multipart upload on <object>, until it is completed or aborted

An upload's id is `<object>+<multipart upload id>`. S3 has no append, so a body is cut into
parts, and what is left at its end waits in the tail for the bytes that follow.

Rules
=====

1.  **Only contiguous parts count.** The offset is the sum of the parts 1, 2, 3... up to the
    first missing number, and of the tail if it fits there. Parts are sent at the same time,
    so one may be stored while one before it failed. Such an orphan counts for nothing. Before
    the upload goes on, its number and the missing ones below become void: the record says so,
    nothing under them ever counts, and the next part gets the number behind them. So no number
    is used twice, which not every S3 would bear, and no orphan is ever taken for what follows
    a new, differently long predecessor. tusd cannot finish an upload that has void numbers.
2.  **The tail knows where it belongs.** Its metadata has the offset of its first byte. Only a
    tail at the end of the contiguous parts counts, any other is stale. Nothing deletes or
    replaces a tail before what contains its bytes is stored, and a tail that a crash left
    behind is harmless. tusd's tails have no such mark; one is added before anything else is
    done to them. Looking up reads the tail before the parts: the other way round, a part
    that takes the tail in between the two looks would let the offset go back.
3.  **Nothing arrives late.** A request waits for every part that it sent, even if it failed or
    was cancelled, before the upload's lock is given up. What a process that died had sent, or a
    call that was given up, S3 may store a moment later, over what a new request stored under
    that name. So for `settling_time` seconds (5) after its start, the store lets changes to
    uploads that it did not create wait, and so after a failure. One process at a time serves
    the uploads of a prefix.
4.  **Finishing is repeatable.** It looks at what is there: the parts, or the object if the
    multipart upload is gone. Gone without an object of the right length means that the
    upload is gone (410), not that it is complete.

Part sizes
==========

tusd's rule gives the size of parts: `preferred_part_size`, or more if the upload would not
fit into `max_multipart_parts`. A shorter part is only sent at the end of a body, and if it
has `min_part_size` and an equal share of what is still to come: then even an upload in
100,000 small PATCHes never runs out of part numbers, because the share never grows. If the
length is not known yet, the share grows with what is stored. See `sizes`.

Memory and temporary space
==========================

Per process, parts in the making take `MEMORY_BOUND` (64 MiB) of memory and spool to
`temporary_directory` beyond that; together they take `max_buffered_parts` times
`preferred_part_size` and, for each upload being received, one part of the smallest size that
may be sent (`min_part_size`; for uploads beyond 48 GiB 1/10,000 of their length). A slow
client owns nothing but the space of its bytes: places to send parts
(`concurrent_part_uploads` per process) are taken when a part is whole, and when space is
short, parts are sent as soon as they are large enough. Files are unlinked when made: a crash
leaves none. Buffers for receiving take up to 1 MiB per request, for downloads as much.

Calls
=====

A test checks this table. Parts are listed 1,000 at a time, so from 1,001 parts on ListParts is
called more than once; Create, Complete and Abort are the calls for multipart uploads. What a
failure makes boto3 try again is not counted.

    POST                       Create, PutObject
    POST of no bytes           Create, UploadPart, Complete, GetObject, 2 x PutObject
    HEAD, unfinished           GetObject, HeadObject, ListParts
    HEAD, finished             GetObject, 2 x HeadObject
    PATCH making 3 parts       GetObject, HeadObject, ListParts, 3 x UploadPart
    PATCH, tail behind         GetObject, HeadObject, ListParts, 3 x UploadPart, PutObject
    PATCH, tail before         2 x GetObject, HeadObject, ListParts, 3 x UploadPart, DeleteObject
    PATCH, tail on both sides  2 x GetObject, HeadObject, ListParts, PutObject
    PATCH with the length      2 x GetObject, HeadObject, ListParts, 3 x UploadPart, PutObject
    PATCH that completes       2 x GetObject, HeadObject, ListParts, 3 x UploadPart, Complete,
                               PutObject
    GET                        2 x GetObject, 2 x HeadObject
    DELETE                     GetObject, HeadObject, ListParts, Abort, 3 x DeleteObject
    POST joining 2 uploads     Create, 2 x UploadPartCopy, Complete, 7 x GetObject,
                               15 x HeadObject, 2 x PutObject

The credentials need s3:PutObject, GetObject, DeleteObject, AbortMultipartUpload and
ListMultipartUploadParts; expiration needs ListBucketMultipartUploads too. With ListBucket an
unknown upload is told from a forbidden one; without it both are answered as unknown.
"""

from tus_reference.stores.s3.api import S3API
from tus_reference.stores.s3.client import connect, ensure_bucket, wants_equal_parts
from tus_reference.stores.s3.late_write_guard import LATE_WRITE_DELAY
from tus_reference.stores.s3.recent_writes import STALE_TIME
from tus_reference.stores.s3.store import S3Store

__all__ = [
    "LATE_WRITE_DELAY",
    "S3API",
    "STALE_TIME",
    "S3Store",
    "connect",
    "ensure_bucket",
    "wants_equal_parts",
]
