"""Defects about the bytes that a PATCH brings (Core, PATCH)."""

from __future__ import annotations

import sys
from dataclasses import replace

import anyio

from tus_defects.broken.method_override import acknowledge_without_storing
from tus_defects.call import Call
from tus_defects.messages import (
    ContinuedBody,
    acknowledge,
    answer,
    read_body,
    read_first_chunk,
    set_header,
    succeeded,
)
from tus_defects.registry import defect
from tus_defects.rule import Match
from tus_reference.model import Download, FileInfo, Response

PATCH = Match(method="PATCH")
CHUNKED = Match(method="PATCH", body="chunked")
APPLY = "core.patch.apply-at-offset"
EXCEEDS = "core.patch.exceeds-length"
AFTER_COMPLETE = "core.patch.after-complete"


@defect("core.patch.nonexistent-404", Match(method="PATCH", path="endpoint"))
async def patch_of_endpoint_stored(call: Call) -> Response:
    """A PATCH of the creation URL goes into any upload that has its offset."""
    offset = call.header("Upload-Offset")
    for info in await call.server.find_all():
        if str(info.offset) == offset:
            data = await read_body(call.request)
            await call.server.append(info, data)
            return acknowledge(info.offset + len(data))
    return await call.respond()


@defect("core.patch.zero-length", Match(method="PATCH", body="empty"))
async def empty_patch_adds_a_byte(call: Call) -> Response:
    """A PATCH without a body adds one byte."""
    info = await call.upload()
    response = await call.respond()
    room = info is not None and info.size is not None and info.offset < info.size
    if response.status != 204 or info is None or not room:
        return response
    await call.server.append(info, b"?")
    return set_header(response, "Upload-Offset", str(info.offset + 1))


@defect("core.patch.no-content-length", CHUNKED, client=True)
async def chunked_body_not_stored(call: Call) -> Response:
    """A chunked body is acknowledged, and not stored."""
    return await acknowledge_without_storing(call)


# An upload that is complete, and more than fits


@defect(AFTER_COMPLETE, Match(method="PATCH", upload=("complete", "not-final")))
async def complete_upload_grows(call: Call) -> Response:
    """A complete upload takes more bytes."""
    info = await call.upload()
    if info is None or not info.size or not call.request.body.length:
        return await call.respond()
    if call.header("Upload-Offset") != str(info.offset):
        return await call.respond()
    data = await read_body(call.request)
    await call.server.append(info, data)
    await call.respond_to(b"", Upload_Offset="0")
    return acknowledge(info.offset + len(data))


@defect(AFTER_COMPLETE, Match(method="PATCH", upload=("complete", "not-final")))
async def complete_upload_lost_on_patch(call: Call) -> Response:
    """A PATCH of a complete upload removes its bytes."""
    info = await call.upload()
    if info is not None:
        await call.server.rewrite(info, b"")
    return await call.respond()


@defect(EXCEEDS, PATCH)
async def excess_stored(call: Call) -> Response:
    """Bytes beyond the length of an upload are stored and acknowledged."""
    return await _store_excess(call, acknowledged=True)


@defect(EXCEEDS, PATCH)
async def excess_refused_and_stored(call: Call) -> Response:
    """Bytes beyond the length of an upload are refused, but stored."""
    return await _store_excess(call, acknowledged=False)


async def _store_excess(call: Call, *, acknowledged: bool) -> Response:
    info = await call.upload()
    size = None if info is None else _expected_length(info, call)
    if info is None or size is None or call.header("Upload-Offset") != str(info.offset):
        return await call.respond()
    fits = 0 < (call.number("Content-Length") or 0) <= size - info.offset
    if fits or info.is_final or info.is_complete or call.has("Upload-Checksum"):
        return await call.respond()
    data = await read_body(call.request)
    if info.offset + len(data) <= size:
        return await call.respond_to(data)
    await call.server.append(info, data)
    return acknowledge(info.offset + len(data)) if acknowledged else answer(413)


def _expected_length(info: FileInfo, call: Call) -> int | None:
    """Return the length of an upload, or the one that the request declares."""
    declared = call.number("Upload-Length")
    return declared if info.size is None and declared is not None else info.size


@defect(EXCEEDS, CHUNKED)
async def only_first_chunk_limited(call: Call) -> Response:
    """Only the first read of a chunked body is compared with the length of the upload."""
    info = await call.upload()
    size = None if info is None else _expected_length(info, call)
    if info is None or size is None or call.header("Upload-Offset") != str(info.offset):
        return await call.respond()
    first = await read_first_chunk(call.request)
    begun = replace(call.request, body=ContinuedBody(first, call.request.body))
    if len(first) >= size - info.offset or call.has("Upload-Checksum"):
        return await call.respond(begun)
    await call.server.set_length(info.id, sys.maxsize)
    try:
        return await call.respond(begun, Upload_Length=None)
    finally:
        with anyio.CancelScope(shield=True):
            await call.server.set_length(info.id, size)


# What becomes of the bytes


@defect(APPLY, PATCH, client=True)
async def first_byte_corrupted(call: Call) -> Response:
    """The first byte of every upload is stored with its highest bit changed."""
    return await _corrupt(call, 0)


@defect(APPLY, PATCH, client=True)
async def byte_corrupted_at_64_kib(call: Call) -> Response:
    """The byte after the first 64 KiB is stored with its highest bit changed."""
    return await _corrupt(call, 65536)


async def _corrupt(call: Call, position: int) -> Response:
    response = await call.respond()
    info = await call.upload()
    if info is None or info.offset <= position or not succeeded(response):
        return response
    if info.id not in call.memory.marked:
        call.memory.marked.add(info.id)
        data = bytearray(await call.server.read(info))
        data[position] ^= 0x80
        await call.server.rewrite(info, bytes(data))
    return response


@defect(APPLY, PATCH, client=True)
async def line_ends_converted(call: Call) -> Response:
    """Carriage returns are stored as line feeds, in uploads of two to five thousand bytes."""
    response = await call.respond()
    info = await call.upload()
    if info is None or not succeeded(response) or not 2000 < info.offset < 5000:
        return response
    data = await call.server.read(info)
    converted = data.replace(b"\r", b"\n")
    if converted != data:
        await call.server.rewrite(info, converted)
    return response


@defect(APPLY, PATCH, client=True)
async def every_patch_written_at_start(call: Call) -> Response:
    """Every PATCH is written at the start of the upload, and counted as if it were not."""
    before = await call.upload()
    response = await call.respond()
    info = await call.upload()
    if before is None or info is None or info.offset <= before.offset or not before.offset:
        return response
    data = await call.server.read(info)
    new = data[before.offset :]
    await call.server.rewrite(info, new + data[len(new) :])
    return response


@defect("core.head.offset-accurate", PATCH, client=True)
async def last_byte_of_patch_lost(call: Call) -> Response:
    """The last byte of every PATCH is acknowledged, and not stored."""
    before = await call.upload()
    response = await call.respond()
    info = await call.upload()
    if response.status == 204 and before and info and info.offset > before.offset:
        await call.server.rewrite(info, (await call.server.read(info))[:-1])
    return response


@defect(APPLY, Match(method="GET"), client=True)
async def last_byte_of_download_missing(call: Call) -> Response:
    """A download ends one byte too early."""
    response = await call.respond()
    if not isinstance(response.body, Download):
        return response
    data = b"".join([chunk async for chunk in response.body.chunks])
    return replace(response, body=data[:-1])
