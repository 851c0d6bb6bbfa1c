"""Faults about what a PATCH brings: nothing, too much, or bytes that come out otherwise (Core)."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

from tus_reference.faults.alterations import (
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
from tus_reference.faults.fault import Breach
from tus_reference.handler import ClientDisconnected

if TYPE_CHECKING:
    from tus_reference.faults.behaviour import Behaving, Respond
    from tus_reference.handler import FileInfo, Request, Response


_PATCH = to("PATCH")


# What is not there, what is empty, what is complete


@Breach("core.patch.nonexistent-404", warns="core.patch.nonexistent-404", concerns=_PATCH).altering
def patch_of_nothing_is_forbidden(request: Request, response: Response) -> Response:
    """PATCH of an upload that is not there is answered with 403."""
    return with_status(response, 403) if response.status == 404 else response


@Breach("core.patch.nonexistent-404", concerns=_PATCH).altering
def patch_of_nothing_succeeds(request: Request, response: Response) -> Response:
    """PATCH of an upload that is not there is answered as if it were."""
    if response.status != 404:
        return response
    return saying(with_status(response, 204), "Upload-Offset", "5")


@Breach("core.patch.nonexistent-404", concerns=_PATCH).altering
def trips_over_queries(request: Request, response: Response) -> Response:
    """PATCH to the URL of an upload with a query behind it is answered with 500."""
    return failure() if "?" in request.target else response


@Breach(
    "core.patch.nonexistent-404",
    fails="core.head.offset-accurate core.patch.apply-at-offset",
    concerns=_PATCH,
).acting
async def bytes_for_whoever_waits(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A PATCH of the URL where uploads are created goes into any upload that stands there."""
    recorder = behaving.config.composer.recorder
    if recorder is None or not behaving.locator.is_endpoint(request.path):
        return await respond(request)
    offset = value(request, "Upload-Offset")
    for info in [each async for each in recorder.uploads() if str(each.offset) == offset]:
        data = await whole(request)
        await append(behaving, info, data)
        return saying(with_status(refusal(204), 204), "Upload-Offset", str(info.offset + len(data)))
    return await respond(request)


@Breach("core.patch.zero-length", warns="core.patch.zero-length", concerns=_PATCH).altering
def empty_patch_refused(request: Request, response: Response) -> Response:
    """A PATCH without a byte is refused."""
    nothing = request.body.length == 0 and "Upload-Length" not in request.headers
    return refusal(400) if nothing and response.status == 204 else response


