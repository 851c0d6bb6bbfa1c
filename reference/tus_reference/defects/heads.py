"""Faults about HEAD (Core, HEAD)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tus_reference.defects.defect import DefectSpec
from tus_reference.defects.response_edits import (
    created_id,
    failure,
    header,
    id_of,
    known,
    method_of,
    refusal,
    replace_bytes,
    rewritten,
    saying,
    stored,
    succeeded,
    to,
    with_status,
    without,
)
from tus_reference.model import Response
from tus_reference.protocol import TUS_VERSION

if TYPE_CHECKING:
    from tus_reference.defects.modification import CallNext, ModifiedHandler
    from tus_reference.model import Request

_HEAD = to("HEAD")


@DefectSpec(
    "core.head.upload-offset",
    fails=(
        "core.upload-offset.reject-invalid core.upload-length.reject-invalid "
        "core.tus-resumable.unsupported-not-processed core.tus-resumable.missing "
        "core.method-override.honoured core.method-override.actual-ignored "
        "core.head.offset-accurate core.patch.accept core.patch.apply-at-offset "
        "core.patch.content-type-not-applied core.patch.offset-mismatch-no-change "
        "core.patch.upload-offset-value core.patch.missing-offset core.patch.exceeds-length "
        "core.patch.zero-length core.patch.after-complete core.patch.no-content-length "
        "core.patch.precedence core.patch.concurrent core.net.detect-errors "
        "core.patch.store-partial creation.initial-offset "
        "creation.defer-length.length-immutable creation.defer-length.declare-in-patch "
        "creation.defer-length.length-below-offset creation.defer-length.length-over-max "
        "creation.zero-length.complete creation-with-upload.upload-offset-value "
        "creation-with-upload.empty-body creation-with-upload.interrupted checksum.verify "
        "checksum.unsupported-algorithm-discard checksum.unsupported-algorithm-offset "
        "checksum.mismatch-discard checksum.mismatch-offset checksum-trailer.verify "
        "checksum-trailer.header-and-trailer checksum.malformed checksum.partial-body "
        "checksum.creation-with-upload concatenation.partial.create "
        "concatenation.final.length-sum concatenation.final.order "
        "concatenation-unfinished.finishes concatenation.final.patch-no-modify "
        "concatenation.final.head-offset-equals-length concatenation.partial.head-offset "
        "concatenation.final.bad-partials concatenation.partial.patch-after-concat"
    ),
    warns="core.head.not-found-status",
    matches=_HEAD,
).edit_response
def head_without_offset(request: Request, response: Response) -> Response:
    """HEAD does not tell the offset."""
    return without(response, "Upload-Offset")


@DefectSpec(
    "core.head.upload-offset",
    fails=(
        "core.upload-offset.reject-invalid core.head.offset-accurate "
        "core.patch.offset-mismatch-no-change core.patch.exceeds-length "
        "core.patch.zero-length core.net.detect-errors creation.initial-offset "
        "creation.zero-length.complete creation-with-upload.empty-body "
        "creation-with-upload.interrupted checksum.mismatch-discard checksum.mismatch-offset "
        "checksum-trailer.verify checksum.partial-body concatenation.partial.create "
        "concatenation-unfinished.finishes concatenation.final.head-offset-equals-length "
        "concatenation.partial.head-offset"
    ),
    warns="core.patch.concurrent creation.defer-length.declare-in-patch",
    matches=_HEAD,
).edit_response
def offset_omitted_at_zero(request: Request, response: Response) -> Response:
    """HEAD does not tell the offset as long as it is 0."""
    return (
        without(response, "Upload-Offset") if header(response, "Upload-Offset") == "0" else response
    )


@DefectSpec(
    "core.head.upload-offset",
    fails=(
        "core.upload-offset.reject-invalid core.tus-resumable.unsupported-not-processed "
        "core.tus-resumable.missing core.method-override.honoured "
        "core.method-override.actual-ignored core.head.offset-accurate core.patch.accept "
        "core.patch.apply-at-offset core.patch.content-type-not-applied "
        "core.patch.offset-mismatch-no-change core.patch.upload-offset-value "
        "core.patch.missing-offset core.patch.exceeds-length core.patch.zero-length "
        "core.patch.after-complete core.patch.no-content-length core.patch.precedence "
        "core.patch.concurrent core.net.detect-errors core.patch.store-partial "
        "creation.defer-length.length-immutable creation.defer-length.declare-in-patch "
        "creation.zero-length.complete creation-with-upload.upload-offset-value "
        "creation-with-upload.empty-body creation-with-upload.interrupted checksum.verify "
        "checksum.unsupported-algorithm-discard checksum.mismatch-discard "
        "checksum-trailer.verify checksum-trailer.header-and-trailer checksum.malformed "
        "checksum.partial-body checksum.creation-with-upload concatenation.partial.create "
        "concatenation.final.order concatenation-unfinished.finishes "
        "concatenation.final.patch-no-modify concatenation.final.head-offset-equals-length "
        "concatenation.partial.head-offset concatenation.final.bad-partials "
        "concatenation.partial.patch-after-concat"
    ),
    matches=_HEAD,
).edit_response
def offset_omitted_at_the_end(request: Request, response: Response) -> Response:
    """HEAD does not tell the offset of an upload that is complete."""
    done = header(response, "Upload-Offset") == header(response, "Upload-Length")
    return without(response, "Upload-Offset") if done else response


@DefectSpec(
    "core.head.not-found-no-offset", warns="core.head.not-found-no-offset", matches=_HEAD
).edit_response
def queries_not_found_with_offset(request: Request, response: Response) -> Response:
    """The URL of an upload with a query behind it is not found, and its offset is told."""
    return with_status(response, 404) if "?" in request.target else response


@DefectSpec("core.head.offset-accurate", matches=to("POST", "HEAD", "PATCH")).wrap_handler
async def last_byte_lost_at_restart(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Uploads that were there before the server was started lose their last byte."""
    if method_of(request) == "POST":
        response = await respond(request)
        handler.memory.marked.add(created_id(handler, response))
        return response
    info = await known(handler, id_of(handler, request))
    if info is not None and info.id not in handler.memory.marked:
        handler.memory.marked.add(info.id)
        data = await stored(handler, info)
        await replace_bytes(handler, info, data[:-1])
    return await respond(request)


