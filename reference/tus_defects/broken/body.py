"""Defects about the bytes that a PATCH brings, overridden or not (Core, PATCH)."""

import sys
from dataclasses import replace
from functools import partial

import anyio

from tus_defects.call import Call
from tus_defects.message_edits import (
    OFFSET_TYPE,
    ComposedBody,
    acknowledge,
    answer,
    set_header,
    succeeded,
    with_body,
)
from tus_defects.rule import Match
from tus_defects.server import drop_last
from tus_defects.variant import defect
from tus_reference.model import Download, Response

PATCH_NONEXISTENT_404 = "core.patch.nonexistent-404"
PATCH = Match(method="PATCH", upload=("known",))
PATCH_OF_COMPLETE = Match(method="PATCH", upload=("complete", "not-final"))
CHUNKED = Match(method="PATCH", body="chunked", upload=("known",))
APPLY = "core.patch.apply-at-offset"
EXCEEDS = "core.patch.exceeds-length"
HONOURED = "core.method-override.honoured"
OVERRIDE: dict[str, str | bool] = {"X-HTTP-Method-Override": True}


@defect("patch-of-endpoint-stored", PATCH_NONEXISTENT_404, Match(method="PATCH", path="endpoint"))
async def store_patch_of_endpoint(call: Call) -> Response:
    """A PATCH of the creation URL goes into any upload that has its offset."""
    for info in await call.server.find_all():
        if str(info.offset) == call.header("Upload-Offset"):
            data = await call.read_body()
            await call.server.append(info, data)
            return acknowledge(info.offset + len(data))
    return await call.respond()


@defect(
    "empty-patch-adds-a-byte",
    "core.patch.zero-length",
    Match(method="PATCH", body="empty", upload=("unfinished",)),
)
async def add_byte_on_empty_patch(call: Call) -> Response:
    """A PATCH without a body adds one byte."""
    response = await call.respond()
    if response.status != 204 or call.info.size is None:
        return response
    await call.server.append(call.info, b"?")
    return set_header(response, "Upload-Offset", str(call.info.offset + 1))


@defect(
    "chunked-body-not-stored",
    "core.patch.no-content-length",
    Match(method="PATCH", body="chunked"),
    client=True,
)
async def drop_chunked_body(call: Call) -> Response:
    """A chunked body is acknowledged, and not stored."""
    data, offset = await call.read_body(), call.number("Upload-Offset")
    response = await call.respond_to(b"")
    if response.status != 204 or offset is None:
        return response
    return set_header(response, "Upload-Offset", str(offset + len(data)))


@defect("complete-upload-grows", "core.patch.after-complete", PATCH_OF_COMPLETE)
async def extend_complete_upload(call: Call) -> Response:
    """A complete upload takes more bytes."""
    here = call.header("Upload-Offset") == str(call.info.offset)
    if not here or not call.info.size or not call.request.body.length:
        return await call.respond()
    data = await call.read_body()
    await call.server.append(call.info, data)
    await call.respond_to(b"", Upload_Offset="0")
    return acknowledge(call.info.offset + len(data))


@defect("complete-upload-lost-on-patch", "core.patch.after-complete", PATCH_OF_COMPLETE)
async def erase_complete_upload(call: Call) -> Response:
    """A PATCH of a complete upload removes its bytes."""
    await call.server.rewrite(call.info, lambda _: b"")
    return await call.respond()


@defect("excess-stored", EXCEEDS, PATCH)
async def store_excess(call: Call) -> Response:
    """Bytes beyond the length of an upload are stored and acknowledged."""
    return await _store_excess(call, acknowledged=True)


@defect("excess-refused-and-stored", EXCEEDS, PATCH)
async def refuse_and_store_excess(call: Call) -> Response:
    """Bytes beyond the length of an upload are refused, but stored."""
    return await _store_excess(call, acknowledged=False)


async def _store_excess(call: Call, *, acknowledged: bool) -> Response:
    info, room = call.info, _room(call)
    fits = room is None or 0 < (call.number("Content-Length") or 0) <= room
    if fits or info.is_final or info.is_complete or call.has("Upload-Checksum"):
        return await call.respond()
    data = await call.read_body()
    if room is None or len(data) <= room:
        return await call.respond_to(data)
    await call.server.append(info, data)
    return acknowledge(info.offset + len(data)) if acknowledged else answer(413)


