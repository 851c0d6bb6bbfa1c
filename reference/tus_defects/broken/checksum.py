"""Defects of checksums that touch bytes or remember something (Checksum)."""

from __future__ import annotations

from tus_defects.call import Call
from tus_defects.conditions import is_malformed_checksum
from tus_defects.messages import (
    answer,
    read_body,
    read_first_chunk,
    with_body,
    without_checksum,
)
from tus_defects.registry import defect
from tus_defects.rule import Match
from tus_reference.model import BodyEndedEarly, Headers, Refused, Response
from tus_reference.protocol.checksum import ALGORITHMS, parse_checksum
from tus_reference.protocol.metadata import encode_base64

PATCH = Match(method="PATCH")
CHECKED = Match(method="PATCH", header={"Upload-Checksum": True})
VERIFY = "checksum.verify"
MATCH = "checksum.match-204"
CREATION = "checksum.creation-with-upload"
MEBIBYTE = 1024 * 1024


def is_wrong(call: Call, data: bytes, trailers: Headers | None = None) -> bool:
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


def _announces_checksum(call: Call) -> bool:
    return call.has("Upload-Checksum") or (call.request.body.length is None and call.has("Trailer"))


@defect(VERIFY, PATCH)
async def checksum_not_verified(call: Call) -> Response:
    """Wrong checksums are accepted."""
    if not call.has("Upload-Checksum") and call.request.body.length is not None:
        return await call.respond()
    data = await read_body(call.request)
    request = with_body(call.request, data)
    return await call.respond(without_checksum(request) if is_wrong(call, data) else request)


@defect("checksum.mismatch-discard", CHECKED)
async def checksum_mismatch_stored(call: Call) -> Response:
    """Bytes with a wrong checksum get 460, and are stored."""
    try:
        data = await read_body(call.request)
    except BodyEndedEarly:
        return await call.respond()
    if not is_wrong(call, data):
        return await call.respond_to(data)
    await call.respond(without_checksum(with_body(call.request, data)))
    return answer(460)


@defect("checksum.mismatch-discard", CHECKED)
async def checksum_mismatch_corrupts(call: Call) -> Response:
    """A wrong checksum gets 460, and the last byte that was stored before is inverted."""
    info = await call.upload()
    response = await call.respond()
    if response.status == 460 and info is not None and info.offset:
        data = bytearray(await call.server.read(info))
        data[-1] ^= 0xFF
        await call.server.rewrite(info, bytes(data))
    return response


@defect("checksum.mismatch-offset", CHECKED)
async def checksum_mismatch_drops_a_byte(call: Call) -> Response:
    """A wrong checksum gets 460, and the last byte that was stored before is removed."""
    response = await call.respond()
    info = await call.upload()
    if response.status == 460 and info is not None and info.offset:
        await call.server.rewrite(info, (await call.server.read(info))[:-1])
    return response


@defect(MATCH, CHECKED, client=True)
async def checksum_of_whole_upload_expected(call: Call) -> Response:
    """The checksum is expected to be that of the whole upload."""
    info = await call.upload()
    response = await call.respond()
    begun = info is not None and info.offset and call.request.body.length
    if info is None or not begun or response.status != 204:
        return response
    await call.server.rewrite(info, await call.server.read(info))
    return answer(460)


@defect(MATCH, PATCH, client=True)
async def checksum_over_1_mib_refused(call: Call) -> Response:
    """A right checksum gets 460 once more than 1 MiB is stored."""
    response = await call.respond()
    if response.status != 204 or not _announces_checksum(call):
        return response
    info = await call.upload()
    return answer(460) if info is not None and info.offset > MEBIBYTE else response


@defect(MATCH, CHECKED, client=True)
async def checksum_of_first_read_expected(call: Call) -> Response:
    """The checksum is expected to be that of what the first read of the body brings."""
    first = await read_first_chunk(call.request)
    data = first + await read_body(call.request)
    if len(first) < len(data) and is_wrong(call, first, Headers()):
        return answer(460)
    return await call.respond_to(data)


