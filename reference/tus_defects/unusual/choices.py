"""Unusual choices that look at uploads or the body: what is ignored, refused first or removed."""

from dataclasses import replace

import anyio

from tus_defects.call import Call
from tus_defects.messages import answer, read_body, succeeded, with_body
from tus_defects.rule import Match
from tus_defects.variant import quirk
from tus_reference.model import BodyEndedEarly, EarlyEnd, FileInfo, Response


@quirk(Match(request=("creation-with-excess",)), client=True)
async def excess_ignored(call: Call) -> Response:
    """Bytes of a creation beyond its length are ignored."""
    data = await read_body(call.request)
    return await call.respond_to(data[: call.number("Upload-Length")])


@quirk(Match(method="PATCH", upload=("known",)))
async def offset_checked_before_type(call: Call) -> Response:
    """The offset of a PATCH is checked before its media type."""
    response, offset = await call.respond(), call.number("Upload-Offset")
    wrong = offset is not None and offset != call.info.offset
    return answer(409) if wrong and response.status == 415 else response


@quirk(Match(method="PATCH|DELETE"))
async def deletion_ends_patch_unanswered(call: Call) -> Response:
    """A PATCH that meets a DELETE gets no response; both take a moment."""
    deleted = call.memory.marked
    if call.method == "DELETE":
        deleted.add(call.upload_id)
        await anyio.sleep(0.01)
        response = await call.respond()
        if not succeeded(response):
            deleted.discard(call.upload_id)
        return response
    response = await call.respond()
    if succeeded(response):
        await anyio.sleep(0.01)
        if call.upload_id in deleted:
            raise BodyEndedEarly(EarlyEnd.DISCONNECTED)
    return response


@quirk(Match(request=("final-creation",)), client=True)
async def joined_partials_removed(call: Call) -> Response:
    """Partial uploads are removed as soon as they are joined."""
    response = await call.respond()
    info = await call.created(response)
    if info and info.is_complete:
        await _delete_partials(call, info)
    return response


@quirk(Match(method="DELETE", upload=("final",)), client=True)
async def partials_deleted_with_final(call: Call) -> Response:
    """DELETE of a final upload deletes its partial uploads as well."""
    response = await call.respond()
    if succeeded(response):
        await _delete_partials(call, call.info)
    return response


async def _delete_partials(call: Call, info: FileInfo) -> None:
    """Delete the partial uploads of a final one as a client would."""
    for each in dict.fromkeys(info.partial_uploads):
        target = f"{call.server.urls.path}{each}"
        request = replace(with_body(call.request, b""), method="DELETE", target=target)
        await call.respond(request, X_HTTP_Method_Override=None)


# Locks


@quirk(Match(method="PATCH|POST", path="upload"), client=True)
async def locks_by_waiting(call: Call) -> Response:
    """A PATCH waits until the one before it has ended."""
    while call.is_marked:
        await anyio.sleep(0.05)
    with call.marking():
        return await call.respond()


@quirk(Match(method="PATCH|DELETE", path="upload"), client=True)
async def locks_by_423(call: Call) -> Response:
    """A PATCH or DELETE of an upload that is in use gets 423."""
    if call.is_marked:
        return answer(423)
    with call.marking():
        return await call.respond()
