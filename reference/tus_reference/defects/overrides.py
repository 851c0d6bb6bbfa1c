"""Faults about X-HTTP-Method-Override (Core)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tus_reference.defects.defect import DefectSpec
from tus_reference.defects.response_edits import (
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

if TYPE_CHECKING:
    from tus_reference.defects.modification import CallNext, ModifiedHandler
    from tus_reference.model import Request, Response

_OVERRIDDEN = having("X-HTTP-Method-Override")


@DefectSpec(
    "core.method-override.honoured",
    warns="core.method-override.actual-ignored",
    matches=_OVERRIDDEN,
).wrap_handler
async def override_unknown(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """X-HTTP-Method-Override is not known."""
    return await respond(asking(request, X_HTTP_Method_Override=None))


@DefectSpec(
    "core.method-override.honoured",
    warns="core.method-override.actual-ignored",
    matches=lambda request: _OVERRIDDEN(request) and method_of(request) == "HEAD",
).edit_response
def override_to_head_refused(request: Request, response: Response) -> Response:
    """A request that is overridden to HEAD is refused with 405."""
    return refusal(405)


@DefectSpec("core.method-override.honoured", matches=_OVERRIDDEN).wrap_handler
async def overridden_delete_pretended(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A request that is overridden to DELETE is acknowledged, and the upload stays."""
    if method_of(request) != "DELETE":
        return await respond(request)
    return with_status(refusal(204), 204)


@DefectSpec(
    "core.method-override.honoured",
    fails="core.patch.offset-mismatch-no-change",
    matches=_OVERRIDDEN,
).wrap_handler
async def overridden_patch_unchecked(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A POST that is overridden to PATCH is appended whatever its offset."""
    info = await known(handler, id_of(handler, request))
    if info is None or method_of(request) != "PATCH" or request.method != "POST":
        return await respond(request)
    return await respond(asking(request, Upload_Offset=str(info.offset)))


@DefectSpec(
    "core.method-override.honoured", fails="core.head.offset-accurate", matches=_OVERRIDDEN
).wrap_handler
async def overridden_patch_lost(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A POST that is overridden to PATCH is acknowledged, and not stored."""
    offset = value(request, "Upload-Offset")
    if method_of(request) != "PATCH" or request.method != "POST" or not offset.isdecimal():
        return await respond(request)
    data = await whole(request)
    response = await respond(bringing(request, b""))
    if response.status != 204:
        return response
    return saying(response, "Upload-Offset", str(int(offset) + len(data)))


@DefectSpec("core.method-override.honoured", matches=_OVERRIDDEN).wrap_handler
async def unknown_override_deletes(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """An override to a method that nobody knows removes the upload."""
    if method_of(request) == "FROBNICATE":
        await remove(handler, id_of(handler, request))
    return await respond(request)


@DefectSpec("core.method-override.honoured", matches=_OVERRIDDEN).edit_response
def trips_over_unknown_overrides(request: Request, response: Response) -> Response:
    """An override that nobody knows, or that is not needed, makes the server fail."""
    strange = method_of(request) in {"FROBNICATE", "OPTIONS"}
    return failure() if strange else response


@DefectSpec(
    "core.method-override.actual-ignored",
    warns="core.method-override.actual-ignored",
    matches=lambda request: _OVERRIDDEN(request) and request.method != "POST",
).wrap_handler
async def actual_method_wins(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Only POST can be overridden."""
    return await respond(asking(request, X_HTTP_Method_Override=None))


@DefectSpec(
    "core.method-override.actual-ignored",
    matches=lambda request: _OVERRIDDEN(request) and request.method == "PATCH",
).wrap_handler
async def both_methods_count(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A PATCH that is overridden stores its bytes all the same."""
    info = await known(handler, id_of(handler, request))
    data = await whole(request)
    told = await respond(replace(bringing(request, b""), method="POST"))
    if info is not None and value(request, "Content-Type") == OFFSET_TYPE:
        await append(handler, info, data)
    return told


def _overridden_twice(request: Request) -> bool:
    names = [name.lower() for name, _ in request.headers.items()]
    return names.count("x-http-method-override") > 1


@DefectSpec("core.method-override.honoured", matches=_overridden_twice).edit_response
def trips_over_two_overrides(request: Request, response: Response) -> Response:
    """A request that is overridden twice makes the server fail."""
    return failure()


@DefectSpec("core.method-override.honoured", matches=_overridden_twice).wrap_handler
async def two_overrides_refused_too_late(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A request that is overridden twice is refused, but its bytes are stored, and wrongly."""
    wrong = bytes(byte ^ 0xFF for byte in await whole(request))
    await respond(asking(bringing(request, wrong), X_HTTP_Method_Override="PATCH"))
    return refusal(400)
