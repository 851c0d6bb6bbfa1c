"""Faults about expiry (Expiration)."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tus_reference.faults.alterations import (
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
from tus_reference.faults.fault import Breach

if TYPE_CHECKING:
    from tus_reference.faults.behaviour import Behaving, Respond
    from tus_reference.handler import Request, Response

_PATCH, _ANY = to("PATCH"), to("POST", "HEAD", "PATCH")


@Breach("expiration.patch-header", concerns=_PATCH).altering
def expiry_not_told_by_patch(request: Request, response: Response) -> Response:
    """PATCH does not tell when the upload expires."""
    return without(response, "Upload-Expires")


@Breach("expiration.patch-header", concerns=_PATCH).acting
async def expiry_told_once(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """Only the first PATCH tells when the upload expires."""
    response = await respond(request)
    if header(response, "Upload-Expires") is None:
        return response
    upload_id = id_of(behaving, request)
    if upload_id in behaving.memory.marked:
        return without(response, "Upload-Expires")
    behaving.memory.marked.add(upload_id)
    return response


@Breach("expiration.patch-header", concerns=_PATCH).acting
async def expiry_of_parts_not_told(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """PATCH does not tell when a partial upload expires."""
    info = await known(behaving, id_of(behaving, request))
    response = await respond(request)
    return without(response, "Upload-Expires") if info and info.is_partial else response


@Breach("expiration.post-header", warns="expiration.post-header", concerns=to("POST")).altering
def expiry_not_told_by_post(request: Request, response: Response) -> Response:
    """A creation does not tell when the upload expires."""
    return without(response, "Upload-Expires")


@Breach("expiration.date-format", concerns=_ANY).altering
def expiry_in_iso_8601(request: Request, response: Response) -> Response:
    """Upload-Expires is a date of ISO 8601."""
    now = datetime.fromtimestamp(0, UTC).isoformat()
    return rewritten(response, "Upload-Expires", lambda _: now)


@Breach("expiration.date-format", warns="expiration.date-format", concerns=_ANY).altering
def expiry_in_an_old_form(request: Request, response: Response) -> Response:
    """Upload-Expires is a date in the form of asctime."""
    return rewritten(response, "Upload-Expires", lambda _: "Sun Nov  6 08:49:37 2044")


async def _of_expired(
    behaving: Behaving, request: Request, respond: Respond, status: int
) -> Response:
    """Answer with another status where an upload has expired, but not where it was deleted."""
    upload_id, memory = id_of(behaving, request), behaving.memory
    response = await respond(request)
    if method_of(request) == "DELETE":
        memory.marked.add(upload_id)
        return response
    expired = response.status == 410 and upload_id not in memory.marked
    return with_status(response, status) if expired else response


@Breach(
    "expiration.removed-404-410",
    warns="expiration.removed-404-410 expiration.may-remove",
    concerns=to("HEAD", "PATCH", "DELETE"),
).acting
async def expired_is_a_bad_request(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """Requests for an upload that has expired get 400."""
    return await _of_expired(behaving, request, respond, 400)


@Breach(
    "expiration.removed-404-410", warns="expiration.removed-404-410", concerns=to("PATCH", "DELETE")
).acting
async def expired_conflicts(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """PATCH of an upload that has expired gets 409."""
    return await _of_expired(behaving, request, respond, 409)


@Breach("expiration.may-remove", concerns=to("HEAD", "PATCH", "DELETE")).acting
async def expired_is_a_failure(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """Requests for an upload that has expired get 500."""
    return await _of_expired(behaving, request, respond, 500)


@Breach("expiration.complete-not-removed", concerns=_PATCH).acting
async def late_uploads_removed(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """An upload that is completed after its time of expiry is acknowledged, and removed."""
    before = await known(behaving, id_of(behaving, request))
    response = await respond(request)
    info = await known(behaving, id_of(behaving, request))
    expires = None if before is None else before.expires
    late = expires is not None and time.time() > expires
    if late and info is not None and info.is_complete:
        await remove(behaving, info.id)
    return response


@Breach(
    "expiration.complete-not-removed",
    warns="expiration.complete-not-removed",
    concerns=to("HEAD", "PATCH", "GET"),
).acting
async def everything_expires(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """Complete uploads expire, too."""
    upload_id, memory = id_of(behaving, request), behaving.memory
    told = memory.texts.get(upload_id)
    if told is not None and time.time() > float(told):
        await remove(behaving, upload_id)
        return refusal(410)
    response = await respond(request)
    info = await known(behaving, upload_id)
    if info is not None and info.is_complete and method_of(request) == "PATCH":
        memory.texts[upload_id] = str(time.time() + behaving.config.expire_after)
    return response
