"""Faults about POST and its answer (Creation)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tus_reference.defects.defect import DefectSpec
from tus_reference.defects.response_edits import (
    asking,
    header,
    id_of,
    is_creation,
    known,
    part,
    refusal,
    rewritten,
    saying,
    to,
    value,
    with_status,
    without,
)

if TYPE_CHECKING:
    from tus_reference.defects.modification import CallNext, ModifiedHandler
    from tus_reference.model import Request, Response


# The answer


@DefectSpec(
    "creation.post.201",
    fails=(
        "creation.max-size.413 creation-with-upload.upload-offset-present "
        "creation-with-upload.upload-offset-value concatenation.partial.create "
        "concatenation.final.length-sum"
    ),
    warns=(
        "core.upload-length.reject-invalid core.net.detect-errors creation.supported "
        "creation.metadata.empty-value creation.metadata.invalid creation.zero-length.accept "
        "creation-with-upload.patch-rules creation-with-upload.interrupted "
        "creation-with-upload.expect-continue concatenation-unfinished.not-supported "
        "concatenation.partial.repeat-in-one concatenation.partial.reuse-across "
        "concatenation.header.urls"
    ),
    matches=is_creation,
).edit_response
def creation_with_200(request: Request, response: Response) -> Response:
    """A creation is answered with 200."""
    return with_status(response, 200) if response.status == 201 else response


@DefectSpec(
    "creation.post.201",
    matches=lambda request: is_creation(request) and "Upload-Frobnicate" in request.headers,
).edit_response
def trips_over_unknown_headers(request: Request, response: Response) -> Response:
    """A creation with a header that the server does not know is refused."""
    return refusal(400)


@DefectSpec(
    "creation.post.201",
    fails="concatenation.final.length-sum",
    warns=(
        "concatenation-unfinished.not-supported concatenation.partial.repeat-in-one "
        "concatenation.partial.reuse-across concatenation.header.urls"
    ),
    matches=lambda request: part(request, "final"),
).edit_response
def finals_with_204(request: Request, response: Response) -> Response:
    """The creation of a final upload is answered with 204."""
    return with_status(response, 204) if response.status == 201 else response


@DefectSpec(
    "creation.post.location",
    fails="creation.post.201 concatenation.partial.create",
    warns="creation.zero-length.accept creation-with-upload.patch-rules",
    matches=is_creation,
).edit_response
def creation_without_location(request: Request, response: Response) -> Response:
    """A creation does not tell the URL of the upload."""
    return without(response, "Location")


@DefectSpec(
    "creation.post.location",
    fails=(
        "core.upload-offset.reject-invalid core.upload-length.format core.head.upload-offset "
        "core.head.offset-accurate core.patch.accept core.patch.apply-at-offset "
        "core.patch.offset-mismatch-409 core.patch.offset-mismatch-no-change "
        "core.patch.success-204 core.patch.upload-offset-value core.patch.exceeds-length "
        "core.patch.zero-length core.patch.concurrent core.net.detect-errors "
        "core.patch.store-partial creation.defer-length.head "
        "creation-with-upload.upload-offset-value creation-with-upload.empty-body "
        "creation-with-upload.interrupted checksum.verify checksum.match-204 "
        "checksum.mismatch-discard checksum.mismatch-offset checksum.sha1 "
        "checksum-trailer.verify checksum.partial-body checksum.creation-with-upload "
        "termination.204 termination.in-flight concatenation.partial.create "
        "concatenation.final.length-sum concatenation.final.order "
        "concatenation.partial.head-offset concatenation.head.upload-concat"
    ),
    warns="concatenation.final.max-size",
    matches=is_creation,
).edit_response
def location_leads_nowhere(request: Request, response: Response) -> Response:
    """Location is the URL of no upload."""
    return rewritten(response, "Location", lambda text: f"{text}-there")


@DefectSpec(
    "creation.post.location", warns="creation.post.location-form", matches=is_creation
).edit_response
def location_is_no_url(request: Request, response: Response) -> Response:
    """Location cannot be read as a URL."""
    return rewritten(response, "Location", lambda text: f"http://[{text}")


@DefectSpec(
    "creation.post.location",
    fails="core.head.offset-accurate core.patch.concurrent creation.initial-offset",
    matches=is_creation,
).wrap_handler
async def empty_uploads_reused(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A creation of 100 bytes leads to the latest such upload, as long as that has no bytes."""
    response = await respond(request)
    plain = value(request, "Upload-Length") == "100" and "Upload-Metadata" not in request.headers
    if not plain or request.body.length or part(request) or response.status != 201:
        return response
    texts = handler.memory.texts
    latest = texts.get("latest", "")
    info = await known(handler, latest.rpartition("/")[2])
    if info is not None and not info.offset:
        return saying(response, "Location", latest)
    texts["latest"] = header(response, "Location") or ""
    return response


