"""Unusual answers: other statuses, other spellings, other URLs, more than was asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio

from tus_reference.defects.modification import Modification
from tus_reference.defects.response_edits import (
    asking,
    having,
    header,
    is_creation,
    method_of,
    part,
    refusal,
    rewritten,
    saying,
    succeeded,
    to,
    value,
    with_status,
)
from tus_reference.quirks.quirk import QuirkSpec

if TYPE_CHECKING:
    from tus_reference.defects.modification import CallNext, ModifiedHandler
    from tus_reference.handler import Config
    from tus_reference.model import Request, Response

_TOKEN = "?ticket=b5a9"  # noqa: S105 - no secret of anybody's
_ELSEWHERE = "/storage/v2/"
_LONGEST = 2**63 - 1


@QuirkSpec(matches=to("OPTIONS")).edit_response
def options_with_200(_: Request, response: Response) -> Response:
    """OPTIONS is answered with 200."""
    return with_status(response, 200) if response.status == 204 else response


@QuirkSpec(matches=to("HEAD")).edit_response
def head_with_204(_: Request, response: Response) -> Response:
    """HEAD is answered with 204."""
    return with_status(response, 204) if response.status == 200 else response


@QuirkSpec(warns="core.patch.nonexistent-404").edit_response
def gone_for_not_found(_: Request, response: Response) -> Response:
    """What is not there is told to be gone, with 410."""
    return with_status(response, 410) if response.status == 404 else response


@QuirkSpec(matches=to("HEAD")).edit_response
def forbidden_for_not_found(_: Request, response: Response) -> Response:
    """HEAD of what is not there, or is there no longer, gets 403."""
    return with_status(response, 403) if response.status in {404, 410} else response


@QuirkSpec(matches=is_creation).edit_response
def relative_location(_: Request, response: Response) -> Response:
    """Location is the path of the upload, without scheme and host."""
    return rewritten(response, "Location", lambda text: urlsplit(text).path)


@QuirkSpec(matches=is_creation).edit_response
def bare_location(_: Request, response: Response) -> Response:
    """Location is only the name of the upload, to be read from the URL of creation."""
    return rewritten(response, "Location", lambda text: text.rpartition("/")[2])


@QuirkSpec().wrap_handler
async def uploads_elsewhere(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Uploads are at another path than creation, with a query that belongs to their URLs."""
    name = request.path.removeprefix(_ELSEWHERE)
    if name != request.path:
        if _TOKEN not in request.target:
            return refusal(404).with_headers(("Cache-Control", "no-store"))
        request = replace(request, target=f"{handler.upload_urls.path}{name}")
    listed = request.headers.joined("Upload-Concat")
    if listed is not None and is_creation(request):
        inside = listed.replace(_ELSEWHERE, handler.upload_urls.path).replace(_TOKEN, "")
        response = await respond(asking(request, Upload_Concat=inside))
        new = (header(response, "Location") or "").rpartition("/")[2]
        handler.memory.texts[new] = listed
    else:
        response = await respond(request)
    told = handler.memory.texts.get(request.path.rpartition("/")[2])
    if told is not None:
        response = rewritten(response, "Upload-Concat", lambda _: told)
    return rewritten(
        response,
        "Location",
        lambda text: text.replace(handler.upload_urls.path, _ELSEWHERE) + _TOKEN,
    )


@QuirkSpec().edit_response
def small_letters(_: Request, response: Response) -> Response:
    """Header names are in lower case, and values have space around them."""
    headers = tuple((name.lower(), f" {text}\t ") for name, text in response.headers)
    return replace(response, headers=headers)


@QuirkSpec(matches=to("OPTIONS")).edit_response
def lists_in_another_order(_: Request, response: Response) -> Response:
    """Lists are in the reverse of the usual order."""
    for name in ("Tus-Extension", "Tus-Checksum-Algorithm"):
        response = rewritten(response, name, lambda text: ",".join(reversed(text.split(","))))
    return response


@QuirkSpec(matches=to("OPTIONS")).edit_response
def lists_over_lines(_: Request, response: Response) -> Response:
    """Lists are spread over several header lines."""
    spread = []
    for name, text in response.headers:
        first, comma, rest = text.partition(",")
        spread += [(name, first), (name, rest)] if comma else [(name, text)]
    return replace(response, headers=tuple(spread))


@QuirkSpec(matches=to("HEAD")).edit_response
def many_directives(_: Request, response: Response) -> Response:
    """no-store is one directive of several in Cache-Control."""
    return saying(response, "Cache-Control", "private, max-age=0, No-Store, must-revalidate")


@QuirkSpec(matches=to("OPTIONS")).edit_response
def unknown_names(_: Request, response: Response) -> Response:
    """Extensions, versions and algorithms are listed that the protocol does not know."""
    more = {
        "Tus-Extension": "x-encryption",
        "Tus-Version": "0.2.2",
        "Tus-Checksum-Algorithm": "xxh3",
    }
    for name, unheard in more.items():
        listed = header(response, name)
        response = saying(response, name, f"{listed},{unheard}") if listed else response
    return response


@QuirkSpec().edit_response
def many_headers(_: Request, response: Response) -> Response:
    """Every answer has headers that nobody asked for."""
    more = (("X-Request-Id", "7f3a"), ("Via", "1.1 edge"), ("Set-Cookie", "s=1"), ("X-Empty", ""))
    return response.with_headers(*more, ("Strict-Transport-Security", "max-age=1"))


