"""Faults about lengths that come later, or change (Creation, Upload-Defer-Length)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tus_reference.defects.defect import DefectSpec
from tus_reference.defects.locks import broke_off
from tus_reference.defects.response_edits import (
    append,
    asking,
    bringing,
    created_id,
    failure,
    having,
    header,
    id_of,
    is_creation,
    known,
    method_of,
    refusal,
    replace_bytes,
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
from tus_reference.model import ClientDisconnected

if TYPE_CHECKING:
    from tus_reference.defects.modification import CallNext, ModifiedHandler
    from tus_reference.model import Request, Response

_HEAD = to("HEAD")
_DEFERRING = having("Upload-Defer-Length", "POST")
_DECLARING = having("Upload-Length", "PATCH")


@DefectSpec("creation.defer-length.head", matches=_HEAD).edit_response
def deferral_not_told(request: Request, response: Response) -> Response:
    """HEAD does not say that the length is still to come."""
    return without(response, "Upload-Defer-Length")


@DefectSpec(
    "creation.defer-length.head",
    fails=(
        "core.patch.exceeds-length creation.defer-length.length-below-offset "
        "concatenation.final.head-length"
    ),
    matches=_HEAD,
).edit_response
def deferred_length_is_zero(request: Request, response: Response) -> Response:
    """HEAD tells the length 0 as long as it is deferred."""
    deferred = header(response, "Upload-Defer-Length") is not None
    return saying(response, "Upload-Length", "0") if deferred else response


@DefectSpec(
    "creation.defer-length.value", fails="creation.defer-length.head", matches=_HEAD
).edit_response
def deferral_is_true(request: Request, response: Response) -> Response:
    """HEAD says that the deferral is true, not 1."""
    deferred = header(response, "Upload-Defer-Length") is not None
    return saying(response, "Upload-Defer-Length", "true") if deferred else response


@DefectSpec("creation.defer-length.omit-when-known", matches=_HEAD).edit_response
def deferral_always_told(request: Request, response: Response) -> Response:
    """HEAD says of every upload that its length is deferred."""
    return saying(response, "Upload-Defer-Length", "1") if succeeded(response) else response


@DefectSpec(
    "creation.defer-length.invalid-400",
    warns="creation.defer-length.invalid-400",
    matches=_DEFERRING,
).wrap_handler
async def any_deferral_accepted(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Upload-Defer-Length defers whatever its value is."""
    return await respond(asking(request, Upload_Defer_Length="1"))


@DefectSpec(
    "creation.defer-length.invalid-400",
    warns="creation.defer-length.invalid-400",
    matches=_DEFERRING,
).edit_response
def malformed_deferral_refused_with_422(request: Request, response: Response) -> Response:
    """A malformed deferral is refused with 422 instead of 400."""
    wrong = value(request, "Upload-Defer-Length") != "1" and response.status == 400
    return with_status(response, 422) if wrong else response


