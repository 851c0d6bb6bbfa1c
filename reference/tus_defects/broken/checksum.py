"""Defects of checksums that touch bytes or remember something (Checksum)."""

from tus_defects.call import Call
from tus_defects.kinds import is_malformed_checksum
from tus_defects.message_edits import answer, with_body, without_checksum
from tus_defects.rule import Match
from tus_defects.server import drop_last, invert_last
from tus_defects.variant import defect
from tus_reference.model import BodyEndedEarly, Headers, Refused, Response
from tus_reference.protocol.checksum import ALGORITHMS, parse_checksum
from tus_reference.protocol.metadata import encode_base64

CREATION_WITH_UPLOAD = "checksum.creation-with-upload"
PATCH = Match(method="PATCH")
CHECKED = Match(method="PATCH", header={"Upload-Checksum": True})
CHECKED_OF_KNOWN = Match(method="PATCH", header={"Upload-Checksum": True}, upload=("known",))
CHECKED_CREATION = Match(request=("creation-with-upload",), header={"Upload-Checksum": True})
CRC32 = Match(method="PATCH", header={"Upload-Checksum": "crc32( .*)?"})
CHUNKED = Match(method="PATCH", body="chunked")
UNANNOUNCED = Match(method="PATCH", body="chunked", header={"Trailer": False})
MATCH = "checksum.match-204"
TRAILER = "checksum-trailer.verify"


def _is_wrong(call: Call, data: bytes, trailers: Headers | None = None) -> bool:
    """Return whether a well-formed checksum of a known algorithm is not that of the data."""
    trailers = call.request.body.trailers if trailers is None else trailers
    for text in (call.header("Upload-Checksum"), trailers.joined("Upload-Checksum")):
        try:
            checksum = parse_checksum(text) if text else None
        except Refused:
            return False
        if checksum is not None:
            hash_ = checksum.new_hash()
            hash_.update(data)
            if hash_.digest() != checksum.digest:
                return True
    return False


def _has_checksum(call: Call) -> bool:
    """Return whether the request has a checksum or announces one."""
    return call.has("Upload-Checksum") or (call.request.body.length is None and call.has("Trailer"))


@defect("checksum-not-verified", "checksum.verify", PATCH)
async def skip_verification(call: Call) -> Response:
    """Wrong checksums are accepted."""
    if not call.has("Upload-Checksum") and call.request.body.length is not None:
        return await call.respond()
    data = await call.read_body()
    request = with_body(call.request, data)
    return await call.respond(without_checksum(request) if _is_wrong(call, data) else request)


@defect("checksum-mismatch-stored", "checksum.mismatch-discard", CHECKED)
async def store_mismatch(call: Call) -> Response:
    """Bytes with a wrong checksum get 460, and are stored."""
    try:
        data = await call.read_body()
    except BodyEndedEarly:
        return await call.respond()
    if not _is_wrong(call, data):
        return await call.respond_to(data)
    await call.respond(without_checksum(with_body(call.request, data)))
    return answer(460)


@defect("checksum-mismatch-corrupts", "checksum.mismatch-discard", CHECKED_OF_KNOWN)
async def corrupt_on_mismatch(call: Call) -> Response:
    """A wrong checksum gets 460, and the last byte that was stored before is inverted."""
    response = await call.respond()
    if response.status == 460 and call.info.offset:
        await call.server.rewrite(call.info, invert_last)
    return response


@defect("checksum-mismatch-drops-a-byte", "checksum.mismatch-offset", CHECKED_OF_KNOWN)
async def drop_byte_on_mismatch(call: Call) -> Response:
    """A wrong checksum gets 460, and the last byte that was stored before is removed."""
    response = await call.respond()
    if response.status == 460 and call.info.offset:
        await call.server.rewrite(call.info, drop_last)
    return response


@defect("checksum-of-whole-upload-expected", MATCH, CHECKED_OF_KNOWN, client=True)
async def expect_checksum_of_whole_upload(call: Call) -> Response:
    """The checksum is expected to be that of the whole upload."""
    response = await call.respond()
    if response.status != 204 or not call.info.offset or not call.request.body.length:
        return response
    await call.server.rewrite(call.info, lambda data: data)
    return answer(460)


@defect("checksum-over-1-mib-refused", MATCH, PATCH, client=True)
async def refuse_checksum_over_1_mib(call: Call) -> Response:
    """A right checksum gets 460 once more than 1 MiB is stored."""
    response, info = await call.respond(), await call.upload()
    refused = response.status == 204 and _has_checksum(call) and info and info.offset > 2**20
    return answer(460) if refused else response


