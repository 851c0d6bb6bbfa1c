"""Faults about checksums, before the body (Checksum)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tus_reference.defects.defect import DefectSpec
from tus_reference.defects.response_edits import (
    Untrailed,
    append,
    asking,
    bringing,
    brings_bytes,
    created_id,
    failure,
    first_piece,
    having,
    id_of,
    known,
    method_of,
    refusal,
    replace_bytes,
    stored,
    value,
    whole,
    with_status,
)
from tus_reference.model import ClientDisconnected, Headers, Refused
from tus_reference.protocol.checksum import ALGORITHMS, parse_checksum
from tus_reference.protocol.metadata import encode_base64

if TYPE_CHECKING:
    from tus_reference.defects.modification import CallNext, ModifiedHandler
    from tus_reference.model import Request, Response

_MEBIBYTE = 1024 * 1024
CHECKED = having("Upload-Checksum", "PATCH")


def chunked_patch(request: Request) -> bool:
    return method_of(request) == "PATCH" and request.body.length is None


def _with_checksum(request: Request) -> bool:
    return CHECKED(request) or chunked_patch(request)


def _algorithm(request: Request) -> str:
    return value(request, "Upload-Checksum").partition(" ")[0]


def unverified(request: Request) -> Request:
    """Return a request that says nothing of a checksum."""
    body = Untrailed(request.body)
    return replace(asking(request, Upload_Checksum=None, Trailer=None), body=body)


def mistaken(request: Request, data: bytes, trailers: Headers) -> bool:
    """Return whether a checksum of a known algorithm is well-formed and wrong."""
    for text in (request.headers.joined("Upload-Checksum"), trailers.joined("Upload-Checksum")):
        try:
            checksum = None if text is None else parse_checksum(text)
        except Refused:
            return False
        if checksum is not None:
            hash_ = checksum.new_hash()
            hash_.update(data)
            if hash_.digest() != checksum.digest:
                return True
    return False


def _names_unknown(request: Request) -> bool:
    algorithm = _algorithm(request)
    wordy = algorithm.islower() and algorithm.isalnum() and " " in value(request, "Upload-Checksum")
    return CHECKED(request) and wordy and algorithm not in ALGORITHMS


@DefectSpec(
    "checksum.verify",
    fails=(
        "checksum.mismatch-discard checksum.mismatch-offset checksum.algorithm-header-format "
        "checksum-trailer.verify"
    ),
    warns="checksum-trailer.header-and-trailer",
    matches=_with_checksum,
).wrap_handler
async def checksum_not_verified(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Wrong checksums are accepted."""
    data = await whole(request)
    wrong = mistaken(request, data, request.body.trailers)
    again = bringing(request, data)
    return await respond(unverified(again) if wrong else again)


