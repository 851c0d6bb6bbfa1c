"""Faults about lengths that come later, or change (Creation, Upload-Defer-Length)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tus_reference.faults.alterations import (
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
from tus_reference.faults.fault import Breach
from tus_reference.faults.locks import broke_off
from tus_reference.handler import ClientDisconnected

if TYPE_CHECKING:
    from tus_reference.faults.behaviour import Behaving, Respond
    from tus_reference.handler import Request, Response

_HEAD = to("HEAD")
_DEFERRING = having("Upload-Defer-Length", "POST")
_DECLARING = having("Upload-Length", "PATCH")


@Breach("creation.defer-length.head", concerns=_HEAD).altering
def deferral_not_told(request: Request, response: Response) -> Response:
    """HEAD does not say that the length is still to come."""
    return without(response, "Upload-Defer-Length")


@Breach(
    "creation.defer-length.head",
    fails=(
        "core.patch.exceeds-length creation.defer-length.length-below-offset "
        "concatenation.final.head-length"
    ),
    concerns=_HEAD,
).altering
def deferred_length_is_zero(request: Request, response: Response) -> Response:
    """HEAD tells the length 0 as long as it is deferred."""
    deferred = header(response, "Upload-Defer-Length") is not None
    return saying(response, "Upload-Length", "0") if deferred else response


@Breach("creation.defer-length.value", fails="creation.defer-length.head", concerns=_HEAD).altering
def deferral_is_true(request: Request, response: Response) -> Response:
    """HEAD says that the deferral is true, not 1."""
    deferred = header(response, "Upload-Defer-Length") is not None
    return saying(response, "Upload-Defer-Length", "true") if deferred else response


@Breach("creation.defer-length.omit-when-known", concerns=_HEAD).altering
def deferral_always_told(request: Request, response: Response) -> Response:
    """HEAD says of every upload that its length is deferred."""
    return saying(response, "Upload-Defer-Length", "1") if succeeded(response) else response


@Breach(
    "creation.defer-length.invalid-400",
    warns="creation.defer-length.invalid-400",
    concerns=_DEFERRING,
).acting
async def any_deferral_accepted(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """Upload-Defer-Length defers whatever its value is."""
    return await respond(asking(request, Upload_Defer_Length="1"))


@Breach(
    "creation.defer-length.invalid-400",
    warns="creation.defer-length.invalid-400",
    concerns=_DEFERRING,
).altering
def malformed_deferral_refused_with_422(request: Request, response: Response) -> Response:
    """A malformed deferral is refused with 422 instead of 400."""
    wrong = value(request, "Upload-Defer-Length") != "1" and response.status == 400
    return with_status(response, 422) if wrong else response


@Breach(
    "creation.post.both-lengths", warns="creation.post.both-lengths", concerns=_DEFERRING
).acting
async def both_lengths_accepted(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A creation that gives and defers its length is accepted."""
    both = "Upload-Length" in request.headers
    return await respond(asking(request, Upload_Defer_Length=None) if both else request)


@Breach("creation.defer-length.unsupported", on="creation-only", concerns=_DEFERRING).altering
def trips_over_deferral(request: Request, response: Response) -> Response:
    """A deferred length makes a server fail that does not offer it."""
    return failure()


# Declaring


