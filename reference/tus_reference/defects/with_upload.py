"""Faults about bytes that come with a creation (Creation With Upload)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tus_reference.defects.defect import DefectSpec
from tus_reference.defects.response_edits import (
    OFFSET_TYPE,
    append,
    asking,
    bringing,
    brings_bytes,
    created_id,
    failure,
    is_creation,
    known,
    part,
    refusal,
    replace_bytes,
    rewritten,
    saying,
    stored,
    value,
    whole,
    without,
)
from tus_reference.model import ClientDisconnected

if TYPE_CHECKING:
    from tus_reference.defects.modification import CallNext, ModifiedHandler
    from tus_reference.model import Request, Response


# Bytes that come along (Creation With Upload)


@DefectSpec(
    "creation-with-upload.upload-offset-present",
    warns="creation-with-upload.patch-rules",
    matches=brings_bytes,
).edit_response
def with_upload_without_offset(request: Request, response: Response) -> Response:
    """A creation with bytes does not tell how many were taken."""
    return without(response, "Upload-Offset")


@DefectSpec(
    "creation-with-upload.upload-offset-present",
    quirk="surplus-left-out",
    matches=brings_bytes,
).edit_response
def surplus_taken_without_offset(request: Request, response: Response) -> Response:
    """A creation that may bring more bytes than its length does not tell how many were taken."""
    length, size = value(request, "Upload-Length"), request.body.length
    beyond = length.isdecimal() and (size is None or size > int(length))
    return without(response, "Upload-Offset") if beyond else response


@DefectSpec(
    "creation-with-upload.upload-offset-value",
    warns="creation-with-upload.accept-bytes",
    matches=brings_bytes,
).edit_response
def with_upload_tells_zero(request: Request, response: Response) -> Response:
    """A creation with bytes tells that none was taken, and has taken them."""
    return rewritten(response, "Upload-Offset", lambda _: "0")


@DefectSpec(
    "creation-with-upload.accept-bytes",
    fails=(
        "core.head.offset-accurate creation-with-upload.upload-offset-value "
        "creation-with-upload.interrupted"
    ),
    matches=brings_bytes,
).edit_response
def with_upload_tells_one_more(request: Request, response: Response) -> Response:
    """A creation with bytes acknowledges one more than it took."""
    return rewritten(
        response, "Upload-Offset", lambda text: str(int(text) + 1) if int(text) else text
    )


@DefectSpec(
    "creation-with-upload.accept-bytes",
    warns="creation-with-upload.accept-bytes creation-with-upload.expect-continue",
    matches=brings_bytes,
).wrap_handler
async def with_upload_takes_little(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Of the bytes of a creation one less is taken than came."""
    data = await whole(request)
    if "Upload-Checksum" in request.headers or len(data) > 90:
        return await respond(bringing(request, data))
    return await respond(bringing(request, data[:-1]))


@DefectSpec(
    "creation-with-upload.patch-rules",
    fails=(
        "creation.max-size.413 creation-with-upload.upload-offset-present "
        "creation-with-upload.upload-offset-value"
    ),
    warns="creation-with-upload.interrupted creation-with-upload.expect-continue",
    matches=brings_bytes,
).edit_response
def with_upload_refused(request: Request, response: Response) -> Response:
    """Bytes in a creation are refused, though the extension is listed."""
    return refusal(400) if request.body.length else response


@DefectSpec(
    "creation-with-upload.patch-rules",
    warns="creation-with-upload.patch-rules",
    matches=lambda request: brings_bytes(request) and request.body.length is None,
).edit_response
def with_upload_needs_length(request: Request, response: Response) -> Response:
    """Bytes in a creation are refused with 400 if they come in chunked coding."""
    return refusal(400)


