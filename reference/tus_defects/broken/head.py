"""Defects of HEAD that compute or remember something (Core, HEAD)."""

from tus_defects.call import Call, created_id
from tus_defects.message_edits import find_header, rewrite, set_header, succeeded
from tus_defects.rule import Match
from tus_defects.server import drop_last
from tus_defects.variant import defect
from tus_reference.model import Response

ACCURATE = "core.head.offset-accurate"


@defect("last-byte-lost-at-restart", ACCURATE, Match(method="POST|HEAD|PATCH"), client=True)
async def lose_last_byte_at_restart(call: Call) -> Response:
    """Uploads that existed before the server was started lose their last byte."""
    seen = call.memory.marked
    if call.method == "POST":
        response = await call.respond()
        seen.add(created_id(response))
        return response
    info = await call.upload()
    if info is not None and info.id not in seen:
        seen.add(info.id)
        await call.server.rewrite(info, drop_last)
    return await call.respond()


@defect("length-is-what-is-left", "core.head.upload-length", Match(method="HEAD"), client=True)
async def return_remaining_length(call: Call) -> Response:
    """HEAD returns as length what is still missing of the upload."""
    response = await call.respond()
    offset = int(find_header(response, "Upload-Offset") or 0)
    return rewrite(response, "Upload-Length", lambda text: str(int(text) - offset))


@defect("offset-goes-back", ACCURATE, Match(method="HEAD"), client=True)
async def decrease_every_second_offset(call: Call) -> Response:
    """Every second HEAD of an unfinished upload returns one byte less than the first."""
    response = await call.respond()
    offset, info = find_header(response, "Upload-Offset"), await call.upload()
    if offset in {None, "0"} or info is None or info.is_complete:
        return response
    if info.id in call.memory.marked:
        call.memory.marked.discard(info.id)
        return rewrite(response, "Upload-Offset", lambda text: str(int(text) - 1))
    call.memory.marked.add(info.id)
    return response


@defect("head-offset-is-stale", ACCURATE, Match(method="HEAD|PATCH"), client=True)
async def return_previous_offset(call: Call) -> Response:
    """The first HEAD after a PATCH returns what the HEAD before it returned."""
    response, memory, upload_id = await call.respond(), call.memory, call.upload_id
    offset = find_header(response, "Upload-Offset")
    if offset is None or not succeeded(response):
        return response
    if call.method == "PATCH":
        memory.marked.add(upload_id)
        return response
    stale = memory.texts.get(upload_id)
    memory.texts[upload_id] = offset
    if stale is None or upload_id not in memory.marked:
        return response
    memory.marked.discard(upload_id)
    return set_header(response, "Upload-Offset", stale)
