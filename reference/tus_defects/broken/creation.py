"""Defects of creations that remember, compute or touch bytes (Creation; Creation With Upload)."""

from tus_defects.call import Call, created_id
from tus_defects.message_edits import (
    OFFSET_TYPE,
    acknowledge,
    answer,
    find_header,
    rewrite,
    set_header,
)
from tus_defects.rule import Match
from tus_defects.variant import defect
from tus_reference.model import BodyEndedEarly, Response

UPLOAD_OFFSET_VALUE = "creation-with-upload.upload-offset-value"
EMPTY_BODY = "creation-with-upload.empty-body"
CREATION = Match(request=("creation",))
PLAIN_CREATION = Match(method="POST", header={"Upload-Length": "100", "Upload-Metadata": False})
HEAD = Match(method="HEAD")
FORMAT = "core.upload-length.format"
WITH_UPLOAD = Match(request=("creation-with-upload",))
INTERRUPTED = "creation-with-upload.interrupted"


@defect("empty-upload-reused", "creation.post.location", PLAIN_CREATION, client=True)
async def reuse_empty_upload(call: Call) -> Response:
    """A creation of 100 bytes leads to the latest such upload, as long as that one is empty."""
    response = await call.respond()
    if call.request.body.length or call.has("Upload-Concat") or response.status != 201:
        return response
    latest = call.memory.texts.get("latest", "")
    info = await call.server.find(latest.rpartition("/")[2])
    if info is not None and not info.offset:
        return set_header(response, "Location", latest)
    call.memory.texts["latest"] = find_header(response, "Location") or ""
    return response


@defect("upload-begins-at-one", "creation.initial-offset", HEAD, client=True)
async def return_offset_one_at_first(call: Call) -> Response:
    """The first HEAD of an empty upload returns the offset 1."""
    response = await call.respond()
    empty = find_header(response, "Upload-Offset") == "0"
    if call.is_marked or not empty or find_header(response, "Upload-Length") == "0":
        return response
    call.memory.marked.add(call.upload_id)
    return set_header(response, "Upload-Offset", "1")


@defect("length-off-by-one", "core.head.upload-length", CREATION, client=True)
async def add_one_to_length(call: Call) -> Response:
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


@defect(
    "malformed-length-accepted",
    "core.upload-length.reject-invalid",
    Match(method="POST", header={"Upload-Length": "(?!\\d+$).*"}),
)
async def accept_malformed_length(call: Call) -> Response:
    """A malformed length is taken for the number that it begins with."""
    return await call.respond(Upload_Length=str(_number_in(call.header("Upload-Length"))))


@defect("malformed-length-repeated", FORMAT, Match(method="POST|HEAD"))
async def echo_malformed_length(call: Call) -> Response:
    """HEAD returns a malformed length as the client sent it."""
    text = call.header("Upload-Length")
    odd = not text.isdecimal() and text.lstrip("+-").replace(",", "").isdecimal()
    return await call.echo("Upload-Length", str(_number_in(text)), unusual=odd)


@defect("length-truncated-to-32-bits", FORMAT, HEAD, on="no-maximum", client=True)
async def truncate_length_to_32_bits(call: Call) -> Response:
    """HEAD returns lengths modulo 2^32."""
    return rewrite(await call.respond(), "Upload-Length", lambda text: str(int(text) % 2**32))


@defect("length-truncated-to-63-bits", FORMAT, HEAD, on="any-length")
async def truncate_length_to_63_bits(call: Call) -> Response:
    """HEAD returns lengths modulo 2^63."""
    return rewrite(await call.respond(), "Upload-Length", lambda text: str(int(text) % 2**63))


@defect(
    "empty-upload-grows",
    "core.patch.exceeds-length",
    Match(method="PATCH", upload=("known", "not-final")),
)
async def extend_empty_upload(call: Call) -> Response:
    """An upload of no bytes accepts some."""
    if call.info.size != 0 or call.info.offset:
        return await call.respond()
    data = await call.read_body()
    await call.server.append(call.info, data)
    return acknowledge(len(data))


@defect(
    "maximum-not-enforced",
    "creation.max-size.413",
    Match(method="POST", above={"Upload-Length": 8 * 1024 * 1024}),
)
async def ignore_maximum(call: Call) -> Response:
    """A length beyond Tus-Max-Size is accepted."""
    response = await call.respond(Upload_Length=str(call.server.config.max_size))
    await call.server.set_length(created_id(response), int(call.header("Upload-Length")))
    return response