@DefectSpec(
    "creation-with-upload.upload-offset-value",
    fails=(
        "creation-with-upload.interrupted checksum.creation-with-upload concatenation.final.order"
    ),
    matches=brings_bytes,
).wrap_handler
async def with_upload_spoilt(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The bytes of a creation lose their eighth bits."""
    response = await respond(request)
    info = await known(handler, created_id(handler, response))
    if info is not None and info.offset:
        data = await stored(handler, info)
        await replace_bytes(handler, info, bytes(byte & 0x7F for byte in data))
    return response


@DefectSpec(
    "creation-with-upload.wrong-content-type",
    warns="creation-with-upload.wrong-content-type",
    matches=is_creation,
).wrap_handler
async def with_upload_of_any_type(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Bytes of any type in a creation are stored, and it is not said."""
    if brings_bytes(request) or not request.body.length or part(request):
        return await respond(request)
    return without(await respond(asking(request, Content_Type=OFFSET_TYPE)), "Upload-Offset")


@DefectSpec(
    "creation-with-upload.wrong-content-type",
    fails="core.head.offset-accurate",
    matches=is_creation,
).wrap_handler
async def with_upload_of_other_types_spoilt(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Of bytes of another type in a creation only some are stored, and all are acknowledged."""
    if brings_bytes(request) or not request.body.length or part(request):
        return await respond(request)
    data = await whole(request)
    response = await respond(asking(bringing(request, data[:2]), Content_Type=OFFSET_TYPE))
    return rewritten(response, "Upload-Offset", lambda _: str(len(data)))


@DefectSpec("creation-with-upload.wrong-content-type", matches=is_creation).wrap_handler
async def with_upload_of_other_types_turned(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Bytes of another type in a creation are stored in the reverse of their order."""
    if brings_bytes(request) or not request.body.length or part(request):
        return await respond(request)
    data = await whole(request)
    return await respond(asking(bringing(request, data[::-1]), Content_Type=OFFSET_TYPE))


@DefectSpec(
    "creation-with-upload.exceeds-length", fails="core.patch.exceeds-length", matches=brings_bytes
).wrap_handler
async def with_upload_excess_kept(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A creation takes more bytes than it says the upload has."""
    length = value(request, "Upload-Length")
    if not length.isdecimal() or int(length) > 5 or part(request):
        return await respond(request)
    data = await whole(request)
    response = await respond(bringing(request, b""))
    info = await known(handler, created_id(handler, response))
    if info is not None:
        await append(handler, info, data)
    return saying(response, "Upload-Offset", str(len(data)))


@DefectSpec("creation-with-upload.empty-body", matches=brings_bytes).wrap_handler
async def with_upload_of_nothing_counts(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A creation with the media type of bytes and none gets a byte."""
    response = await respond(request)
    info = await known(handler, created_id(handler, response))
    if info is None or info.offset or not info.size or part(request):
        return response
    await append(handler, info, b"?")
    return response


@DefectSpec(
    "creation-with-upload.interrupted",
    warns="creation-with-upload.expect-continue",
    matches=is_creation,
).wrap_handler
async def trips_after_broken_creation(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The creation after one that broke off is answered with 500."""
    if "broken" in handler.memory.marked:
        handler.memory.marked.discard("broken")
        return failure()
    try:
        data = await whole(request)
    except ClientDisconnected:
        handler.memory.marked.add("broken")
        raise
    return await respond(_with(request, data))


@DefectSpec(
    "creation-with-upload.interrupted",
    warns="creation-with-upload.expect-continue",
    matches=is_creation,
).wrap_handler
async def broken_creation_goes_on(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The bytes of a creation that broke off turn up in the next upload."""
    left = handler.memory.data.pop("left", b"")
    try:
        data = await whole(request)
    except ClientDisconnected:
        handler.memory.data["left"] = b"left over"
        raise
    response = await respond(_with(request, data))
    info = await known(handler, created_id(handler, response))
    if left and info is not None and info.size == 100:
        await append(handler, info, left)
    return response


def _with(request: Request, data: bytes) -> Request:
    """Return a request with a body that was read; without one as it was."""
    return bringing(request, data) if request.body.length != 0 else request


@DefectSpec(
    "creation-with-upload.expect-continue",
    warns="creation-with-upload.expect-continue",
    matches=brings_bytes,
).wrap_handler
async def never_says_continue(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A creation that asks before it sends is answered at once, as if it had brought nothing."""
    if "Expect" not in request.headers:
        return await respond(request)
    empty = bringing(asking(request, Expect=None), b"")
    return await respond(empty)


# Where creation-with-upload is not offered


@DefectSpec(
    "creation.post.body-without-extension",
    fails="core.head.offset-accurate",
    quirk="creation-only",
    matches=brings_bytes,
).edit_response
def body_ignored_and_acknowledged(request: Request, response: Response) -> Response:
    """The bytes of a creation are ignored where that is not offered, and acknowledged."""
    return rewritten(response, "Upload-Offset", lambda _: str(request.body.length))


@DefectSpec(
    "creation.post.body-without-extension", quirk="creation-only", matches=brings_bytes
).wrap_handler
async def body_stored_wrongly(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Where bytes in a creation are not offered, all but the first are stored, as zeros."""
    size = request.body.length or 0
    response = await respond(request)
    info = await known(handler, created_id(handler, response))
    if info is not None and size > 1:
        await append(handler, info, bytes(size - 1))
    return response
