"""Defects about lengths that come with a PATCH (Creation, Upload-Defer-Length)."""

from tus_defects.call import Call
from tus_defects.message_edits import acknowledge, answer, set_header, strip
from tus_defects.rule import Match
from tus_defects.variant import defect
from tus_reference.model import Response

DEFER_LENGTH_DECLARE_IN_PATCH = "creation.defer-length.declare-in-patch"
HEAD_OFFSET_ACCURATE = "core.head.offset-accurate"
DEFER_LENGTH_HEAD = "creation.defer-length.head"
DECLARED = Match(method="PATCH", header={"Upload-Length": "\\d+"}, upload=("deferred-length",))
PATCH_WITH_LENGTH = Match(method="PATCH", header={"Upload-Length": "\\d+"}, upload=("known",))
OVER_MAXIMUM = Match(method="PATCH", above={"Upload-Length": 8 * 1024 * 1024}, upload=("known",))
BELOW_OFFSET = "creation.defer-length.length-below-offset"
EXCEEDS = "core.patch.exceeds-length"


def _length(call: Call) -> int:
    """Return the length that a PATCH declares."""
    return int(call.header("Upload-Length"))


@defect("declared-length-off-by-one", DEFER_LENGTH_DECLARE_IN_PATCH, DECLARED, client=True)
async def add_one_to_declared_length(call: Call) -> Response:
    """A length that comes with a PATCH is set one byte higher."""
    return await call.respond(Upload_Length=str(_length(call) + 1))


@defect(
    "deferral-lost-after-broken-patch",
    "creation.defer-length.head",
    Match(method="HEAD|PATCH"),
    client=True,
)
async def forget_deferral(call: Call) -> Response:
    """After a PATCH that broke off, HEAD lacks Upload-Defer-Length."""
    if call.method == "HEAD":
        response = await call.respond()
        return strip(response, "Upload-Defer-Length") if call.is_marked else response
    return await call.respond_or_mark()


@defect(
    "defer-length-never-ends",
    "creation.defer-length.omit-when-known",
    Match(method="HEAD|PATCH"),
    client=True,
)
async def keep_deferral(call: Call) -> Response:
    """HEAD still returns Upload-Defer-Length after the length has come."""
    if call.method == "PATCH":
        info = await call.upload()
        if info is not None and info.size is None:
            call.memory.marked.add(info.id)
        return await call.respond()
    response = await call.respond()
    return set_header(response, "Upload-Defer-Length", "1") if call.is_marked else response


@defect("length-changed-by-patch", "creation.defer-length.length-immutable", PATCH_WITH_LENGTH)
async def change_length_on_patch(call: Call) -> Response:
    """A PATCH changes the length of an upload that has one."""
    if call.info.size is not None:
        await call.server.set_length(call.info.id, _length(call))
    return await call.respond()


@defect("repeated-length-erases-upload", HEAD_OFFSET_ACCURATE, PATCH_WITH_LENGTH, client=True)
async def erase_upload_on_repeated_length(call: Call) -> Response:
    """A PATCH that repeats the length of its upload removes all bytes."""
    response = await call.respond()
    if call.header("Upload-Length") == str(call.info.size):
        await call.server.rewrite(call.info, lambda _: b"")
    return response


@defect("length-below-offset-accepted", BELOW_OFFSET, DECLARED)
async def accept_length_below_offset(call: Call) -> Response:
    """A length below what is stored is accepted."""
    if _length(call) >= call.info.offset:
        return await call.respond()
    await call.server.set_length(call.info.id, _length(call))
    return acknowledge(call.info.offset)


@defect("length-below-offset-truncates", BELOW_OFFSET, DECLARED)
async def truncate_to_length_below_offset(call: Call) -> Response:
    """A length below what is stored drops the bytes beyond it."""
    length = _length(call)
    if length >= call.info.offset:
        return await call.respond()
    await call.server.rewrite(call.info, lambda data: data[:length], size=length)
    return acknowledge(length)


@defect("declared-length-not-limited", "creation.defer-length.length-over-max", OVER_MAXIMUM)
async def accept_declared_length_beyond_maximum(call: Call) -> Response:
    """A length beyond Tus-Max-Size is accepted with a PATCH."""
    await call.server.set_length(call.info.id, _length(call))
    return acknowledge(call.info.offset)


@defect("declared-excess-stored", EXCEEDS, DECLARED)
async def store_declared_excess(call: Call) -> Response:
    """A PATCH that declares a length and brings more bytes has both accepted."""
    if call.info.offset + (call.request.body.length or 0) <= _length(call):
        return await call.respond()
    data = await call.read_body()
    await call.respond_to(b"", Upload_Length=None)
    await call.server.set_length(call.info.id, _length(call))
    await call.server.append(call.info, data)
    return acknowledge(call.info.offset + len(data))


@defect("declared-excess-refused-and-stored", EXCEEDS, DECLARED)
async def refuse_and_store_declared_excess(call: Call) -> Response:
    """A PATCH that declares a length and brings more bytes gets 400, but all are stored."""
    data = await call.read_body()
    if call.info.offset + len(data) <= _length(call):
        return await call.respond_to(data)
    await call.server.append(call.info, data)
    return answer(400)


@defect("deferred-length-set-by-first-bytes", DEFER_LENGTH_HEAD, Match(method="POST"), client=True)
async def set_length_to_first_bytes(call: Call) -> Response:
    """The length of a deferred upload becomes that of the bytes in its creation."""
    response = await call.respond()
    info = await call.find_created(response)
    if info and info.size is None and info.offset:
        await call.server.set_length(info.id, info.offset)
    return response