@defect("with-upload-drops-a-byte", "creation-with-upload.accept-bytes", WITH_UPLOAD, client=True)
async def drop_last_byte(call: Call) -> Response:
    """A creation with up to 90 bytes stores all but the last one."""
    data = await call.read_body()
    if call.has("Upload-Checksum") or len(data) > 90:
        return await call.respond_to(data)
    return await call.respond_to(data[:-1])


@defect("with-upload-corrupted", UPLOAD_OFFSET_VALUE, WITH_UPLOAD, client=True)
async def clear_highest_bits(call: Call) -> Response:
    """The bytes of a creation are stored without their highest bits."""
    response = await call.respond()
    info = await call.find_created(response)
    if info and info.offset:
        await call.server.rewrite(info, lambda data: bytes(byte & 0x7F for byte in data))
    return response


@defect(
    "with-upload-of-other-type-cut",
    "creation-with-upload.wrong-content-type",
    Match(request=("creation-with-other-body",)),
)
async def cut_body_of_other_type(call: Call) -> Response:
    """Of bytes of another media type in a creation two are stored, and all acknowledged."""
    data = await call.read_body()
    response = await call.respond_to(data[:2], Content_Type=OFFSET_TYPE)
    return rewrite(response, "Upload-Offset", lambda _: str(len(data)))


@defect("with-upload-excess-stored", "creation-with-upload.exceeds-length", WITH_UPLOAD)
async def store_excess(call: Call) -> Response:
    """A creation of up to 5 bytes stores more bytes than its length."""
    length = call.number("Upload-Length")
    if length is None or length > 5 or call.has("Upload-Concat"):
        return await call.respond()
    data = await call.read_body()
    response = await call.respond_to(b"")
    info = await call.find_created(response)
    if info:
        await call.server.append(info, data)
    return set_header(response, "Upload-Offset", str(len(data)))


@defect("empty-with-upload-adds-a-byte", EMPTY_BODY, WITH_UPLOAD, client=True)
async def add_byte_on_empty_body(call: Call) -> Response:
    """A creation with the media type of bytes and an empty body stores one byte."""
    response = await call.respond()
    info = await call.find_created(response)
    if info and not info.offset and info.size and not call.has("Upload-Concat"):
        await call.server.append(info, b"?")
    return response


@defect("upload-of-same-length-reused", INTERRUPTED, WITH_UPLOAD, client=True)
async def reuse_upload_of_same_length(call: Call) -> Response:
    """A creation with bytes adds them to the first upload that was created with its length."""
    response, length = await call.respond(), call.header("Upload-Length")
    info = await call.find_created(response)
    if info is None or not info.offset or not length:
        return response
    first = await call.server.find(call.memory.texts.setdefault(length, info.id))
    if first is None or first.id == info.id:
        return response
    await call.server.append(first, await call.server.read(info))
    response = set_header(response, "Upload-Offset", str(first.offset + info.offset))
    return rewrite(response, "Location", lambda url: url.replace(info.id, first.id))


async def _read_unless_broken(call: Call) -> bytes:
    """Return the body; mark it if it breaks off."""
    try:
        return await call.read_body()
    except BodyEndedEarly:
        call.memory.marked.add("broken")
        raise


async def _respond_to_read(call: Call, data: bytes) -> Response:
    """Respond to a request whose body was read; to one that had none as it came."""
    return await (call.respond() if call.request.body.length == 0 else call.respond_to(data))


@defect("fails-after-broken-creation", INTERRUPTED, CREATION, client=True)
async def fail_after_broken_creation(call: Call) -> Response:
    """The creation after one that broke off gets 500."""
    if "broken" in call.memory.marked:
        call.memory.marked.discard("broken")
        return answer(500)
    return await _respond_to_read(call, await _read_unless_broken(call))


@defect("broken-creation-goes-on-in-next", INTERRUPTED, CREATION, client=True)
async def append_broken_creation_to_next(call: Call) -> Response:
    """Bytes of a creation that broke off are appended to the next upload."""
    broken = "broken" in call.memory.marked
    call.memory.marked.discard("broken")
    response = await _respond_to_read(call, await _read_unless_broken(call))
    info = await call.find_created(response)
    if broken and info and info.size == 100:
        await call.server.append(info, b"left over")
    return response


@defect(
    "body-stored-as-zeros",
    "creation.post.body-without-extension",
    WITH_UPLOAD,
    on="creation-only",
    client=True,
)
async def store_body_as_zeros(call: Call) -> Response:
    """Where bytes in a creation are not offered, all but one are stored, as zeros."""
    size = call.request.body.length or 0
    response = await call.respond()
    info = await call.find_created(response)
    if info and size > 1:
        await call.server.append(info, bytes(size - 1))
    return response
