"""Defects of POST that remember or compute something (Creation)."""

from tus_defects.call import Call, created_id
from tus_defects.messages import acknowledge, find_header, read_body, rewrite, set_header
from tus_defects.rule import Match
from tus_defects.variant import defect
from tus_reference.model import Response

CREATION = Match(request=("creation",))
PLAIN_CREATION = Match(
    method="POST",
    header={"Upload-Length": "100"},
    lacks={"Upload-Metadata": ".*", "Upload-Concat": "[pf].*"},
)
HEAD = Match(method="HEAD")
FORMAT = "core.upload-length.format"


@defect("creation.post.location", PLAIN_CREATION, client=True)
async def empty_upload_reused(call: Call) -> Response:
    """A creation of 100 bytes leads to the latest such upload, as long as that one is empty."""
    response = await call.respond()
    if call.request.body.length or response.status != 201:
        return response
    latest = call.memory.texts.get("latest", "")
    info = await call.server.find(latest.rpartition("/")[2])
    if info is not None and not info.offset:
        return set_header(response, "Location", latest)
    call.memory.texts["latest"] = find_header(response, "Location") or ""
    return response


@defect("creation.initial-offset", HEAD, client=True)
async def upload_begins_at_one(call: Call) -> Response:
    """The first HEAD of an empty upload returns the offset 1."""
    response = await call.respond()
    empty = find_header(response, "Upload-Offset") == "0"
    if call.is_marked or not empty or find_header(response, "Upload-Length") == "0":
        return response
    call.memory.marked.add(call.upload_id)
    return set_header(response, "Upload-Offset", "1")


@defect("core.head.upload-length", CREATION, client=True)
async def length_off_by_one(call: Call) -> Response:
    """An upload is created one byte longer than was asked for."""
    length = call.number("Upload-Length")
    if length is None or not 0 < length < 2**32:
        return await call.respond()
    return await call.respond(Upload_Length=str(length + 1))


def _number_in(text: str) -> int:
    """Return the number that a malformed length begins with, 0 for none."""
    digits = text.partition(",")[0].strip().lstrip("+-0x")
    count = next((at for at, c in enumerate(digits) if c not in "0123456789"), len(digits))
    return int(digits[:count] or 0)


@defect("core.upload-length.reject-invalid", Match(request=("creation", "malformed-length")))
async def malformed_length_accepted(call: Call) -> Response:
    """A malformed length is taken for the number that it begins with."""
    return await call.respond(Upload_Length=str(_number_in(call.header("Upload-Length"))))


@defect(FORMAT, Match(method="POST|HEAD"))
async def malformed_length_repeated(call: Call) -> Response:
    """HEAD returns a malformed length as the client sent it."""
    text = call.header("Upload-Length")
    odd = not text.isdecimal() and text.lstrip("+-").replace(",", "").isdecimal()
    return await call.echo("Upload-Length", str(_number_in(text)), unusual=odd)


@defect(FORMAT, HEAD, on="no-maximum", client=True)
async def length_truncated_to_32_bits(call: Call) -> Response:
    """HEAD returns lengths modulo 2^32."""
    return rewrite(await call.respond(), "Upload-Length", lambda text: str(int(text) % 2**32))


@defect(FORMAT, HEAD, on="any-length")
async def length_truncated_to_63_bits(call: Call) -> Response:
    """HEAD returns lengths modulo 2^63."""
    return rewrite(await call.respond(), "Upload-Length", lambda text: str(int(text) % 2**63))


@defect("core.patch.exceeds-length", Match(method="PATCH", upload=("known", "not-final")))
async def empty_upload_grows(call: Call) -> Response:
    """An upload of no bytes accepts some."""
    if call.info.size != 0 or call.info.offset:
        return await call.respond()
    data = await read_body(call.request)
    await call.server.append(call.info, data)
    return acknowledge(len(data))


@defect("creation.max-size.413", Match(method="POST", above={"Upload-Length": 8 * 1024 * 1024}))
async def maximum_not_enforced(call: Call) -> Response:
    """A length beyond Tus-Max-Size is accepted."""
    response = await call.respond(Upload_Length=str(call.server.config.max_size))
    await call.server.set_length(created_id(response), int(call.header("Upload-Length")))
    return response