@Breach(
    "creation.defer-length.declare-in-patch",
    fails=(
        "core.patch.exceeds-length creation.defer-length.omit-when-known "
        "creation.defer-length.length-immutable creation.defer-length.length-over-max"
    ),
    warns=(
        "core.upload-length.reject-invalid creation.defer-length.declare-in-patch "
        "creation.defer-length.length-below-offset"
    ),
    concerns=_DECLARING,
).acting
async def declaration_ignored(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A length that comes with a PATCH is ignored."""
    info = await known(behaving, id_of(behaving, request))
    if info is None or info.size is not None:
        return await respond(request)
    return await respond(asking(request, Upload_Length=None))


@Breach(
    "creation.defer-length.declare-in-patch",
    warns="creation.defer-length.declare-in-patch creation.defer-length.length-over-max",
    concerns=_DECLARING,
).acting
async def declaration_needs_bytes(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A length that comes without bytes is refused."""
    return refusal(400) if request.body.length == 0 else await respond(request)


@Breach(
    "creation.defer-length.declare-in-patch",
    fails="creation.defer-length.length-immutable",
    concerns=_DECLARING,
).acting
async def declaration_off_by_one(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A length that comes with a PATCH is taken for one more."""
    info = await known(behaving, id_of(behaving, request))
    text = value(request, "Upload-Length")
    if info is None or info.size is not None or not text.isdecimal():
        return await respond(request)
    return await respond(asking(request, Upload_Length=str(int(text) + 1)))


@Breach("creation.defer-length.head", concerns=to("HEAD", "PATCH")).acting
async def deferral_forgotten_after_break(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """After a PATCH that broke off, HEAD does not say that the length is deferred."""
    upload_id, marked = id_of(behaving, request), behaving.memory.marked
    if method_of(request) == "HEAD":
        response = await respond(request)
        return without(response, "Upload-Defer-Length") if upload_id in marked else response
    answered = await broke_off(behaving, request, respond)
    if answered is None:
        marked.add(upload_id)
        raise ClientDisconnected
    return answered


@Breach("creation.defer-length.omit-when-known", concerns=to("HEAD", "PATCH")).acting
async def deferral_told_for_ever(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """HEAD goes on to say that the length is deferred when it has come."""
    memory = behaving.memory
    if method_of(request) == "PATCH":
        info = await known(behaving, id_of(behaving, request))
        if info is not None and info.size is None:
            memory.marked.add(info.id)
        return await respond(request)
    response = await respond(request)
    if id_of(behaving, request) not in memory.marked:
        return response
    return saying(response, "Upload-Defer-Length", "1")


@Breach("creation.defer-length.length-immutable", concerns=_DECLARING).acting
async def length_changes(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A PATCH changes the length that an upload has."""
    info = await known(behaving, id_of(behaving, request))
    text = value(request, "Upload-Length")
    if info is not None and info.size is not None and text.isdecimal():
        await set_length(behaving, info.id, int(text))
    return await respond(request)


@Breach("core.head.offset-accurate", concerns=_DECLARING).acting
async def same_length_spoils(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """The same length once more makes the upload begin anew."""
    info = await known(behaving, id_of(behaving, request))
    response = await respond(request)
    if info is not None and value(request, "Upload-Length") == str(info.size):
        await replace_bytes(behaving, info, b"")
    return response


@Breach(
    "creation.defer-length.length-below-offset",
    fails="core.patch.exceeds-length",
    concerns=_DECLARING,
).acting
async def length_below_offset_accepted(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A length below what is stored is accepted."""
    info = await known(behaving, id_of(behaving, request))
    text = value(request, "Upload-Length")
    if info is None or info.size is not None or not text.isdecimal() or int(text) >= info.offset:
        return await respond(request)
    await set_length(behaving, info.id, int(text))
    return saying(with_status(refusal(204), 204), "Upload-Offset", str(info.offset))


@Breach(
    "creation.defer-length.length-below-offset",
    fails="core.head.offset-accurate",
    concerns=_DECLARING,
).acting
async def length_below_offset_cuts(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A length below what is stored drops what is beyond it."""
    info = await known(behaving, id_of(behaving, request))
    text = value(request, "Upload-Length")
    if info is None or info.size is not None or not text.isdecimal() or int(text) >= info.offset:
        return await respond(request)
    await set_length(behaving, info.id, int(text))
    settled = await known(behaving, info.id)
    if settled is not None:
        data = await stored(behaving, info)
        await replace_bytes(behaving, settled, data[: int(text)])
    return saying(with_status(refusal(204), 204), "Upload-Offset", text)


def _odd_declaration(request: Request) -> bool:
    return _DECLARING(request) and not value(request, "Upload-Length").isdecimal()


@Breach(
    "core.upload-length.reject-invalid",
    warns="core.upload-length.reject-invalid",
    concerns=_odd_declaration,
).acting
async def malformed_declaration_guessed(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A malformed length that comes with a PATCH is ignored, and its bytes are stored."""
    return await respond(asking(request, Upload_Length=None))


@Breach("core.upload-length.reject-invalid", concerns=_odd_declaration).acting
async def malformed_declaration_refused_too_late(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A malformed length that comes with a PATCH is refused, but its bytes have been stored."""
    await respond(asking(request, Upload_Length=None))
    return refusal(400)


def _beyond(request: Request) -> bool:
    text = value(request, "Upload-Length")
    return _DECLARING(request) and text.isdecimal() and int(text) > 8 * 1024 * 1024


@Breach("creation.defer-length.length-over-max", concerns=_beyond).acting
async def late_length_not_limited(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A length beyond Tus-Max-Size is accepted when it comes late."""
    info = await known(behaving, id_of(behaving, request))
    await set_length(behaving, id_of(behaving, request), int(value(request, "Upload-Length")))
    offset = 0 if info is None else info.offset
    return saying(with_status(refusal(204), 204), "Upload-Offset", str(offset))


@Breach(
    "creation.defer-length.length-over-max",
    warns="creation.defer-length.length-over-max",
    concerns=_beyond,
).altering
def late_length_refused_with_400(request: Request, response: Response) -> Response:
    """A length beyond Tus-Max-Size that comes late is refused with 400 instead of 413."""
    return with_status(response, 400)


@Breach(
    "core.patch.exceeds-length",
    fails="creation.defer-length.length-below-offset",
    concerns=_DECLARING,
).acting
async def declared_excess_kept(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A PATCH that declares a length and brings more has both taken."""
    info = await known(behaving, id_of(behaving, request))
    text = value(request, "Upload-Length")
    size = request.body.length or 0
    if info is None or info.size is not None or not text.isdecimal():
        return await respond(request)
    if info.offset + size <= int(text):
        return await respond(request)
    data = await whole(request)
    await respond(bringing(asking(request, Upload_Length=None), b""))
    await set_length(behaving, info.id, int(text))
    await append(behaving, info, data)
    return saying(with_status(refusal(204), 204), "Upload-Offset", str(info.offset + len(data)))


@Breach("core.patch.exceeds-length", concerns=_DECLARING).acting
async def declared_excess_refused_too_late(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A PATCH that declares a length and brings more is refused, but all of it has been stored."""
    info = await known(behaving, id_of(behaving, request))
    text = value(request, "Upload-Length")
    if info is None or info.size is not None or not text.isdecimal():
        return await respond(request)
    data = await whole(request)
    if info.offset + len(data) <= int(text):
        return await respond(bringing(request, data))
    await append(behaving, info, data)
    return refusal(400)


@Breach("creation.defer-length.head", concerns=is_creation).acting
async def deferred_becomes_empty(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """The length of an upload that brings its first bytes is what came with it."""
    response = await respond(request)
    info = await known(behaving, created_id(behaving, response))
    if info is not None and info.size is None and info.offset:
        await set_length(behaving, info.id, info.offset)
    return response
