"""Unusual choices where the protocol leaves one: what is taken, left out, told or removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from tus_reference.defects.response_edits import (
    asking,
    bringing,
    brings_bytes,
    created_id,
    id_of,
    is_creation,
    known,
    method_of,
    part,
    refusal,
    succeeded,
    to,
    value,
    whole,
    without,
)
from tus_reference.model import ClientDisconnected, Refused
from tus_reference.notifications import HTTPRequest
from tus_reference.protocol import parse_metadata
from tus_reference.quirks.quirk import QuirkSpec

if TYPE_CHECKING:
    from tus_reference.defects.modification import CallNext, ModifiedHandler
    from tus_reference.model import FileInfo, Request, Response

_NOBODY = HTTPRequest()
_MOMENT = 0.01


# Creation


@QuirkSpec(warns="creation.metadata.invalid", matches=is_creation).wrap_handler
async def malformed_metadata_left_out(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Metadata that cannot be read is left out, and the upload created without it."""
    try:
        parse_metadata(value(request, "Upload-Metadata") or "none")
    except Refused:
        request = asking(request, Upload_Metadata=None)
    return await respond(request)


@QuirkSpec(matches=to("POST", "HEAD", "PATCH", "DELETE")).edit_response
def missing_version_a_mistake(request: Request, response: Response) -> Response:
    """A request that names no version is refused with 400."""
    return response if value(request, "Tus-Resumable") else refusal(400)


@QuirkSpec(matches=brings_bytes).wrap_handler
async def surplus_left_out(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Bytes of a creation that are more than its length are left out."""
    length, brings = value(request, "Upload-Length"), request.body.length
    if not length.isdecimal() or (brings is not None and brings <= int(length)):
        return await respond(request)
    data = await whole(request)
    return await respond(bringing(request, data[: int(length)]))


# PATCH and HEAD


@QuirkSpec(matches=to("PATCH")).wrap_handler
async def offset_before_type(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The offset of a PATCH is looked at before its media type, and refused first."""
    info, offset = await known(handler, id_of(handler, request)), value(request, "Upload-Offset")
    response = await respond(request)
    wrong = info is not None and offset.isdecimal() and int(offset) != info.offset
    return refusal(409) if wrong and response.status == 415 else response


@QuirkSpec().wrap_handler
async def found_without_query_alone(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """An upload is found at its URL alone, and not where a query follows it."""
    if "?" in request.target and id_of(handler, request):
        return refusal(404).with_headers(("Cache-Control", "no-store"))
    return await respond(request)


@QuirkSpec(matches=to("HEAD")).edit_response
def expiry_not_told_by_head(_: Request, response: Response) -> Response:
    """HEAD does not tell when the upload expires."""
    return without(response, "Upload-Expires")


# DELETE


@QuirkSpec(matches=to("PATCH", "DELETE")).wrap_handler
async def deletion_ends_without_answer(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """DELETE and the answer to PATCH take a moment; a PATCH that meets a DELETE gets no answer."""
    upload_id, marked = id_of(handler, request), handler.memory.marked
    if method_of(request) == "DELETE":
        marked.add(upload_id)
        await anyio.sleep(_MOMENT)
        response = await respond(request)
        if not succeeded(response):
            marked.discard(upload_id)
        return response
    response = await respond(request)
    if succeeded(response):
        await anyio.sleep(_MOMENT)
        if upload_id in marked:
            raise ClientDisconnected
    return response


# Concatenation


@QuirkSpec(matches=part).edit_response
def concat_told_at_creation(request: Request, response: Response) -> Response:
    """The creation of partial and final uploads is answered with Upload-Concat, too."""
    told = ("Upload-Concat", value(request, "Upload-Concat"))
    return response.with_headers(told) if succeeded(response) else response


def _is_final(request: Request) -> bool:
    return part(request, "final")


@QuirkSpec(matches=_is_final).wrap_handler
async def finals_of_parts_alone(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A length and bytes that come with a final upload are left out."""
    if request.body.length != 0:
        await whole(request)
    return await respond(bringing(asking(request, Upload_Length=None), b""))


@QuirkSpec(matches=_is_final).wrap_handler
async def joined_parts_removed(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Partial uploads are removed as soon as a final one is made of them."""
    response = await respond(request)
    info = await known(handler, created_id(handler, response))
    if info is not None and info.is_complete:
        await _remove_parts(handler, info)
    return response


@QuirkSpec(matches=to("DELETE")).wrap_handler
async def parts_go_with_finals(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The partial uploads of a final one are deleted with it."""
    info = await known(handler, id_of(handler, request))
    response = await respond(request)
    if info is not None and succeeded(response):
        await _remove_parts(handler, info)
    return response


async def _remove_parts(handler: ModifiedHandler, info: FileInfo) -> None:
    for each in info.partial_uploads:
        found = await known(handler, each)
        if found is not None:
            await handler.uploads.terminate(found, _NOBODY)
