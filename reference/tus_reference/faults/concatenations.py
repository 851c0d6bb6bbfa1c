"""Faults about final uploads (Concatenation)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tus_reference.faults.alterations import (
    append,
    asking,
    bringing,
    created_id,
    failure,
    header,
    id_of,
    known,
    method_of,
    refusal,
    remove,
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
    without,
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
    from tus_reference.faults.behaviour import Behaving, Respond
    from tus_reference.handler import FileInfo, Request

# Final uploads: length, order, bytes


@Breach(
    "concatenation.final.length-sum",
    fails="concatenation.final.head-offset-equals-length concatenation.final.head-length",
    concerns=HEAD,
).acting
async def length_of_the_first_part(
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


@Breach("concatenation-unfinished.finishes", concerns=is_final).acting
async def finals_need_lengths(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A final upload over a part of deferred length makes the server fail."""
    parts = await parts_of(behaving, request)
    open_ = any(each is not None and each.size is None for each in parts)
    return failure() if open_ else await respond(request)


@Breach("creation.post.201", warns="concatenation.final.max-size", concerns=is_final).acting
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
    """PATCH of a final upload is refused, but its first part is changed."""
    info = await asked_for(behaving, request)
    response = await respond(request)
    first = None if info is None or not info.is_final else info.partial_uploads[0]
    target = None if first is None else await known(behaving, first)
    if target is not None and target.offset:
        data = await stored(behaving, target)
        await replace_bytes(behaving, target, data[:-1])
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
    recorder = behaving.config.composer.recorder
    response = await respond(request)
    if info is None or not info.is_partial or recorder is None:
        return response
    finals = [each async for each in recorder.uploads() if info.id in each.partial_uploads]
    for final in finals:
        data = await stored(behaving, final)
        await replace_bytes(behaving, final, data[info.offset :])
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


@Breach("concatenation.unsupported", on="creation-only", concerns=is_partial).altering
def trips_over_partials(request: Request, response: Response) -> Response:
    """A partial upload makes a server fail that does not offer concatenation."""
    return failure()