@QuirkSpec().edit_response
def open_to_pages(_: Request, response: Response) -> Response:
    """Every answer lets pages of any origin read it."""
    exposed = "Upload-Offset, Location, Upload-Length, Tus-Version, Tus-Resumable"
    return response.with_headers(
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Methods", "POST, HEAD, PATCH, DELETE"),
        ("Access-Control-Expose-Headers", exposed),
    )


@QuirkSpec().edit_response
def wordy_refusals(_: Request, response: Response) -> Response:
    """Refusals bring a page along."""
    if succeeded(response):
        return response
    page = b"<!doctype html><title>No</title><p>" + b"This cannot be done. " * 200
    return saying(replace(response, body=page), "Content-Type", "text/html")


@QuirkSpec().wrap_handler
async def slow(handler: ModifiedHandler, request: Request, respond: CallNext) -> Response:
    """Every answer takes a second."""
    await anyio.sleep(1)
    return await respond(request)


@QuirkSpec(matches=to("PATCH", "POST")).wrap_handler
async def locks_by_waiting(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A PATCH waits until the one before it has ended."""
    return await _held(handler, request, respond, waits=True)


@QuirkSpec(matches=to("PATCH", "DELETE")).wrap_handler
async def locks_by_423(handler: ModifiedHandler, request: Request, respond: CallNext) -> Response:
    """A PATCH or DELETE of an upload that is in use gets 423."""
    return await _held(handler, request, respond, waits=False)


async def _held(
    handler: ModifiedHandler, request: Request, respond: CallNext, *, waits: bool
) -> Response:
    upload_id, marked = handler.upload_urls.id_from_path(request.path), handler.memory.marked
    if upload_id is None:
        return await respond(request)
    while upload_id in marked:
        if not waits:
            return refusal(423)
        await anyio.sleep(0.05)
    marked.add(upload_id)
    try:
        return await respond(request)
    finally:
        marked.discard(upload_id)


@QuirkSpec(matches=having("X-HTTP-Method-Override")).wrap_handler
async def first_override_counts(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Of several X-HTTP-Method-Override the first counts."""
    first = value(request, "X-HTTP-Method-Override").partition(",")[0]
    return await respond(asking(request, X_HTTP_Method_Override=first))


@QuirkSpec(
    warns="checksum.mismatch-460 checksum.unsupported-algorithm-400", matches=to("PATCH")
).edit_response
def checksums_refused_with_409(request: Request, response: Response) -> Response:
    """What the text only recommends for checksums is not done: another 4xx refuses."""
    checked = "Upload-Checksum" in request.headers or request.body.length is None
    algorithm = value(request, "Upload-Checksum").partition(" ")[0]
    if response.status == 460 or (checked and algorithm == "nosuchalgorithm"):
        return with_status(response, 409)
    return response


@QuirkSpec(matches=to("POST")).wrap_handler
async def parts_used_once(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A partial upload cannot be used for a second final one."""
    ids = [
        handler.upload_urls.id_from_url(request, url)
        for url in value(request, "Upload-Concat")[6:].split(" ")
    ]
    used = {each for each in ids if part(request, "final") and each is not None}
    if used & handler.memory.marked:
        return refusal(400)
    response = await respond(request)
    if response.status == 201:
        handler.memory.marked |= used
    return response


@QuirkSpec(
    required_headers={"Authorization": "Bearer let-me-in"},
).wrap_handler
async def login_required(handler: ModifiedHandler, request: Request, respond: CallNext) -> Response:
    """Every request needs a login."""
    if value(request, "Authorization") == "Bearer let-me-in" or method_of(request) == "OPTIONS":
        return await respond(request)
    return refusal(401)


@QuirkSpec(
    required_headers={"Upload-Metadata": "tenant YWNtZQ=="},
    matches=is_creation,
).wrap_handler
async def tenant_required(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A creation needs to name a tenant in its metadata."""
    named = "tenant " in value(request, "Upload-Metadata") or part(request, "final")
    return await respond(request) if named else refusal(403)


@QuirkSpec(matches=to("POST", "HEAD")).wrap_handler
async def padded_numbers(handler: ModifiedHandler, request: Request, respond: CallNext) -> Response:
    """Offsets and lengths are written with leading zeros."""
    response = await respond(request)
    for name in ("Upload-Offset", "Upload-Length"):
        response = rewritten(response, name, lambda text: text.zfill(12))
    return response


@QuirkSpec().change_config
def no_download(config: Config) -> Config:
    """Uploads cannot be read back."""
    return replace(config, disable_download=True)


@QuirkSpec().change_config
def no_maximum(config: Config) -> Config:
    """There is no maximum size."""
    return replace(config, max_size=0)


@QuirkSpec().change_config
def tight_maximum(config: Config) -> Config:
    """The maximum size is 4,096 bytes."""
    return replace(config, max_size=4096)


async def _of_any_length(handler: ModifiedHandler, request: Request, respond: CallNext) -> Response:
    told = handler.memory.texts
    if method_of(request) == "HEAD":
        response = await respond(request)
        length = told.get(request.path.rpartition("/")[2])
        return response if length is None else saying(response, "Upload-Length", length)
    length = value(request, "Upload-Length")
    if not length.isdecimal() or int(length) <= _LONGEST:
        return await respond(request)
    response = await respond(asking(request, Upload_Length=str(_LONGEST)))
    told[(header(response, "Location") or "").rpartition("/")[2]] = length
    return response


any_length = QuirkSpec().build(
    "any-length",
    "There is no maximum size, and no length that would not fit into eight bytes.",
    no_maximum.modifications[0],
    Modification(to("POST", "HEAD"), wrap_handler=_of_any_length),
)