@DefectSpec(
    "creation.post.both-lengths", warns="creation.post.both-lengths", matches=_DEFERRING
).wrap_handler
async def both_lengths_accepted(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A creation that gives and defers its length is accepted."""
    both = "Upload-Length" in request.headers
    return await respond(asking(request, Upload_Defer_Length=None) if both else request)


@DefectSpec(
    "creation.defer-length.unsupported", quirk="creation-only", matches=_DEFERRING
).edit_response
def trips_over_deferral(request: Request, response: Response) -> Response:
    """A deferred length makes a server fail that does not offer it."""
    return failure()


# Declaring


@DefectSpec(
    "creation.defer-length.declare-in-patch",
    fails=(
        "core.patch.exceeds-length creation.defer-length.omit-when-known "
        "creation.defer-length.length-immutable creation.defer-length.length-over-max"
    ),
    warns=(
        "core.upload-length.reject-invalid creation.defer-length.declare-in-patch "
        "creation.defer-length.length-below-offset"
    ),
    matches=_DECLARING,
).wrap_handler
async def declaration_ignored(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A length that comes with a PATCH is ignored."""
    info = await known(handler, id_of(handler, request))
    if info is None or info.size is not None:
        return await respond(request)
    return await respond(asking(request, Upload_Length=None))


@DefectSpec(
    "creation.defer-length.declare-in-patch",
    warns="creation.defer-length.declare-in-patch creation.defer-length.length-over-max",
    matches=_DECLARING,
).wrap_handler
async def declaration_needs_bytes(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A length that comes without bytes is refused."""
    return refusal(400) if request.body.length == 0 else await respond(request)


@DefectSpec(
    "creation.defer-length.declare-in-patch",
    fails="creation.defer-length.length-immutable",
    matches=_DECLARING,
).wrap_handler
async def declaration_off_by_one(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A length that comes with a PATCH is taken for one more."""
    info = await known(handler, id_of(handler, request))
    text = value(request, "Upload-Length")
    if info is None or info.size is not None or not text.isdecimal():
        return await respond(request)
    return await respond(asking(request, Upload_Length=str(int(text) + 1)))


@DefectSpec("creation.defer-length.head", matches=to("HEAD", "PATCH")).wrap_handler
async def deferral_forgotten_after_break(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """After a PATCH that broke off, HEAD does not say that the length is deferred."""
    upload_id, marked = id_of(handler, request), handler.memory.marked
    if method_of(request) == "HEAD":
        response = await respond(request)
        return without(response, "Upload-Defer-Length") if upload_id in marked else response
    answered = await broke_off(handler, request, respond)
    if answered is None:
        marked.add(upload_id)
        raise ClientDisconnected
    return answered


@DefectSpec("creation.defer-length.omit-when-known", matches=to("HEAD", "PATCH")).wrap_handler
async def deferral_told_for_ever(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """HEAD goes on to say that the length is deferred when it has come."""
    memory = handler.memory
    if method_of(request) == "PATCH":
        info = await known(handler, id_of(handler, request))
        if info is not None and info.size is None:
            memory.marked.add(info.id)
        return await respond(request)
    response = await respond(request)
    if id_of(handler, request) not in memory.marked:
        return response
    return saying(response, "Upload-Defer-Length", "1")


@DefectSpec("creation.defer-length.length-immutable", matches=_DECLARING).wrap_handler
async def length_changes(handler: ModifiedHandler, request: Request, respond: CallNext) -> Response:
    """A PATCH changes the length that an upload has."""
    info = await known(handler, id_of(handler, request))
    text = value(request, "Upload-Length")
    if info is not None and info.size is not None and text.isdecimal():
        await set_length(handler, info.id, int(text))
    return await respond(request)


@DefectSpec("core.head.offset-accurate", matches=_DECLARING).wrap_handler
async def same_length_spoils(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The same length once more makes the upload begin anew."""
    info = await known(handler, id_of(handler, request))
    response = await respond(request)
    if info is not None and value(request, "Upload-Length") == str(info.size):
        await replace_bytes(handler, info, b"")
    return response


@DefectSpec(
    "creation.defer-length.length-below-offset",
    fails="core.patch.exceeds-length",
    matches=_DECLARING,
).wrap_handler
async def length_below_offset_accepted(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A length below what is stored is accepted."""
    info = await known(handler, id_of(handler, request))
    text = value(request, "Upload-Length")
    if info is None or info.size is not None or not text.isdecimal() or int(text) >= info.offset:
        return await respond(request)
    await set_length(handler, info.id, int(text))
    return saying(with_status(refusal(204), 204), "Upload-Offset", str(info.offset))


@DefectSpec(
    "creation.defer-length.length-below-offset",
    fails="core.head.offset-accurate",
    matches=_DECLARING,
).wrap_handler
async def length_below_offset_cuts(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A length below what is stored drops what is beyond it."""
    info = await known(handler, id_of(handler, request))
    text = value(request, "Upload-Length")
    if info is None or info.size is not None or not text.isdecimal() or int(text) >= info.offset:
        return await respond(request)
    await set_length(handler, info.id, int(text))
    settled = await known(handler, info.id)
    if settled is not None:
        data = await stored(handler, info)
        await replace_bytes(handler, settled, data[: int(text)])
    return saying(with_status(refusal(204), 204), "Upload-Offset", text)


def _odd_declaration(request: Request) -> bool:
    return _DECLARING(request) and not value(request, "Upload-Length").isdecimal()


@DefectSpec(
    "core.upload-length.reject-invalid",
    warns="core.upload-length.reject-invalid",
    matches=_odd_declaration,
).wrap_handler
async def malformed_declaration_guessed(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A malformed length that comes with a PATCH is ignored, and its bytes are stored."""
    return await respond(asking(request, Upload_Length=None))


@DefectSpec("core.upload-length.reject-invalid", matches=_odd_declaration).wrap_handler
async def malformed_declaration_refused_too_late(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A malformed length that comes with a PATCH is refused, but its bytes have been stored."""
    await respond(asking(request, Upload_Length=None))
    return refusal(400)


def _beyond(request: Request) -> bool:
    text = value(request, "Upload-Length")
    return _DECLARING(request) and text.isdecimal() and int(text) > 8 * 1024 * 1024


@DefectSpec("creation.defer-length.length-over-max", matches=_beyond).wrap_handler
async def late_length_not_limited(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A length beyond Tus-Max-Size is accepted when it comes late."""
    info = await known(handler, id_of(handler, request))
    await set_length(handler, id_of(handler, request), int(value(request, "Upload-Length")))
    offset = 0 if info is None else info.offset
    return saying(with_status(refusal(204), 204), "Upload-Offset", str(offset))


@DefectSpec(
    "creation.defer-length.length-over-max",
    warns="creation.defer-length.length-over-max",
    matches=_beyond,
).edit_response
def late_length_refused_with_400(request: Request, response: Response) -> Response:
    """A length beyond Tus-Max-Size that comes late is refused with 400 instead of 413."""
    return with_status(response, 400)


@DefectSpec(
    "core.patch.exceeds-length",
    fails="creation.defer-length.length-below-offset",
    matches=_DECLARING,
).wrap_handler
async def declared_excess_kept(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A PATCH that declares a length and brings more has both taken."""
    info = await known(handler, id_of(handler, request))
    text = value(request, "Upload-Length")
    size = request.body.length or 0
    if info is None or info.size is not None or not text.isdecimal():
        return await respond(request)
    if info.offset + size <= int(text):
        return await respond(request)
    data = await whole(request)
    await respond(bringing(asking(request, Upload_Length=None), b""))
    await set_length(handler, info.id, int(text))
    await append(handler, info, data)
    return saying(with_status(refusal(204), 204), "Upload-Offset", str(info.offset + len(data)))


@DefectSpec("core.patch.exceeds-length", matches=_DECLARING).wrap_handler
async def declared_excess_refused_too_late(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A PATCH that declares a length and brings more is refused, but all of it has been stored."""
    info = await known(handler, id_of(handler, request))
    text = value(request, "Upload-Length")
    if info is None or info.size is not None or not text.isdecimal():
        return await respond(request)
    data = await whole(request)
    if info.offset + len(data) <= int(text):
        return await respond(bringing(request, data))
    await append(handler, info, data)
    return refusal(400)


@DefectSpec("creation.defer-length.head", matches=is_creation).wrap_handler
async def deferred_becomes_empty(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The length of an upload that brings its first bytes is what came with it."""
    response = await respond(request)
    info = await known(handler, created_id(handler, response))
    if info is not None and info.size is None and info.offset:
        await set_length(handler, info.id, info.offset)
    return response
