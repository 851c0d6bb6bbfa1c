"""Faults about DELETE (Termination)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tus_reference.faults.alterations import (
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
from tus_reference.faults.fault import Breach
from tus_reference.handler import Response

if TYPE_CHECKING:
    from tus_reference.faults.behaviour import Behaving, Respond
    from tus_reference.handler import Request

_DELETE = to("DELETE")
_DONE = (("Tus-Resumable", "1.0.0"),)


@Breach(
    "termination.204",
    fails="core.method-override.honoured",
    warns="termination.completed termination.in-flight",
    concerns=_DELETE,
).altering
def delete_with_200(request: Request, response: Response) -> Response:
    """DELETE is answered with 200."""
    return with_status(response, 200) if response.status == 204 else response


@Breach(
    "termination.gone",
    fails="core.method-override.honoured termination.in-flight",
    concerns=_DELETE,
).acting
async def delete_pretended(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """DELETE is acknowledged, and the upload stays."""
    info = await known(behaving, id_of(behaving, request))
    version = request.headers.joined("Tus-Resumable")
    if info is None or version != "1.0.0":
        return await respond(request)
    return Response(204, _DONE)


@Breach(
    "termination.gone",
    fails="core.method-override.honoured termination.in-flight",
    warns="expiration.may-remove expiration.removed-404-410 termination.gone",
    concerns=to("HEAD", "PATCH", "DELETE", "GET"),
).altering
def deleted_is_a_bad_request(request: Request, response: Response) -> Response:
    """Requests for an upload that was deleted get 400."""
    return with_status(response, 400) if response.status == 410 else response


@Breach(
    "core.head.not-found-no-offset", warns="core.head.not-found-no-offset", concerns=to("HEAD")
).altering
def deleted_upload_tells_offset(request: Request, response: Response) -> Response:
    """HEAD of an upload that was deleted tells an offset."""
    return saying(response, "Upload-Offset", "0") if response.status == 410 else response


@Breach(
    "termination.gone",
    fails="core.head.offset-accurate termination.in-flight",
    warns="expiration.removed-404-410",
    concerns=to("PATCH"),
).altering
def deleted_upload_rises(request: Request, response: Response) -> Response:
    """PATCH of an upload that was deleted is acknowledged."""
    if response.status != 410:
        return response
    return saying(with_status(response, 204), "Upload-Offset", "10")


@Breach("termination.gone", warns="termination.gone", concerns=to("GET")).altering
def deleted_upload_can_be_read(request: Request, response: Response) -> Response:
    """The bytes of an upload that was deleted are still given out."""
    return Response(200, _DONE, b"deleted?") if response.status == 410 else response


@Breach("termination.completed", warns="termination.completed", concerns=_DELETE).acting
async def complete_uploads_stay(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """An upload that is complete cannot be deleted."""
    info = await known(behaving, id_of(behaving, request))
    done = info is not None and info.is_complete and not info.is_final and not info.is_partial
    return refusal(403) if done else await respond(request)


@Breach("core.head.offset-accurate", concerns=_DELETE).acting
async def neighbours_deleted(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """DELETE removes the next upload as well."""
    recorder = behaving.config.composer.recorder
    info = await known(behaving, id_of(behaving, request))
    if recorder is not None and info is not None and info.offset == 40:
        others = [each.id async for each in recorder.uploads() if each.offset == 60]
        for other in others:
            await remove(behaving, other)
    return await respond(request)


@Breach("core.head.offset-accurate", concerns=_DELETE).acting
async def all_deleted_at_once(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """DELETE of the URL where uploads are created removes all of them."""
    recorder = behaving.config.composer.recorder
    if recorder is None or not behaving.locator.is_endpoint(request.path):
        return await respond(request)
    for upload_id in [each.id async for each in recorder.uploads()]:
        await remove(behaving, upload_id)
    return Response(204, _DONE)


@Breach("termination.nonexistent", concerns=_DELETE).altering
def trips_over_deleting_nothing(request: Request, response: Response) -> Response:
    """DELETE of an upload that never was there is answered with 500."""
    return failure() if response.status == 404 else response


@Breach(
    "termination.204",
    fails="termination.in-flight",
    warns="termination.204 termination.gone",
    concerns=to("PATCH", "DELETE"),
).acting
async def locked_against_deletion(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """An upload of which some bytes came and some did not cannot be deleted."""
    info = await known(behaving, id_of(behaving, request))
    begun = info is not None and info.size is not None and 0 < info.offset < info.size
    if method_of(request) == "DELETE" and begun and info is not None and info.offset > 1000:
        return refusal(423)
    return await respond(request)


# Where termination is not offered


@Breach("termination.advertise", on="creation-only", concerns=_DELETE).acting
async def deletes_all_the_same(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """DELETE removes uploads where termination is not offered."""
    info = await known(behaving, id_of(behaving, request))
    if request.headers.joined("Tus-Resumable") != "1.0.0":
        return refusal(412).with_headers(("Tus-Version", "1.0.0"))
    if info is None:
        return refusal(404)
    await remove(behaving, info.id)
    return Response(204, _DONE)


@Breach("termination.unsupported", on="creation-only", concerns=_DELETE).altering
def trips_over_deletion(request: Request, response: Response) -> Response:
    """DELETE makes a server fail that does not offer termination."""
    return failure()


@Breach("termination.unsupported", on="creation-only", concerns=_DELETE).acting
async def deletes_and_refuses(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """DELETE is refused where termination is not offered, and the upload is gone."""
    response = await respond(request)
    await remove(behaving, id_of(behaving, request))
    return response
