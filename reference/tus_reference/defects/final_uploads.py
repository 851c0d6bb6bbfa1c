"""Faults about final uploads: their length, order, bytes and metadata (Concatenation)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tus_reference.defects.defect import DefectSpec
from tus_reference.defects.partials import HEAD, asked_for, is_final, parts_of
from tus_reference.defects.response_edits import (
    created_id,
    failure,
    header,
    id_of,
    known,
    method_of,
    refusal,
    replace_bytes,
    rewritten,
    saying,
    set_length,
    stored,
    succeeded,
    to,
    without,
)
from tus_reference.model import Response

if TYPE_CHECKING:
    from tus_reference.defects.modification import CallNext, ModifiedHandler
    from tus_reference.model import Request


# Final uploads: length, order, bytes


@DefectSpec(
    "concatenation.final.length-sum",
    fails="concatenation.final.head-offset-equals-length concatenation.final.head-length",
    matches=HEAD,
).wrap_handler
async def length_grows_with_each_part(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """HEAD of a final upload tells the length of its parts and one for each."""
    info = await asked_for(handler, request)
    response = await respond(request)
    if info is None or not info.is_final:
        return response
    count = len(info.partial_uploads)
    return rewritten(response, "Upload-Length", lambda text: str(int(text) + count))


@DefectSpec(
    "concatenation.final.length-sum",
    fails=(
        "concatenation.final.order concatenation-unfinished.finishes "
        "concatenation.final.patch-no-modify concatenation.partial.patch-after-concat"
    ),
    warns="concatenation.partial.repeat-in-one concatenation.header.urls",
    matches=HEAD,
).wrap_handler
async def finals_seem_longer(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """HEAD of a finished final upload tells a length and an offset that are one too high."""
    info = await asked_for(handler, request)
    response = await respond(request)
    if info is None or not info.is_final or header(response, "Upload-Offset") is None:
        return response
    for name in ("Upload-Length", "Upload-Offset"):
        response = rewritten(response, name, lambda text: str(int(text) + 1))
    return response


@DefectSpec(
    "concatenation.final.order",
    fails=(
        "termination.final-and-partials concatenation.final.patch-no-modify "
        "concatenation.partial.patch-after-concat"
    ),
    matches=is_final,
).wrap_handler
async def parts_in_reverse(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The parts are joined in the reverse of their order, and told as they were named."""
    return await _joined(handler, request, respond, backwards=True)


