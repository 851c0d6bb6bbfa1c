"""Faults about checksums behind the body (Checksum)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tus_reference.defects.checksums import (
    CHECKED,
    chunked_patch,
    is_malformed,
    mistaken,
    unverified,
)
from tus_reference.defects.defect import DefectSpec
from tus_reference.defects.response_edits import (
    Untrailed,
    asking,
    bringing,
    failure,
    refusal,
    whole,
)
from tus_reference.protocol.checksum import ALGORITHMS

if TYPE_CHECKING:
    from tus_reference.defects.modification import CallNext, ModifiedHandler
    from tus_reference.model import Request, Response


# Trailers


@DefectSpec(
    "checksum-trailer.verify",
    fails=("checksum.verify checksum.mismatch-discard checksum.mismatch-offset checksum.malformed"),
    warns="checksum-trailer.header-and-trailer",
    matches=chunked_patch,
).wrap_handler
async def trailer_ignored(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A checksum in a trailer is not looked at."""
    again = replace(request, body=Untrailed(request.body))
    return await respond(asking(again, Trailer=None))


@DefectSpec(
    "checksum-trailer.verify",
    fails="checksum.mismatch-discard checksum.mismatch-offset checksum.malformed",
    matches=chunked_patch,
).wrap_handler
async def trailer_refused_too_late(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A wrong checksum in a trailer is refused, but the bytes have been stored."""
    return await _late(handler, request, respond, announced=None)


@DefectSpec("checksum-trailer.verify", matches=chunked_patch).wrap_handler
async def unannounced_trailer_refused_too_late(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A wrong checksum in a trailer that was not announced is refused with the bytes stored."""
    return await _late(handler, request, respond, announced=False)


async def _late(
    handler: ModifiedHandler, request: Request, respond: CallNext, *, announced: bool | None
) -> Response:
    if announced is False and "Trailer" in request.headers:
        return await respond(request)
    data = await whole(request)
    again = bringing(request, data)
    sent = request.body.trailers.joined("Upload-Checksum")
    if sent is None or "Upload-Checksum" in request.headers:
        return await respond(again)
    readable = not is_malformed(sent) and sent.partition(" ")[0] in ALGORITHMS
    if readable and not mistaken(request, data, request.body.trailers):
        return await respond(unverified(again))
    await respond(unverified(again))
    return refusal(460)


@DefectSpec("checksum-trailer.verify", matches=chunked_patch).wrap_handler
async def trailer_never_right(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A PATCH with a checksum in a trailer is always refused."""
    if "Trailer" not in request.headers:
        return await respond(request)
    await whole(request)
    return refusal(460)


@DefectSpec("checksum-trailer.verify", matches=chunked_patch).wrap_handler
async def unannounced_trailer_never_right(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A right checksum in a trailer that was not announced is refused, and the bytes are kept."""
    data = await whole(request)
    again = bringing(request, data)
    if "Trailer" in request.headers or "Upload-Checksum" not in request.body.trailers:
        return await respond(again)
    response = await respond(again)
    return refusal(460) if response.status == 204 else response


@DefectSpec("checksum-trailer.verify", matches=chunked_patch).wrap_handler
async def trips_over_unannounced_trailers(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A checksum in a trailer that was not announced makes the server fail."""
    data = await whole(request)
    unannounced = "Upload-Checksum" in request.body.trailers and "Trailer" not in request.headers
    return failure() if unannounced else await respond(bringing(request, data))


def _both(request: Request) -> bool:
    return chunked_patch(request) and CHECKED(request) and "Trailer" in request.headers


@DefectSpec(
    "checksum-trailer.header-and-trailer",
    warns="checksum-trailer.header-and-trailer",
    matches=_both,
).wrap_handler
async def two_checksums_ignored(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Where a checksum comes before the body and behind it, neither is verified."""
    return await respond(unverified(request))


@DefectSpec("checksum-trailer.header-and-trailer", matches=_both).wrap_handler
async def two_checksums_refused_too_late(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Two checksums are refused, but the bytes have been stored."""
    await respond(unverified(request))
    return refusal(400)


@DefectSpec("checksum-trailer.header-and-trailer", matches=_both).wrap_handler
async def two_checksums_spoil(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The bytes that come with two checksums are stored wrongly."""
    data = await whole(request)
    wrong = bytes(byte ^ 0xFF for byte in data)
    return await respond(unverified(bringing(request, wrong)))
