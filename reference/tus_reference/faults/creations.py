"""Faults about POST and its answer (Creation)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tus_reference.faults.alterations import (
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
from tus_reference.faults.fault import Breach

if TYPE_CHECKING:
    from tus_reference.faults.behaviour import Behaving, Respond
    from tus_reference.handler import Request, Response


# The answer


@Breach(
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
    concerns=is_creation,
).altering
def creation_with_200(request: Request, response: Response) -> Response:
    """A creation is answered with 200."""
    return with_status(response, 200) if response.status == 201 else response


@Breach(
    "creation.post.201",
    concerns=lambda request: is_creation(request) and "Upload-Frobnicate" in request.headers,
).altering
def trips_over_unknown_headers(request: Request, response: Response) -> Response:
    """A creation with a header that the server does not know is refused."""
    return refusal(400)


@Breach(
    "creation.post.201",
    fails="concatenation.final.length-sum",
    warns=(
        "concatenation-unfinished.not-supported concatenation.partial.repeat-in-one "
        "concatenation.partial.reuse-across concatenation.header.urls"
    ),
    concerns=lambda request: part(request, "final"),
).altering
def finals_with_204(request: Request, response: Response) -> Response:
    """The creation of a final upload is answered with 204."""
    return with_status(response, 204) if response.status == 201 else response


@Breach(
    "creation.post.location",
    fails="creation.post.201 concatenation.partial.create",
    warns="creation.zero-length.accept creation-with-upload.patch-rules",
    concerns=is_creation,
).altering
def creation_without_location(request: Request, response: Response) -> Response:
    """A creation does not tell the URL of the upload."""
    return without(response, "Location")


@Breach(
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
    concerns=is_creation,
).altering
def location_leads_nowhere(request: Request, response: Response) -> Response:
    """Location is the URL of no upload."""
    return rewritten(response, "Location", lambda text: f"{text}-there")


@Breach(
    "creation.post.location", warns="creation.post.location-form", concerns=is_creation
).altering
def location_is_no_url(request: Request, response: Response) -> Response:
    """Location cannot be read as a URL."""
    return rewritten(response, "Location", lambda text: f"http://[{text}")


@Breach(
    "creation.post.location",
    fails="core.head.offset-accurate core.patch.concurrent creation.initial-offset",
    concerns=is_creation,
).acting
async def empty_uploads_reused(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A creation of 100 bytes leads to the latest such upload, as long as that has no bytes."""
    response = await respond(request)
    plain = value(request, "Upload-Length") == "100" and "Upload-Metadata" not in request.headers
    if not plain or request.body.length or part(request) or response.status != 201:
        return response
    texts = behaving.memory.texts
    latest = texts.get("latest", "")
    info = await known(behaving, latest.rpartition("/")[2])
    if info is not None and not info.offset:
        return saying(response, "Location", latest)
    texts["latest"] = header(response, "Location") or ""
    return response


@Breach(
    "creation.post.location-form",
    warns="creation.post.location-form concatenation.header.urls",
    concerns=is_creation,
).altering
def location_of_the_inside(request: Request, response: Response) -> Response:
    """Location names the host that the server has inside."""
    return rewritten(
        response, "Location", lambda text: f"http://backend.internal:8080{urlsplit(text).path}"
    )


@Breach(
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
    concerns=to("HEAD"),
).acting
async def uploads_begin_at_one(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """The first HEAD of an upload that has no byte tells one."""
    response = await respond(request)
    new = header(response, "Upload-Offset") == "0" and header(response, "Upload-Length") != "0"
    upload_id = id_of(behaving, request)
    if not new or upload_id in behaving.memory.marked:
        return response
    behaving.memory.marked.add(upload_id)
    return saying(response, "Upload-Offset", "1")


@Breach(
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
    concerns=is_creation,
).altering
def creation_not_allowed(request: Request, response: Response) -> Response:
    """A creation is answered with 405."""
    return refusal(405)


@Breach(
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
    concerns=is_creation,
).acting
async def length_off_by_one(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """An upload is created with one byte more than was asked for."""
    length = value(request, "Upload-Length")
    usual = length.isdecimal() and 0 < int(length) < 2**32
    return await respond(asking(request, Upload_Length=str(int(length) + 1)) if usual else request)