@DefectSpec(
    "core.head.upload-length",
    fails=(
        "core.upload-length.format core.head.success-status core.patch.after-complete "
        "creation.defer-length.length-immutable creation.zero-length.complete "
        "concatenation.partial.create concatenation.final.length-sum "
        "concatenation.final.head-offset-equals-length concatenation.final.head-length"
    ),
    warns="creation.defer-length.declare-in-patch",
    matches=_HEAD,
).edit_response
def head_without_length(request: Request, response: Response) -> Response:
    """HEAD does not tell the length."""
    return without(response, "Upload-Length")


@DefectSpec(
    "core.head.upload-length",
    fails=(
        "core.head.success-status core.patch.exceeds-length core.patch.after-complete "
        "creation.defer-length.length-immutable creation.defer-length.declare-in-patch "
        "concatenation.final.length-sum concatenation.final.head-offset-equals-length"
    ),
    matches=_HEAD,
).edit_response
def length_is_what_is_left(request: Request, response: Response) -> Response:
    """HEAD tells as length what is still missing of the upload."""
    offset = int(header(response, "Upload-Offset") or 0)
    return rewritten(response, "Upload-Length", lambda text: str(int(text) - offset))


@DefectSpec(
    "core.upload-length.format",
    fails=(
        "core.head.upload-length core.head.success-status core.patch.after-complete "
        "creation.defer-length.length-immutable creation.defer-length.declare-in-patch "
        "creation.zero-length.complete concatenation.partial.create "
        "concatenation.final.length-sum concatenation.final.head-offset-equals-length "
        "concatenation.final.head-length"
    ),
    matches=_HEAD,
).edit_response
def length_in_hexadecimal(request: Request, response: Response) -> Response:
    """HEAD tells the length in hexadecimal."""
    return rewritten(response, "Upload-Length", lambda text: hex(int(text)))


