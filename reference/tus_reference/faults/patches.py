"""Faults about PATCH: its answer, its offset, its type, its bytes (Core, PATCH)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tus_reference.faults.alterations import (
    OFFSET_TYPE,
    append,
    asking,
    bringing,
    failure,
    id_of,
    known,
    refusal,
    replace_bytes,
    rewritten,
    saying,
    stored,
    succeeded,
    to,
    value,
    whole,
    with_status,
    without,
)
from tus_reference.faults.fault import Breach
from tus_reference.handler import ClientDisconnected

if TYPE_CHECKING:
    from tus_reference.faults.behaviour import Behaving, Respond
    from tus_reference.handler import FileInfo, Request, Response

_PATCH = to("PATCH")


# The answer


@Breach("core.patch.success-204", concerns=_PATCH).altering
def patch_with_200(request: Request, response: Response) -> Response:
    """PATCH is answered with 200."""
    return with_status(response, 200) if response.status == 204 else response


@Breach("core.patch.success-204", concerns=_PATCH).acting
async def completed_with_200(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """The PATCH that completes an upload is answered with 200."""
    response = await respond(request)
    info = await known(behaving, id_of(behaving, request))
    done = info is not None and info.is_complete and response.status == 204
    return with_status(response, 200) if done else response


@Breach("core.patch.upload-offset-present", concerns=_PATCH).altering
def patch_without_offset(request: Request, response: Response) -> Response:
    """The answer to PATCH does not tell the new offset."""
    return without(response, "Upload-Offset")


@Breach("core.patch.upload-offset-value", concerns=_PATCH).altering
def patch_tells_what_came(request: Request, response: Response) -> Response:
    """PATCH tells how many bytes it brought instead of the new offset."""
    old = value(request, "Upload-Offset")
    if not succeeded(response) or not old.isdecimal():
        return response
    return rewritten(response, "Upload-Offset", lambda text: str(int(text) - int(old)))


@Breach("core.patch.upload-offset-value", concerns=_PATCH).altering
def patch_tells_one_more(request: Request, response: Response) -> Response:
    """PATCH acknowledges one byte more than is stored."""
    return rewritten(response, "Upload-Offset", lambda text: str(int(text) + 1))


@Breach("core.patch.upload-offset-value", concerns=_PATCH).altering
def patch_tells_one_less(request: Request, response: Response) -> Response:
    """PATCH acknowledges one byte less than is stored."""
    return rewritten(
        response, "Upload-Offset", lambda text: str(int(text) - 1) if int(text) else text
    )


@Breach("core.patch.accept", concerns=_PATCH).altering
def patch_not_allowed(request: Request, response: Response) -> Response:
    """PATCH is answered with 405."""
    return refusal(405)


@Breach("core.patch.accept", concerns=_PATCH).acting
async def media_type_by_the_letter(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """The media type is only known in lower case and without parameters."""
    kind = value(request, "Content-Type")
    strange = kind != OFFSET_TYPE and kind.lower().partition(";")[0] == OFFSET_TYPE
    return refusal(415) if strange else await respond(request)


# The offset


@Breach("core.patch.offset-mismatch-409", concerns=_PATCH).altering
def mismatch_refused_with_400(request: Request, response: Response) -> Response:
    """A wrong offset is refused with 400 instead of 409."""
    return with_status(response, 400) if response.status == 409 else response


@Breach("core.patch.offset-mismatch-no-change", concerns=_PATCH).acting
async def offset_ignored(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """The bytes of a PATCH are appended wherever it says that they belong."""
    info = await known(behaving, id_of(behaving, request))
    given = value(request, "Upload-Offset")
    if info is None or not given.isdecimal():
        return await respond(request)
    return await respond(asking(request, Upload_Offset=str(info.offset)))


@Breach("core.patch.offset-mismatch-409", on="no-maximum", concerns=_PATCH).acting
async def offsets_of_four_bytes(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """Offsets are kept in four bytes."""
    given = value(request, "Upload-Offset")
    if not given.isdecimal():
        return await respond(request)
    return await respond(asking(request, Upload_Offset=str(int(given) % 2**32)))


@Breach("core.patch.offset-mismatch-no-change", concerns=_PATCH).acting
async def mismatch_refused_too_late(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A wrong offset is refused with 409, but the bytes have been appended."""
    info = await known(behaving, id_of(behaving, request))
    if info is None or int(value(request, "Content-Length") or 0) > info.offset:
        return await respond(request)
    data = await whole(request)
    response = await respond(bringing(request, data))
    if response.status == 409:
        room = len(data) if info.size is None else info.size - info.offset
        await append(behaving, info, data[:room])
    return response


