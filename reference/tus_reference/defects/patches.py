"""Faults about PATCH: its answer, its offset, its type, its mistakes (Core, PATCH)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tus_reference.defects.defect import DefectSpec
from tus_reference.defects.response_edits import (
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
    stored,
    succeeded,
    to,
    value,
    whole,
    with_status,
    without,
)

if TYPE_CHECKING:
    from tus_reference.defects.modification import CallNext, ModifiedHandler
    from tus_reference.model import Request, Response

_PATCH = to("PATCH")


# The answer


@DefectSpec(
    "core.patch.success-204",
    fails=(
        "core.method-override.honoured checksum.match-204 checksum-trailer.verify "
        "concatenation.partial.create"
    ),
    warns=(
        "core.upload-offset.reject-invalid core.method-override.actual-ignored "
        "core.patch.apply-at-offset core.patch.concurrent core.net.detect-errors "
        "creation.defer-length.declare-in-patch"
    ),
    matches=_PATCH,
).edit_response
def patch_with_200(request: Request, response: Response) -> Response:
    """PATCH is answered with 200."""
    return with_status(response, 200) if response.status == 204 else response


@DefectSpec(
    "core.patch.success-204",
    fails="checksum.match-204",
    warns="core.patch.concurrent core.net.detect-errors",
    matches=_PATCH,
).wrap_handler
async def completed_with_200(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The PATCH that completes an upload is answered with 200."""
    response = await respond(request)
    info = await known(handler, id_of(handler, request))
    done = info is not None and info.is_complete and response.status == 204
    return with_status(response, 200) if done else response


