"""Faults about what a PATCH brings: nothing, too much, or bytes that come out otherwise (Core)."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

from tus_reference.defects.defect import DefectSpec
from tus_reference.defects.response_edits import (
    Begun,
    append,
    asking,
    bringing,
    failure,
    first_piece,
    id_of,
    known,
    refusal,
    replace_bytes,
    rewritten,
    saying,
    set_length,
    stored,
    succeeded,
    to,
    value,
    whole,
    with_status,
)
from tus_reference.model import ClientDisconnected

if TYPE_CHECKING:
    from tus_reference.defects.modification import CallNext, ModifiedHandler
    from tus_reference.model import FileInfo, Request, Response


_PATCH = to("PATCH")


# What is not there, what is empty, what is complete


@DefectSpec(
    "core.patch.nonexistent-404", warns="core.patch.nonexistent-404", matches=_PATCH
).edit_response
def patch_of_nothing_is_forbidden(request: Request, response: Response) -> Response:
    """PATCH of an upload that is not there is answered with 403."""
    return with_status(response, 403) if response.status == 404 else response


@DefectSpec("core.patch.nonexistent-404", matches=_PATCH).edit_response
def patch_of_nothing_succeeds(request: Request, response: Response) -> Response:
    """PATCH of an upload that is not there is answered as if it were."""
    if response.status != 404:
        return response
    return saying(with_status(response, 204), "Upload-Offset", "5")


@DefectSpec("core.patch.nonexistent-404", matches=_PATCH).edit_response
def trips_over_queries(request: Request, response: Response) -> Response:
    """PATCH to the URL of an upload with a query behind it is answered with 500."""
    return failure() if "?" in request.target else response


@DefectSpec(
    "core.patch.nonexistent-404",
    fails="core.head.offset-accurate core.patch.apply-at-offset",
    matches=_PATCH,
).wrap_handler
async def bytes_for_whoever_waits(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A PATCH of the URL where uploads are created goes into any upload that stands there."""
    info_saver = handler.config.composer.info_saver
    if info_saver is None or not handler.upload_urls.is_endpoint(request.path):
        return await respond(request)
    offset = value(request, "Upload-Offset")
    for info in [each async for each in info_saver.list_uploads() if str(each.offset) == offset]:
        data = await whole(request)
        await append(handler, info, data)
        return saying(with_status(refusal(204), 204), "Upload-Offset", str(info.offset + len(data)))
    return await respond(request)


@DefectSpec("core.patch.zero-length", warns="core.patch.zero-length", matches=_PATCH).edit_response
def empty_patch_refused(request: Request, response: Response) -> Response:
    """A PATCH without a byte is refused."""
    nothing = request.body.length == 0 and "Upload-Length" not in request.headers
    return refusal(400) if nothing and response.status == 204 else response