@DefectSpec(
    "concatenation.final.order",
    fails=(
        "termination.final-and-partials concatenation.final.patch-no-modify "
        "concatenation.partial.patch-after-concat"
    ),
    matches=is_final,
).wrap_handler
async def last_byte_of_finals_spoilt(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The last byte of a final upload is not that of its last part."""
    return await _joined(handler, request, respond, backwards=False)


async def _joined(
    handler: ModifiedHandler, request: Request, respond: CallNext, *, backwards: bool
) -> Response:
    response = await respond(request)
    info = await known(handler, created_id(handler, response))
    if info is None or not info.is_final or not info.offset:
        return response
    data = bytearray(await stored(handler, info))
    if backwards:
        parts = [await known(handler, each) for each in reversed(info.partial_uploads)]
        data = bytearray(b"".join([await stored(handler, each) for each in parts if each]))
    else:
        data[-1] ^= 0xFF
    await replace_bytes(handler, info, bytes(data))
    return response


@DefectSpec(
    "concatenation.final.order", fails="concatenation.head.upload-concat", matches=HEAD
).edit_response
def parts_told_in_another_order(request: Request, response: Response) -> Response:
    """HEAD of a final upload tells its parts sorted by their URLs, or so that they seem to be."""

    def turned(text: str) -> str:
        kind, _, urls = text.partition(";")
        return f"{kind};{' '.join(reversed(urls.split(' ')))}" if urls else text

    return rewritten(response, "Upload-Concat", turned)


@DefectSpec(
    "concatenation.final.head-offset-equals-length",
    fails=(
        "concatenation.final.order concatenation-unfinished.finishes "
        "concatenation.final.patch-no-modify concatenation.partial.patch-after-concat"
    ),
    matches=HEAD,
).wrap_handler
async def finals_without_offset(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """HEAD of a finished final upload does not tell its offset."""
    info = await asked_for(handler, request)
    response = await respond(request)
    return without(response, "Upload-Offset") if info and info.is_final else response


@DefectSpec(
    "concatenation.final.head-offset-equals-length",
    quirk="finals-of-parts-alone",
    matches=to("POST", "HEAD"),
).wrap_handler
async def finals_with_bytes_never_finish(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """HEAD of a final upload never tells its offset if bytes came with it."""
    if method_of(request) == "HEAD":
        response = await respond(request)
        unfinished = id_of(handler, request) in handler.memory.marked
        return without(response, "Upload-Offset") if unfinished else response
    brings = is_final(request) and request.body.length != 0
    response = await respond(request)
    if brings and response.status == 201:
        handler.memory.marked.add(created_id(handler, response))
    return response


@DefectSpec("concatenation.final.head-length", matches=HEAD).wrap_handler
async def unfinished_finals_without_length(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """HEAD of a final upload does not tell its length before it is finished."""
    info = await asked_for(handler, request)
    response = await respond(request)
    early = info is not None and info.is_final and not info.is_complete
    return without(response, "Upload-Length") if early else response


@DefectSpec("concatenation.final.head-length", matches=HEAD).wrap_handler
async def length_of_finals_guessed(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """HEAD of a final upload tells a length though that of a part is not known."""
    info = await asked_for(handler, request)
    response = await respond(request)
    open_ = header(response, "Upload-Length") is None and info is not None and info.is_final
    return (
        saying(without(response, "Upload-Defer-Length"), "Upload-Length", "0")
        if open_
        else response
    )


@DefectSpec(
    "concatenation.final.head-length", fails="concatenation.head.upload-concat", matches=HEAD
).wrap_handler
async def trips_over_unfinished_finals(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """HEAD of a final upload that is not finished is answered with 500."""
    info = await asked_for(handler, request)
    early = info is not None and info.is_final and not info.is_complete
    return failure() if early else await respond(request)


@DefectSpec(
    "concatenation-unfinished.finishes",
    fails="concatenation.final.head-offset-equals-length",
    matches=to("HEAD", "GET"),
).wrap_handler
async def finals_never_finish(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A final upload that was created early never gets its bytes."""
    response = await respond(request)
    info = await asked_for(handler, request)
    if info is None or not info.is_final or not succeeded(response):
        return response
    if info.is_complete and info.id not in handler.memory.marked:
        return response
    handler.memory.marked.add(info.id)
    return without(response, "Upload-Offset")


@DefectSpec(
    "concatenation-unfinished.finishes",
    fails="core.head.offset-accurate core.patch.exceeds-length",
    matches=HEAD,
).wrap_handler
async def unfinished_finals_tell_too_much(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """HEAD of a final upload that is not finished tells an offset beyond its length."""
    info = await asked_for(handler, request)
    response = await respond(request)
    length = header(response, "Upload-Length")
    early = info is not None and info.is_final and header(response, "Upload-Offset") is None
    return saying(response, "Upload-Offset", str(int(length) + 1)) if early and length else response


@DefectSpec("concatenation-unfinished.finishes", matches=is_final).wrap_handler
async def finals_need_lengths(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A final upload over a part of deferred length makes the server fail."""
    parts = await parts_of(handler, request)
    open_ = any(each is not None and each.size is None for each in parts)
    return failure() if open_ else await respond(request)


@DefectSpec(
    "concatenation-unfinished.advertise", warns="concatenation.final.max-size", matches=is_final
).wrap_handler
async def unfinished_parts_refused(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A final upload over unfinished parts is refused, though the extension is listed."""
    parts = await parts_of(handler, request)
    early = any(each is not None and not each.is_complete for each in parts)
    return refusal(400) if early else await respond(request)


@DefectSpec(
    "concatenation-unfinished.advertise",
    fails=(
        "core.patch.exceeds-length concatenation.final.order "
        "concatenation-unfinished.finishes concatenation.final.patch-no-modify "
        "concatenation.final.head-length"
    ),
    warns="concatenation.final.max-size",
    quirk="concatenation-only",
    matches=is_final,
).wrap_handler
async def unfinished_parts_cut_short(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A final upload is made of what is there of its parts, which are complete from then on."""
    for each in await parts_of(handler, request):
        if each is not None and each.is_partial and not each.is_complete:
            await set_length(handler, each.id, each.offset)
    return await respond(request)


# Metadata


@DefectSpec(
    "concatenation.final.metadata-not-transferred",
    fails="creation.metadata.head-echo",
    matches=HEAD,
).wrap_handler
async def metadata_of_parts_inherited(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A final upload has the metadata of its parts, too."""
    info = await asked_for(handler, request)
    response = await respond(request)
    if info is None or not info.is_final or not succeeded(response):
        return response
    parts = [await known(handler, each) for each in info.partial_uploads]
    told = [each.metadata_header for each in parts if each is not None and each.metadata_header]
    own = [info.metadata_header] if info.metadata_header else []
    text = ",".join([*own, *told])
    return saying(response, "Upload-Metadata", text) if text else response


@DefectSpec("creation.metadata.head-echo", matches=HEAD).wrap_handler
async def metadata_of_finals_lost(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A final upload has no metadata."""
    info = await asked_for(handler, request)
    response = await respond(request)
    return without(response, "Upload-Metadata") if info and info.is_final else response


@DefectSpec("creation.metadata.may-reject", matches=is_final).edit_response
def trips_over_metadata_of_finals(request: Request, response: Response) -> Response:
    """The creation of a final upload over parts that have metadata makes the server fail."""
    return failure() if "Upload-Metadata" in request.headers else response
