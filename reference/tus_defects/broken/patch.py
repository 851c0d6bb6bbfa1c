"""Defects of PATCH about its offset and its mistakes that compute or store something (Core)."""

from tus_defects.call import Call
from tus_defects.kinds import has_other_media_type
from tus_defects.message_edits import answer, rewrite, succeeded
from tus_defects.rule import Match
from tus_defects.variant import defect
from tus_reference.model import Response

PATCH_OFFSET_MISMATCH_409 = "core.patch.offset-mismatch-409"
PATCH = Match(method="PATCH", upload=("known",))
WITH_OFFSET = Match(method="PATCH", header={"Upload-Offset": "\\d+"})
NO_CHANGE = "core.patch.offset-mismatch-no-change"


@defect(
    "patch-offset-is-bytes-received",
    "core.patch.upload-offset-value",
    Match(method="PATCH"),
    client=True,
)
async def return_bytes_received(call: Call) -> Response:
    """PATCH returns how many bytes it brought instead of the new offset."""
    response, before = await call.respond(), call.number("Upload-Offset")
    if not succeeded(response) or before is None:
        return response
    return rewrite(response, "Upload-Offset", lambda text: str(int(text) - before))


@defect("same-metadata-one-at-a-time", "core.patch.accept", PATCH, client=True)
async def serialize_same_metadata(call: Call) -> Response:
    """PATCH gets 423 while another upload with the same metadata is begun and unfinished."""
    metadata, uploads = call.info.metadata, await call.server.find_all()
    begun = [each for each in uploads if each.offset and not each.is_complete]
    same = [each for each in begun if each.metadata == metadata and each.id != call.info.id]
    return answer(423) if metadata and same else await call.respond()


@defect("offset-truncated-to-32-bits", PATCH_OFFSET_MISMATCH_409, WITH_OFFSET, on="no-maximum")
async def truncate_offset_to_32_bits(call: Call) -> Response:
    """Offsets are compared modulo 2^32."""
    return await call.respond(Upload_Offset=str(int(call.header("Upload-Offset")) % 2**32))


@defect("offset-mismatch-stored", NO_CHANGE, PATCH)
async def store_offset_mismatch(call: Call) -> Response:
    """A wrong offset is refused with 409, but the bytes have been appended."""
    info = call.info
    if (call.number("Content-Length") or 0) > info.offset:
        return await call.respond()
    data = await call.read_body()
    response = await call.respond_to(data)
    if response.status == 409:
        room = len(data) if info.size is None else info.size - info.offset
        await call.server.append(info, data[:room])
    return response


@defect("past-offset-truncates", NO_CHANGE, PATCH)
async def truncate_to_past_offset(call: Call) -> Response:
    """A PATCH at an offset below the current one drops what is stored beyond it."""
    given = call.number("Upload-Offset")
    if given is not None and given < call.info.offset:
        await call.server.rewrite(call.info, lambda data: data[:given])
    return await call.respond()


@defect("fails-on-two-mistakes", "core.patch.precedence", Match(method="PATCH"))
async def fail_on_two_mistakes(call: Call) -> Response:
    """A PATCH with two mistakes gets 500."""
    response = await call.respond()
    mistakes = [
        call.header("Tus-Resumable") not in {"1.0.0", ""},
        has_other_media_type(call.request),
        response.status in {404, 409},
        (call.request.body.length or 0) > 80,
    ]
    return answer(500) if sum(mistakes) > 1 and not succeeded(response) else response


@defect("two-mistakes-stored", "core.patch.precedence", PATCH)
async def store_two_mistakes(call: Call) -> Response:
    """A PATCH with a wrong offset and another mistake is refused, but its bytes are appended."""
    info, given = call.info, call.number("Upload-Offset")
    size = call.request.body.length or 0
    if info.size is None or given is None or not size:
        return await call.respond()
    second = has_other_media_type(call.request) or given + size > info.size
    if given == info.offset or not second or call.header("Tus-Resumable") != "1.0.0":
        return await call.respond()
    data = await call.read_body()
    await call.server.append(info, data[: info.size - info.offset])
    return answer(409)
