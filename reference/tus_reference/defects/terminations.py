"""Faults about DELETE (Termination)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tus_reference.defects.defect import DefectSpec
from tus_reference.defects.response_edits import (
    failure,
    id_of,
    known,
    method_of,
    refusal,
    remove,
    saying,
    to,
    with_status,
)
from tus_reference.model import Response

if TYPE_CHECKING:
    from tus_reference.defects.modification import CallNext, ModifiedHandler
    from tus_reference.model import Request

_DELETE = to("DELETE")
_DONE = (("Tus-Resumable", "1.0.0"),)


@DefectSpec(
    "termination.204",
    fails="core.method-override.honoured",
    warns="termination.completed termination.in-flight",
    matches=_DELETE,
).edit_response
def delete_with_200(request: Request, response: Response) -> Response:
    """DELETE is answered with 200."""
    return with_status(response, 200) if response.status == 204 else response


@DefectSpec(
    "termination.gone",
    fails="core.method-override.honoured termination.in-flight",
    matches=_DELETE,
).wrap_handler
async def delete_pretended(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """DELETE is acknowledged, and the upload stays."""
    info = await known(handler, id_of(handler, request))
    version = request.headers.joined("Tus-Resumable")
    if info is None or version != "1.0.0":
        return await respond(request)
    return Response(204, _DONE)


@DefectSpec(
    "termination.gone",
    fails="core.method-override.honoured termination.in-flight",
    warns="expiration.may-remove expiration.removed-404-410 termination.gone",
    matches=to("HEAD", "PATCH", "DELETE", "GET"),
).edit_response
def deleted_is_a_bad_request(request: Request, response: Response) -> Response:
    """Requests for an upload that was deleted get 400."""
    return with_status(response, 400) if response.status == 410 else response


@DefectSpec(
    "core.head.not-found-no-offset", warns="core.head.not-found-no-offset", matches=to("HEAD")
).edit_response
def deleted_upload_tells_offset(request: Request, response: Response) -> Response:
    """HEAD of an upload that was deleted tells an offset."""
    return saying(response, "Upload-Offset", "0") if response.status == 410 else response


@DefectSpec(
    "termination.gone",
    fails="core.head.offset-accurate termination.in-flight",
    warns="expiration.removed-404-410",
    matches=to("PATCH"),
).edit_response
def deleted_upload_rises(request: Request, response: Response) -> Response:
    """PATCH of an upload that was deleted is acknowledged."""
    if response.status != 410:
        return response
    return saying(with_status(response, 204), "Upload-Offset", "10")


@DefectSpec("termination.gone", warns="termination.gone", matches=to("GET")).edit_response
def deleted_upload_can_be_read(request: Request, response: Response) -> Response:
    """The bytes of an upload that was deleted are still given out."""
    return Response(200, _DONE, b"deleted?") if response.status == 410 else response


@DefectSpec("termination.completed", warns="termination.completed", matches=_DELETE).wrap_handler
async def complete_uploads_stay(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """An upload that is complete cannot be deleted."""
    info = await known(handler, id_of(handler, request))
    done = info is not None and info.is_complete and not info.is_final and not info.is_partial
    return refusal(403) if done else await respond(request)


@DefectSpec("core.head.offset-accurate", matches=_DELETE).wrap_handler
async def neighbours_deleted(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """DELETE removes the next upload as well."""
    info_saver = handler.config.composer.info_saver
    info = await known(handler, id_of(handler, request))
    if info_saver is not None and info is not None and info.offset == 40:
        others = [each.id async for each in info_saver.list_uploads() if each.offset == 60]
        for other in others:
            await remove(handler, other)
    return await respond(request)


@DefectSpec("core.head.offset-accurate", matches=_DELETE).wrap_handler
async def all_deleted_at_once(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """DELETE of the URL where uploads are created removes all of them."""
    info_saver = handler.config.composer.info_saver
    if info_saver is None or not handler.upload_urls.is_endpoint(request.path):
        return await respond(request)
    for upload_id in [each.id async for each in info_saver.list_uploads()]:
        await remove(handler, upload_id)
    return Response(204, _DONE)


@DefectSpec("termination.nonexistent", matches=_DELETE).edit_response
def trips_over_deleting_nothing(request: Request, response: Response) -> Response:
    """DELETE of an upload that never was there is answered with 500."""
    return failure() if response.status == 404 else response


@DefectSpec(
    "termination.204",
    fails="termination.in-flight",
    warns="termination.204 termination.gone",
    matches=to("PATCH", "DELETE"),
).wrap_handler
async def locked_against_deletion(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """An upload of which some bytes came and some did not cannot be deleted."""
    info = await known(handler, id_of(handler, request))
    begun = info is not None and info.size is not None and 0 < info.offset < info.size
    if method_of(request) == "DELETE" and begun and info is not None and info.offset > 1000:
        return refusal(423)
    return await respond(request)


# Where termination is not offered


@DefectSpec("termination.advertise", quirk="creation-only", matches=_DELETE).wrap_handler
async def deletes_all_the_same(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """DELETE removes uploads where termination is not offered."""
    info = await known(handler, id_of(handler, request))
    if request.headers.joined("Tus-Resumable") != "1.0.0":
        return refusal(412).with_headers(("Tus-Version", "1.0.0"))
    if info is None:
        return refusal(404)
    await remove(handler, info.id)
    return Response(204, _DONE)


@DefectSpec("termination.unsupported", quirk="creation-only", matches=_DELETE).edit_response
def trips_over_deletion(request: Request, response: Response) -> Response:
    """DELETE makes a server fail that does not offer termination."""
    return failure()


@DefectSpec("termination.unsupported", quirk="creation-only", matches=_DELETE).wrap_handler
async def deletes_and_refuses(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """DELETE is refused where termination is not offered, and the upload is gone."""
    response = await respond(request)
    await remove(handler, id_of(handler, request))
    return response