@defect("checksum-of-first-read-expected", MATCH, CHECKED, client=True)
async def expect_checksum_of_first_read(call: Call) -> Response:
    """The checksum is expected to be that of what the first read of the body brings."""
    first = await call.read_chunk()
    data = first + await call.read_body()
    wrong = len(first) < len(data) and _is_wrong(call, first, Headers())
    return answer(460) if wrong else await call.respond_to(data)


@defect("later-reads-not-verified", "checksum.verify", CHECKED)
async def skip_later_reads(call: Call) -> Response:
    """The checksum of a body that takes more than one read is not verified."""
    first = await call.read_chunk()
    data = first + await call.read_body()
    request = with_body(call.request, data)
    return await call.respond(request if len(first) == len(data) else without_checksum(request))


@defect("crc32-in-little-endian", "checksum.algorithm-header-format", CRC32, client=True)
async def reverse_crc32(call: Call) -> Response:
    """The bytes of a crc32 are expected in reverse order."""
    text = call.header("Upload-Checksum")
    if is_malformed_checksum(text):
        return await call.respond()
    reverse = encode_base64(parse_checksum(text).digest[::-1])
    return await call.respond(Upload_Checksum=f"crc32 {reverse}")


@defect(
    "broken-checksummed-patch-stored",
    "checksum.partial-body",
    Match(method="PATCH", upload=("known",)),
    client=True,
)
async def store_broken_patch(call: Call) -> Response:
    """A PATCH with a checksum that broke off counts with its whole length, as zeros."""
    if not _has_checksum(call):
        return await call.respond()
    try:
        return await call.respond_to(await call.read_body())
    except BodyEndedEarly:
        if call.info.size is not None:
            await call.server.append(call.info, bytes(call.request.body.length or 41))
        raise


@defect("fails-after-broken-checksummed-patch", MATCH, PATCH, client=True)
async def fail_after_broken_patch(call: Call) -> Response:
    """After a PATCH with a checksum broke off, every later one with a checksum gets 500."""
    if call.is_marked and call.has("Upload-Checksum"):
        return answer(500)
    if not _has_checksum(call):
        return await call.respond()
    try:
        return await call.respond_to(await call.read_body())
    except BodyEndedEarly:
        call.memory.marked.add(call.upload_id)
        raise


@defect("creation-with-checksum-corrupted", CREATION_WITH_UPLOAD, CHECKED_CREATION, client=True)
async def corrupt_creation_with_checksum(call: Call) -> Response:
    """The bytes of a creation with a checksum are stored changed, and one too few."""
    response = await call.respond(without_checksum(call.request))
    if info := await call.find_created(response):
        await call.server.rewrite(info, lambda data: data[:-1].replace(data[:1], b"?"))
    return response


@defect("checksum-trailer-mismatch-stored", TRAILER, CHUNKED)
async def store_trailer_mismatch(call: Call) -> Response:
    """A wrong checksum in a trailer gets 460, but the bytes have been stored."""
    return await _store_mismatch(call)


@defect("unannounced-trailer-mismatch-stored", TRAILER, UNANNOUNCED)
async def store_unannounced_mismatch(call: Call) -> Response:
    """A wrong checksum in a trailer that was not announced gets 460 after the bytes are stored."""
    return await _store_mismatch(call)


async def _store_mismatch(call: Call) -> Response:
    data = await call.read_body()
    request = with_body(call.request, data)
    sent = call.request.body.trailers.joined("Upload-Checksum")
    if sent is None or call.has("Upload-Checksum"):
        return await call.respond(request)
    readable = not is_malformed_checksum(sent) and sent.partition(" ")[0] in ALGORITHMS
    response = await call.respond(without_checksum(request))
    return response if readable and not _is_wrong(call, data) else answer(460)


@defect("unannounced-trailer-refused", TRAILER, UNANNOUNCED, client=True)
async def refuse_unannounced_trailer(call: Call) -> Response:
    """A right checksum in a trailer that was not announced gets 460 after the bytes are stored."""
    response = await call.respond_to(await call.read_body())
    carried = "Upload-Checksum" in call.request.body.trailers
    return answer(460) if carried and response.status == 204 else response


@defect("fails-on-unannounced-trailer", TRAILER, UNANNOUNCED, client=True)
async def fail_on_unannounced_trailer(call: Call) -> Response:
    """A checksum in a trailer that was not announced gets 500."""
    data = await call.read_body()
    carried = "Upload-Checksum" in call.request.body.trailers
    return answer(500) if carried else await call.respond_to(data)