@defect(VERIFY, CHECKED)
async def later_reads_not_verified(call: Call) -> Response:
    """The checksum of a body that takes more than one read is not verified."""
    first = await read_first_chunk(call.request)
    data = first + await read_body(call.request)
    if len(first) == len(data):
        return await call.respond_to(data)
    return await call.respond(without_checksum(with_body(call.request, data)))


@defect(
    "checksum.algorithm-header-format",
    Match(method="PATCH", header={"Upload-Checksum": "crc32( .*)?"}),
    client=True,
)
async def crc32_in_little_endian(call: Call) -> Response:
    """The bytes of a crc32 are expected in reverse order."""
    text = call.header("Upload-Checksum")
    if is_malformed_checksum(text):
        return await call.respond()
    reverse = encode_base64(parse_checksum(text).digest[::-1])
    return await call.respond(Upload_Checksum=f"crc32 {reverse}")


@defect("checksum.partial-body", PATCH, client=True)
async def broken_checksummed_patch_stored(call: Call) -> Response:
    """A PATCH with a checksum that broke off counts with its whole length, as zeros."""
    info = await call.upload()
    if not _announces_checksum(call):
        return await call.respond()
    try:
        data = await read_body(call.request)
    except BodyEndedEarly:
        if info is not None and info.size is not None:
            await call.server.append(info, bytes(call.request.body.length or 41))
        raise
    return await call.respond_to(data)


@defect(MATCH, PATCH, client=True)
async def fails_after_broken_checksummed_patch(call: Call) -> Response:
    """After a PATCH with a checksum broke off, every later one with a checksum gets 500."""
    if call.upload_id in call.memory.marked and call.has("Upload-Checksum"):
        return answer(500)
    if not _announces_checksum(call):
        return await call.respond()
    try:
        data = await read_body(call.request)
    except BodyEndedEarly:
        call.memory.marked.add(call.upload_id)
        raise
    return await call.respond_to(data)


@defect(
    CREATION,
    Match(request=("creation-with-upload",), header={"Upload-Checksum": True}),
    client=True,
)
async def creation_with_checksum_corrupted(call: Call) -> Response:
    """The bytes of a creation with a checksum are stored changed, and one too few."""
    response = await call.respond(without_checksum(call.request))
    info = await call.created(response)
    if info is not None:
        data = await call.server.read(info)
        await call.server.rewrite(info, data[:-1].replace(data[:1], b"?"))
    return response


VERIFY = "checksum-trailer.verify"
CHUNKED = Match(method="PATCH", body="chunked")
UNANNOUNCED = Match(method="PATCH", body="chunked", header={"Trailer": False})


@defect(VERIFY, CHUNKED)
async def checksum_trailer_mismatch_stored(call: Call) -> Response:
    """A wrong checksum in a trailer gets 460, but the bytes have been stored."""
    return await _store_mismatch(call)


@defect(VERIFY, UNANNOUNCED)
async def unannounced_trailer_mismatch_stored(call: Call) -> Response:
    """A wrong checksum in a trailer that was not announced gets 460 after the bytes are stored."""
    return await _store_mismatch(call)


async def _store_mismatch(call: Call) -> Response:
    data = await read_body(call.request)
    request = with_body(call.request, data)
    sent = call.request.body.trailers.joined("Upload-Checksum")
    if sent is None or call.has("Upload-Checksum"):
        return await call.respond(request)
    readable = not is_malformed_checksum(sent) and sent.partition(" ")[0] in ALGORITHMS
    response = await call.respond(without_checksum(request))
    return response if readable and not is_wrong(call, data) else answer(460)


@defect(VERIFY, UNANNOUNCED, client=True)
async def unannounced_trailer_refused(call: Call) -> Response:
    """A right checksum in a trailer that was not announced gets 460 after the bytes are stored."""
    data = await read_body(call.request)
    response = await call.respond_to(data)
    carried = "Upload-Checksum" in call.request.body.trailers
    return answer(460) if carried and response.status == 204 else response


@defect(VERIFY, UNANNOUNCED, client=True)
async def fails_on_unannounced_trailer(call: Call) -> Response:
    """A checksum in a trailer that was not announced gets 500."""
    data = await read_body(call.request)
    carried = "Upload-Checksum" in call.request.body.trailers
    return answer(500) if carried else await call.respond_to(data)