@DefectSpec("core.patch.zero-length", matches=_PATCH).wrap_handler
async def empty_patch_moves(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A PATCH without a byte adds one."""
    info = await known(handler, id_of(handler, request))
    response = await respond(request)
    room = info is not None and info.size is not None and info.offset < info.size
    if response.status != 204 or request.body.length != 0 or info is None or not room:
        return response
    await append(handler, info, b"?")
    return saying(response, "Upload-Offset", str(info.offset + 1))


def _chunked(request: Request) -> bool:
    return _PATCH(request) and request.body.length is None


@DefectSpec(
    "core.patch.no-content-length",
    fails="checksum-trailer.verify",
    warns="checksum.mismatch-460 checksum.match-204 checksum.malformed",
    matches=_chunked,
).edit_response
def length_of_body_required(request: Request, response: Response) -> Response:
    """A body in chunked coding is refused with 411."""
    return refusal(411)


@DefectSpec(
    "core.patch.no-content-length",
    fails="checksum.match-204 checksum-trailer.verify",
    warns="core.patch.no-content-length",
    matches=_chunked,
).wrap_handler
async def chunked_body_overlooked(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A body in chunked coding is taken for none, and acknowledged."""
    await whole(request)
    return await respond(bringing(request, b""))


@DefectSpec(
    "core.patch.no-content-length",
    fails=(
        "core.head.offset-accurate core.patch.exceeds-length checksum.match-204 "
        "checksum-trailer.verify"
    ),
    warns="core.patch.apply-at-offset",
    matches=_chunked,
).wrap_handler
async def chunked_body_lost(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A body in chunked coding is acknowledged and not stored."""
    data = await whole(request)
    response = await respond(bringing(request, b""))
    return rewritten(response, "Upload-Offset", lambda text: str(int(text) + len(data)))


@DefectSpec(
    "core.patch.after-complete", fails="core.patch.exceeds-length", matches=_PATCH
).wrap_handler
async def complete_uploads_grow(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A complete upload takes more bytes."""
    info = await known(handler, id_of(handler, request))
    if info is None or not info.is_complete or info.is_final or not info.size:
        return await respond(request)
    if value(request, "Upload-Offset") != str(info.offset) or not request.body.length:
        return await respond(request)
    data = await whole(request)
    await append(handler, info, data)
    response = await respond(bringing(asking(request, Upload_Offset="0"), b""))
    return saying(with_status(response, 204), "Upload-Offset", str(info.offset + len(data)))


@DefectSpec(
    "core.patch.after-complete",
    fails="core.head.offset-accurate core.patch.offset-mismatch-409",
    matches=_PATCH,
).wrap_handler
async def complete_uploads_forgotten(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """An upload that is complete is lost when one more PATCH comes."""
    info = await known(handler, id_of(handler, request))
    if info is not None and info.is_complete and not info.is_final:
        await replace_bytes(handler, info, b"")
    return await respond(request)


# More than fits


@DefectSpec(
    "core.patch.exceeds-length", warns="creation.defer-length.length-below-offset", matches=_PATCH
).wrap_handler
async def excess_kept(handler: ModifiedHandler, request: Request, respond: CallNext) -> Response:
    """Bytes beyond the length of an upload are stored and acknowledged."""
    return await _exceed(handler, request, respond, said=True)


@DefectSpec("core.patch.exceeds-length", matches=_PATCH).wrap_handler
async def excess_refused_and_kept(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Bytes beyond the length of an upload are refused, but stored."""
    return await _exceed(handler, request, respond, said=False)


@DefectSpec("core.patch.exceeds-length", matches=_chunked).wrap_handler
async def only_first_piece_counted(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Of a chunked body only the first piece is held against the length of the upload."""
    info = await known(handler, id_of(handler, request))
    size = None if info is None else _length_for(info, request)
    if info is None or size is None or value(request, "Upload-Offset") != str(info.offset):
        return await respond(request)
    first = await first_piece(request)
    begun = replace(request, body=Begun(first, request.body))
    if len(first) >= size - info.offset or "Upload-Checksum" in request.headers:
        return await respond(begun)
    await set_length(handler, info.id, sys.maxsize)
    try:
        return await respond(asking(begun, Upload_Length=None))
    finally:
        with anyio.CancelScope(shield=True):
            await set_length(handler, info.id, size)


async def _exceed(
    handler: ModifiedHandler, request: Request, respond: CallNext, *, said: bool
) -> Response:
    info = await known(handler, id_of(handler, request))
    size = None if info is None else _length_for(info, request)
    if info is None or size is None or value(request, "Upload-Offset") != str(info.offset):
        return await respond(request)
    length = value(request, "Content-Length")
    fits = length and int(length) <= size - info.offset
    if fits or info.is_final or info.is_complete or "Upload-Checksum" in request.headers:
        return await respond(request)
    data = await whole(request)
    if info.offset + len(data) <= size:
        return await respond(bringing(request, data))
    await append(handler, info, data)
    if not said:
        return refusal(413)
    return saying(with_status(refusal(413), 204), "Upload-Offset", str(info.offset + len(data)))


def _length_for(info: FileInfo, request: Request) -> int | None:
    """Return the length of an upload, or the one that is declared by a request."""
    declared = value(request, "Upload-Length")
    return int(declared) if info.size is None and declared.isdecimal() else info.size


@DefectSpec(
    "core.patch.exceeds-length",
    fails="creation.defer-length.length-over-max",
    warns="core.patch.exceeds-length",
    matches=_PATCH,
).wrap_handler
async def closes_at_excess(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A body that goes beyond the length makes the server close without an answer."""
    response = await respond(request)
    if response.status == 413:
        raise ClientDisconnected
    return response


# The bytes


async def _mutilate(
    handler: ModifiedHandler, request: Request, respond: CallNext, at: int
) -> Response:
    response = await respond(request)
    info = await known(handler, id_of(handler, request))
    if info is None or info.offset <= at or not succeeded(response):
        return response
    if info.id not in handler.memory.marked:
        handler.memory.marked.add(info.id)
        data = bytearray(await stored(handler, info))
        data[at] ^= 0x80
        await replace_bytes(handler, info, bytes(data))
    return response


@DefectSpec(
    "core.patch.apply-at-offset",
    fails=(
        "core.upload-offset.reject-invalid core.tus-resumable.unsupported-not-processed "
        "core.tus-resumable.missing core.method-override.honoured "
        "core.method-override.actual-ignored core.head.offset-accurate core.patch.accept "
        "core.patch.content-type-not-applied core.patch.offset-mismatch-no-change "
        "core.patch.missing-offset core.patch.exceeds-length core.patch.zero-length "
        "core.patch.after-complete core.patch.no-content-length core.patch.precedence "
        "core.patch.concurrent core.net.detect-errors core.patch.store-partial "
        "creation.defer-length.length-immutable creation.defer-length.declare-in-patch "
        "creation-with-upload.upload-offset-value creation-with-upload.empty-body "
        "creation-with-upload.interrupted checksum.verify "
        "checksum.unsupported-algorithm-discard checksum.mismatch-discard "
        "checksum-trailer.verify checksum-trailer.header-and-trailer checksum.malformed "
        "checksum.partial-body checksum.creation-with-upload termination.final-and-partials "
        "concatenation.partial.create concatenation.final.order "
        "concatenation-unfinished.finishes concatenation.final.patch-no-modify "
        "concatenation.final.bad-partials concatenation.partial.patch-after-concat"
    ),
    matches=_PATCH,
).wrap_handler
async def first_byte_spoilt(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The first byte of every upload loses its eighth bit."""
    return await _mutilate(handler, request, respond, 0)


@DefectSpec(
    "core.patch.apply-at-offset",
    fails=(
        "core.head.offset-accurate core.patch.offset-mismatch-no-change core.patch.concurrent "
        "core.net.detect-errors core.patch.store-partial "
        "creation-with-upload.upload-offset-value checksum.verify checksum.mismatch-discard "
        "checksum-trailer.verify checksum.partial-body concatenation.final.order"
    ),
    matches=_PATCH,
).wrap_handler
async def byte_lost_between_buffers(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The byte where two buffers of 64 KiB meet is spoilt."""
    return await _mutilate(handler, request, respond, 65536)


@DefectSpec("core.patch.apply-at-offset", matches=_PATCH).wrap_handler
async def body_read_as_text(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Line ends are changed to those of the system, and the length stays the same."""
    response = await respond(request)
    info = await known(handler, id_of(handler, request))
    if info is None or not succeeded(response) or not 2000 < info.offset < 5000:
        return response
    data = await stored(handler, info)
    changed = data.replace(b"\r", b"\n")
    if changed != data:
        await replace_bytes(handler, info, changed)
    return response


@DefectSpec(
    "core.patch.apply-at-offset",
    fails=(
        "core.upload-offset.reject-invalid core.tus-resumable.unsupported-not-processed "
        "core.tus-resumable.missing core.method-override.honoured "
        "core.method-override.actual-ignored core.head.offset-accurate core.patch.accept "
        "core.patch.content-type-not-applied core.patch.offset-mismatch-no-change "
        "core.patch.missing-offset core.patch.exceeds-length core.patch.zero-length "
        "core.patch.no-content-length core.patch.precedence core.patch.concurrent "
        "core.net.detect-errors core.patch.store-partial "
        "creation.defer-length.length-immutable creation.defer-length.declare-in-patch "
        "creation-with-upload.upload-offset-value creation-with-upload.interrupted "
        "checksum.verify checksum.unsupported-algorithm-discard checksum.mismatch-discard "
        "checksum-trailer.verify checksum-trailer.header-and-trailer checksum.malformed "
        "checksum.partial-body checksum.creation-with-upload concatenation.partial.create "
        "concatenation.final.order concatenation-unfinished.finishes "
        "concatenation.final.patch-no-modify"
    ),
    matches=_PATCH,
).wrap_handler
async def second_chunk_replaces_first(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Every PATCH is written from the beginning of the upload, and counted as if it were not."""
    before = await known(handler, id_of(handler, request))
    response = await respond(request)
    info = await known(handler, id_of(handler, request))
    if before is None or info is None or info.offset <= before.offset or not before.offset:
        return response
    data = await stored(handler, info)
    new = data[before.offset :]
    await replace_bytes(handler, info, new + data[len(new) :])
    return response
