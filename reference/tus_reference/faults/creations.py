"""Faults about POST: its answer, the length, the limit, bytes that come along (Creation)."""

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
    header,
    is_creation,
    known,
    part,
    refusal,
    replace_bytes,
    rewritten,
    saying,
    set_length,
    stored,
    to,
    value,
    whole,
    with_status,
    without,
)
from tus_reference.faults.fault import Breach
from tus_reference.handler import ClientDisconnected

if TYPE_CHECKING:
    from tus_reference.faults.behaviour import Behaving, Respond
    from tus_reference.handler import Request, Response


# The answer


@Breach("creation.post.201", concerns=is_creation).altering
def creation_with_200(request: Request, response: Response) -> Response:
    """A creation is answered with 200."""
    return with_status(response, 200) if response.status == 201 else response


@Breach(
    "creation.post.201",
    concerns=lambda request: is_creation(request) and "Upload-Frobnicate" in request.headers,
).altering
def trips_over_unknown_headers(request: Request, response: Response) -> Response:
    """A creation with a header that the server does not know is refused."""
    return refusal(400)


@Breach(
    "creation.post.201",
    fails="concatenation.final.length-sum",
    warns=(
        "concatenation-unfinished.not-supported concatenation.partial.repeat-in-one "
        "concatenation.partial.reuse-across concatenation.header.urls"
    ),
    concerns=lambda request: part(request, "final"),
).altering
def finals_with_204(request: Request, response: Response) -> Response:
    """The creation of a final upload is answered with 204."""
    return with_status(response, 204) if response.status == 201 else response


@Breach("creation.post.location", concerns=is_creation).altering
def creation_without_location(request: Request, response: Response) -> Response:
    """A creation does not tell the URL of the upload."""
    return without(response, "Location")


@Breach("creation.post.location", concerns=is_creation).altering
def location_leads_nowhere(request: Request, response: Response) -> Response:
    """Location is the URL of no upload."""
    return rewritten(response, "Location", lambda text: f"{text}-there")


@Breach("creation.post.location", concerns=is_creation).altering
def location_is_no_url(request: Request, response: Response) -> Response:
    """Location cannot be read as a URL."""
    return rewritten(response, "Location", lambda text: f"http://[{text}")


