"""Faults about POST and its answer (Creation)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tus_reference.faults.alterations import (
    append,
    asking,
    created_id,
    header,
    is_creation,
    known,
    part,
    refusal,
    rewritten,
    saying,
    value,
    with_status,
    without,
)
from tus_reference.faults.fault import Breach

if TYPE_CHECKING:
    from tus_reference.faults.behaviour import Behaving, Respond
    from tus_reference.handler import Request, Response


# The answer


@Breach("creation.post.201", concerns=is_creation).altering
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


@Breach("creation.post.location", concerns=is_creation).altering
def creation_without_location(request: Request, response: Response) -> Response:
    """A creation does not tell the URL of the upload."""
    return without(response, "Location")


@Breach("creation.post.location", concerns=is_creation).altering
def location_leads_nowhere(request: Request, response: Response) -> Response:
    """Location is the URL of no upload."""
    return rewritten(response, "Location", lambda text: f"{text}-there")


@Breach("creation.post.location", concerns=is_creation).altering
def location_is_no_url(request: Request, response: Response) -> Response:
    """Location cannot be read as a URL."""
    return rewritten(response, "Location", lambda text: f"http://[{text}")


@Breach(
    "core.patch.apply-at-offset",
    fails="core.patch.concurrent",
    warns="core.patch.accept",
    concerns=is_creation,
).acting
async def one_upload_for_all(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """Every second creation of 100 bytes leads to the upload of the first."""
    response = await respond(request)
    if value(request, "Upload-Length") != "100" or "Location" not in dict(response.headers):
        return response
    latest = behaving.memory.texts.pop("latest", None)
    if latest is not None and await known(behaving, latest.rpartition("/")[2]) is not None:
        return saying(response, "Location", latest)
    behaving.memory.texts["latest"] = header(response, "Location") or ""
    return response


@Breach("creation.post.location-form", concerns=is_creation).altering
def location_of_the_inside(request: Request, response: Response) -> Response:
    """Location names the host that the server has inside."""
    return rewritten(
        response, "Location", lambda text: text.replace("//tus.test/", "//backend.internal:8080/")
    )


@Breach("creation.initial-offset", concerns=is_creation).acting
async def uploads_begin_at_one(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A new upload has a byte already."""
    response = await respond(request)
    info = await known(behaving, created_id(behaving, response))
    if info is not None and info.offset == 0 and info.size and not info.is_final:
        await append(behaving, info, b"?")
    return response


@Breach("creation.supported", concerns=is_creation).altering
def creation_not_allowed(request: Request, response: Response) -> Response:
    """A creation is answered with 405."""
    return refusal(405)


@Breach("core.head.upload-length", concerns=is_creation).acting
async def length_off_by_one(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """An upload is created with one byte more than was asked for."""
    length = value(request, "Upload-Length")
    usual = length.isdecimal() and 0 < int(length) < 2**32
    return await respond(asking(request, Upload_Length=str(int(length) + 1)) if usual else request)