@DefectSpec(
    "creation.post.location-form",
    warns="creation.post.location-form concatenation.header.urls",
    matches=is_creation,
).edit_response
def location_of_the_inside(request: Request, response: Response) -> Response:
    """Location names the host that the server has inside."""
    return rewritten(
        response, "Location", lambda text: f"http://backend.internal:8080{urlsplit(text).path}"
    )


@DefectSpec(
    "creation.initial-offset",
    fails=(
        "core.upload-offset.reject-invalid core.head.upload-offset core.head.offset-accurate "
        "core.patch.offset-mismatch-no-change core.patch.zero-length "
        "creation-with-upload.empty-body creation-with-upload.interrupted "
        "checksum.mismatch-offset checksum-trailer.verify concatenation.partial.create "
        "concatenation-unfinished.finishes concatenation.final.head-offset-equals-length "
        "concatenation.partial.head-offset"
    ),
    warns="core.patch.concurrent creation.defer-length.declare-in-patch",
    matches=to("HEAD"),
).wrap_handler
async def uploads_begin_at_one(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The first HEAD of an upload that has no byte tells one."""
    response = await respond(request)
    new = header(response, "Upload-Offset") == "0" and header(response, "Upload-Length") != "0"
    upload_id = id_of(handler, request)
    if not new or upload_id in handler.memory.marked:
        return response
    handler.memory.marked.add(upload_id)
    return saying(response, "Upload-Offset", "1")


@DefectSpec(
    "creation.supported",
    fails=(
        "core.tus-resumable.unsupported-412 creation.max-size.413 creation.post.201 "
        "creation.post.location creation-with-upload.upload-offset-present "
        "creation-with-upload.upload-offset-value creation-with-upload.patch-rules "
        "concatenation.partial.create"
    ),
    warns=(
        "creation.supported creation.defer-length.invalid-400 creation.metadata.empty-value "
        "creation.metadata.invalid creation.zero-length.accept "
        "creation-with-upload.interrupted creation-with-upload.expect-continue"
    ),
    matches=is_creation,
).edit_response
def creation_not_allowed(request: Request, response: Response) -> Response:
    """A creation is answered with 405."""
    return refusal(405)


@DefectSpec(
    "core.head.upload-length",
    fails=(
        "core.upload-length.format core.head.success-status core.patch.after-complete "
        "creation.defer-length.length-immutable creation.max-size.413 "
        "concatenation.partial.create concatenation.final.length-sum "
        "concatenation.final.order concatenation-unfinished.finishes "
        "concatenation.final.patch-no-modify concatenation.final.head-offset-equals-length "
        "concatenation.final.head-length concatenation.partial.patch-after-concat"
    ),
    warns="expiration.complete-not-removed",
    matches=is_creation,
).wrap_handler
async def length_off_by_one(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """An upload is created with one byte more than was asked for."""
    length = value(request, "Upload-Length")
    usual = length.isdecimal() and 0 < int(length) < 2**32
    return await respond(asking(request, Upload_Length=str(int(length) + 1)) if usual else request)
