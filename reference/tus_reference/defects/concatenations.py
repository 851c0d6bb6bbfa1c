"""Faults about what final uploads are made of, and what becomes of them (Concatenation)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tus_reference.defects.defect import DefectSpec
from tus_reference.defects.partials import (
    DONE,
    HEAD,
    PATCH,
    asked_for,
    is_final,
    is_partial,
    parts_listed,
    parts_of,
)
from tus_reference.defects.response_edits import (
    append,
    asking,
    bringing,
    created_id,
    failure,
    id_of,
    known,
    method_of,
    refusal,
    remove,
    replace_bytes,
    saying,
    set_length,
    stored,
    to,
    value,
    whole,
    with_status,
)
from tus_reference.model import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from tus_reference.defects.modification import CallNext, ModifiedHandler
    from tus_reference.model import FileInfo, Request

# Parts once more


@DefectSpec(
    "concatenation.partial.repeat-in-one",
    warns="concatenation.partial.repeat-in-one",
    matches=is_final,
).wrap_handler
async def parts_only_once(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A part that is named twice in one final upload is refused."""
    twice = len(set(parts_listed(request))) < len(parts_listed(request))
    return refusal(400) if twice else await respond(request)


@DefectSpec(
    "concatenation.partial.repeat-in-one",
    fails="concatenation.final.length-sum concatenation.final.order",
    warns="concatenation.partial.repeat-in-one",
    matches=is_final,
).wrap_handler
async def repeated_parts_dropped(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A part that is named twice in one final upload is joined once."""
    urls = " ".join(dict.fromkeys(parts_listed(request)))
    told = asking(request, Upload_Concat=f"final;{urls}")
    return await respond(
        told if len(set(parts_listed(request))) < len(parts_listed(request)) else request
    )


@DefectSpec(
    "concatenation.partial.reuse-across", fails="concatenation.final.length-sum", matches=is_final
).wrap_handler
async def trips_over_parts_in_use(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A part that is in a final upload already makes the server fail."""
    parts = {each.id for each in await parts_of(handler, request) if each is not None}
    if parts & handler.memory.marked:
        return failure()
    response = await respond(request)
    if response.status == 201:
        handler.memory.marked |= parts
    return response


# PATCH of a part that was used


async def _finals_over(handler: ModifiedHandler, info: FileInfo | None) -> list[FileInfo]:
    """Return the final uploads that a part was used in."""
    info_saver = handler.config.composer.info_saver
    if info is None or not info.is_partial or info_saver is None:
        return []
    return [each async for each in info_saver.list_uploads() if info.id in each.partial_uploads]


@DefectSpec("concatenation.partial.patch-after-concat", matches=PATCH).wrap_handler
async def trips_over_used_parts(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """PATCH of a part that a finished final upload is made of is answered with 500."""
    finals = await _finals_over(handler, await asked_for(handler, request))
    return failure() if any(each.is_complete for each in finals) else await respond(request)


async def _spoiling_finals(
    handler: ModifiedHandler, request: Request, respond: CallNext, spoil: Callable[[bytes], bytes]
) -> Response:
    """Answer about a part, and replace the bytes of the finished final uploads over it."""
    finals = await _finals_over(handler, await asked_for(handler, request))
    response = await respond(request)
    for each in finals:
        if each.is_complete:
            data = spoil(await stored(handler, each))
            await replace_bytes(handler, replace(each, size=len(data)), data)
    return response


@DefectSpec("concatenation.partial.patch-after-concat", matches=PATCH).wrap_handler
async def patch_of_used_part_turns_final(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """PATCH of a part is refused, but the finished final upload over it is turned round."""
    return await _spoiling_finals(handler, request, respond, lambda data: data[::-1])


@DefectSpec("concatenation.partial.patch-after-concat", matches=PATCH).wrap_handler
async def patch_of_used_part_extends_final(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """PATCH of a part is refused, but the finished final upload over it gets a byte more."""
    return await _spoiling_finals(handler, request, respond, lambda data: data + b"?")


# PATCH of a final upload


@DefectSpec("concatenation.final.patch-403", matches=PATCH).edit_response
def patch_of_finals_refused_with_405(request: Request, response: Response) -> Response:
    """PATCH of a final upload is refused with 405 instead of 403."""
    return with_status(response, 405) if response.status == 403 else response


@DefectSpec(
    "concatenation.final.patch-no-modify", fails="core.head.offset-accurate", matches=PATCH
).wrap_handler
async def patch_of_finals_spoils_parts(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """PATCH of a final upload is refused, but its parts are changed."""
    info = await asked_for(handler, request)
    response = await respond(request)
    for part in () if info is None or not info.is_final else info.partial_uploads:
        target = await known(handler, part)
        if target is not None and target.offset:
            data = await stored(handler, target)
            await replace_bytes(handler, target, data[:-1])
    return response


@DefectSpec(
    "concatenation.final.patch-no-modify", fails="core.head.offset-accurate", matches=PATCH
).wrap_handler
async def patch_of_finals_takes_a_byte(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """PATCH of a final upload is refused, but the upload ends a byte earlier from then on."""
    info = await asked_for(handler, request)
    response = await respond(request)
    if info is not None and info.is_final and info.offset:
        data = await stored(handler, info)
        await replace_bytes(handler, replace(info, size=len(data) - 1), data[:-1])
    return response


# What is no list of parts


@DefectSpec("concatenation.final.bad-partials", matches=is_final).wrap_handler
async def missing_parts_skipped(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Parts that do not exist, or are elsewhere, are left out of a final upload."""
    parts = await parts_of(handler, request)
    urls = [url for url, each in zip(parts_listed(request), parts, strict=True) if each is not None]
    if len(urls) == len(parts):
        return await respond(request)
    response = await respond(asking(request, Upload_Concat=f"final;{' '.join(urls)}"))
    if urls:
        return response
    return await respond(asking(request, Upload_Concat=None, Upload_Length="0"))


@DefectSpec(
    "concatenation.final.bad-partials", warns="concatenation.final.bad-partials", matches=is_final
).wrap_handler
async def anything_is_a_part(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Uploads that are not partial are accepted as parts."""
    for each in await parts_of(handler, request):
        if each is not None and not each.is_partial:
            await _turned(handler, replace(each, is_partial=True))
    return await respond(request)


async def _turned(handler: ModifiedHandler, info: FileInfo) -> None:
    data = await stored(handler, info)
    await replace_bytes(handler, info, data)


@DefectSpec("concatenation.final.bad-partials", matches=is_final).wrap_handler
async def parts_lost_with_bad_lists(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """When a final upload is refused, the parts that it names are removed."""
    parts = await parts_of(handler, request)
    response = await respond(request)
    if response.status == 400:
        for each in parts:
            if each is not None and await known(handler, each.id) is not None:
                await remove(handler, each.id)
    return response


def _odd_concat(request: Request) -> bool:
    text = request.headers.joined("Upload-Concat")
    if method_of(request) != "POST" or text is None or text == "partial":
        return False
    return not (text.startswith("final;") and len(text) > len("final;"))


@DefectSpec(
    "concatenation.final.bad-partials",
    warns="concatenation.final.bad-partials",
    matches=_odd_concat,
).wrap_handler
async def odd_concat_ignored(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """An Upload-Concat that cannot be read is ignored."""
    length = value(request, "Upload-Length") or "0"
    return await respond(asking(request, Upload_Concat=None, Upload_Length=length))


@DefectSpec("concatenation.final.bad-partials", matches=_odd_concat).edit_response
def trips_over_odd_concat(request: Request, response: Response) -> Response:
    """An Upload-Concat that cannot be read makes the server fail."""
    return failure()


@DefectSpec("concatenation.header.response-format", matches=to("POST", "HEAD")).wrap_handler
async def odd_concat_told_again(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """An Upload-Concat that reads Partial is accepted, and told as it came."""
    memory = handler.memory
    if method_of(request) == "HEAD":
        response = await respond(request)
        told = memory.texts.get(id_of(handler, request))
        return response if told is None else saying(response, "Upload-Concat", told)
    text = value(request, "Upload-Concat")
    if text != "Partial":
        return await respond(request)
    response = await respond(asking(request, Upload_Concat="partial"))
    memory.texts[created_id(handler, response)] = text
    return response


# What else a final upload may come with


@DefectSpec(
    "concatenation.final.upload-length-given",
    warns="concatenation.final.upload-length-given",
    matches=is_final,
).wrap_handler
async def given_length_kept(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The Upload-Length that comes with a final upload is kept, right or wrong."""
    length = value(request, "Upload-Length")
    response = await respond(asking(request, Upload_Length=None))
    if length.isdecimal():
        await set_length(handler, created_id(handler, response), int(length) + 1)
    return response


@DefectSpec("concatenation.final.body", matches=is_final).wrap_handler
async def bytes_of_finals_appended(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Bytes that come with a final upload are appended to it."""
    if not request.body.length:
        return await respond(request)
    data = await whole(request)
    response = await respond(bringing(request, b""))
    info = await known(handler, created_id(handler, response))
    if info is not None and info.size is not None:
        await append(handler, info, data)
        await set_length(handler, info.id, info.size + len(data))
    return response


@DefectSpec(
    "concatenation.final.max-size", warns="concatenation.final.max-size", matches=is_final
).wrap_handler
async def finals_not_limited(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A final upload may be larger than Tus-Max-Size."""
    parts = await parts_of(handler, request)
    total = sum(each.size or 0 for each in parts if each is not None)
    if total <= handler.config.max_size or not handler.config.max_size:
        return await respond(request)
    return Response(201, (*DONE, ("Location", f"{handler.upload_urls.path}too-large")))


# DELETE


@DefectSpec(
    "termination.final-and-partials", warns="termination.final-and-partials", matches=to("DELETE")
).wrap_handler
async def finals_refer_to_parts(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A final upload loses its bytes with its parts."""
    info = await asked_for(handler, request)
    finals = await _finals_over(handler, info)
    response = await respond(request)
    for final in finals:
        data = await stored(handler, final)
        await replace_bytes(handler, final, data[0 if info is None else info.offset :])
    return response


@DefectSpec("termination.final-and-partials", matches=to("DELETE")).wrap_handler
async def trips_over_deleting_finals(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """DELETE of a final upload is answered with 500, and so are its parts."""
    info = await asked_for(handler, request)
    kind = info is not None and info.is_final
    return failure() if kind else await respond(request)


@DefectSpec(
    "termination.gone",
    fails="core.method-override.honoured core.head.offset-accurate termination.in-flight",
    warns="termination.gone",
    matches=HEAD,
).wrap_handler
async def deleted_finals_found(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """HEAD of an upload that is gone is answered as if it were there."""
    response = await respond(request)
    if response.status != 410:
        return response
    told = (("Upload-Offset", "5"), ("Upload-Length", "5"), ("Cache-Control", "no-store"))
    return Response(200, (*DONE, *told))


# Where concatenation is not offered


@DefectSpec(
    "concatenation.unsupported",
    warns="concatenation.unsupported",
    quirk="creation-only",
    matches=is_final,
).wrap_handler
async def finals_lost_without_an_error(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A final upload is accepted where concatenation is not offered, and never made."""
    return await respond(asking(request, Upload_Concat=None, Upload_Length="10"))


@DefectSpec(
    "concatenation-unfinished.not-supported", quirk="concatenation-only", matches=is_final
).wrap_handler
async def trips_over_unfinished_parts(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A final upload over unfinished parts makes the server fail."""
    parts = await parts_of(handler, request)
    early = any(each is not None and not each.is_complete for each in parts)
    return failure() if early else await respond(request)


@DefectSpec(
    "concatenation-unfinished.not-supported",
    fails="core.patch.exceeds-length",
    quirk="concatenation-only",
    matches=is_final,
).wrap_handler
async def parts_closed_too_early(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A final upload over unfinished parts is refused, and the parts take no more bytes."""
    response = await respond(request)
    for each in await parts_of(handler, request):
        if response.status == 400 and each is not None and each.is_partial:
            await set_length(handler, each.id, each.offset)
    return response


@DefectSpec("concatenation.unsupported", quirk="creation-only", matches=is_partial).edit_response
def trips_over_partials(request: Request, response: Response) -> Response:
    """A partial upload makes a server fail that does not offer concatenation."""
    return failure()