def _room(call: Call) -> int | None:
    """Return how many bytes fit at the offset of the request; None if it is not the current one."""
    declared = call.number("Upload-Length")
    size = declared if call.info.size is None else call.info.size
    if size is None or call.header("Upload-Offset") != str(call.info.offset):
        return None
    return size - call.info.offset


@defect("only-first-chunk-limited", EXCEEDS, CHUNKED)
async def limit_only_first_chunk(call: Call) -> Response:
    """Only the first read of a chunked body is compared with the length of the upload."""
    info, room = call.info, _room(call)
    if room is None:
        return await call.respond()
    first = await call.read_chunk()
    begun = replace(call.request, body=ComposedBody(first, call.request.body, length=None))
    if len(first) >= room or call.has("Upload-Checksum"):
        return await call.respond(begun)
    await call.server.set_length(info.id, sys.maxsize)
    try:
        return await call.respond(begun, Upload_Length=None)
    finally:
        with anyio.CancelScope(shield=True):
            await call.server.set_length(info.id, info.offset + room)


@defect("first-byte-corrupted", APPLY, PATCH, client=True)
async def corrupt_first_byte(call: Call) -> Response:
    """The first byte of every upload is stored with its highest bit changed."""
    return await _corrupt(call, 0)


@defect("byte-corrupted-at-64-kib", APPLY, PATCH, client=True)
async def corrupt_byte_at_64_kib(call: Call) -> Response:
    """The byte after the first 64 KiB is stored with its highest bit changed."""
    return await _corrupt(call, 65536)


async def _corrupt(call: Call, position: int) -> Response:
    response, info = await call.respond(), await call.upload()
    if info and info.offset > position and succeeded(response) and not call.is_marked:
        call.memory.marked.add(info.id)
        await call.server.rewrite(info, partial(_flip_bit, position))
    return response


def _flip_bit(position: int, data: bytes) -> bytes:
    return data[:position] + bytes([data[position] ^ 0x80]) + data[position + 1 :]


@defect("line-ends-converted", APPLY, PATCH, client=True)
async def convert_line_ends(call: Call) -> Response:
    """Carriage returns are stored as line feeds, in uploads of two to five thousand bytes."""
    response, info = await call.respond(), await call.upload()
    if info and succeeded(response) and 2000 < info.offset < 5000:
        await call.server.rewrite(info, lambda data: data.replace(b"\r", b"\n"))
    return response


@defect("every-patch-written-at-start", APPLY, PATCH, client=True)
async def write_every_patch_at_start(call: Call) -> Response:
    """Every PATCH is written at the start of the upload, and counted as if it were not."""
    response, info, start = await call.respond(), await call.upload(), call.info.offset
    if info and info.offset > start > 0:
        length = info.offset - start
        await call.server.rewrite(info, lambda data: data[start:] + data[length:])
    return response


@defect("last-byte-of-patch-lost", "core.head.offset-accurate", PATCH, client=True)
async def lose_last_byte_of_patch(call: Call) -> Response:
    """The last byte of every PATCH is acknowledged, and not stored."""
    response, info = await call.respond(), await call.upload()
    if response.status == 204 and info and info.offset > call.info.offset:
        await call.server.rewrite(info, drop_last)
    return response


@defect("last-byte-of-download-missing", APPLY, Match(method="GET"), client=True)
async def omit_last_byte_of_download(call: Call) -> Response:
    """A download ends one byte too early."""
    response = await call.respond()
    if not isinstance(response.body, Download):
        return response
    data = b"".join([chunk async for chunk in response.body.chunks])
    return replace(response, body=data[:-1])


@defect("unknown-override-deletes", HONOURED, Match(method="FROBNICATE", header=OVERRIDE))
async def delete_on_unknown_override(call: Call) -> Response:
    """An override to an unknown method removes the upload."""
    await call.server.remove(call.upload_id)
    return await call.respond()


@defect(
    "overridden-patch-also-stored",
    "core.method-override.actual-ignored",
    Match(sent="PATCH", header=OVERRIDE),
)
async def store_overridden_patch(call: Call) -> Response:
    """A PATCH that is overridden stores its bytes as well."""
    info = await call.upload()
    data = await call.read_body()
    response = await call.respond(replace(with_body(call.request, b""), method="POST"))
    if info is not None and call.header("Content-Type") == OFFSET_TYPE:
        await call.server.append(info, data)
    return response
