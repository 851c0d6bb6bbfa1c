"""Faults about final uploads: their length, order, bytes and metadata (Concatenation)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tus_reference.faults.alterations import (
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
from tus_reference.faults.fault import Breach
from tus_reference.faults.partials import (
    HEAD,
    asked_for,
    is_final,
    parts_of,
)
from tus_reference.handler import Response

if TYPE_CHECKING:
    from tus_reference.faults.behaviour import Behaving, Respond
    from tus_reference.handler import Request


# Final uploads: length, order, bytes


@Breach(
    "concatenation.final.length-sum",
    fails="concatenation.final.head-offset-equals-length concatenation.final.head-length",
    concerns=HEAD,
).acting
async def length_grows_with_each_part(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """HEAD of a final upload tells the length of its parts and one for each."""
    info = await asked_for(behaving, request)
    response = await respond(request)
    if info is None or not info.is_final:
        return response
    count = len(info.partial_uploads)
    return rewritten(response, "Upload-Length", lambda text: str(int(text) + count))


@Breach(
    "concatenation.final.length-sum",
    fails=(
        "concatenation.final.order concatenation-unfinished.finishes "
        "concatenation.final.patch-no-modify concatenation.partial.patch-after-concat"
    ),
    warns="concatenation.partial.repeat-in-one concatenation.header.urls",
    concerns=HEAD,
).acting
async def finals_seem_longer(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """HEAD of a finished final upload tells a length and an offset that are one too high."""
    info = await asked_for(behaving, request)
    response = await respond(request)
    if info is None or not info.is_final or header(response, "Upload-Offset") is None:
        return response
    for name in ("Upload-Length", "Upload-Offset"):
        response = rewritten(response, name, lambda text: str(int(text) + 1))
    return response


@Breach(
    "concatenation.final.order",
    fails=(
        "termination.final-and-partials concatenation.final.patch-no-modify "
        "concatenation.partial.patch-after-concat"
    ),
    concerns=is_final,
).acting
async def parts_in_reverse(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """The parts are joined in the reverse of their order, and told as they were named."""
    return await _joined(behaving, request, respond, backwards=True)


@Breach(
    "concatenation.final.order",
    fails=(
        "termination.final-and-partials concatenation.final.patch-no-modify "
        "concatenation.partial.patch-after-concat"
    ),
    concerns=is_final,
).acting
async def last_byte_of_finals_spoilt(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """The last byte of a final upload is not that of its last part."""
    return await _joined(behaving, request, respond, backwards=False)


async def _joined(
    behaving: Behaving, request: Request, respond: Respond, *, backwards: bool
) -> Response:
    response = await respond(request)
    info = await known(behaving, created_id(behaving, response))
    if info is None or not info.is_final or not info.offset:
        return response
    data = bytearray(await stored(behaving, info))
    if backwards:
        parts = [await known(behaving, each) for each in reversed(info.partial_uploads)]
        data = bytearray(b"".join([await stored(behaving, each) for each in parts if each]))
    else:
        data[-1] ^= 0xFF
    await replace_bytes(behaving, info, bytes(data))
    return response


@Breach(
    "concatenation.final.order", fails="concatenation.head.upload-concat", concerns=HEAD
).altering
def parts_told_in_another_order(request: Request, response: Response) -> Response:
    """HEAD of a final upload tells its parts sorted by their URLs, or so that they seem to be."""

    def turned(text: str) -> str:
        kind, _, urls = text.partition(";")
        return f"{kind};{' '.join(reversed(urls.split(' ')))}" if urls else text

    return rewritten(response, "Upload-Concat", turned)


@Breach(
    "concatenation.final.head-offset-equals-length",
    fails=(
        "concatenation.final.order concatenation-unfinished.finishes "
        "concatenation.final.patch-no-modify concatenation.partial.patch-after-concat"
    ),
    concerns=HEAD,
).acting
async def finals_without_offset(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """HEAD of a finished final upload does not tell its offset."""
    info = await asked_for(behaving, request)
    response = await respond(request)
    return without(response, "Upload-Offset") if info and info.is_final else response


@Breach(
    "concatenation.final.head-offset-equals-length",
    on="finals-of-parts-alone",
    concerns=to("POST", "HEAD"),
).acting
async def finals_with_bytes_never_finish(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """HEAD of a final upload never tells its offset if bytes came with it."""
    if method_of(request) == "HEAD":
        response = await respond(request)
        unfinished = id_of(behaving, request) in behaving.memory.marked
        return without(response, "Upload-Offset") if unfinished else response
    brings = is_final(request) and request.body.length != 0
    response = await respond(request)
    if brings and response.status == 201:
        behaving.memory.marked.add(created_id(behaving, response))
    return response


@Breach("concatenation.final.head-length", concerns=HEAD).acting
async def unfinished_finals_without_length(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """HEAD of a final upload does not tell its length before it is finished."""
    info = await asked_for(behaving, request)
    response = await respond(request)
    early = info is not None and info.is_final and not info.is_complete
    return without(response, "Upload-Length") if early else response


@Breach("concatenation.final.head-length", concerns=HEAD).acting
async def length_of_finals_guessed(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """HEAD of a final upload tells a length though that of a part is not known."""
    info = await asked_for(behaving, request)
    response = await respond(request)
    open_ = header(response, "Upload-Length") is None and info is not None and info.is_final
    return (
        saying(without(response, "Upload-Defer-Length"), "Upload-Length", "0")
        if open_
        else response
    )


@Breach(
    "concatenation.final.head-length", fails="concatenation.head.upload-concat", concerns=HEAD
).acting
async def trips_over_unfinished_finals(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """HEAD of a final upload that is not finished is answered with 500."""
    info = await asked_for(behaving, request)
    early = info is not None and info.is_final and not info.is_complete
    return failure() if early else await respond(request)


@Breach(
    "concatenation-unfinished.finishes",
    fails="concatenation.final.head-offset-equals-length",
    concerns=to("HEAD", "GET"),
).acting
async def finals_never_finish(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A final upload that was created early never gets its bytes."""
    response = await respond(request)
    info = await asked_for(behaving, request)
    if info is None or not info.is_final or not succeeded(response):
        return response
    if info.is_complete and info.id not in behaving.memory.marked:
        return response
    behaving.memory.marked.add(info.id)
    return without(response, "Upload-Offset")


