"""Faults about the length of an upload: how it is read, none, and the limit (Creation)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tus_reference.defects.defect import DefectSpec
from tus_reference.defects.response_edits import (
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

if TYPE_CHECKING:
    from tus_reference.defects.modification import CallNext, ModifiedHandler
    from tus_reference.model import Request, Response


# The length


def _without_length(request: Request) -> bool:
    lengths = {"Upload-Length", "Upload-Defer-Length", "Upload-Concat"}
    return is_creation(request) and not any(name in request.headers for name in lengths)


@DefectSpec(
    "creation.post.neither-length", warns="creation.post.neither-length", matches=_without_length
).wrap_handler
async def length_guessed(handler: ModifiedHandler, request: Request, respond: CallNext) -> Response:
    """A creation without any length makes an upload of none."""
    return await respond(asking(request, Upload_Length="0"))


def _odd_length(request: Request) -> bool:
    text = value(request, "Upload-Length")
    return is_creation(request) and "Upload-Length" in request.headers and not text.isdecimal()


def _number_in(text: str) -> int:
    digits = text.partition(",")[0].strip().lstrip("+-0x")
    count = next((at for at, c in enumerate(digits) if c not in "0123456789"), len(digits))
    return int(digits[:count] or 0)


@DefectSpec("core.upload-length.reject-invalid", matches=_odd_length).wrap_handler
async def malformed_length_guessed(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A length that is no number is taken for what it begins with."""
    guess = _number_in(value(request, "Upload-Length"))
    return await respond(asking(request, Upload_Length=str(guess)))


@DefectSpec("core.upload-length.reject-invalid", matches=_odd_length).edit_response
def trips_over_malformed_lengths(request: Request, response: Response) -> Response:
    """A length that is no number makes the server fail."""
    return failure()


@DefectSpec(
    "core.upload-length.format",
    fails="core.upload-length.reject-invalid",
    matches=to("POST", "HEAD"),
).wrap_handler
async def length_told_as_it_came(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A length is told again in the letters that it was given in."""
    memory = handler.memory
    if not is_creation(request):
        response = await respond(request)
        told = memory.texts.get(request.path.rpartition("/")[2])
        return response if told is None else rewritten(response, "Upload-Length", lambda _: told)
    text = value(request, "Upload-Length")
    odd = _odd_length(request) and text.lstrip("+-").replace(",", "").isdecimal()
    if not odd:
        return await respond(request)
    response = await respond(asking(request, Upload_Length=str(_number_in(text))))
    memory.texts[created_id(handler, response)] = text
    return response


@DefectSpec(
    "core.upload-length.format",
    warns="core.upload-length.format",
    quirk="no-maximum",
    matches=to("HEAD"),
).edit_response
def lengths_lose_digits(request: Request, response: Response) -> Response:
    """Lengths are kept as floating point numbers."""
    return rewritten(response, "Upload-Length", lambda text: str(int(float(text))))


@DefectSpec(
    "core.upload-length.format",
    fails="core.head.upload-length",
    warns="core.upload-length.format",
    quirk="no-maximum",
    matches=to("HEAD"),
).edit_response
def lengths_of_four_bytes(request: Request, response: Response) -> Response:
    """Lengths are kept in four bytes."""
    return rewritten(response, "Upload-Length", lambda text: str(int(text) % 2**32))


@DefectSpec(
    "core.upload-length.format",
    warns="core.upload-length.format",
    quirk="any-length",
    matches=to("HEAD"),
).edit_response
def lengths_of_eight_bytes(request: Request, response: Response) -> Response:
    """Lengths are kept in eight bytes, of which one bit is for the sign."""
    return rewritten(response, "Upload-Length", lambda text: str(int(text) % 2**63))


@DefectSpec(
    "core.upload-length.reject-invalid",
    warns="core.upload-length.reject-invalid core.tus-max-size.advertise",
    quirk="no-maximum",
    matches=is_creation,
).edit_response
def trips_over_huge_lengths(request: Request, response: Response) -> Response:
    """A length beyond four bytes makes the server fail."""
    text = value(request, "Upload-Length")
    return failure() if text.isdecimal() and int(text) >= 2**32 else response


# Uploads of no bytes


def _empty(request: Request) -> bool:
    return is_creation(request) and value(request, "Upload-Length") == "0"


@DefectSpec(
    "creation.zero-length.accept", warns="creation.zero-length.accept", matches=_empty
).edit_response
def empty_uploads_refused(request: Request, response: Response) -> Response:
    """An upload of no bytes is refused."""
    return refusal(400)


@DefectSpec(
    "creation.zero-length.complete",
    fails=(
        "core.head.upload-length creation.defer-length.omit-when-known "
        "concatenation.final.head-offset-equals-length"
    ),
    matches=to("HEAD"),
).edit_response
def empty_uploads_deferred(request: Request, response: Response) -> Response:
    """An upload of no bytes is told to have no length yet."""
    if header(response, "Upload-Length") != "0":
        return response
    return saying(without(response, "Upload-Length"), "Upload-Defer-Length", "1")


@DefectSpec(
    "core.head.upload-offset",
    fails="concatenation.final.head-offset-equals-length",
    matches=to("HEAD"),
).edit_response
def empty_uploads_not_found(request: Request, response: Response) -> Response:
    """An upload of no bytes cannot be found."""
    return refusal(404) if header(response, "Upload-Length") == "0" else response


@DefectSpec("core.patch.exceeds-length", matches=to("PATCH")).wrap_handler
async def empty_uploads_grow(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """An upload of no bytes takes some."""
    info = await known(handler, request.path.rpartition("/")[2])
    if info is None or info.size != 0 or info.is_final or info.offset:
        return await respond(request)
    data = await whole(request)
    await append(handler, info, data)
    return saying(with_status(refusal(204), 204), "Upload-Offset", str(len(data)))


@DefectSpec(
    "core.patch.after-complete",
    fails=(
        "core.patch.offset-mismatch-409 core.patch.exceeds-length "
        "concatenation.partial.patch-after-concat"
    ),
    matches=to("PATCH"),
).wrap_handler
async def trips_over_complete_uploads(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A PATCH to an upload that is complete makes the server fail."""
    info = await known(handler, request.path.rpartition("/")[2])
    done = info is not None and info.is_complete and not info.is_final
    return failure() if done else await respond(request)


# The limit


def _over(request: Request, limit: int = 8 * 1024 * 1024) -> bool:
    text = value(request, "Upload-Length")
    return is_creation(request) and text.isdecimal() and int(text) > limit


@DefectSpec(
    "creation.max-size.413", warns="creation-with-upload.expect-continue", matches=_over
).edit_response
def excess_refused_with_400(request: Request, response: Response) -> Response:
    """A creation beyond Tus-Max-Size is refused with 400 instead of 413."""
    return with_status(response, 400) if response.status == 413 else response


@DefectSpec("creation.max-size.413", matches=_over).wrap_handler
async def maximum_not_kept(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A creation beyond Tus-Max-Size is accepted."""
    length = int(value(request, "Upload-Length"))
    most = str(handler.config.max_size)
    response = await respond(asking(request, Upload_Length=most))
    await set_length(handler, created_id(handler, response), length)
    return response


@DefectSpec(
    "creation.max-size.413",
    matches=lambda request: value(request, "Upload-Length") == str(8 * 1024 * 1024),
).edit_response
def maximum_itself_refused(request: Request, response: Response) -> Response:
    """A creation of just Tus-Max-Size is refused with 413."""
    return refusal(413)
