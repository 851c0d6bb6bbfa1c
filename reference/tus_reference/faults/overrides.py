"""Faults about X-HTTP-Method-Override (Core)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tus_reference.faults.alterations import (
    OFFSET_TYPE,
    append,
    asking,
    bringing,
    failure,
    having,
    id_of,
    known,
    method_of,
    refusal,
    remove,
    saying,
    value,
    whole,
    with_status,
)
from tus_reference.faults.fault import Breach

if TYPE_CHECKING:
    from tus_reference.faults.behaviour import Behaving, Respond
    from tus_reference.handler import Request, Response

_OVERRIDDEN = having("X-HTTP-Method-Override")


@Breach(
    "core.method-override.honoured",
    warns="core.method-override.actual-ignored",
    concerns=_OVERRIDDEN,
).acting
async def override_unknown(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """X-HTTP-Method-Override is not known."""
    return await respond(asking(request, X_HTTP_Method_Override=None))


@Breach(
    "core.method-override.honoured",
    warns="core.method-override.actual-ignored",
    concerns=lambda request: _OVERRIDDEN(request) and method_of(request) == "HEAD",
).altering
def override_to_head_refused(request: Request, response: Response) -> Response:
    """A request that is overridden to HEAD is refused with 405."""
    return refusal(405)


@Breach("core.method-override.honoured", concerns=_OVERRIDDEN).acting
async def overridden_delete_pretended(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A request that is overridden to DELETE is acknowledged, and the upload stays."""
    if method_of(request) != "DELETE":
        return await respond(request)
    return with_status(refusal(204), 204)


@Breach(
    "core.method-override.honoured",
    fails="core.patch.offset-mismatch-no-change",
    concerns=_OVERRIDDEN,
).acting
async def overridden_patch_unchecked(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A POST that is overridden to PATCH is appended whatever its offset."""
    info = await known(behaving, id_of(behaving, request))
    if info is None or method_of(request) != "PATCH" or request.method != "POST":
        return await respond(request)
    return await respond(asking(request, Upload_Offset=str(info.offset)))


@Breach(
    "core.method-override.honoured", fails="core.head.offset-accurate", concerns=_OVERRIDDEN
).acting
async def overridden_patch_lost(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A POST that is overridden to PATCH is acknowledged, and not stored."""
    offset = value(request, "Upload-Offset")
    if method_of(request) != "PATCH" or request.method != "POST" or not offset.isdecimal():
        return await respond(request)
    data = await whole(request)
    response = await respond(bringing(request, b""))
    if response.status != 204:
        return response
    return saying(response, "Upload-Offset", str(int(offset) + len(data)))


@Breach("core.method-override.honoured", concerns=_OVERRIDDEN).acting
async def unknown_override_deletes(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """An override to a method that nobody knows removes the upload."""
    if method_of(request) == "FROBNICATE":
        await remove(behaving, id_of(behaving, request))
    return await respond(request)


@Breach("core.method-override.honoured", concerns=_OVERRIDDEN).altering
def trips_over_unknown_overrides(request: Request, response: Response) -> Response:
    """An override that nobody knows, or that is not needed, makes the server fail."""
    strange = method_of(request) in {"FROBNICATE", "OPTIONS"}
    return failure() if strange else response


@Breach(
    "core.method-override.actual-ignored",
    warns="core.method-override.actual-ignored",
    concerns=lambda request: _OVERRIDDEN(request) and request.method != "POST",
).acting
async def actual_method_wins(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """Only POST can be overridden."""
    return await respond(asking(request, X_HTTP_Method_Override=None))


@Breach(
    "core.method-override.actual-ignored",
    concerns=lambda request: _OVERRIDDEN(request) and request.method == "PATCH",
).acting
async def both_methods_count(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A PATCH that is overridden stores its bytes all the same."""
    info = await known(behaving, id_of(behaving, request))
    data = await whole(request)
    told = await respond(replace(bringing(request, b""), method="POST"))
    if info is not None and value(request, "Content-Type") == OFFSET_TYPE:
        await append(behaving, info, data)
    return told


def _overridden_twice(request: Request) -> bool:
    names = [name.lower() for name, _ in request.headers.items()]
    return names.count("x-http-method-override") > 1


@Breach("core.method-override.honoured", concerns=_overridden_twice).altering
def trips_over_two_overrides(request: Request, response: Response) -> Response:
    """A request that is overridden twice makes the server fail."""
    return failure()


@Breach("core.method-override.honoured", concerns=_overridden_twice).acting
async def two_overrides_refused_too_late(
    behaving: Behaving, request: Request, respond: Respond
) -> Response:
    """A request that is overridden twice is refused, but its bytes are stored, and wrongly."""
    wrong = bytes(byte ^ 0xFF for byte in await whole(request))
    await respond(asking(bringing(request, wrong), X_HTTP_Method_Override="PATCH"))
    return refusal(400)