@DefectSpec(
    "core.upload-offset.format",
    fails="core.patch.upload-offset-value",
    warns="creation.defer-length.declare-in-patch",
    matches=_PATCH,
).wrap_handler
async def completion_as_fraction(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The PATCH that brings the rest of an upload tells the offset as a decimal fraction."""
    response = await respond(request)
    info = await known(handler, id_of(handler, request))
    done = info is not None and info.is_complete and value(request, "Upload-Offset") != "0"
    return rewritten(response, "Upload-Offset", lambda text: f"{text}.0") if done else response


@DefectSpec(
    "core.patch.upload-offset-present",
    fails=(
        "core.upload-offset.reject-invalid core.method-override.honoured "
        "core.head.offset-accurate core.patch.accept core.patch.success-204 "
        "core.patch.upload-offset-value core.patch.no-content-length checksum.verify "
        "checksum.match-204 checksum.mismatch-discard checksum-trailer.verify"
    ),
    warns=(
        "core.method-override.actual-ignored core.patch.zero-length "
        "creation.defer-length.declare-in-patch"
    ),
    matches=_PATCH,
).edit_response
def patch_without_offset(request: Request, response: Response) -> Response:
    """The answer to PATCH does not tell the new offset."""
    return without(response, "Upload-Offset")


@DefectSpec(
    "core.patch.upload-offset-value",
    fails=(
        "core.method-override.honoured core.head.offset-accurate core.patch.success-204 "
        "core.patch.no-content-length checksum.verify checksum.mismatch-discard "
        "checksum-trailer.verify"
    ),
    warns=(
        "core.method-override.actual-ignored core.patch.accept core.patch.zero-length "
        "creation.defer-length.declare-in-patch"
    ),
    matches=_PATCH,
).edit_response
def patch_tells_what_came(request: Request, response: Response) -> Response:
    """PATCH tells how many bytes it brought instead of the new offset."""
    old = value(request, "Upload-Offset")
    if not succeeded(response) or not old.isdecimal():
        return response
    return rewritten(response, "Upload-Offset", lambda text: str(int(text) - int(old)))


@DefectSpec(
    "core.patch.upload-offset-value",
    fails=(
        "core.upload-offset.reject-invalid core.upload-length.reject-invalid "
        "core.tus-resumable.missing core.method-override.honoured core.head.offset-accurate "
        "core.patch.accept core.patch.success-204 core.patch.no-content-length "
        "core.patch.concurrent checksum.verify checksum.match-204 checksum.mismatch-discard "
        "checksum.sha1 checksum-trailer.verify checksum-trailer.header-and-trailer "
        "checksum.malformed"
    ),
    warns=(
        "core.method-override.actual-ignored core.patch.zero-length "
        "creation.defer-length.declare-in-patch creation.defer-length.length-over-max "
        "checksum.mismatch-460"
    ),
    matches=_PATCH,
).edit_response
def patch_tells_one_more(request: Request, response: Response) -> Response:
    """PATCH acknowledges one byte more than is stored."""
    return rewritten(response, "Upload-Offset", lambda text: str(int(text) + 1))


@DefectSpec(
    "core.patch.upload-offset-value",
    fails=(
        "core.upload-offset.reject-invalid core.head.offset-accurate core.patch.accept "
        "core.patch.success-204 checksum.verify checksum.match-204"
    ),
    matches=_PATCH,
).edit_response
def patch_tells_one_less(request: Request, response: Response) -> Response:
    """PATCH acknowledges one byte less than is stored."""
    return rewritten(
        response, "Upload-Offset", lambda text: str(int(text) - 1) if int(text) else text
    )


@DefectSpec(
    "core.patch.accept",
    fails=(
        "core.upload-offset.reject-invalid core.patch.offset-mismatch-409 "
        "core.patch.offset-mismatch-no-change core.patch.success-204 "
        "core.patch.upload-offset-value core.patch.exceeds-length core.patch.zero-length "
        "core.patch.concurrent core.net.detect-errors core.patch.store-partial "
        "creation-with-upload.upload-offset-value creation-with-upload.empty-body "
        "creation-with-upload.interrupted checksum.match-204 checksum.mismatch-discard "
        "checksum.sha1 checksum-trailer.verify checksum.creation-with-upload "
        "termination.in-flight concatenation.partial.create concatenation.final.order"
    ),
    matches=_PATCH,
).edit_response
def patch_not_allowed(request: Request, response: Response) -> Response:
    """PATCH is answered with 405."""
    return refusal(405)


@DefectSpec("core.patch.accept", warns="core.patch.accept", matches=_PATCH).wrap_handler
async def media_type_by_the_letter(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The media type is only known in lower case and without parameters."""
    kind = value(request, "Content-Type")
    strange = kind != OFFSET_TYPE and kind.lower().partition(";")[0] == OFFSET_TYPE
    return refusal(415) if strange else await respond(request)


@DefectSpec("core.patch.accept", warns="core.patch.accept", matches=_PATCH).wrap_handler
async def one_namesake_at_a_time(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """PATCH is refused while another upload with the same metadata is begun and unfinished."""
    info = await known(handler, id_of(handler, request))
    if info is None or not info.metadata:
        return await respond(request)
    info_saver = handler.config.composer.info_saver
    others = [] if info_saver is None else [each async for each in info_saver.list_uploads()]
    namesakes = [each for each in others if each.metadata == info.metadata and each.id != info.id]
    begun = any(each.offset and not each.is_complete for each in namesakes)
    return refusal(423) if begun else await respond(request)


# The offset


@DefectSpec(
    "core.patch.offset-mismatch-409", warns="core.method-override.honoured", matches=_PATCH
).edit_response
def mismatch_refused_with_400(request: Request, response: Response) -> Response:
    """A wrong offset is refused with 400 instead of 409."""
    return with_status(response, 400) if response.status == 409 else response


@DefectSpec(
    "core.patch.offset-mismatch-no-change",
    fails=(
        "core.method-override.honoured core.head.offset-accurate core.patch.apply-at-offset "
        "core.patch.offset-mismatch-409 core.patch.nonexistent-404 core.patch.concurrent "
        "core.patch.store-partial"
    ),
    matches=_PATCH,
).wrap_handler
async def offset_ignored(handler: ModifiedHandler, request: Request, respond: CallNext) -> Response:
    """The bytes of a PATCH are appended wherever it says that they belong."""
    info = await known(handler, id_of(handler, request))
    given = value(request, "Upload-Offset")
    if info is None or not given.isdecimal():
        return await respond(request)
    return await respond(asking(request, Upload_Offset=str(info.offset)))


@DefectSpec(
    "core.patch.offset-mismatch-409",
    fails="core.patch.offset-mismatch-no-change",
    quirk="no-maximum",
    matches=_PATCH,
).wrap_handler
async def offsets_of_four_bytes(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Offsets are kept in four bytes."""
    given = value(request, "Upload-Offset")
    if not given.isdecimal():
        return await respond(request)
    return await respond(asking(request, Upload_Offset=str(int(given) % 2**32)))


@DefectSpec(
    "core.patch.offset-mismatch-no-change",
    fails=(
        "core.head.offset-accurate core.patch.apply-at-offset core.patch.exceeds-length "
        "core.patch.concurrent"
    ),
    matches=_PATCH,
).wrap_handler
async def mismatch_refused_too_late(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A wrong offset is refused with 409, but the bytes have been appended."""
    info = await known(handler, id_of(handler, request))
    if info is None or int(value(request, "Content-Length") or 0) > info.offset:
        return await respond(request)
    data = await whole(request)
    response = await respond(bringing(request, data))
    if response.status == 409:
        room = len(data) if info.size is None else info.size - info.offset
        await append(handler, info, data[:room])
    return response


@DefectSpec(
    "core.patch.offset-mismatch-no-change",
    fails=(
        "core.method-override.honoured core.head.offset-accurate core.patch.apply-at-offset "
        "core.patch.offset-mismatch-409 core.patch.nonexistent-404 core.patch.precedence"
    ),
    matches=_PATCH,
).wrap_handler
async def mismatch_rewinds(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A PATCH at an offset below the current one drops what was stored beyond it."""
    info = await known(handler, id_of(handler, request))
    given = value(request, "Upload-Offset")
    if info is not None and given.isdecimal() and int(given) < info.offset:
        data = await stored(handler, info)
        await replace_bytes(handler, info, data[: int(given)])
    return await respond(request)


@DefectSpec("core.patch.offset-mismatch-409", matches=_PATCH).wrap_handler
async def empty_mismatch_accepted(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A PATCH without a byte is accepted at any offset."""
    info = await known(handler, id_of(handler, request))
    if info is None or request.body.length != 0 or not value(request, "Upload-Offset").isdecimal():
        return await respond(request)
    return await respond(asking(request, Upload_Offset=str(info.offset)))


def _leading_number(text: str) -> str:
    digits = text.strip().lstrip("+-")
    count = next((at for at, c in enumerate(digits) if not c.isdecimal()), len(digits))
    return digits[:count]


def _odd_offset(request: Request) -> bool:
    return _PATCH(request) and not value(request, "Upload-Offset").isdecimal()


@DefectSpec("core.upload-offset.reject-invalid", matches=_odd_offset).wrap_handler
async def malformed_offset_guessed(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """An offset that is no number is taken for the current one."""
    info = await known(handler, id_of(handler, request))
    if info is None or "Upload-Offset" not in request.headers:
        return await respond(request)
    return await respond(asking(request, Upload_Offset=str(info.offset)))


@DefectSpec("core.upload-offset.reject-invalid", matches=_odd_offset).wrap_handler
async def malformed_offset_refused_too_late(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """An offset that is no number is refused, but the bytes have been appended."""
    info = await known(handler, id_of(handler, request))
    if info is not None and "Upload-Offset" in request.headers:
        await respond(asking(request, Upload_Offset=str(info.offset)))
    return refusal(400)


@DefectSpec("core.upload-offset.reject-invalid", matches=_odd_offset).edit_response
def trips_over_malformed_offsets(request: Request, response: Response) -> Response:
    """An offset that is no number makes the server fail."""
    return failure() if "Upload-Offset" in request.headers else response


@DefectSpec("core.patch.missing-offset", matches=_odd_offset).wrap_handler
async def missing_offset_guessed(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A PATCH without an offset is appended."""
    info = await known(handler, id_of(handler, request))
    if info is None or "Upload-Offset" in request.headers:
        return await respond(request)
    return await respond(asking(request, Upload_Offset=str(info.offset)))


# The type


@DefectSpec(
    "core.patch.content-type-415", warns="core.patch.content-type-415", matches=_PATCH
).edit_response
def wrong_type_refused_with_400(request: Request, response: Response) -> Response:
    """A wrong media type is refused with 400 instead of 415."""
    return with_status(response, 400) if response.status == 415 else response


def _wrong_type(request: Request) -> bool:
    kind = value(request, "Content-Type").partition(";")[0].strip().lower()
    return _PATCH(request) and kind != OFFSET_TYPE


@DefectSpec(
    "core.patch.content-type-not-applied",
    warns="core.patch.content-type-415 core.patch.content-type-not-applied",
    matches=_wrong_type,
).wrap_handler
async def any_type_accepted(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A PATCH of any media type is stored."""
    return await respond(asking(request, Content_Type=OFFSET_TYPE))


@DefectSpec("core.patch.content-type-not-applied", matches=_wrong_type).wrap_handler
async def wrong_type_refused_too_late(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A wrong media type is refused with 415, but the bytes have been stored."""
    await respond(asking(request, Content_Type=OFFSET_TYPE))
    return refusal(415)


def _spelt_otherwise(request: Request) -> bool:
    right = _PATCH(request) and not _wrong_type(request)
    return right and value(request, "Content-Type") != OFFSET_TYPE


@DefectSpec(
    "core.patch.content-type-not-applied",
    warns="core.patch.accept",
    matches=_spelt_otherwise,
).wrap_handler
async def other_spelling_refused_too_late(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The media type in another spelling is refused with 415, but the bytes have been stored."""
    await respond(request)
    return refusal(415)


# Which rule comes first


@DefectSpec(
    "core.patch.precedence", fails="core.patch.offset-mismatch-409", matches=_PATCH
).edit_response
def trips_over_two_mistakes(request: Request, response: Response) -> Response:
    """Two mistakes in one request make the server fail."""
    wrong = [
        value(request, "Tus-Resumable") not in {"1.0.0", ""},
        _wrong_type(request),
        response.status in {404, 409},
        (request.body.length or 0) > 80,
    ]
    return failure() if sum(wrong) > 1 and not succeeded(response) else response


@DefectSpec("core.patch.precedence", matches=_PATCH).wrap_handler
async def two_mistakes_make_it_right(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A PATCH with a wrong offset and another mistake is refused, but its bytes are appended."""
    info = await known(handler, id_of(handler, request))
    given = value(request, "Upload-Offset")
    size = request.body.length or 0
    if info is None or info.size is None or not given.isdecimal() or not size:
        return await respond(request)
    late = _wrong_type(request) or int(given) + size > info.size
    if int(given) == info.offset or not late or value(request, "Tus-Resumable") != "1.0.0":
        return await respond(request)
    data = await whole(request)
    await append(handler, info, data[: info.size - info.offset])
    return refusal(409)