@DefectSpec(
    "core.upload-offset.format",
    fails=(
        "core.upload-offset.reject-invalid core.upload-length.reject-invalid "
        "core.tus-resumable.unsupported-not-processed core.tus-resumable.missing "
        "core.method-override.honoured core.method-override.actual-ignored "
        "core.head.upload-offset core.head.offset-accurate core.patch.accept "
        "core.patch.apply-at-offset core.patch.content-type-not-applied "
        "core.patch.offset-mismatch-no-change core.patch.upload-offset-value "
        "core.patch.missing-offset core.patch.exceeds-length core.patch.zero-length "
        "core.patch.after-complete core.patch.no-content-length core.patch.precedence "
        "core.patch.concurrent core.net.detect-errors core.patch.store-partial "
        "creation.initial-offset creation.defer-length.length-immutable "
        "creation.defer-length.declare-in-patch creation.defer-length.length-below-offset "
        "creation.defer-length.length-over-max creation.zero-length.complete "
        "creation-with-upload.upload-offset-value creation-with-upload.empty-body "
        "creation-with-upload.interrupted checksum.verify "
        "checksum.unsupported-algorithm-discard checksum.unsupported-algorithm-offset "
        "checksum.mismatch-discard checksum.mismatch-offset checksum-trailer.verify "
        "checksum-trailer.header-and-trailer checksum.malformed checksum.partial-body "
        "checksum.creation-with-upload concatenation.partial.create "
        "concatenation.final.length-sum concatenation.final.order "
        "concatenation-unfinished.finishes concatenation.final.patch-no-modify "
        "concatenation.final.head-offset-equals-length concatenation.partial.head-offset "
        "concatenation.final.bad-partials concatenation.partial.patch-after-concat"
    ),
    warns="core.head.not-found-status",
    matches=_HEAD,
).edit_response
def offset_as_fraction(request: Request, response: Response) -> Response:
    """HEAD tells the offset as a decimal fraction."""
    return rewritten(response, "Upload-Offset", lambda text: f"{text}.0")


@DefectSpec(
    "core.upload-offset.format",
    fails=(
        "core.upload-offset.reject-invalid core.head.offset-accurate core.patch.accept "
        "core.patch.success-204 core.patch.upload-offset-value checksum.verify "
        "checksum.match-204 checksum-trailer.verify"
    ),
    matches=to("PATCH"),
).edit_response
def acknowledged_as_fraction(request: Request, response: Response) -> Response:
    """PATCH tells the offset as a decimal fraction."""
    return rewritten(response, "Upload-Offset", lambda text: f"{text}.0")


@DefectSpec(
    "core.head.not-found-status", warns="core.head.not-found-status", matches=_HEAD
).edit_response
def unknown_upload_is_a_bad_request(request: Request, response: Response) -> Response:
    """HEAD of an upload that is not there is answered with 400."""
    return with_status(response, 400) if response.status == 404 else response


@DefectSpec("core.head.not-found-status", matches=_HEAD).edit_response
def unknown_upload_is_a_failure(request: Request, response: Response) -> Response:
    """HEAD of an upload that is not there is answered with 500."""
    return failure() if response.status == 404 else response


@DefectSpec(
    "core.head.not-found-status",
    warns="core.head.not-found-status core.head.not-found-no-offset",
    matches=_HEAD,
).edit_response
def unknown_upload_is_empty(request: Request, response: Response) -> Response:
    """HEAD of an upload that never was there says that it is one without a byte."""
    if response.status != 404:
        return response
    told = (("Upload-Offset", "0"), ("Upload-Length", "100"), ("Cache-Control", "no-store"))
    return Response(200, (*told, ("Tus-Resumable", TUS_VERSION)))


