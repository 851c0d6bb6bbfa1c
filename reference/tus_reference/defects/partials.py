"""Faults about partial uploads and Upload-Concat (Concatenation)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tus_reference.defects.defect import DefectSpec
from tus_reference.defects.response_edits import (
    OFFSET_TYPE,
    append,
    created_id,
    id_of,
    known,
    part,
    refusal,
    rewritten,
    succeeded,
    to,
    value,
    with_status,
    without,
)
from tus_reference.model import Response

if TYPE_CHECKING:
    from tus_reference.defects.modification import CallNext, ModifiedHandler
    from tus_reference.model import FileInfo, Request

HEAD, PATCH = to("HEAD"), to("PATCH")
DONE = (("Tus-Resumable", "1.0.0"),)


def is_partial(request: Request) -> bool:
    return part(request, "partial")


def is_final(request: Request) -> bool:
    return part(request, "final")


def parts_listed(request: Request) -> tuple[str, ...]:
    """Return the URLs that a final upload is to be made of."""
    return tuple(url for url in value(request, "Upload-Concat")[6:].split(" ") if url)


async def parts_of(handler: ModifiedHandler, request: Request) -> list[FileInfo | None]:
    ids = [handler.upload_urls.id_from_url(request, url) for url in parts_listed(request)]
    return [None if each is None else await known(handler, each) for each in ids]


async def asked_for(handler: ModifiedHandler, request: Request) -> FileInfo | None:
    return await known(handler, id_of(handler, request))


# Partial uploads


@DefectSpec(
    "concatenation.partial.create", warns="creation-with-upload.patch-rules", matches=is_partial
).edit_response
def partials_with_200(request: Request, response: Response) -> Response:
    """The creation of a partial upload is answered with 200."""
    return with_status(response, 200) if response.status == 201 else response


@DefectSpec("concatenation.partial.create", matches=PATCH).wrap_handler
async def partials_take_no_bytes(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """PATCH of a partial upload of 100 bytes is refused."""
    info = await asked_for(handler, request)
    taken = info is not None and info.is_partial and info.size == 100 and info.offset == 0
    return refusal(403) if taken else await respond(request)


@DefectSpec(
    "concatenation.partial.create", fails="concatenation.partial.head-offset", matches=is_partial
).wrap_handler
async def partials_begin_at_one(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A partial upload has a byte as soon as it is created."""
    response = await respond(request)
    info = await known(handler, created_id(handler, response))
    if info is not None and info.offset == 0 and info.size == 100:
        await append(handler, info, b"?")
    return response


@DefectSpec(
    "concatenation.partial.head-offset",
    fails=(
        "core.head.offset-accurate creation-with-upload.upload-offset-value "
        "concatenation.partial.create concatenation.final.length-sum "
        "concatenation.final.order concatenation-unfinished.finishes "
        "concatenation.final.patch-no-modify concatenation.final.head-offset-equals-length "
        "concatenation.final.bad-partials"
    ),
    matches=HEAD,
).wrap_handler
async def partials_without_offset(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """HEAD of a partial upload does not tell its offset."""
    info = await asked_for(handler, request)
    response = await respond(request)
    return without(response, "Upload-Offset") if info and info.is_partial else response


@DefectSpec("creation.defer-length.head", matches=HEAD).wrap_handler
async def deferred_partials_not_told(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """HEAD does not say that the length of a partial upload is deferred."""
    info = await asked_for(handler, request)
    response = await respond(request)
    return without(response, "Upload-Defer-Length") if info and info.is_partial else response


@DefectSpec(
    "creation-with-upload.patch-rules",
    warns="creation-with-upload.patch-rules",
    matches=is_partial,
).wrap_handler
async def partials_with_upload_refused(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A partial upload cannot bring bytes along."""
    brings = value(request, "Content-Type") == OFFSET_TYPE
    return refusal(400) if brings else await respond(request)


# Upload-Concat


@DefectSpec("concatenation.head.upload-concat", matches=HEAD).edit_response
def concat_not_told(request: Request, response: Response) -> Response:
    """HEAD does not tell Upload-Concat."""
    return without(response, "Upload-Concat")


@DefectSpec(
    "concatenation.head.upload-concat", fails="concatenation.final.order", matches=HEAD
).edit_response
def concat_of_finals_not_told(request: Request, response: Response) -> Response:
    """HEAD of a final upload tells only its first part."""
    return rewritten(response, "Upload-Concat", lambda text: text.partition(" ")[0])


@DefectSpec(
    "concatenation.head.upload-concat", warns="concatenation.head.upload-concat", matches=HEAD
).edit_response
def concat_in_other_words(request: Request, response: Response) -> Response:
    """HEAD tells the parts by URLs of another form than they were given in."""

    origin = f"{request.scheme}://{value(request, 'Host')}/"

    def turned(text: str) -> str:
        if origin in text:
            return text.replace(origin, "/")
        return text.replace(";/", f";{origin}").replace(" /", f" {origin}")

    return rewritten(response, "Upload-Concat", turned)


@DefectSpec(
    "concatenation.header.response-format",
    fails="concatenation.final.order concatenation.head.upload-concat",
    matches=HEAD,
).edit_response
def concat_with_commas(request: Request, response: Response) -> Response:
    """Upload-Concat has another word before its list."""
    return rewritten(response, "Upload-Concat", lambda text: text.replace("final;", "final-of;"))


@DefectSpec(
    "concatenation.header.response-format", fails="concatenation.head.upload-concat", matches=HEAD
).edit_response
def concat_in_capitals(request: Request, response: Response) -> Response:
    """Upload-Concat reads Partial."""
    return rewritten(
        response, "Upload-Concat", lambda text: "Partial" if text == "partial" else text
    )


@DefectSpec(
    "concatenation.header.response-format",
    warns="concatenation.header.response-format",
    matches=HEAD,
).edit_response
def concat_always_told(request: Request, response: Response) -> Response:
    """HEAD says of every upload that it is a partial one."""
    return response.with_headers(("Upload-Concat", "partial")) if succeeded(response) else response


@DefectSpec(
    "concatenation.header.urls", warns="concatenation.header.urls", matches=is_final
).wrap_handler
async def only_paths_understood(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Parts that are named by absolute URLs are refused."""
    whole_urls = any("://" in url for url in parts_listed(request))
    return refusal(400) if whole_urls else await respond(request)


@DefectSpec(
    "concatenation.header.urls",
    fails="creation.post.201 concatenation.final.length-sum concatenation-unfinished.advertise",
    warns=(
        "concatenation.partial.repeat-in-one concatenation.header.urls concatenation.final.max-size"
    ),
    matches=is_final,
).wrap_handler
async def only_urls_understood(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Parts that are named by paths are refused."""
    paths = (
        any("://" not in url for url in parts_listed(request)) and len(parts_listed(request)) > 1
    )
    return refusal(400) if paths else await respond(request)