@DefectSpec(
    "checksum.verify",
    fails="checksum.mismatch-discard checksum.mismatch-offset",
    matches=chunked_patch,
).wrap_handler
async def checksum_of_chunked_body_not_verified(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A checksum is not verified if the body comes in chunked coding."""
    if "Upload-Checksum" not in request.headers or "Trailer" in request.headers:
        return await respond(request)
    return await respond(asking(request, Upload_Checksum=None))


@DefectSpec(
    "checksum.mismatch-discard",
    fails=(
        "checksum.verify checksum.mismatch-offset checksum.algorithm-header-format "
        "checksum-trailer.header-and-trailer"
    ),
    matches=CHECKED,
).wrap_handler
async def checksummed_chunk_kept(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A chunk whose checksum is wrong is refused, and kept."""
    try:
        data = await whole(request)
    except ClientDisconnected:
        return await respond(request)
    again = bringing(request, data)
    if not mistaken(request, data, request.body.trailers):
        return await respond(again)
    await respond(unverified(again))
    return refusal(460)


@DefectSpec("checksum.mismatch-discard", matches=CHECKED).wrap_handler
async def first_byte_of_chunk_kept(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Of a chunk whose checksum is wrong the first byte replaces one that was there."""
    info = await known(handler, id_of(handler, request))
    response = await respond(request)
    if response.status != 460 or info is None or not info.offset:
        return response
    data = bytearray(await stored(handler, info))
    data[-1] ^= 0xFF
    await replace_bytes(handler, info, bytes(data))
    return response


@DefectSpec(
    "checksum.mismatch-offset",
    fails=(
        "core.head.offset-accurate checksum.verify checksum.mismatch-discard "
        "checksum.algorithm-header-format"
    ),
    matches=CHECKED,
).wrap_handler
async def mismatch_takes_a_byte_back(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """When a checksum is wrong, the last byte that was there before is dropped."""
    response = await respond(request)
    info = await known(handler, id_of(handler, request))
    if response.status != 460 or info is None or not info.offset:
        return response
    data = await stored(handler, info)
    await replace_bytes(handler, info, data[:-1])
    return response


@DefectSpec(
    "checksum.mismatch-460", warns="checksum.mismatch-460", matches=_with_checksum
).edit_response
def mismatch_refused_with_422(request: Request, response: Response) -> Response:
    """A wrong checksum is refused with 422 instead of 460."""
    return with_status(response, 422) if response.status == 460 else response


@DefectSpec("checksum.match-204", matches=CHECKED).edit_response
def match_with_200(request: Request, response: Response) -> Response:
    """A PATCH whose checksum is right is answered with 200."""
    return with_status(response, 200) if response.status == 204 else response


@DefectSpec(
    "checksum.match-204",
    fails=(
        "checksum.verify checksum.mismatch-discard checksum.sha1 checksum.algorithm-header-format"
    ),
    matches=CHECKED,
).wrap_handler
async def checksum_of_all_expected(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The checksum is expected to be that of the whole upload."""
    info = await known(handler, id_of(handler, request))
    response = await respond(request)
    begun = info is not None and info.offset and request.body.length
    if info is None or not begun or response.status != 204:
        return response
    data = await stored(handler, info)
    await replace_bytes(handler, info, data)
    return refusal(460)


@DefectSpec(
    "checksum.match-204", fails="checksum-trailer.verify", matches=_with_checksum
).wrap_handler
async def large_checksum_never_right(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The checksum of more than a mebibyte is never right."""
    response = await respond(request)
    info = await known(handler, id_of(handler, request))
    checked = "Upload-Checksum" in request.headers or "Trailer" in request.headers
    large = info is not None and info.offset > _MEBIBYTE
    return refusal(460) if checked and large and response.status == 204 else response


@DefectSpec("checksum.match-204", fails="checksum.verify", matches=_with_checksum).wrap_handler
async def checksum_of_first_piece_expected(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The checksum is expected to be that of what the first read of the body brings."""
    if "Upload-Checksum" not in request.headers:
        return await respond(request)
    first = await first_piece(request)
    data = first + await whole(request)
    again = bringing(request, data)
    if len(first) < len(data) and mistaken(request, first, Headers()):
        return refusal(460)
    return await respond(again)


@DefectSpec(
    "checksum.verify",
    fails="checksum.mismatch-discard checksum.mismatch-offset",
    matches=_with_checksum,
).wrap_handler
async def second_piece_not_verified(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A body that comes with more than one read is not verified."""
    if "Upload-Checksum" not in request.headers:
        return await respond(request)
    first = await first_piece(request)
    data = first + await whole(request)
    again = bringing(request, data)
    return await respond(again if len(first) == len(data) else unverified(again))


@DefectSpec(
    "checksum.sha1",
    fails=(
        "checksum.verify checksum.match-204 checksum.mismatch-discard "
        "checksum.algorithm-header-format"
    ),
    warns="core.patch.zero-length",
    matches=CHECKED,
).edit_response
def sha1_unknown(request: Request, response: Response) -> Response:
    """sha1 is refused as unknown."""
    return refusal(400) if _algorithm(request) == "sha1" and response.status == 204 else response


@DefectSpec(
    "checksum.algorithm-header-format",
    fails="checksum.verify checksum.mismatch-discard checksum.mismatch-offset",
    matches=CHECKED,
).wrap_handler
async def listed_algorithm_not_verified(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """md5 and crc32 are listed, and not verified."""
    listed = _algorithm(request) in {"md5", "crc32"}
    return await respond(unverified(request) if listed else request)


@DefectSpec(
    "checksum.algorithm-header-format",
    warns="checksum.verify checksum.algorithm-header-format",
    matches=CHECKED,
).wrap_handler
async def crc32_lowest_byte_first(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The bytes of a crc32 are expected in the reverse of their order."""
    if _algorithm(request) != "crc32" or is_malformed(value(request, "Upload-Checksum")):
        return await respond(request)
    digest = parse_checksum(value(request, "Upload-Checksum")).digest
    return await respond(asking(request, Upload_Checksum=f"crc32 {encode_base64(digest[::-1])}"))


@DefectSpec(
    "checksum.algorithm-header-format", fails="checksum.verify", matches=CHECKED
).wrap_handler
async def listed_algorithms_unknown(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """sha256 and sha512 are listed, and refused."""
    return refusal(400) if _algorithm(request) in {"sha256", "sha512"} else await respond(request)


@DefectSpec("core.patch.zero-length", warns="core.patch.zero-length", matches=CHECKED).wrap_handler
async def checksum_of_nothing_refused(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The checksum of an empty body is never right."""
    return refusal(460) if request.body.length == 0 else await respond(request)


@DefectSpec(
    "checksum.unsupported-algorithm-offset",
    fails="checksum.unsupported-algorithm-discard",
    matches=_names_unknown,
).wrap_handler
async def unknown_algorithm_ignored(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A checksum of an unknown algorithm is ignored."""
    return await respond(unverified(request))


@DefectSpec(
    "checksum.unsupported-algorithm-discard",
    fails="checksum.unsupported-algorithm-offset",
    matches=_names_unknown,
).wrap_handler
async def unknown_algorithm_refused_too_late(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A checksum of an unknown algorithm is refused, but the bytes have been stored."""
    await respond(unverified(request))
    return refusal(400)


@DefectSpec(
    "checksum.unsupported-algorithm-400",
    warns="checksum.unsupported-algorithm-400",
    matches=_names_unknown,
).edit_response
def unknown_algorithm_refused_with_415(request: Request, response: Response) -> Response:
    """A checksum of an unknown algorithm is refused with 415 instead of 400."""
    return with_status(response, 415)


@DefectSpec("checksum.unsupported-algorithm-400", matches=_names_unknown).edit_response
def trips_over_unknown_algorithm(request: Request, response: Response) -> Response:
    """A checksum of an unknown algorithm makes the server fail."""
    return failure()


def is_malformed(text: str) -> bool:
    try:
        parse_checksum(text)
    except Refused:
        algorithm = text.partition(" ")[0]
        return algorithm in ALGORITHMS or not (algorithm.isalnum() and " " in text)
    return False


def _malformed(request: Request) -> bool:
    return CHECKED(request) and is_malformed(value(request, "Upload-Checksum"))


@DefectSpec("checksum.malformed", matches=_malformed).wrap_handler
async def malformed_checksum_ignored(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A malformed checksum is ignored."""
    return await respond(unverified(request))


@DefectSpec("checksum.malformed", matches=_malformed).wrap_handler
async def malformed_checksum_refused_too_late(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A malformed checksum is refused, but the bytes have been stored."""
    await respond(unverified(request))
    return refusal(400)


@DefectSpec(
    "checksum.malformed", warns="checksum.malformed checksum.algorithm-case", matches=_malformed
).edit_response
def malformed_checksum_not_acceptable(request: Request, response: Response) -> Response:
    """A malformed checksum is refused with 406."""
    return refusal(406)


@DefectSpec("checksum.malformed", fails="checksum.algorithm-case", matches=_malformed).edit_response
def trips_over_malformed_checksum(request: Request, response: Response) -> Response:
    """A malformed checksum makes the server fail."""
    return failure()


@DefectSpec(
    "checksum.algorithm-case",
    fails="checksum.malformed",
    warns="checksum.algorithm-case",
    matches=CHECKED,
).wrap_handler
async def algorithm_in_capitals_stored_wrongly(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """An algorithm in upper case is refused with 406, and its bytes are stored."""
    if not _algorithm(request).isupper():
        return await respond(request)
    await respond(unverified(request))
    return refusal(406)


@DefectSpec("checksum.partial-body", fails="checksum.verify", matches=_with_checksum).wrap_handler
async def broken_checksummed_patch_counts_all(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Of a PATCH with a checksum that broke off, all the bytes count that it was to bring."""
    info = await known(handler, id_of(handler, request))
    if "Upload-Checksum" not in request.headers and "Trailer" not in request.headers:
        return await respond(request)
    try:
        data = await whole(request)
    except ClientDisconnected:
        if info is not None and info.size is not None:
            await append(handler, info, bytes(request.body.length or 41))
        raise
    return await respond(bringing(request, data))


@DefectSpec("checksum.match-204", matches=_with_checksum).wrap_handler
async def trips_after_broken_checksummed_patch(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """After a PATCH with a checksum that broke off, the next one with a checksum fails."""
    upload_id, memory = id_of(handler, request), handler.memory
    if upload_id in memory.marked and "Upload-Checksum" in request.headers:
        return failure()
    if "Upload-Checksum" not in request.headers and "Trailer" not in request.headers:
        return await respond(request)
    try:
        data = await whole(request)
    except ClientDisconnected:
        memory.marked.add(upload_id)
        raise
    return await respond(bringing(request, data))


def _checked_creation(request: Request) -> bool:
    return brings_bytes(request) and "Upload-Checksum" in request.headers


@DefectSpec(
    "checksum.creation-with-upload",
    warns="checksum.creation-with-upload",
    matches=_checked_creation,
).wrap_handler
async def checksum_of_creation_ignored(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A wrong checksum of the bytes of a creation is ignored."""
    return await respond(unverified(request))


@DefectSpec(
    "checksum.creation-with-upload", fails="core.head.offset-accurate", matches=_checked_creation
).wrap_handler
async def checked_creation_spoilt(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The bytes of a creation with a checksum are stored wrongly, and one too few."""
    response = await respond(unverified(request))
    info = await known(handler, created_id(handler, response))
    if info is not None:
        data = await stored(handler, info)
        await replace_bytes(handler, info, data[:-1].replace(data[:1], b"?"))
    return response


@DefectSpec("checksum.creation-with-upload", matches=_checked_creation).edit_response
def trips_over_checked_creation(request: Request, response: Response) -> Response:
    """A checksum in a creation makes the server fail."""
    return failure()


# Where checksums are not offered


@DefectSpec("checksum.not-supported", quirk="creation-only", matches=CHECKED).wrap_handler
async def unknown_checksum_spoils(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A checksum where none is offered is refused, but the bytes have been stored."""
    await respond(request)
    return refusal(400)


@DefectSpec("checksum.not-supported", quirk="creation-only", matches=CHECKED).wrap_handler
async def unknown_checksum_stored_too(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Where checksums are not offered, bytes that come with one are stored wrongly."""
    data = await whole(request)
    return await respond(bringing(request, bytes(byte ^ 0xFF for byte in data)))
