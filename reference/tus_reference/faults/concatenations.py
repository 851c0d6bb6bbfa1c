"""Faults about what final uploads are made of, and what becomes of them (Concatenation)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tus_reference.faults.alterations import (
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
from tus_reference.faults.fault import Breach
from tus_reference.faults.partials import (
    DONE,
    HEAD,
    PATCH,
    asked_for,
    is_final,
    is_partial,
    parts_listed,
    parts_of,
)
from tus_reference.handler import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from tus_reference.faults.behaviour import Behaving, Respond
    from tus_reference.handler import FileInfo, Request

# Parts once more


@Breach(
    "concatenation.partial.repeat-in-one",
    warns="concatenation.partial.repeat-in-one",
    concerns=is_final,
).acting
async def parts_only_once(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A part that is named twice in one final upload is refused."""
    twice = len(set(parts_listed(request))) < len(parts_listed(request))
    return refusal(400) if twice else await respond(request)


@Breach(
    "concatenation.partial.repeat-in-one",
    fails="concatenation.final.length-sum concatenation.final.order",
    warns="concatenation.partial.repeat-in-one",
    concerns=is_final,
).acting
async def repeated_parts_dropped(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A part that is named twice in one final upload is joined once."""
    urls = " ".join(dict.fromkeys(parts_listed(request)))
    told = asking(request, Upload_Concat=f"final;{urls}")
    return await respond(
        told if len(set(parts_listed(request))) < len(parts_listed(request)) else request
    )


@Breach(
    "concatenation.partial.reuse-across", fails="concatenation.final.length-sum", concerns=is_final
).acting
async def trips_over_parts_in_use(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A part that is in a final upload already makes the server fail."""
    parts = {each.id for each in await parts_of(behaving, request) if each is not None}
    if parts & behaving.memory.marked:
        return failure()
    response = await respond(request)
    if response.status == 201:
        behaving.memory.marked |= parts
    return response


# PATCH of a part that was used


async def _finals_over(behaving: Behaving, info: FileInfo | None) -> list[FileInfo]:
    """Return the final uploads that a part was used in."""
    recorder = behaving.config.composer.recorder
    if info is None or not info.is_partial or recorder is None:
        return []
    return [each async for each in recorder.uploads() if info.id in each.partial_uploads]


@Breach("concatenation.partial.patch-after-concat", concerns=PATCH).acting
async def trips_over_used_parts(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """PATCH of a part that a finished final upload is made of is answered with 500."""
    finals = await _finals_over(behaving, await asked_for(behaving, request))
    return failure() if any(each.is_complete for each in finals) else await respond(request)


async def _spoiling_finals(
    behaving: Behaving, request: Request, respond: Respond, spoil: Callable[[bytes], bytes]
) -> Response:
    """Answer about a part, and replace the bytes of the finished final uploads over it."""
    finals = await _finals_over(behaving, await asked_for(behaving, request))
    response = await respond(request)
    for each in finals:
        if each.is_complete:
            data = spoil(await stored(behaving, each))
            await replace_bytes(behaving, replace(each, size=len(data)), data)
    return response


@Breach("concatenation.partial.patch-after-concat", concerns=PATCH).acting
async def patch_of_used_part_turns_final(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """PATCH of a part is refused, but the finished final upload over it is turned round."""
    return await _spoiling_finals(behaving, request, respond, lambda data: data[::-1])


@Breach("concatenation.partial.patch-after-concat", concerns=PATCH).acting
async def patch_of_used_part_extends_final(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """PATCH of a part is refused, but the finished final upload over it gets a byte more."""
    return await _spoiling_finals(behaving, request, respond, lambda data: data + b"?")


# PATCH of a final upload


@Breach("concatenation.final.patch-403", concerns=PATCH).altering
def patch_of_finals_refused_with_405(request: Request, response: Response) -> Response:
    """PATCH of a final upload is refused with 405 instead of 403."""
    return with_status(response, 405) if response.status == 403 else response


@Breach(
    "concatenation.final.patch-no-modify", fails="core.head.offset-accurate", concerns=PATCH
).acting
async def patch_of_finals_spoils_parts(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """PATCH of a final upload is refused, but its parts are changed."""
    info = await asked_for(behaving, request)
    response = await respond(request)
    for part in () if info is None or not info.is_final else info.partial_uploads:
        target = await known(behaving, part)
        if target is not None and target.offset:
            data = await stored(behaving, target)
            await replace_bytes(behaving, target, data[:-1])
    return response


@Breach(
    "concatenation.final.patch-no-modify", fails="core.head.offset-accurate", concerns=PATCH
).acting
async def patch_of_finals_takes_a_byte(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """PATCH of a final upload is refused, but the upload ends a byte earlier from then on."""
    info = await asked_for(behaving, request)
    response = await respond(request)
    if info is not None and info.is_final and info.offset:
        data = await stored(behaving, info)
        await replace_bytes(behaving, replace(info, size=len(data) - 1), data[:-1])
    return response


# What is no list of parts


@Breach("concatenation.final.bad-partials", concerns=is_final).acting
async def missing_parts_skipped(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """Parts that do not exist, or are elsewhere, are left out of a final upload."""
    parts = await parts_of(behaving, request)
    urls = [url for url, each in zip(parts_listed(request), parts, strict=True) if each is not None]
    if len(urls) == len(parts):
        return await respond(request)
    response = await respond(asking(request, Upload_Concat=f"final;{' '.join(urls)}"))
    if urls:
        return response
    return await respond(asking(request, Upload_Concat=None, Upload_Length="0"))


@Breach(
    "concatenation.final.bad-partials", warns="concatenation.final.bad-partials", concerns=is_final
).acting
async def anything_is_a_part(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """Uploads that are not partial are accepted as parts."""
    for each in await parts_of(behaving, request):
        if each is not None and not each.is_partial:
            await _turned(behaving, replace(each, is_partial=True))
    return await respond(request)


async def _turned(behaving: Behaving, info: FileInfo) -> None:
    data = await stored(behaving, info)
    await replace_bytes(behaving, info, data)


@Breach("concatenation.final.bad-partials", concerns=is_final).acting
async def parts_lost_with_bad_lists(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """When a final upload is refused, the parts that it names are removed."""
    parts = await parts_of(behaving, request)
    response = await respond(request)
    if response.status == 400:
        for each in parts:
            if each is not None and await known(behaving, each.id) is not None:
                await remove(behaving, each.id)
    return response


def _odd_concat(request: Request) -> bool:
    text = request.headers.joined("Upload-Concat")
    if method_of(request) != "POST" or text is None or text == "partial":
        return False
    return not (text.startswith("final;") and len(text) > len("final;"))


@Breach(
    "concatenation.final.bad-partials",
    warns="concatenation.final.bad-partials",
    concerns=_odd_concat,
).acting
async def odd_concat_ignored(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """An Upload-Concat that cannot be read is ignored."""
    length = value(request, "Upload-Length") or "0"
    return await respond(asking(request, Upload_Concat=None, Upload_Length=length))


@Breach("concatenation.final.bad-partials", concerns=_odd_concat).altering
def trips_over_odd_concat(request: Request, response: Response) -> Response:
    """An Upload-Concat that cannot be read makes the server fail."""
    return failure()


@Breach("concatenation.header.response-format", concerns=to("POST", "HEAD")).acting
async def odd_concat_told_again(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """An Upload-Concat that reads Partial is accepted, and told as it came."""
    memory = behaving.memory
    if method_of(request) == "HEAD":
        response = await respond(request)
        told = memory.texts.get(id_of(behaving, request))
        return response if told is None else saying(response, "Upload-Concat", told)
    text = value(request, "Upload-Concat")
    if text != "Partial":
        return await respond(request)
    response = await respond(asking(request, Upload_Concat="partial"))
    memory.texts[created_id(behaving, response)] = text
    return response


# What else a final upload may come with


@Breach(
    "concatenation.final.upload-length-given",
    warns="concatenation.final.upload-length-given",
    concerns=is_final,
).acting
async def given_length_kept(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """The Upload-Length that comes with a final upload is kept, right or wrong."""
    length = value(request, "Upload-Length")
    response = await respond(asking(request, Upload_Length=None))
    if length.isdecimal():
        await set_length(behaving, created_id(behaving, response), int(length) + 1)
    return response


@Breach("concatenation.final.body", concerns=is_final).acting
async def bytes_of_finals_appended(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """Bytes that come with a final upload are appended to it."""
    if not request.body.length:
        return await respond(request)
    data = await whole(request)
    response = await respond(bringing(request, b""))
    info = await known(behaving, created_id(behaving, response))
    if info is not None and info.size is not None:
        await append(behaving, info, data)
        await set_length(behaving, info.id, info.size + len(data))
    return response


@Breach(
    "concatenation.final.max-size", warns="concatenation.final.max-size", concerns=is_final
).acting
async def finals_not_limited(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A final upload may be larger than Tus-Max-Size."""
    parts = await parts_of(behaving, request)
    total = sum(each.size or 0 for each in parts if each is not None)
    if total <= behaving.config.max_size or not behaving.config.max_size:
        return await respond(request)
    return Response(201, (*DONE, ("Location", f"{behaving.locator.path}too-large")))


# DELETE


@Breach(
    "termination.final-and-partials", warns="termination.final-and-partials", concerns=to("DELETE")
).acting
async def finals_refer_to_parts(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A final upload loses its bytes with its parts."""
    info = await asked_for(behaving, request)
    finals = await _finals_over(behaving, info)
    response = await respond(request)
    for final in finals:
        data = await stored(behaving, final)
        await replace_bytes(behaving, final, data[0 if info is None else info.offset :])
    return response


@Breach("termination.final-and-partials", concerns=to("DELETE")).acting
async def trips_over_deleting_finals(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """DELETE of a final upload is answered with 500, and so are its parts."""
    info = await asked_for(behaving, request)
    kind = info is not None and info.is_final
    return failure() if kind else await respond(request)


@Breach(
    "termination.gone",
    fails="core.method-override.honoured core.head.offset-accurate termination.in-flight",
    warns="termination.gone",
    concerns=HEAD,
).acting
async def deleted_finals_found(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """HEAD of an upload that is gone is answered as if it were there."""
    response = await respond(request)
    if response.status != 410:
        return response
    told = (("Upload-Offset", "5"), ("Upload-Length", "5"), ("Cache-Control", "no-store"))
    return Response(200, (*DONE, *told))


# Where concatenation is not offered


@Breach(
    "concatenation.unsupported",
    warns="concatenation.unsupported",
    on="creation-only",
    concerns=is_final,
).acting
async def finals_lost_without_an_error(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A final upload is accepted where concatenation is not offered, and never made."""
    return await respond(asking(request, Upload_Concat=None, Upload_Length="10"))


@Breach("concatenation-unfinished.not-supported", on="concatenation-only", concerns=is_final).acting
async def trips_over_unfinished_parts(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A final upload over unfinished parts makes the server fail."""
    parts = await parts_of(behaving, request)
    early = any(each is not None and not each.is_complete for each in parts)
    return failure() if early else await respond(request)


@Breach(
    "concatenation-unfinished.not-supported",
    fails="core.patch.exceeds-length",
    on="concatenation-only",
    concerns=is_final,
).acting
async def parts_closed_too_early(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A final upload over unfinished parts is refused, and the parts take no more bytes."""
    response = await respond(request)
    for each in await parts_of(behaving, request):
        if response.status == 400 and each is not None and each.is_partial:
            await set_length(behaving, each.id, each.offset)
    return response


@Breach("concatenation.unsupported", on="creation-only", concerns=is_partial).altering
def trips_over_partials(request: Request, response: Response) -> Response:
    """A partial upload makes a server fail that does not offer concatenation."""
    return failure()
