"""Defects of X-HTTP-Method-Override that touch uploads or bytes (Core)."""

from dataclasses import replace

from tus_defects.call import Call
from tus_defects.messages import OFFSET_TYPE, read_body, set_header, with_body
from tus_defects.rule import Match
from tus_defects.variant import defect
from tus_reference.model import Response

HONOURED = "core.method-override.honoured"
OVERRIDE: dict[str, str | bool] = {"X-HTTP-Method-Override": True}


@defect(HONOURED, Match(method="PATCH", sent="POST", header=OVERRIDE), client=True)
async def overridden_patch_not_stored(call: Call) -> Response:
    """A POST that is overridden to PATCH is acknowledged, and not stored."""
    return await acknowledge_without_storing(call)


async def acknowledge_without_storing(call: Call) -> Response:
    """Respond to a PATCH as if its bytes had been stored."""
    data = await read_body(call.request)
    response = await call.respond_to(b"")
    offset = call.number("Upload-Offset")
    if response.status != 204 or offset is None:
        return response
    return set_header(response, "Upload-Offset", str(offset + len(data)))


@defect(HONOURED, Match(method="FROBNICATE", header=OVERRIDE))
async def unknown_override_deletes(call: Call) -> Response:
    """An override to an unknown method removes the upload."""
    await call.server.remove(call.upload_id)
    return await call.respond()


@defect("core.method-override.actual-ignored", Match(sent="PATCH", header=OVERRIDE))
async def overridden_patch_also_stored(call: Call) -> Response:
    """A PATCH that is overridden stores its bytes as well."""
    info = await call.upload()
    data = await read_body(call.request)
    response = await call.respond(replace(with_body(call.request, b""), method="POST"))
    if info is not None and call.header("Content-Type") == OFFSET_TYPE:
        await call.server.append(info, data)
    return response