@DefectSpec(
    "core.head.not-found-no-offset",
    warns="core.head.not-found-status core.head.not-found-no-offset",
    matches=_HEAD,
).wrap_handler
async def upload_at_the_creation_url(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """HEAD of the URL where uploads are created says that an empty one is there."""
    if not handler.upload_urls.is_endpoint(request.path):
        return await respond(request)
    told = (("Upload-Offset", "0"), ("Upload-Length", "100"), ("Cache-Control", "no-store"))
    return Response(200, (*told, ("Tus-Resumable", TUS_VERSION)))


@DefectSpec(
    "core.head.not-found-no-offset", warns="core.head.not-found-no-offset", matches=_HEAD
).edit_response
def offset_of_nothing(request: Request, response: Response) -> Response:
    """HEAD of an upload that is not there tells an offset."""
    return response if succeeded(response) else saying(response, "Upload-Offset", "0")


@DefectSpec(
    "core.head.success-status",
    warns="core.method-override.actual-ignored core.head.success-status",
    matches=_HEAD,
).edit_response
def head_with_202(request: Request, response: Response) -> Response:
    """HEAD is answered with 202."""
    return with_status(response, 202) if succeeded(response) else response


@DefectSpec("core.head.cache-control", matches=_HEAD).edit_response
def head_may_be_cached(request: Request, response: Response) -> Response:
    """HEAD lacks Cache-Control."""
    return without(response, "Cache-Control") if succeeded(response) else response


@DefectSpec("core.head.cache-control", matches=_HEAD).edit_response
def head_not_cached_for_long(request: Request, response: Response) -> Response:
    """HEAD says no-cache instead of no-store."""
    return saying(response, "Cache-Control", "no-cache") if succeeded(response) else response


@DefectSpec("core.head.cache-control", warns="core.head.cache-control", matches=_HEAD).edit_response
def absence_may_be_cached(request: Request, response: Response) -> Response:
    """That an upload is not there may be kept by caches."""
    return response if succeeded(response) else without(response, "Cache-Control")


@DefectSpec(
    "core.head.offset-accurate",
    fails=(
        "core.upload-offset.reject-invalid core.upload-length.reject-invalid "
        "core.tus-resumable.unsupported-not-processed core.tus-resumable.missing "
        "core.method-override.honoured core.method-override.actual-ignored "
        "core.head.upload-offset core.patch.accept core.patch.apply-at-offset "
        "core.patch.content-type-not-applied core.patch.offset-mismatch-no-change "
        "core.patch.success-204 core.patch.upload-offset-value core.patch.missing-offset "
        "core.patch.exceeds-length core.patch.zero-length core.patch.after-complete "
        "core.patch.no-content-length core.patch.precedence core.patch.concurrent "
        "core.net.detect-errors core.patch.store-partial "
        "creation.defer-length.length-immutable creation.defer-length.declare-in-patch "
        "creation.defer-length.length-below-offset creation.defer-length.length-over-max "
        "creation-with-upload.upload-offset-value creation-with-upload.empty-body "
        "creation-with-upload.interrupted checksum.verify "
        "checksum.unsupported-algorithm-discard checksum.unsupported-algorithm-offset "
        "checksum.mismatch-discard checksum.mismatch-offset checksum-trailer.verify "
        "checksum-trailer.header-and-trailer checksum.malformed checksum.partial-body "
        "checksum.creation-with-upload concatenation.partial.create "
        "concatenation.final.length-sum concatenation.final.order "
        "concatenation-unfinished.finishes concatenation.final.patch-no-modify "
        "concatenation.final.head-offset-equals-length concatenation.partial.head-offset "
        "concatenation.final.bad-partials concatenation.partial.patch-after-concat"
    ),
    warns="core.head.not-found-status checksum.match-204",
    matches=_HEAD,
).edit_response
def offset_one_too_high(request: Request, response: Response) -> Response:
    """HEAD tells one byte more than is stored, once there is one."""
    return rewritten(
        response, "Upload-Offset", lambda text: text if text == "0" else str(int(text) + 1)
    )


@DefectSpec(
    "core.head.offset-accurate",
    fails=(
        "core.method-override.actual-ignored core.patch.offset-mismatch-no-change "
        "core.patch.upload-offset-value"
    ),
    matches=to("HEAD", "PATCH"),
).wrap_handler
async def offset_goes_back(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Every second HEAD of an upload that is under way tells one byte less than the first."""
    response = await respond(request)
    upload_id, told = id_of(handler, request), header(response, "Upload-Offset")
    info = await known(handler, upload_id)
    if method_of(request) != "HEAD" or told in {None, "0"} or info is None or info.is_complete:
        return response
    if upload_id in handler.memory.marked:
        handler.memory.marked.discard(upload_id)
        return rewritten(response, "Upload-Offset", lambda text: str(int(text) - 1))
    handler.memory.marked.add(upload_id)
    return response


@DefectSpec(
    "core.head.offset-accurate",
    fails=(
        "core.upload-offset.reject-invalid core.tus-resumable.unsupported-not-processed "
        "core.tus-resumable.missing core.method-override.honoured "
        "core.method-override.actual-ignored core.patch.accept core.patch.apply-at-offset "
        "core.patch.content-type-not-applied core.patch.offset-mismatch-no-change "
        "core.patch.upload-offset-value core.patch.missing-offset core.patch.exceeds-length "
        "core.patch.zero-length core.patch.no-content-length core.patch.precedence "
        "core.patch.concurrent core.net.detect-errors core.patch.store-partial "
        "creation.defer-length.length-immutable creation-with-upload.upload-offset-value "
        "creation-with-upload.empty-body creation-with-upload.interrupted checksum.verify "
        "checksum.unsupported-algorithm-discard checksum.mismatch-discard "
        "checksum-trailer.verify checksum-trailer.header-and-trailer checksum.malformed "
        "checksum.creation-with-upload concatenation.partial.create concatenation.final.order "
        "concatenation-unfinished.finishes concatenation.final.patch-no-modify"
    ),
    warns="creation.defer-length.declare-in-patch",
    matches=to("HEAD", "PATCH"),
).wrap_handler
async def offset_of_before(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The first HEAD after a PATCH tells what the HEAD before it told."""
    response = await respond(request)
    upload_id, told = id_of(handler, request), header(response, "Upload-Offset")
    memory = handler.memory
    if told is None or not succeeded(response):
        return response
    if method_of(request) == "PATCH":
        memory.marked.add(upload_id)
        return response
    stale = memory.texts.get(upload_id)
    memory.texts[upload_id] = told
    if stale is None or upload_id not in memory.marked:
        return response
    memory.marked.discard(upload_id)
    return saying(response, "Upload-Offset", stale)


@DefectSpec(
    "core.head.upload-offset",
    fails="core.head.offset-accurate core.patch.apply-at-offset creation.metadata.sanitize",
    matches=_HEAD,
).wrap_handler
async def trips_over_metadata(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """HEAD of an upload that has a filename is answered with 500."""
    info = await known(handler, id_of(handler, request))
    named = info is not None and "filename" in info.metadata
    return failure() if named else await respond(request)


@DefectSpec(
    "core.head.upload-offset", fails="creation.metadata.sanitize", matches=_HEAD
).wrap_handler
async def needs_metadata(handler: ModifiedHandler, request: Request, respond: CallNext) -> Response:
    """HEAD of an upload that has no filename is answered with 500."""
    info = await known(handler, id_of(handler, request))
    nameless = info is not None and "filename" not in info.metadata and info.metadata_header
    return failure() if nameless else await respond(request)


@DefectSpec("core.patch.nonexistent-404", matches=to("PATCH")).edit_response
def bytes_written_beside_uploads(request: Request, response: Response) -> Response:
    """A PATCH to the name of an upload with something odd behind it is acknowledged."""
    odd = len(request.path.rpartition("/")[2]) > 32 or request.path.endswith("/")
    if not odd or succeeded(response):
        return response
    return saying(with_status(response, 204), "Upload-Offset", "5")


@DefectSpec(
    "core.head.not-found-status", fails="core.patch.nonexistent-404", matches=to("HEAD", "PATCH")
).edit_response
def trips_over_odd_names(request: Request, response: Response) -> Response:
    """A name that cannot be one makes the server fail."""
    last = request.path.rpartition("/")[2]
    return failure() if len(last) > 32 else response


@DefectSpec(
    "core.head.not-found-status",
    fails="core.method-override.honoured termination.in-flight",
    warns=(
        "core.tus-resumable.unsupported-412 core.head.not-found-status expiration.may-remove "
        "expiration.removed-404-410 termination.gone"
    ),
    matches=_HEAD,
).edit_response
def head_needs_a_login(request: Request, response: Response) -> Response:
    """HEAD of an upload that is not there asks for a login."""
    return response if succeeded(response) else refusal(401)
