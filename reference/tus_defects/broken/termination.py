"""Defects of DELETE that touch uploads (Termination)."""

from tus_defects.call import Call
from tus_defects.messages import answer
from tus_defects.rule import Match
from tus_defects.variant import defect
from tus_reference.model import Response

DELETE = Match(method="DELETE")
DELETE_OF_KNOWN = Match(method="DELETE", upload=("known",))
ACCURATE = "core.head.offset-accurate"


@defect(ACCURATE, DELETE_OF_KNOWN, client=True)
async def delete_removes_another_upload(call: Call) -> Response:
    """DELETE of an upload at offset 40 also removes every upload at offset 60."""
    if call.info.offset == 40:
        for each in await call.server.find_all():
            if each.offset == 60:
                await call.server.remove(each.id)
    return await call.respond()


@defect(ACCURATE, Match(method="DELETE", path="endpoint"))
async def delete_of_endpoint_removes_all(call: Call) -> Response:
    """DELETE of the creation URL removes all uploads."""
    for each in await call.server.find_all():
        await call.server.remove(each.id)
    return answer(204)


@defect("termination.204", DELETE_OF_KNOWN, client=True)
async def partly_received_upload_not_deletable(call: Call) -> Response:
    """DELETE of an unfinished upload gets 423 once more than 1,000 bytes are stored."""
    locked = call.info.size is not None and 1000 < call.info.offset < call.info.size
    return answer(423) if locked else await call.respond()


@defect("termination.advertise", DELETE, on="creation-only")
async def unadvertised_delete_works(call: Call) -> Response:
    """DELETE removes uploads where termination is not offered."""
    info = await call.upload()
    if call.header("Tus-Resumable") != "1.0.0":
        return answer(412, ("Tus-Version", "1.0.0"))
    if info is None:
        return answer(404)
    await call.server.remove(info.id)
    return answer(204)


@defect("termination.unsupported", DELETE, on="creation-only")
async def unsupported_delete_removes(call: Call) -> Response:
    """DELETE is refused where termination is not offered, and the upload is removed."""
    response = await call.respond()
    await call.server.remove(call.upload_id)
    return response
