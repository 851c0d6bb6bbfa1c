"""Defects of DELETE and of expiry that remember or remove uploads (Termination; Expiration)."""

import time

from tus_defects.call import Call
from tus_defects.message_edits import answer, find_header, set_status, strip
from tus_defects.rule import Match
from tus_defects.variant import defect
from tus_reference.model import Response

PATCH_HEADER = "expiration.patch-header"
DELETE = Match(method="DELETE")
DELETE_OF_KNOWN = Match(method="DELETE", upload=("known",))
ACCURATE = "core.head.offset-accurate"
UPLOAD = Match(method="HEAD|PATCH|DELETE")
REMOVED = "expiration.removed-404-410"
NOT_REMOVED = "expiration.complete-not-removed"


@defect("delete-removes-another-upload", ACCURATE, DELETE_OF_KNOWN, client=True)
async def remove_another_upload(call: Call) -> Response:
    """DELETE of an upload at offset 40 also removes every upload at offset 60."""
    if call.info.offset == 40:
        for each in await call.server.find_all():
            if each.offset == 60:
                await call.server.remove(each.id)
    return await call.respond()


@defect("delete-of-endpoint-removes-all", ACCURATE, Match(method="DELETE", path="endpoint"))
async def remove_all_uploads(call: Call) -> Response:
    """DELETE of the creation URL removes all uploads."""
    for each in await call.server.find_all():
        await call.server.remove(each.id)
    return answer(204)


@defect("partly-received-upload-not-deletable", "termination.204", DELETE_OF_KNOWN, client=True)
async def refuse_deletion_of_partly_received_upload(call: Call) -> Response:
    """DELETE of an unfinished upload gets 423 once more than 1,000 bytes are stored."""
    locked = call.info.size is not None and 1000 < call.info.offset < call.info.size
    return answer(423) if locked else await call.respond()


@defect("unadvertised-delete-works", "termination.advertise", DELETE, on="creation-only")
async def delete_without_advertising(call: Call) -> Response:
    """DELETE removes uploads where termination is not offered."""
    info = await call.upload()
    if call.header("Tus-Resumable") != "1.0.0":
        return answer(412, ("Tus-Version", "1.0.0"))
    if info is None:
        return answer(404)
    await call.server.remove(info.id)
    return answer(204)


@defect("unsupported-delete-removes", "termination.unsupported", DELETE, on="creation-only")
async def refuse_and_delete(call: Call) -> Response:
    """DELETE is refused where termination is not offered, and the upload is removed."""
    response = await call.respond()
    await call.server.remove(call.upload_id)
    return response


@defect("only-first-patch-with-expires", PATCH_HEADER, Match(method="PATCH"), client=True)
async def remove_later_expires(call: Call) -> Response:
    """Only the response to the first PATCH has Upload-Expires."""
    response = await call.respond()
    if find_header(response, "Upload-Expires") is None:
        return response
    if call.is_marked:
        return strip(response, "Upload-Expires")
    call.memory.marked.add(call.upload_id)
    return response


async def _respond_to_expired(call: Call, status: int) -> Response:
    """Respond with another status where an upload has expired, but not where it was deleted."""
    response, deleted = await call.respond(), call.memory.marked
    if call.method == "DELETE":
        deleted.add(call.upload_id)
        return response
    expired = response.status == 410 and call.upload_id not in deleted
    return set_status(response, status) if expired else response


@defect("expired-upload-400", REMOVED, UPLOAD, client=True)
async def respond_400_to_expired(call: Call) -> Response:
    """HEAD and PATCH of an upload that has expired get 400."""
    return await _respond_to_expired(call, 400)


@defect("expired-upload-409", REMOVED, Match(method="PATCH|DELETE"), client=True)
async def respond_409_to_expired(call: Call) -> Response:
    """PATCH of an upload that has expired gets 409."""
    return await _respond_to_expired(call, 409)


@defect("expired-upload-500", "expiration.may-remove", UPLOAD, client=True)
async def respond_500_to_expired(call: Call) -> Response:
    """HEAD and PATCH of an upload that has expired get 500."""
    return await _respond_to_expired(call, 500)


@defect(
    "upload-completed-late-removed",
    NOT_REMOVED,
    Match(method="PATCH", upload=("known",)),
    client=True,
)
async def remove_upload_completed_late(call: Call) -> Response:
    """An upload that is completed after its earlier Upload-Expires is acknowledged and removed."""
    response, info = await call.respond(), await call.upload()
    late = call.info.expires is not None and time.time() > call.info.expires
    if late and info and info.is_complete:
        await call.server.remove(info.id)
    return response


@defect("complete-upload-expires", NOT_REMOVED, Match(method="HEAD|PATCH|GET"), client=True)
async def expire_complete_upload(call: Call) -> Response:
    """Complete uploads expire as well."""
    texts, upload_id = call.memory.texts, call.upload_id
    expires = texts.get(upload_id)
    if expires is not None and time.time() > float(expires):
        await call.server.remove(upload_id)
        return answer(410)
    response, info = await call.respond(), await call.upload()
    if info and info.is_complete and call.method == "PATCH":
        texts[upload_id] = str(time.time() + call.server.config.expire_after)
    return response
