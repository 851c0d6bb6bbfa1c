"""Faults about the version of the protocol (Core, Tus-Resumable and Tus-Version)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tus_reference.defects.defect import DefectSpec
from tus_reference.defects.response_edits import (
    asking,
    failure,
    having,
    header,
    method_of,
    refusal,
    saying,
    succeeded,
    to,
    value,
    with_status,
    without,
)
from tus_reference.model import Response
from tus_reference.protocol import TUS_VERSION

if TYPE_CHECKING:
    from tus_reference.defects.modification import CallNext, ModifiedHandler
    from tus_reference.model import Request

_TUS = to("POST", "HEAD", "PATCH", "DELETE")


def _other_version(request: Request) -> bool:
    return _TUS(request) and value(request, "Tus-Resumable") not in {TUS_VERSION, ""}


def _lacks_version(request: Request) -> bool:
    return _TUS(request) and not value(request, "Tus-Resumable")


@DefectSpec(
    "core.tus-resumable.response-present", warns="creation-with-upload.patch-rules", matches=_TUS
).edit_response
def success_without_version(request: Request, response: Response) -> Response:
    """Successful answers do not say which version of the protocol they follow."""
    return without(response, "Tus-Resumable") if succeeded(response) else response


@DefectSpec("core.tus-resumable.response-present", matches=_TUS).edit_response
def refusal_without_version(request: Request, response: Response) -> Response:
    """Refusals do not say which version of the protocol they follow."""
    return response if succeeded(response) else without(response, "Tus-Resumable")


@DefectSpec(
    "core.tus-resumable.response-value",
    fails="core.tus-resumable.response-present",
    warns="creation-with-upload.patch-rules",
    matches=_TUS,
).edit_response
def speaks_another_version(request: Request, response: Response) -> Response:
    """Answers claim to follow a version that nobody asked for."""
    return saying(response, "Tus-Resumable", "1.1.0")


@DefectSpec("core.tus-resumable.response-present", matches=to("GET")).wrap_handler
async def trips_over_visitors(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """GET of the URL where uploads are created makes the server fail."""
    visited = handler.upload_urls.is_endpoint(request.path)
    return failure() if visited else await respond(request)


@DefectSpec("core.tus-resumable.unsupported-412", matches=_other_version).edit_response
def version_refused_with_400(request: Request, response: Response) -> Response:
    """An unsupported version is refused with 400 instead of 412."""
    return with_status(response, 400) if response.status == 412 else response


@DefectSpec("core.tus-resumable.unsupported-tus-version", matches=_other_version).edit_response
def version_refused_without_list(request: Request, response: Response) -> Response:
    """The refusal of a version does not say which versions there are."""
    return without(response, "Tus-Version")


@DefectSpec(
    "core.tus-resumable.unsupported-not-processed",
    fails="core.tus-resumable.unsupported-412",
    matches=_other_version,
).wrap_handler
async def version_ignored(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A request of any version is treated as one of 1.0.0."""
    return await respond(asking(request, Tus_Resumable=TUS_VERSION))


@DefectSpec("core.tus-resumable.unsupported-not-processed", matches=_other_version).wrap_handler
async def version_refused_too_late(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A request of another version is refused, but only after it has been carried out."""
    done = await respond(asking(request, Tus_Resumable=TUS_VERSION))
    said = (("Tus-Resumable", TUS_VERSION), ("Tus-Version", TUS_VERSION))
    location = header(done, "Location")
    refused = refusal(412).with_headers(*said)
    return refused if location is None else refused.with_headers(("Location", location))


@DefectSpec(
    "core.tus-resumable.unsupported-412",
    warns="core.tus-resumable.unsupported-412",
    matches=lambda request: method_of(request) == "HEAD" and _other_version(request),
).wrap_handler
async def head_of_any_version(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """HEAD is answered whatever version it asks for."""
    return await respond(asking(request, Tus_Resumable=TUS_VERSION))


def _nearly(request: Request) -> bool:
    return _other_version(request) and value(request, "Tus-Resumable").startswith("1")


@DefectSpec(
    "core.tus-resumable.unsupported-412",
    warns="core.tus-resumable.unsupported-412 core.tus-resumable.unsupported-not-processed",
    matches=_nearly,
).wrap_handler
async def version_compared_by_its_beginning(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Every version that begins with 1 is taken for 1.0.0."""
    return await respond(asking(request, Tus_Resumable=TUS_VERSION))


@DefectSpec("core.tus-resumable.unsupported-not-processed", matches=_lacks_version).wrap_handler
async def missing_version_refused_too_late(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A request without a version is refused, but only after it has been carried out."""
    await respond(asking(request, Tus_Resumable=TUS_VERSION))
    return refusal(412).with_headers(("Tus-Version", TUS_VERSION))


@DefectSpec("core.tus-resumable.missing", matches=_lacks_version).wrap_handler
async def missing_version_a_mistake_too_late(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A request without a version is refused with 400, but only after it has been carried out."""
    await respond(asking(request, Tus_Resumable=TUS_VERSION))
    return refusal(400)


@DefectSpec(
    "core.tus-resumable.missing", fails="core.head.offset-accurate", matches=_lacks_version
).wrap_handler
async def missing_version_accepted_in_vain(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A PATCH without a version is answered as if its bytes were stored."""
    offset, size = value(request, "Upload-Offset"), request.body.length
    if method_of(request) != "PATCH" or not offset.isdecimal() or not size:
        return await respond(request)
    reached = str(int(offset) + size)
    return Response(204, (("Tus-Resumable", TUS_VERSION), ("Upload-Offset", reached)))


@DefectSpec("core.tus-resumable.missing", matches=_lacks_version).edit_response
def trips_over_missing_version(request: Request, response: Response) -> Response:
    """A request without a version is answered with 500."""
    return failure()


@DefectSpec("core.tus-version.format", matches=to("OPTIONS")).edit_response
def versions_with_a_gap(request: Request, response: Response) -> Response:
    """Tus-Version has an empty member."""
    return saying(response, "Tus-Version", "1.0.0,,0.2.2")


@DefectSpec("core.tus-version.format", matches=to("OPTIONS")).edit_response
def versions_without_ours(request: Request, response: Response) -> Response:
    """Tus-Version leaves out the version that the server speaks."""
    return saying(response, "Tus-Version", "0.2.2")


@DefectSpec(
    "core.tus-version.format", warns="core.tus-version.format", matches=to("OPTIONS")
).edit_response
def versions_with_names(request: Request, response: Response) -> Response:
    """Tus-Version names a version in words, and has space around its commas."""
    return saying(response, "Tus-Version", "1.0.0 , latest")


@DefectSpec(
    "core.options.ignore-tus-resumable", matches=having("Tus-Resumable", "OPTIONS")
).edit_response
def options_refuses_versions(request: Request, response: Response) -> Response:
    """OPTIONS of an unsupported version is refused with 412."""
    return (
        response if value(request, "Tus-Resumable") == TUS_VERSION else with_status(response, 412)
    )


@DefectSpec(
    "core.options.ignore-tus-resumable", matches=having("Tus-Resumable", "OPTIONS")
).edit_response
def options_depends_on_version(request: Request, response: Response) -> Response:
    """OPTIONS tells other things to those who name a version."""
    fewer = saying(response, "Tus-Extension", "creation")
    return saying(fewer, "Tus-Version", f"{TUS_VERSION},0.2.2")