@Breach("core.patch.offset-mismatch-no-change", concerns=_PATCH).acting
async def mismatch_rewinds(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A PATCH at an offset below the current one drops what was stored beyond it."""
    info = await known(behaving, id_of(behaving, request))
    given = value(request, "Upload-Offset")
    if info is not None and given.isdecimal() and int(given) < info.offset:
        data = await stored(behaving, info)
        await replace_bytes(behaving, info, data[: int(given)])
    return await respond(request)


@Breach("core.patch.offset-mismatch-409", concerns=_PATCH).acting
async def empty_mismatch_accepted(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A PATCH without a byte is accepted at any offset."""
    info = await known(behaving, id_of(behaving, request))
    if info is None or request.body.length != 0 or not value(request, "Upload-Offset").isdecimal():
        return await respond(request)
    return await respond(asking(request, Upload_Offset=str(info.offset)))


def _leading_number(text: str) -> str:
    digits = text.strip().lstrip("+-")
    count = next((at for at, c in enumerate(digits) if not c.isdecimal()), len(digits))
    return digits[:count]


def _odd_offset(request: Request) -> bool:
    return _PATCH(request) and not value(request, "Upload-Offset").isdecimal()


@Breach("core.upload-offset.reject-invalid", concerns=_odd_offset).acting
async def malformed_offset_guessed(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """An offset that is no number is taken for the current one."""
    info = await known(behaving, id_of(behaving, request))
    if info is None or "Upload-Offset" not in request.headers:
        return await respond(request)
    return await respond(asking(request, Upload_Offset=str(info.offset)))


@Breach("core.upload-offset.reject-invalid", concerns=_odd_offset).acting
async def malformed_offset_refused_too_late(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """An offset that is no number is refused, but the bytes have been appended."""
    info = await known(behaving, id_of(behaving, request))
    if info is not None and "Upload-Offset" in request.headers:
        await respond(asking(request, Upload_Offset=str(info.offset)))
    return refusal(400)


@Breach("core.upload-offset.reject-invalid", concerns=_odd_offset).altering
def trips_over_malformed_offsets(request: Request, response: Response) -> Response:
    """An offset that is no number makes the server fail."""
    return failure() if "Upload-Offset" in request.headers else response


@Breach("core.patch.missing-offset", concerns=_odd_offset).acting
async def missing_offset_guessed(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A PATCH without an offset is appended."""
    info = await known(behaving, id_of(behaving, request))
    if info is None or "Upload-Offset" in request.headers:
        return await respond(request)
    return await respond(asking(request, Upload_Offset=str(info.offset)))


# The type


@Breach("core.patch.content-type-415", concerns=_PATCH).altering
def wrong_type_refused_with_400(request: Request, response: Response) -> Response:
    """A wrong media type is refused with 400 instead of 415."""
    return with_status(response, 400) if response.status == 415 else response


def _wrong_type(request: Request) -> bool:
    kind = value(request, "Content-Type").partition(";")[0].strip().lower()
    return _PATCH(request) and kind != OFFSET_TYPE


@Breach("core.patch.content-type-not-applied", concerns=_wrong_type).acting
async def any_type_accepted(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A PATCH of any media type is stored."""
    return await respond(asking(request, Content_Type=OFFSET_TYPE))


@Breach("core.patch.content-type-not-applied", concerns=_wrong_type).acting
async def wrong_type_refused_too_late(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A wrong media type is refused with 415, but the bytes have been stored."""
    await respond(asking(request, Content_Type=OFFSET_TYPE))
    return refusal(415)


# What is not there, what is empty, what is complete


@Breach("core.patch.nonexistent-404", concerns=_PATCH).altering
def patch_of_nothing_is_forbidden(request: Request, response: Response) -> Response:
    """PATCH of an upload that is not there is answered with 403."""
    return with_status(response, 403) if response.status == 404 else response


@Breach("core.patch.nonexistent-404", concerns=_PATCH).altering
def patch_of_nothing_succeeds(request: Request, response: Response) -> Response:
    """PATCH of an upload that is not there is answered as if it were."""
    if response.status != 404:
        return response
    return saying(with_status(response, 204), "Upload-Offset", "5")


@Breach("core.patch.nonexistent-404", concerns=_PATCH).altering
def trips_over_queries(request: Request, response: Response) -> Response:
    """PATCH to the URL of an upload with a query behind it is answered with 500."""
    return failure() if "?" in request.target else response


@Breach("core.patch.zero-length", concerns=_PATCH).altering
def empty_patch_refused(request: Request, response: Response) -> Response:
    """A PATCH without a byte is refused."""
    nothing = request.body.length == 0 and "Upload-Length" not in request.headers
    return refusal(400) if nothing and response.status == 204 else response


@Breach("core.patch.zero-length", concerns=_PATCH).acting
async def empty_patch_moves(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A PATCH without a byte adds one."""
    info = await known(behaving, id_of(behaving, request))
    response = await respond(request)
    room = info is not None and info.size is not None and info.offset < info.size
    if response.status != 204 or request.body.length != 0 or info is None or not room:
        return response
    await append(behaving, info, b"?")
    return saying(response, "Upload-Offset", str(info.offset + 1))


def _chunked(request: Request) -> bool:
    return _PATCH(request) and request.body.length is None


@Breach("core.patch.no-content-length", concerns=_chunked).altering
def length_of_body_required(request: Request, response: Response) -> Response:
    """A body in chunked coding is refused with 411."""
    return refusal(411)


@Breach("core.patch.no-content-length", concerns=_chunked).acting
async def chunked_body_overlooked(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A body in chunked coding is taken for none, and acknowledged."""
    await whole(request)
    return await respond(bringing(request, b""))


@Breach("core.patch.no-content-length", concerns=_chunked).acting
async def chunked_body_lost(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A body in chunked coding is acknowledged and not stored."""
    data = await whole(request)
    response = await respond(bringing(request, b""))
    return rewritten(response, "Upload-Offset", lambda text: str(int(text) + len(data)))


@Breach("core.patch.after-complete", concerns=_PATCH).acting
async def complete_uploads_grow(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A complete upload takes more bytes."""
    info = await known(behaving, id_of(behaving, request))
    if info is None or not info.is_complete or info.is_final or not info.size:
        return await respond(request)
    if value(request, "Upload-Offset") != str(info.offset) or not request.body.length:
        return await respond(request)
    data = await whole(request)
    await append(behaving, info, data)
    response = await respond(bringing(asking(request, Upload_Offset="0"), b""))
    return saying(with_status(response, 204), "Upload-Offset", str(info.offset + len(data)))


@Breach("core.patch.after-complete", concerns=_PATCH).acting
async def complete_uploads_forgotten(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """An upload that is complete is lost when one more PATCH comes."""
    info = await known(behaving, id_of(behaving, request))
    if info is not None and info.is_complete and not info.is_final:
        await replace_bytes(behaving, info, b"")
    return await respond(request)


# More than fits


@Breach("core.patch.exceeds-length", concerns=_PATCH).acting
async def excess_kept(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """Bytes beyond the length of an upload are stored and acknowledged."""
    return await _exceed(behaving, request, respond, said=True)


@Breach("core.patch.exceeds-length", concerns=_PATCH).acting
async def excess_refused_and_kept(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """Bytes beyond the length of an upload are refused, but stored."""
    return await _exceed(behaving, request, respond, said=False)


async def _exceed(
    behaving: Behaving, request: Request, respond: Respond, *, said: bool
) -> Response:
    info = await known(behaving, id_of(behaving, request))
    size = None if info is None else _length_for(info, request)
    if info is None or size is None or value(request, "Upload-Offset") != str(info.offset):
        return await respond(request)
    length = value(request, "Content-Length")
    fits = length and int(length) <= size - info.offset
    if fits or info.is_final or info.is_complete or "Upload-Checksum" in request.headers:
        return await respond(request)
    data = await whole(request)
    if info.offset + len(data) <= size:
        return await respond(bringing(request, data))
    await append(behaving, info, data)
    if not said:
        return refusal(413)
    return saying(with_status(refusal(413), 204), "Upload-Offset", str(info.offset + len(data)))


def _length_for(info: FileInfo, request: Request) -> int | None:
    """Return the length of an upload, or the one that is declared by a request."""
    declared = value(request, "Upload-Length")
    return int(declared) if info.size is None and declared.isdecimal() else info.size


@Breach("core.patch.exceeds-length", concerns=_PATCH).acting
async def closes_at_excess(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A body that goes beyond the length makes the server close without an answer."""
    response = await respond(request)
    if response.status == 413:
        raise ClientDisconnected
    return response


# The bytes


async def _mutilate(behaving: Behaving, request: Request, respond: Respond, at: int) -> Response:
    response = await respond(request)
    info = await known(behaving, id_of(behaving, request))
    if info is None or info.offset <= at or not succeeded(response):
        return response
    if info.id not in behaving.memory.marked:
        behaving.memory.marked.add(info.id)
        data = bytearray(await stored(behaving, info))
        data[at] ^= 0x80
        await replace_bytes(behaving, info, bytes(data))
    return response


@Breach("core.patch.apply-at-offset", concerns=_PATCH).acting
async def first_byte_spoilt(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """The first byte of every upload loses its eighth bit."""
    return await _mutilate(behaving, request, respond, 0)


@Breach("core.patch.apply-at-offset", concerns=_PATCH).acting
async def byte_lost_between_buffers(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """The byte where two buffers of 64 KiB meet is spoilt."""
    return await _mutilate(behaving, request, respond, 65536)


@Breach("core.patch.apply-at-offset", concerns=_PATCH).acting
async def body_read_as_text(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """Line ends are changed to those of the system, and the length stays the same."""
    response = await respond(request)
    info = await known(behaving, id_of(behaving, request))
    if info is None or not succeeded(response) or not 2000 < info.offset < 5000:
        return response
    data = await stored(behaving, info)
    changed = data.replace(b"\r", b"\n")
    if changed != data:
        await replace_bytes(behaving, info, changed)
    return response


@Breach("core.patch.apply-at-offset", concerns=_PATCH).acting
async def second_chunk_replaces_first(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """Every PATCH is written from the beginning of the upload, and counted as if it were not."""
    before = await known(behaving, id_of(behaving, request))
    response = await respond(request)
    info = await known(behaving, id_of(behaving, request))
    if before is None or info is None or info.offset <= before.offset or not before.offset:
        return response
    data = await stored(behaving, info)
    new = data[before.offset :]
    await replace_bytes(behaving, info, new + data[len(new) :])
    return response


# Which rule comes first


@Breach("core.patch.precedence", concerns=_PATCH).altering
def trips_over_two_mistakes(request: Request, response: Response) -> Response:
    """Two mistakes in one request make the server fail."""
    wrong = [
        value(request, "Tus-Resumable") not in {"1.0.0", ""},
        _wrong_type(request),
        response.status in {404, 409},
        (request.body.length or 0) > 80,
    ]
    return failure() if sum(wrong) > 1 and not succeeded(response) else response


@Breach("core.patch.precedence", concerns=_PATCH).acting
async def two_mistakes_make_it_right(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A PATCH with a wrong offset and another mistake is refused, but its bytes are appended."""
    info = await known(behaving, id_of(behaving, request))
    given = value(request, "Upload-Offset")
    size = request.body.length or 0
    if info is None or info.size is None or not given.isdecimal() or not size:
        return await respond(request)
    late = _wrong_type(request) or int(given) + size > info.size
    if int(given) == info.offset or not late or value(request, "Tus-Resumable") != "1.0.0":
        return await respond(request)
    data = await whole(request)
    await append(behaving, info, data[: info.size - info.offset])
    return refusal(409)
