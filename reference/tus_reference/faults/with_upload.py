"""Faults about bytes that come with a creation (Creation With Upload)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tus_reference.faults.alterations import (
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
from tus_reference.faults.fault import Breach
from tus_reference.handler import ClientDisconnected

if TYPE_CHECKING:
    from tus_reference.faults.behaviour import Behaving, Respond
    from tus_reference.handler import Request, Response


# Bytes that come along (Creation With Upload)


@Breach(
    "creation-with-upload.upload-offset-present",
    warns="creation-with-upload.patch-rules",
    concerns=brings_bytes,
).altering
def with_upload_without_offset(request: Request, response: Response) -> Response:
    """A creation with bytes does not tell how many were taken."""
    return without(response, "Upload-Offset")


@Breach(
    "creation-with-upload.upload-offset-present",
    on="surplus-left-out",
    concerns=brings_bytes,
).altering
def surplus_taken_without_offset(request: Request, response: Response) -> Response:
    """A creation that may bring more bytes than its length does not tell how many were taken."""
    length, size = value(request, "Upload-Length"), request.body.length
    beyond = length.isdecimal() and (size is None or size > int(length))
    return without(response, "Upload-Offset") if beyond else response


@Breach(
    "creation-with-upload.upload-offset-value",
    warns="creation-with-upload.accept-bytes",
    concerns=brings_bytes,
).altering
def with_upload_tells_zero(request: Request, response: Response) -> Response:
    """A creation with bytes tells that none was taken, and has taken them."""
    return rewritten(response, "Upload-Offset", lambda _: "0")


@Breach(
    "creation-with-upload.accept-bytes",
    fails=(
        "core.head.offset-accurate creation-with-upload.upload-offset-value "
        "creation-with-upload.interrupted"
    ),
    concerns=brings_bytes,
).altering
def with_upload_tells_one_more(request: Request, response: Response) -> Response:
    """A creation with bytes acknowledges one more than it took."""
    return rewritten(
        response, "Upload-Offset", lambda text: str(int(text) + 1) if int(text) else text
    )


@Breach(
    "creation-with-upload.accept-bytes",
    warns="creation-with-upload.accept-bytes creation-with-upload.expect-continue",
    concerns=brings_bytes,
).acting
async def with_upload_takes_little(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """Of the bytes of a creation one less is taken than came."""
    data = await whole(request)
    if "Upload-Checksum" in request.headers or len(data) > 90:
        return await respond(bringing(request, data))
    return await respond(bringing(request, data[:-1]))


@Breach(
    "creation-with-upload.patch-rules",
    fails=(
        "creation.max-size.413 creation-with-upload.upload-offset-present "
        "creation-with-upload.upload-offset-value"
    ),
    warns="creation-with-upload.interrupted creation-with-upload.expect-continue",
    concerns=brings_bytes,
).altering
def with_upload_refused(request: Request, response: Response) -> Response:
    """Bytes in a creation are refused, though the extension is listed."""
    return refusal(400) if request.body.length else response


@Breach(
    "creation-with-upload.patch-rules",
    warns="creation-with-upload.patch-rules",
    concerns=lambda request: brings_bytes(request) and request.body.length is None,
).altering
def with_upload_needs_length(request: Request, response: Response) -> Response:
    """Bytes in a creation are refused with 400 if they come in chunked coding."""
    return refusal(400)


@Breach(
    "creation-with-upload.upload-offset-value",
    fails=(
        "creation-with-upload.interrupted checksum.creation-with-upload concatenation.final.order"
    ),
    concerns=brings_bytes,
).acting
async def with_upload_spoilt(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """The bytes of a creation lose their eighth bits."""
    response = await respond(request)
    info = await known(behaving, created_id(behaving, response))
    if info is not None and info.offset:
        data = await stored(behaving, info)
        await replace_bytes(behaving, info, bytes(byte & 0x7F for byte in data))
    return response


@Breach(
    "creation-with-upload.wrong-content-type",
    warns="creation-with-upload.wrong-content-type",
    concerns=is_creation,
).acting
async def with_upload_of_any_type(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """Bytes of any type in a creation are stored, and it is not said."""
    if brings_bytes(request) or not request.body.length or part(request):
        return await respond(request)
    return without(await respond(asking(request, Content_Type=OFFSET_TYPE)), "Upload-Offset")


@Breach(
    "creation-with-upload.wrong-content-type",
    fails="core.head.offset-accurate",
    concerns=is_creation,
).acting
async def with_upload_of_other_types_spoilt(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """Of bytes of another type in a creation only some are stored, and all are acknowledged."""
    if brings_bytes(request) or not request.body.length or part(request):
        return await respond(request)
    data = await whole(request)
    response = await respond(asking(bringing(request, data[:2]), Content_Type=OFFSET_TYPE))
    return rewritten(response, "Upload-Offset", lambda _: str(len(data)))


@Breach("creation-with-upload.wrong-content-type", concerns=is_creation).acting
async def with_upload_of_other_types_turned(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """Bytes of another type in a creation are stored in the reverse of their order."""
    if brings_bytes(request) or not request.body.length or part(request):
        return await respond(request)
    data = await whole(request)
    return await respond(asking(bringing(request, data[::-1]), Content_Type=OFFSET_TYPE))


@Breach(
    "creation-with-upload.exceeds-length", fails="core.patch.exceeds-length", concerns=brings_bytes
).acting
async def with_upload_excess_kept(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A creation takes more bytes than it says the upload has."""
    length = value(request, "Upload-Length")
    if not length.isdecimal() or int(length) > 5 or part(request):
        return await respond(request)
    data = await whole(request)
    response = await respond(bringing(request, b""))
    info = await known(behaving, created_id(behaving, response))
    if info is not None:
        await append(behaving, info, data)
    return saying(response, "Upload-Offset", str(len(data)))