@Breach(
    "core.patch.apply-at-offset",
    fails="core.patch.concurrent",
    warns="core.patch.accept",
    concerns=is_creation,
).acting
async def one_upload_for_all(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """Every second creation of 100 bytes leads to the upload of the first."""
    response = await respond(request)
    if value(request, "Upload-Length") != "100" or "Location" not in dict(response.headers):
        return response
    latest = behaving.memory.texts.pop("latest", None)
    if latest is not None and await known(behaving, latest.rpartition("/")[2]) is not None:
        return saying(response, "Location", latest)
    behaving.memory.texts["latest"] = header(response, "Location") or ""
    return response


@Breach("creation.post.location-form", concerns=is_creation).altering
def location_of_the_inside(request: Request, response: Response) -> Response:
    """Location names the host that the server has inside."""
    return rewritten(
        response, "Location", lambda text: text.replace("//tus.test/", "//backend.internal:8080/")
    )


@Breach("creation.initial-offset", concerns=is_creation).acting
async def uploads_begin_at_one(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A new upload has a byte already."""
    response = await respond(request)
    info = await known(behaving, created_id(behaving, response))
    if info is not None and info.offset == 0 and info.size and not info.is_final:
        await append(behaving, info, b"?")
    return response


@Breach("creation.supported", concerns=is_creation).altering
def creation_not_allowed(request: Request, response: Response) -> Response:
    """A creation is answered with 405."""
    return refusal(405)


@Breach("core.head.upload-length", concerns=is_creation).acting
async def length_off_by_one(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """An upload is created with one byte more than was asked for."""
    length = value(request, "Upload-Length")
    usual = length.isdecimal() and 0 < int(length) < 2**32
    return await respond(asking(request, Upload_Length=str(int(length) + 1)) if usual else request)


# The length


def _without_length(request: Request) -> bool:
    lengths = {"Upload-Length", "Upload-Defer-Length", "Upload-Concat"}
    return is_creation(request) and not any(name in request.headers for name in lengths)


@Breach(
    "creation.post.neither-length", warns="creation.post.neither-length", concerns=_without_length
).acting
async def length_guessed(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A creation without any length makes an upload of none."""
    return await respond(asking(request, Upload_Length="0"))


def _odd_length(request: Request) -> bool:
    text = value(request, "Upload-Length")
    return is_creation(request) and "Upload-Length" in request.headers and not text.isdecimal()


def _number_in(text: str) -> int:
    digits = text.partition(",")[0].strip().lstrip("+-0x")
    count = next((at for at, c in enumerate(digits) if c not in "0123456789"), len(digits))
    return int(digits[:count] or 0)


@Breach("core.upload-length.reject-invalid", concerns=_odd_length).acting
async def malformed_length_guessed(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A length that is no number is taken for what it begins with."""
    guess = _number_in(value(request, "Upload-Length"))
    return await respond(asking(request, Upload_Length=str(guess)))


@Breach("core.upload-length.reject-invalid", concerns=_odd_length).altering
def trips_over_malformed_lengths(request: Request, response: Response) -> Response:
    """A length that is no number makes the server fail."""
    return failure()


@Breach(
    "core.upload-length.format",
    fails="core.upload-length.reject-invalid",
    concerns=to("POST", "HEAD"),
).acting
async def length_told_as_it_came(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A length is told again in the letters that it was given in."""
    memory = behaving.memory
    if not is_creation(request):
        response = await respond(request)
        told = memory.texts.get(request.path.rpartition("/")[2])
        return response if told is None else rewritten(response, "Upload-Length", lambda _: told)
    text = value(request, "Upload-Length")
    odd = _odd_length(request) and text.lstrip("+-").replace(",", "").isdecimal()
    if not odd:
        return await respond(request)
    response = await respond(asking(request, Upload_Length=str(_number_in(text))))
    memory.texts[created_id(behaving, response)] = text
    return response


@Breach(
    "core.upload-length.format",
    warns="core.upload-length.format",
    on="no-maximum",
    concerns=to("HEAD"),
).altering
def lengths_lose_digits(request: Request, response: Response) -> Response:
    """Lengths are kept as floating point numbers."""
    return rewritten(response, "Upload-Length", lambda text: str(int(float(text))))


@Breach(
    "core.upload-length.format",
    warns="core.upload-length.format",
    on="no-maximum",
    concerns=to("HEAD"),
).altering
def lengths_of_four_bytes(request: Request, response: Response) -> Response:
    """Lengths are kept in four bytes."""
    return rewritten(response, "Upload-Length", lambda text: str(int(text) % 2**32))


@Breach(
    "core.upload-length.reject-invalid",
    warns="core.upload-length.reject-invalid core.tus-max-size.advertise",
    on="no-maximum",
    concerns=is_creation,
).altering
def trips_over_huge_lengths(request: Request, response: Response) -> Response:
    """A length beyond four bytes makes the server fail."""
    text = value(request, "Upload-Length")
    return failure() if text.isdecimal() and int(text) >= 2**32 else response


# Uploads of no bytes


def _empty(request: Request) -> bool:
    return is_creation(request) and value(request, "Upload-Length") == "0"


@Breach(
    "creation.zero-length.accept", warns="creation.zero-length.accept", concerns=_empty
).altering
def empty_uploads_refused(request: Request, response: Response) -> Response:
    """An upload of no bytes is refused."""
    return refusal(400)


@Breach(
    "creation.zero-length.complete",
    fails=(
        "core.head.upload-length creation.defer-length.omit-when-known "
        "concatenation.final.head-offset-equals-length"
    ),
    concerns=to("HEAD"),
).altering
def empty_uploads_deferred(request: Request, response: Response) -> Response:
    """An upload of no bytes is told to have no length yet."""
    if header(response, "Upload-Length") != "0":
        return response
    return saying(without(response, "Upload-Length"), "Upload-Defer-Length", "1")


@Breach(
    "core.head.upload-offset",
    fails="concatenation.final.head-offset-equals-length",
    concerns=to("HEAD"),
).altering
def empty_uploads_not_found(request: Request, response: Response) -> Response:
    """An upload of no bytes cannot be found."""
    return refusal(404) if header(response, "Upload-Length") == "0" else response


@Breach("core.patch.exceeds-length", concerns=to("PATCH")).acting
async def empty_uploads_grow(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """An upload of no bytes takes some."""
    info = await known(behaving, request.path.rpartition("/")[2])
    if info is None or info.size != 0 or info.is_final or info.offset:
        return await respond(request)
    data = await whole(request)
    await append(behaving, info, data)
    return saying(with_status(refusal(204), 204), "Upload-Offset", str(len(data)))


@Breach(
    "core.patch.after-complete",
    fails=(
        "core.patch.offset-mismatch-409 core.patch.exceeds-length "
        "concatenation.partial.patch-after-concat"
    ),
    concerns=to("PATCH"),
).acting
async def trips_over_complete_uploads(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A PATCH to an upload that is complete makes the server fail."""
    info = await known(behaving, request.path.rpartition("/")[2])
    done = info is not None and info.is_complete and not info.is_final
    return failure() if done else await respond(request)


# The limit


def _over(request: Request, limit: int = 8 * 1024 * 1024) -> bool:
    text = value(request, "Upload-Length")
    return is_creation(request) and text.isdecimal() and int(text) > limit


@Breach(
    "creation.max-size.413", warns="creation-with-upload.expect-continue", concerns=_over
).altering
def excess_refused_with_400(request: Request, response: Response) -> Response:
    """A creation beyond Tus-Max-Size is refused with 400 instead of 413."""
    return with_status(response, 400) if response.status == 413 else response


@Breach("creation.max-size.413", concerns=_over).acting
async def maximum_not_kept(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A creation beyond Tus-Max-Size is accepted."""
    length = int(value(request, "Upload-Length"))
    response = await respond(asking(request, Upload_Length="1"))
    await set_length(behaving, created_id(behaving, response), length)
    return response


@Breach(
    "creation.max-size.413",
    concerns=lambda request: value(request, "Upload-Length") == str(8 * 1024 * 1024),
).altering
def maximum_itself_refused(request: Request, response: Response) -> Response:
    """A creation of just Tus-Max-Size is refused with 413."""
    return refusal(413)


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


@Breach("creation-with-upload.interrupted", concerns=is_creation).acting
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


@Breach("creation-with-upload.interrupted", concerns=is_creation).acting
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