@Breach("core.patch.zero-length", concerns=_PATCH).acting
async def empty_patch_moves(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A PATCH without a byte adds one."""
    info = await known(behaving, id_of(behaving, request))
    response = await respond(request)
    room = info is not None and info.size is not None and info.offset < info.size
    if response.status != 204 or request.body.length != 0 or info is None or not room:
        return response
    await append(behaving, info, b"?")
    return saying(response, "Upload-Offset", str(info.offset + 1))


def _chunked(request: Request) -> bool:
    return _PATCH(request) and request.body.length is None


@Breach(
    "core.patch.no-content-length",
    fails="checksum-trailer.verify",
    warns="checksum.mismatch-460 checksum.match-204 checksum.malformed",
    concerns=_chunked,
).altering
def length_of_body_required(request: Request, response: Response) -> Response:
    """A body in chunked coding is refused with 411."""
    return refusal(411)


@Breach(
    "core.patch.no-content-length",
    fails="checksum.match-204 checksum-trailer.verify",
    warns="core.patch.no-content-length",
    concerns=_chunked,
).acting
async def chunked_body_overlooked(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A body in chunked coding is taken for none, and acknowledged."""
    await whole(request)
    return await respond(bringing(request, b""))


@Breach(
    "core.patch.no-content-length",
    fails=(
        "core.head.offset-accurate core.patch.exceeds-length checksum.match-204 "
        "checksum-trailer.verify"
    ),
    warns="core.patch.apply-at-offset",
    concerns=_chunked,
).acting
async def chunked_body_lost(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A body in chunked coding is acknowledged and not stored."""
    data = await whole(request)
    response = await respond(bringing(request, b""))
    return rewritten(response, "Upload-Offset", lambda text: str(int(text) + len(data)))


@Breach("core.patch.after-complete", fails="core.patch.exceeds-length", concerns=_PATCH).acting
async def complete_uploads_grow(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A complete upload takes more bytes."""
    info = await known(behaving, id_of(behaving, request))
    if info is None or not info.is_complete or info.is_final or not info.size:
        return await respond(request)
    if value(request, "Upload-Offset") != str(info.offset) or not request.body.length:
        return await respond(request)
    data = await whole(request)
    await append(behaving, info, data)
    response = await respond(bringing(asking(request, Upload_Offset="0"), b""))
    return saying(with_status(response, 204), "Upload-Offset", str(info.offset + len(data)))


@Breach(
    "core.patch.after-complete",
    fails="core.head.offset-accurate core.patch.offset-mismatch-409",
    concerns=_PATCH,
).acting
async def complete_uploads_forgotten(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """An upload that is complete is lost when one more PATCH comes."""
    info = await known(behaving, id_of(behaving, request))
    if info is not None and info.is_complete and not info.is_final:
        await replace_bytes(behaving, info, b"")
    return await respond(request)


# More than fits


@Breach(
    "core.patch.exceeds-length", warns="creation.defer-length.length-below-offset", concerns=_PATCH
).acting
async def excess_kept(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """Bytes beyond the length of an upload are stored and acknowledged."""
    return await _exceed(behaving, request, respond, said=True)


@Breach("core.patch.exceeds-length", concerns=_PATCH).acting
async def excess_refused_and_kept(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """Bytes beyond the length of an upload are refused, but stored."""
    return await _exceed(behaving, request, respond, said=False)


@Breach("core.patch.exceeds-length", concerns=_chunked).acting
async def only_first_piece_counted(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """Of a chunked body only the first piece is held against the length of the upload."""
    info = await known(behaving, id_of(behaving, request))
    size = None if info is None else _length_for(info, request)
    if info is None or size is None or value(request, "Upload-Offset") != str(info.offset):
        return await respond(request)
    first = await first_piece(request)
    begun = replace(request, body=Begun(first, request.body))
    if len(first) >= size - info.offset or "Upload-Checksum" in request.headers:
        return await respond(begun)
    await set_length(behaving, info.id, sys.maxsize)
    try:
        return await respond(asking(begun, Upload_Length=None))
    finally:
        with anyio.CancelScope(shield=True):
            await set_length(behaving, info.id, size)


async def _exceed(
    behaving: Behaving, request: Request, respond: Respond, *, said: bool
) -> Response:
    info = await known(behaving, id_of(behaving, request))
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
    await append(behaving, info, data)
    if not said:
        return refusal(413)
    return saying(with_status(refusal(413), 204), "Upload-Offset", str(info.offset + len(data)))


def _length_for(info: FileInfo, request: Request) -> int | None:
    """Return the length of an upload, or the one that is declared by a request."""
    declared = value(request, "Upload-Length")
    return int(declared) if info.size is None and declared.isdecimal() else info.size


@Breach(
    "core.patch.exceeds-length",
    fails="creation.defer-length.length-over-max",
    warns="core.patch.exceeds-length",
    concerns=_PATCH,
).acting
async def closes_at_excess(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A body that goes beyond the length makes the server close without an answer."""
    response = await respond(request)
    if response.status == 413:
        raise ClientDisconnected
    return response


# The bytes


async def _mutilate(behaving: Behaving, request: Request, respond: Respond, at: int) -> Response:
    response = await respond(request)
    info = await known(behaving, id_of(behaving, request))
    if info is None or info.offset <= at or not succeeded(response):
        return response
    if info.id not in behaving.memory.marked:
        behaving.memory.marked.add(info.id)
        data = bytearray(await stored(behaving, info))
        data[at] ^= 0x80
        await replace_bytes(behaving, info, bytes(data))
    return response


@Breach(
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
    concerns=_PATCH,
).acting
async def first_byte_spoilt(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """The first byte of every upload loses its eighth bit."""
    return await _mutilate(behaving, request, respond, 0)


@Breach(
    "core.patch.apply-at-offset",
    fails=(
        "core.head.offset-accurate core.patch.offset-mismatch-no-change core.patch.concurrent "
        "core.net.detect-errors core.patch.store-partial "
        "creation-with-upload.upload-offset-value checksum.verify checksum.mismatch-discard "
        "checksum-trailer.verify checksum.partial-body concatenation.final.order"
    ),
    concerns=_PATCH,
).acting
async def byte_lost_between_buffers(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """The byte where two buffers of 64 KiB meet is spoilt."""
    return await _mutilate(behaving, request, respond, 65536)


@Breach("core.patch.apply-at-offset", concerns=_PATCH).acting
async def body_read_as_text(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """Line ends are changed to those of the system, and the length stays the same."""
    response = await respond(request)
    info = await known(behaving, id_of(behaving, request))
    if info is None or not succeeded(response) or not 2000 < info.offset < 5000:
        return response
    data = await stored(behaving, info)
    changed = data.replace(b"\r", b"\n")
    if changed != data:
        await replace_bytes(behaving, info, changed)
    return response


@Breach(
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
    concerns=_PATCH,
).acting
async def second_chunk_replaces_first(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """Every PATCH is written from the beginning of the upload, and counted as if it were not."""
    before = await known(behaving, id_of(behaving, request))
    response = await respond(request)
    info = await known(behaving, id_of(behaving, request))
    if before is None or info is None or info.offset <= before.offset or not before.offset:
        return response
    data = await stored(behaving, info)
    new = data[before.offset :]
    await replace_bytes(behaving, info, new + data[len(new) :])
    return response