@Breach("creation-with-upload.empty-body", concerns=brings_bytes).acting
async def with_upload_of_nothing_counts(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A creation with the media type of bytes and none gets a byte."""
    response = await respond(request)
    info = await known(behaving, created_id(behaving, response))
    if info is None or info.offset or not info.size or part(request):
        return response
    await append(behaving, info, b"?")
    return response


@Breach(
    "creation-with-upload.interrupted",
    warns="creation-with-upload.expect-continue",
    concerns=is_creation,
).acting
async def trips_after_broken_creation(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """The creation after one that broke off is answered with 500."""
    if "broken" in behaving.memory.marked:
        behaving.memory.marked.discard("broken")
        return failure()
    try:
        data = await whole(request)
    except ClientDisconnected:
        behaving.memory.marked.add("broken")
        raise
    return await respond(_with(request, data))


@Breach(
    "creation-with-upload.interrupted",
    warns="creation-with-upload.expect-continue",
    concerns=is_creation,
).acting
async def broken_creation_goes_on(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """The bytes of a creation that broke off turn up in the next upload."""
    left = behaving.memory.data.pop("left", b"")
    try:
        data = await whole(request)
    except ClientDisconnected:
        behaving.memory.data["left"] = b"left over"
        raise
    response = await respond(_with(request, data))
    info = await known(behaving, created_id(behaving, response))
    if left and info is not None and info.size == 100:
        await append(behaving, info, left)
    return response


def _with(request: Request, data: bytes) -> Request:
    """Return a request with a body that was read; without one as it was."""
    return bringing(request, data) if request.body.length != 0 else request


@Breach(
    "creation-with-upload.expect-continue",
    warns="creation-with-upload.expect-continue",
    concerns=brings_bytes,
).acting
async def never_says_continue(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A creation that asks before it sends is answered at once, as if it had brought nothing."""
    if "Expect" not in request.headers:
        return await respond(request)
    empty = bringing(asking(request, Expect=None), b"")
    return await respond(empty)


# Where creation-with-upload is not offered


@Breach(
    "creation.post.body-without-extension",
    fails="core.head.offset-accurate",
    on="creation-only",
    concerns=brings_bytes,
).altering
def body_ignored_and_acknowledged(request: Request, response: Response) -> Response:
    """The bytes of a creation are ignored where that is not offered, and acknowledged."""
    return rewritten(response, "Upload-Offset", lambda _: str(request.body.length))


@Breach("creation.post.body-without-extension", on="creation-only", concerns=brings_bytes).acting
async def body_stored_wrongly(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """Where bytes in a creation are not offered, all but the first are stored, as zeros."""
    size = request.body.length or 0
    response = await respond(request)
    info = await known(behaving, created_id(behaving, response))
    if info is not None and size > 1:
        await append(behaving, info, bytes(size - 1))
    return response
