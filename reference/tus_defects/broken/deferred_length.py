"""Defects about lengths that come with a PATCH (Creation, Upload-Defer-Length)."""

from __future__ import annotations

from dataclasses import replace

from tus_defects.call import Call
from tus_defects.messages import acknowledge, answer, read_body, set_header, strip
from tus_defects.registry import defect
from tus_defects.rule import Match
from tus_reference.model import BodyEndedEarly, EarlyEnd, FileInfo, Response

DECLARED = Match(method="PATCH", header={"Upload-Length": True})
DECLARE = "creation.defer-length.declare-in-patch"
BELOW_OFFSET = "creation.defer-length.length-below-offset"
EXCEEDS = "core.patch.exceeds-length"


async def _find_declared(call: Call) -> tuple[FileInfo, int] | None:
    """Return the upload without a length and the length that it is to have, or None."""
    info, length = await call.upload(), call.number("Upload-Length")
    if info is None or info.size is not None or length is None:
        return None
    return info, length


@defect(DECLARE, DECLARED, client=True)
async def declared_length_off_by_one(call: Call) -> Response:
    """A length that comes with a PATCH is set one byte higher."""
    found = await _find_declared(call)
    if found is None:
        return await call.respond()
    return await call.respond(Upload_Length=str(found[1] + 1))


@defect("creation.defer-length.head", Match(method="HEAD|PATCH"), client=True)
async def deferral_lost_after_broken_patch(call: Call) -> Response:
    """After a PATCH that broke off, HEAD lacks Upload-Defer-Length."""
    broken = call.memory.marked
    if call.method == "HEAD":
        response = await call.respond()
        return strip(response, "Upload-Defer-Length") if call.upload_id in broken else response
    answered = await call.respond_unless_broken()
    if answered is None:
        broken.add(call.upload_id)
        raise BodyEndedEarly(EarlyEnd.DISCONNECTED)
    return answered


@defect("creation.defer-length.omit-when-known", Match(method="HEAD|PATCH"), client=True)
async def defer_length_never_ends(call: Call) -> Response:
    """HEAD still returns Upload-Defer-Length after the length has come."""
    if call.method == "PATCH":
        info = await call.upload()
        if info is not None and info.size is None:
            call.memory.marked.add(info.id)
        return await call.respond()
    response = await call.respond()
    if call.upload_id not in call.memory.marked:
        return response
    return set_header(response, "Upload-Defer-Length", "1")


@defect("creation.defer-length.length-immutable", DECLARED)
async def length_changed_by_patch(call: Call) -> Response:
    """A PATCH changes the length of an upload that has one."""
    info, length = await call.upload(), call.number("Upload-Length")
    if info is not None and info.size is not None and length is not None:
        await call.server.set_length(info.id, length)
    return await call.respond()


@defect("core.head.offset-accurate", DECLARED, client=True)
async def repeated_length_erases_upload(call: Call) -> Response:
    """A PATCH that repeats the length of its upload removes all bytes."""
    info = await call.upload()
    response = await call.respond()
    if info is not None and call.header("Upload-Length") == str(info.size):
        await call.server.rewrite(info, b"")
    return response


@defect(BELOW_OFFSET, DECLARED)
async def length_below_offset_accepted(call: Call) -> Response:
    """A length below what is stored is accepted."""
    found = await _find_declared(call)
    if found is None or found[1] >= found[0].offset:
        return await call.respond()
    info, length = found
    await call.server.set_length(info.id, length)
    return acknowledge(info.offset)


@defect(BELOW_OFFSET, DECLARED)
async def length_below_offset_truncates(call: Call) -> Response:
    """A length below what is stored drops the bytes beyond it."""
    found = await _find_declared(call)
    if found is None or found[1] >= found[0].offset:
        return await call.respond()
    info, length = found
    data = await call.server.read(info)
    await call.server.rewrite(replace(info, size=length), data[:length])
    return acknowledge(length)


@defect(
    "creation.defer-length.length-over-max",
    Match(method="PATCH", above={"Upload-Length": 8 * 1024 * 1024}),
)
async def declared_length_not_limited(call: Call) -> Response:
    """A length beyond Tus-Max-Size is accepted with a PATCH."""
    info, length = await call.upload(), call.number("Upload-Length")
    if info is None or length is None:
        return await call.respond()
    await call.server.set_length(info.id, length)
    return acknowledge(info.offset)


@defect(EXCEEDS, DECLARED)
async def declared_excess_stored(call: Call) -> Response:
    """A PATCH that declares a length and brings more bytes has both accepted."""
    found, size = await _find_declared(call), call.request.body.length or 0
    if found is None or found[0].offset + size <= found[1]:
        return await call.respond()
    info, length = found
    data = await read_body(call.request)
    await call.respond_to(b"", Upload_Length=None)
    await call.server.set_length(info.id, length)
    await call.server.append(info, data)
    return acknowledge(info.offset + len(data))


@defect(EXCEEDS, DECLARED)
async def declared_excess_refused_and_stored(call: Call) -> Response:
    """A PATCH that declares a length and brings more bytes gets 400, but all are stored."""
    found = await _find_declared(call)
    if found is None:
        return await call.respond()
    info, length = found
    data = await read_body(call.request)
    if info.offset + len(data) <= length:
        return await call.respond_to(data)
    await call.server.append(info, data)
    return answer(400)


@defect("creation.defer-length.head", Match(method="POST"), client=True)
async def deferred_length_set_by_first_bytes(call: Call) -> Response:
    """The length of a deferred upload becomes that of the bytes in its creation."""
    response = await call.respond()
    info = await call.created(response)
    if info is not None and info.size is None and info.offset:
        await call.server.set_length(info.id, info.offset)
    return response
