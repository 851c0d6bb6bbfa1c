"""Faults about expiry (Expiration)."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tus_reference.defects.defect import DefectSpec
from tus_reference.defects.response_edits import (
    header,
    id_of,
    known,
    method_of,
    refusal,
    remove,
    rewritten,
    to,
    with_status,
    without,
)

if TYPE_CHECKING:
    from tus_reference.defects.modification import CallNext, ModifiedHandler
    from tus_reference.model import Request, Response

_PATCH, _ANY = to("PATCH"), to("POST", "HEAD", "PATCH")


@DefectSpec("expiration.patch-header", matches=_PATCH).edit_response
def expiry_not_told_by_patch(request: Request, response: Response) -> Response:
    """PATCH does not tell when the upload expires."""
    return without(response, "Upload-Expires")


@DefectSpec("expiration.patch-header", matches=_PATCH).wrap_handler
async def expiry_told_once(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Only the first PATCH tells when the upload expires."""
    response = await respond(request)
    if header(response, "Upload-Expires") is None:
        return response
    upload_id = id_of(handler, request)
    if upload_id in handler.memory.marked:
        return without(response, "Upload-Expires")
    handler.memory.marked.add(upload_id)
    return response


@DefectSpec("expiration.patch-header", matches=_PATCH).wrap_handler
async def expiry_of_parts_not_told(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """PATCH does not tell when a partial upload expires."""
    info = await known(handler, id_of(handler, request))
    response = await respond(request)
    return without(response, "Upload-Expires") if info and info.is_partial else response


@DefectSpec(
    "expiration.post-header", warns="expiration.post-header", matches=to("POST")
).edit_response
def expiry_not_told_by_post(request: Request, response: Response) -> Response:
    """A creation does not tell when the upload expires."""
    return without(response, "Upload-Expires")


@DefectSpec("expiration.date-format", matches=_ANY).edit_response
def expiry_in_iso_8601(request: Request, response: Response) -> Response:
    """Upload-Expires is a date of ISO 8601."""
    now = datetime.fromtimestamp(0, UTC).isoformat()
    return rewritten(response, "Upload-Expires", lambda _: now)


@DefectSpec("expiration.date-format", warns="expiration.date-format", matches=_ANY).edit_response
def expiry_in_an_old_form(request: Request, response: Response) -> Response:
    """Upload-Expires is a date in the form of asctime."""
    return rewritten(response, "Upload-Expires", lambda _: "Sun Nov  6 08:49:37 2044")


async def _of_expired(
    handler: ModifiedHandler, request: Request, respond: CallNext, status: int
) -> Response:
    """Answer with another status where an upload has expired, but not where it was deleted."""
    upload_id, memory = id_of(handler, request), handler.memory
    response = await respond(request)
    if method_of(request) == "DELETE":
        memory.marked.add(upload_id)
        return response
    expired = response.status == 410 and upload_id not in memory.marked
    return with_status(response, status) if expired else response


@DefectSpec(
    "expiration.removed-404-410",
    warns="expiration.removed-404-410 expiration.may-remove",
    matches=to("HEAD", "PATCH", "DELETE"),
).wrap_handler
async def expired_is_a_bad_request(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Requests for an upload that has expired get 400."""
    return await _of_expired(handler, request, respond, 400)


@DefectSpec(
    "expiration.removed-404-410", warns="expiration.removed-404-410", matches=to("PATCH", "DELETE")
).wrap_handler
async def expired_conflicts(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """PATCH of an upload that has expired gets 409."""
    return await _of_expired(handler, request, respond, 409)


@DefectSpec("expiration.may-remove", matches=to("HEAD", "PATCH", "DELETE")).wrap_handler
async def expired_is_a_failure(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Requests for an upload that has expired get 500."""
    return await _of_expired(handler, request, respond, 500)


@DefectSpec("expiration.complete-not-removed", matches=_PATCH).wrap_handler
async def late_uploads_removed(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """An upload that is completed after its time of expiry is acknowledged, and removed."""
    before = await known(handler, id_of(handler, request))
    response = await respond(request)
    info = await known(handler, id_of(handler, request))
    expires = None if before is None else before.expires
    late = expires is not None and time.time() > expires
    if late and info is not None and info.is_complete:
        await remove(handler, info.id)
    return response


@DefectSpec(
    "expiration.complete-not-removed",
    warns="expiration.complete-not-removed",
    matches=to("HEAD", "PATCH", "GET"),
).wrap_handler
async def everything_expires(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Complete uploads expire, too."""
    upload_id, memory = id_of(handler, request), handler.memory
    told = memory.texts.get(upload_id)
    if told is not None and time.time() > float(told):
        await remove(handler, upload_id)
        return refusal(410)
    response = await respond(request)
    info = await known(handler, upload_id)
    if info is not None and info.is_complete and method_of(request) == "PATCH":
        memory.texts[upload_id] = str(time.time() + handler.config.expire_after)
    return response
