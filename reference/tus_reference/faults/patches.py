"""Faults about PATCH: its answer, its offset, its type, its mistakes (Core, PATCH)."""

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
    stored,
    succeeded,
    to,
    value,
    whole,
    with_status,
    without,
)
from tus_reference.faults.fault import Breach

if TYPE_CHECKING:
    from tus_reference.faults.behaviour import Behaving, Respond
    from tus_reference.handler import Request, Response

_PATCH = to("PATCH")


# The answer


@Breach(
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
    concerns=_PATCH,
).altering
def patch_with_200(request: Request, response: Response) -> Response:
    """PATCH is answered with 200."""
    return with_status(response, 200) if response.status == 204 else response


@Breach(
    "core.patch.success-204",
    fails="checksum.match-204",
    warns="core.patch.concurrent core.net.detect-errors",
    concerns=_PATCH,
).acting
async def completed_with_200(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """The PATCH that completes an upload is answered with 200."""
    response = await respond(request)
    info = await known(behaving, id_of(behaving, request))
    done = info is not None and info.is_complete and response.status == 204
    return with_status(response, 200) if done else response


@Breach(
    "core.upload-offset.format",
    fails="core.patch.upload-offset-value",
    warns="creation.defer-length.declare-in-patch",
    concerns=_PATCH,
).acting
async def completion_as_fraction(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """The PATCH that brings the rest of an upload tells the offset as a decimal fraction."""
    response = await respond(request)
    info = await known(behaving, id_of(behaving, request))
    done = info is not None and info.is_complete and value(request, "Upload-Offset") != "0"
    return rewritten(response, "Upload-Offset", lambda text: f"{text}.0") if done else response


@Breach(
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
    concerns=_PATCH,
).altering
def patch_without_offset(request: Request, response: Response) -> Response:
    """The answer to PATCH does not tell the new offset."""
    return without(response, "Upload-Offset")


@Breach(
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
    concerns=_PATCH,
).altering
def patch_tells_what_came(request: Request, response: Response) -> Response:
    """PATCH tells how many bytes it brought instead of the new offset."""
    old = value(request, "Upload-Offset")
    if not succeeded(response) or not old.isdecimal():
        return response
    return rewritten(response, "Upload-Offset", lambda text: str(int(text) - int(old)))


@Breach(
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
    concerns=_PATCH,
).altering
def patch_tells_one_more(request: Request, response: Response) -> Response:
    """PATCH acknowledges one byte more than is stored."""
    return rewritten(response, "Upload-Offset", lambda text: str(int(text) + 1))


@Breach(
    "core.patch.upload-offset-value",
    fails=(
        "core.upload-offset.reject-invalid core.head.offset-accurate core.patch.accept "
        "core.patch.success-204 checksum.verify checksum.match-204"
    ),
    concerns=_PATCH,
).altering
def patch_tells_one_less(request: Request, response: Response) -> Response:
    """PATCH acknowledges one byte less than is stored."""
    return rewritten(
        response, "Upload-Offset", lambda text: str(int(text) - 1) if int(text) else text
    )


@Breach(
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
    concerns=_PATCH,
).altering
def patch_not_allowed(request: Request, response: Response) -> Response:
    """PATCH is answered with 405."""
    return refusal(405)


@Breach("core.patch.accept", warns="core.patch.accept", concerns=_PATCH).acting
async def media_type_by_the_letter(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """The media type is only known in lower case and without parameters."""
    kind = value(request, "Content-Type")
    strange = kind != OFFSET_TYPE and kind.lower().partition(";")[0] == OFFSET_TYPE
    return refusal(415) if strange else await respond(request)


@Breach("core.patch.accept", warns="core.patch.accept", concerns=_PATCH).acting
async def one_namesake_at_a_time(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """PATCH is refused while another upload with the same metadata is begun and unfinished."""
    info = await known(behaving, id_of(behaving, request))
    if info is None or not info.metadata:
        return await respond(request)
    recorder = behaving.config.composer.recorder
    others = [] if recorder is None else [each async for each in recorder.uploads()]
    namesakes = [each for each in others if each.metadata == info.metadata and each.id != info.id]
    begun = any(each.offset and not each.is_complete for each in namesakes)
    return refusal(423) if begun else await respond(request)


# The offset


@Breach(
    "core.patch.offset-mismatch-409", warns="core.method-override.honoured", concerns=_PATCH
).altering
def mismatch_refused_with_400(request: Request, response: Response) -> Response:
    """A wrong offset is refused with 400 instead of 409."""
    return with_status(response, 400) if response.status == 409 else response


@Breach(
    "core.patch.offset-mismatch-no-change",
    fails=(
        "core.method-override.honoured core.head.offset-accurate core.patch.apply-at-offset "
        "core.patch.offset-mismatch-409 core.patch.nonexistent-404 core.patch.concurrent "
        "core.patch.store-partial"
    ),
    concerns=_PATCH,
).acting
async def offset_ignored(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """The bytes of a PATCH are appended wherever it says that they belong."""
    info = await known(behaving, id_of(behaving, request))
    given = value(request, "Upload-Offset")
    if info is None or not given.isdecimal():
        return await respond(request)
    return await respond(asking(request, Upload_Offset=str(info.offset)))


@Breach(
    "core.patch.offset-mismatch-409",
    fails="core.patch.offset-mismatch-no-change",
    on="no-maximum",
    concerns=_PATCH,
).acting
async def offsets_of_four_bytes(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """Offsets are kept in four bytes."""
    given = value(request, "Upload-Offset")
    if not given.isdecimal():
        return await respond(request)
    return await respond(asking(request, Upload_Offset=str(int(given) % 2**32)))


@Breach(
    "core.patch.offset-mismatch-no-change",
    fails=(
        "core.head.offset-accurate core.patch.apply-at-offset core.patch.exceeds-length "
        "core.patch.concurrent"
    ),
    concerns=_PATCH,
).acting
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


@Breach(
    "core.patch.offset-mismatch-no-change",
    fails=(
        "core.method-override.honoured core.head.offset-accurate core.patch.apply-at-offset "
        "core.patch.offset-mismatch-409 core.patch.nonexistent-404 core.patch.precedence"
    ),
    concerns=_PATCH,
).acting
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


@Breach(
    "core.patch.content-type-415", warns="core.patch.content-type-415", concerns=_PATCH
).altering
def wrong_type_refused_with_400(request: Request, response: Response) -> Response:
    """A wrong media type is refused with 400 instead of 415."""
    return with_status(response, 400) if response.status == 415 else response


def _wrong_type(request: Request) -> bool:
    kind = value(request, "Content-Type").partition(";")[0].strip().lower()
    return _PATCH(request) and kind != OFFSET_TYPE


@Breach(
    "core.patch.content-type-not-applied",
    warns="core.patch.content-type-415 core.patch.content-type-not-applied",
    concerns=_wrong_type,
).acting
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


def _spelt_otherwise(request: Request) -> bool:
    right = _PATCH(request) and not _wrong_type(request)
    return right and value(request, "Content-Type") != OFFSET_TYPE


@Breach(
    "core.patch.content-type-not-applied",
    warns="core.patch.accept",
    concerns=_spelt_otherwise,
).acting
async def other_spelling_refused_too_late(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """The media type in another spelling is refused with 415, but the bytes have been stored."""
    await respond(request)
    return refusal(415)


# Which rule comes first


@Breach("core.patch.precedence", fails="core.patch.offset-mismatch-409", concerns=_PATCH).altering
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