@Breach(
    "concatenation-unfinished.finishes",
    fails="core.head.offset-accurate core.patch.exceeds-length",
    concerns=HEAD,
).acting
async def unfinished_finals_tell_too_much(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """HEAD of a final upload that is not finished tells an offset beyond its length."""
    info = await asked_for(behaving, request)
    response = await respond(request)
    length = header(response, "Upload-Length")
    early = info is not None and info.is_final and header(response, "Upload-Offset") is None
    return saying(response, "Upload-Offset", str(int(length) + 1)) if early and length else response


@Breach("concatenation-unfinished.finishes", concerns=is_final).acting
async def finals_need_lengths(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A final upload over a part of deferred length makes the server fail."""
    parts = await parts_of(behaving, request)
    open_ = any(each is not None and each.size is None for each in parts)
    return failure() if open_ else await respond(request)


@Breach(
    "concatenation-unfinished.advertise", warns="concatenation.final.max-size", concerns=is_final
).acting
async def unfinished_parts_refused(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A final upload over unfinished parts is refused, though the extension is listed."""
    parts = await parts_of(behaving, request)
    early = any(each is not None and not each.is_complete for each in parts)
    return refusal(400) if early else await respond(request)


@Breach(
    "concatenation-unfinished.advertise",
    fails=(
        "core.patch.exceeds-length concatenation.final.order "
        "concatenation-unfinished.finishes concatenation.final.patch-no-modify "
        "concatenation.final.head-length"
    ),
    warns="concatenation.final.max-size",
    on="concatenation-only",
    concerns=is_final,
).acting
async def unfinished_parts_cut_short(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A final upload is made of what is there of its parts, which are complete from then on."""
    for each in await parts_of(behaving, request):
        if each is not None and each.is_partial and not each.is_complete:
            await set_length(behaving, each.id, each.offset)
    return await respond(request)


# Metadata


@Breach(
    "concatenation.final.metadata-not-transferred",
    fails="creation.metadata.head-echo",
    concerns=HEAD,
).acting
async def metadata_of_parts_inherited(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A final upload has the metadata of its parts, too."""
    info = await asked_for(behaving, request)
    response = await respond(request)
    if info is None or not info.is_final or not succeeded(response):
        return response
    parts = [await known(behaving, each) for each in info.partial_uploads]
    told = [each.metadata_header for each in parts if each is not None and each.metadata_header]
    own = [info.metadata_header] if info.metadata_header else []
    text = ",".join([*own, *told])
    return saying(response, "Upload-Metadata", text) if text else response


@Breach("creation.metadata.head-echo", concerns=HEAD).acting
async def metadata_of_finals_lost(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A final upload has no metadata."""
    info = await asked_for(behaving, request)
    response = await respond(request)
    return without(response, "Upload-Metadata") if info and info.is_final else response


@Breach("creation.metadata.may-reject", concerns=is_final).altering
def trips_over_metadata_of_finals(request: Request, response: Response) -> Response:
    """The creation of a final upload over parts that have metadata makes the server fail."""
    return failure() if "Upload-Metadata" in request.headers else response
