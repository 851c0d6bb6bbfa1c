"""Defects about lengths that come with a PATCH (Creation, Upload-Defer-Length)."""

from tus_defects.call import Call
from tus_defects.message_edits import acknowledge, answer, set_header, strip
from tus_defects.rule import Match
from tus_defects.variant import defect
from tus_reference.model import Response

DECLARED = Match(method="PATCH", header={"Upload-Length": "\\d+"}, upload=("deferred-length",))
PATCH_WITH_LENGTH = Match(method="PATCH", header={"Upload-Length": "\\d+"}, upload=("known",))
OVER_MAXIMUM = Match(method="PATCH", above={"Upload-Length": 8 * 1024 * 1024}, upload=("known",))
BELOW_OFFSET = "creation.defer-length.length-below-offset"
EXCEEDS = "core.patch.exceeds-length"


def _length(call: Call) -> int:
    """Return the length that a PATCH declares."""
    return int(call.header("Upload-Length"))


@defect("creation.defer-length.declare-in-patch", DECLARED, client=True)
async def declared_length_off_by_one(call: Call) -> Response:
    """A length that comes with a PATCH is set one byte higher."""
    return await call.respond(Upload_Length=str(_length(call) + 1))


@defect("creation.defer-length.head", Match(method="HEAD|PATCH"), client=True)
async def deferral_lost_after_broken_patch(call: Call) -> Response:
    """After a PATCH that broke off, HEAD lacks Upload-Defer-Length."""
    if call.method == "HEAD":
        response = await call.respond()
        return strip(response, "Upload-Defer-Length") if call.is_marked else response
    return await call.respond_or_mark()


@defect("creation.defer-length.omit-when-known", Match(method="HEAD|PATCH"), client=True)
async def defer_length_never_ends(call: Call) -> Response:
    """HEAD still returns Upload-Defer-Length after the length has come."""
    if call.method == "PATCH":
        info = await call.upload()
        if info is not None and info.size is None:
            call.memory.marked.add(info.id)
        return await call.respond()
    response = await call.respond()
    return set_header(response, "Upload-Defer-Length", "1") if call.is_marked else response


@defect("creation.defer-length.length-immutable", PATCH_WITH_LENGTH)
async def length_changed_by_patch(call: Call) -> Response:
    """A PATCH changes the length of an upload that has one."""
    if call.info.size is not None:
        await call.server.set_length(call.info.id, _length(call))
    return await call.respond()


@defect("core.head.offset-accurate", PATCH_WITH_LENGTH, client=True)
async def repeated_length_erases_upload(call: Call) -> Response:
    """A PATCH that repeats the length of its upload removes all bytes."""
    response = await call.respond()
    if call.header("Upload-Length") == str(call.info.size):
        await call.server.rewrite(call.info, lambda _: b"")
    return response


@defect(BELOW_OFFSET, DECLARED)
async def length_below_offset_accepted(call: Call) -> Response:
    """A length below what is stored is accepted."""
    if _length(call) >= call.info.offset:
        return await call.respond()
    await call.server.set_length(call.info.id, _length(call))
    return acknowledge(call.info.offset)


@defect(BELOW_OFFSET, DECLARED)
async def length_below_offset_truncates(call: Call) -> Response:
    """A length below what is stored drops the bytes beyond it."""
    length = _length(call)
    if length >= call.info.offset:
        return await call.respond()
    await call.server.rewrite(call.info, lambda data: data[:length], size=length)
    return acknowledge(length)


@defect("creation.defer-length.length-over-max", OVER_MAXIMUM)
async def declared_length_not_limited(call: Call) -> Response:
    """A length beyond Tus-Max-Size is accepted with a PATCH."""
    await call.server.set_length(call.info.id, _length(call))
    return acknowledge(call.info.offset)


@defect(EXCEEDS, DECLARED)
async def declared_excess_stored(call: Call) -> Response:
    """A PATCH that declares a length and brings more bytes has both accepted."""
    if call.info.offset + (call.request.body.length or 0) <= _length(call):
        return await call.respond()
    data = await call.read_body()
    await call.respond_to(b"", Upload_Length=None)
    await call.server.set_length(call.info.id, _length(call))
    await call.server.append(call.info, data)
    return acknowledge(call.info.offset + len(data))


@defect(EXCEEDS, DECLARED)
async def declared_excess_refused_and_stored(call: Call) -> Response:
    """A PATCH that declares a length and brings more bytes gets 400, but all are stored."""
    data = await call.read_body()
    if call.info.offset + len(data) <= _length(call):
        return await call.respond_to(data)
    await call.server.append(call.info, data)
    return answer(400)


@defect("creation.defer-length.head", Match(method="POST"), client=True)
async def deferred_length_set_by_first_bytes(call: Call) -> Response:
    """The length of a deferred upload becomes that of the bytes in its creation."""
    response = await call.respond()
    info = await call.find_created(response)
    if info and info.size is None and info.offset:
        await call.server.set_length(info.id, info.offset)
    return response
