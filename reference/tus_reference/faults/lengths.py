"""Faults about the length of an upload: how it is read, none, and the limit (Creation)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tus_reference.faults.alterations import (
    append,
    asking,
    created_id,
    failure,
    header,
    is_creation,
    known,
    refusal,
    rewritten,
    saying,
    set_length,
    to,
    value,
    whole,
    with_status,
    without,
)
from tus_reference.faults.fault import Breach

if TYPE_CHECKING:
    from tus_reference.faults.behaviour import Behaving, Respond
    from tus_reference.handler import Request, Response


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
    fails="core.head.upload-length",
    warns="core.upload-length.format",
    on="no-maximum",
    concerns=to("HEAD"),
).altering
def lengths_of_four_bytes(request: Request, response: Response) -> Response:
    """Lengths are kept in four bytes."""
    return rewritten(response, "Upload-Length", lambda text: str(int(text) % 2**32))


@Breach(
    "core.upload-length.format",
    warns="core.upload-length.format",
    on="any-length",
    concerns=to("HEAD"),
).altering
def lengths_of_eight_bytes(request: Request, response: Response) -> Response:
    """Lengths are kept in eight bytes, of which one bit is for the sign."""
    return rewritten(response, "Upload-Length", lambda text: str(int(text) % 2**63))


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
    most = str(behaving.config.max_size)
    response = await respond(asking(request, Upload_Length=most))
    await set_length(behaving, created_id(behaving, response), length)
    return response


@Breach(
    "creation.max-size.413",
    concerns=lambda request: value(request, "Upload-Length") == str(8 * 1024 * 1024),
).altering
def maximum_itself_refused(request: Request, response: Response) -> Response:
    """A creation of just Tus-Max-Size is refused with 413."""
    return refusal(413)
