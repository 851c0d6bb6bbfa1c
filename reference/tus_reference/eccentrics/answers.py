"""Unusual answers: other statuses, other spellings, other URLs, more than was asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio

from tus_reference.eccentrics.eccentric import Oddity
from tus_reference.faults.alterations import (
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
from tus_reference.faults.behaviour import Behaviour

if TYPE_CHECKING:
    from tus_reference.faults.behaviour import Behaving, Respond
    from tus_reference.handler import Config, Request, Response

_TOKEN = "?ticket=b5a9"  # noqa: S105 - no secret of anybody's
_ELSEWHERE = "/storage/v2/"
_LONGEST = 2**63 - 1


@Oddity(concerns=to("OPTIONS")).altering
def options_with_200(_: Request, response: Response) -> Response:
    """OPTIONS is answered with 200."""
    return with_status(response, 200) if response.status == 204 else response


@Oddity(concerns=to("HEAD")).altering
def head_with_204(_: Request, response: Response) -> Response:
    """HEAD is answered with 204."""
    return with_status(response, 204) if response.status == 200 else response


@Oddity(warns="core.patch.nonexistent-404").altering
def gone_for_not_found(_: Request, response: Response) -> Response:
    """What is not there is told to be gone, with 410."""
    return with_status(response, 410) if response.status == 404 else response


@Oddity(concerns=to("HEAD")).altering
def forbidden_for_not_found(_: Request, response: Response) -> Response:
    """HEAD of what is not there, or is there no longer, gets 403."""
    return with_status(response, 403) if response.status in {404, 410} else response


@Oddity(concerns=is_creation).altering
def relative_location(_: Request, response: Response) -> Response:
    """Location is the path of the upload, without scheme and host."""
    return rewritten(response, "Location", lambda text: urlsplit(text).path)


@Oddity(concerns=is_creation).altering
def bare_location(_: Request, response: Response) -> Response:
    """Location is only the name of the upload, to be read from the URL of creation."""
    return rewritten(response, "Location", lambda text: text.rpartition("/")[2])


@Oddity().acting
async def uploads_elsewhere(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """Uploads are at another path than creation, with a query that belongs to their URLs."""
    name = request.path.removeprefix(_ELSEWHERE)
    if name != request.path:
        if _TOKEN not in request.target:
            return refusal(404).with_headers(("Cache-Control", "no-store"))
        request = replace(request, target=f"{behaving.locator.path}{name}")
    listed = request.headers.joined("Upload-Concat")
    if listed is not None and is_creation(request):
        inside = listed.replace(_ELSEWHERE, behaving.locator.path).replace(_TOKEN, "")
        response = await respond(asking(request, Upload_Concat=inside))
        new = (header(response, "Location") or "").rpartition("/")[2]
        behaving.memory.texts[new] = listed
    else:
        response = await respond(request)
    told = behaving.memory.texts.get(request.path.rpartition("/")[2])
    if told is not None:
        response = rewritten(response, "Upload-Concat", lambda _: told)
    return rewritten(
        response,
        "Location",
        lambda text: text.replace(behaving.locator.path, _ELSEWHERE) + _TOKEN,
    )


@Oddity().altering
def small_letters(_: Request, response: Response) -> Response:
    """Header names are in lower case, and values have space around them."""
    headers = tuple((name.lower(), f" {text}\t ") for name, text in response.headers)
    return replace(response, headers=headers)


@Oddity(concerns=to("OPTIONS")).altering
def lists_in_another_order(_: Request, response: Response) -> Response:
    """Lists are in the reverse of the usual order."""
    for name in ("Tus-Extension", "Tus-Checksum-Algorithm"):
        response = rewritten(response, name, lambda text: ",".join(reversed(text.split(","))))
    return response


@Oddity(concerns=to("OPTIONS")).altering
def lists_over_lines(_: Request, response: Response) -> Response:
    """Lists are spread over several header lines."""
    spread = []
    for name, text in response.headers:
        first, comma, rest = text.partition(",")
        spread += [(name, first), (name, rest)] if comma else [(name, text)]
    return replace(response, headers=tuple(spread))


@Oddity(concerns=to("HEAD")).altering
def many_directives(_: Request, response: Response) -> Response:
    """no-store is one directive of several in Cache-Control."""
    return saying(response, "Cache-Control", "private, max-age=0, No-Store, must-revalidate")


@Oddity(concerns=to("OPTIONS")).altering
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


@Oddity().altering
def many_headers(_: Request, response: Response) -> Response:
    """Every answer has headers that nobody asked for."""
    more = (("X-Request-Id", "7f3a"), ("Via", "1.1 edge"), ("Set-Cookie", "s=1"), ("X-Empty", ""))
    return response.with_headers(*more, ("Strict-Transport-Security", "max-age=1"))


@Oddity().altering
def open_to_pages(_: Request, response: Response) -> Response:
    """Every answer lets pages of any origin read it."""
    exposed = "Upload-Offset, Location, Upload-Length, Tus-Version, Tus-Resumable"
    return response.with_headers(
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Methods", "POST, HEAD, PATCH, DELETE"),
        ("Access-Control-Expose-Headers", exposed),
    )


@Oddity().altering
def wordy_refusals(_: Request, response: Response) -> Response:
    """Refusals bring a page along."""
    if succeeded(response):
        return response
    page = b"<!doctype html><title>No</title><p>" + b"This cannot be done. " * 200
    return saying(replace(response, body=page), "Content-Type", "text/html")


@Oddity().acting
async def slow(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """Every answer takes a second."""
    await anyio.sleep(1)
    return await respond(request)


@Oddity(concerns=to("PATCH", "POST")).acting
async def locks_by_waiting(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A PATCH waits until the one before it has ended."""
    return await _held(behaving, request, respond, waits=True)


@Oddity(concerns=to("PATCH", "DELETE")).acting
async def locks_by_423(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A PATCH or DELETE of an upload that is in use gets 423."""
    return await _held(behaving, request, respond, waits=False)


async def _held(behaving: Behaving, request: Request, respond: Respond, *, waits: bool) -> Response:
    upload_id, marked = behaving.locator.upload_id(request.path), behaving.memory.marked
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


@Oddity(concerns=having("X-HTTP-Method-Override")).acting
async def first_override_counts(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """Of several X-HTTP-Method-Override the first counts."""
    first = value(request, "X-HTTP-Method-Override").partition(",")[0]
    return await respond(asking(request, X_HTTP_Method_Override=first))


@Oddity(
    warns="checksum.mismatch-460 checksum.unsupported-algorithm-400", concerns=to("PATCH")
).altering
def checksums_refused_with_409(request: Request, response: Response) -> Response:
    """What the text only recommends for checksums is not done: another 4xx refuses."""
    checked = "Upload-Checksum" in request.headers or request.body.length is None
    algorithm = value(request, "Upload-Checksum").partition(" ")[0]
    if response.status == 460 or (checked and algorithm == "nosuchalgorithm"):
        return with_status(response, 409)
    return response


@Oddity(concerns=to("POST")).acting
async def parts_used_once(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A partial upload cannot be used for a second final one."""
    ids = [
        behaving.locator.id_of_url(request, url)
        for url in value(request, "Upload-Concat")[6:].split(" ")
    ]
    used = {each for each in ids if part(request, "final") and each is not None}
    if used & behaving.memory.marked:
        return refusal(400)
    response = await respond(request)
    if response.status == 201:
        behaving.memory.marked |= used
    return response


@Oddity(
    asks_for={"Authorization": "Bearer let-me-in"},
).acting
async def login_required(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """Every request needs a login."""
    if value(request, "Authorization") == "Bearer let-me-in" or method_of(request) == "OPTIONS":
        return await respond(request)
    return refusal(401)


@Oddity(
    asks_for={"Upload-Metadata": "tenant YWNtZQ=="},
    concerns=is_creation,
).acting
async def tenant_required(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """A creation needs to name a tenant in its metadata."""
    named = "tenant " in value(request, "Upload-Metadata") or part(request, "final")
    return await respond(request) if named else refusal(403)


@Oddity(concerns=to("POST", "HEAD")).acting
async def padded_numbers(behaving: Behaving, request: Request, respond: Respond) -> Response:
    """Offsets and lengths are written with leading zeros."""
    response = await respond(request)
    for name in ("Upload-Offset", "Upload-Length"):
        response = rewritten(response, name, lambda text: text.zfill(12))
    return response


@Oddity().setting
def no_download(config: Config) -> Config:
    """Uploads cannot be read back."""
    return replace(config, disable_download=True)


@Oddity().setting
def no_maximum(config: Config) -> Config:
    """There is no maximum size."""
    return replace(config, max_size=0)


@Oddity().setting
def tight_maximum(config: Config) -> Config:
    """The maximum size is 4,096 bytes."""
    return replace(config, max_size=4096)


async def _of_any_length(behaving: Behaving, request: Request, respond: Respond) -> Response:
    told = behaving.memory.texts
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


any_length = Oddity().named(
    "any-length",
    "There is no maximum size, and no length that would not fit into eight bytes.",
    no_maximum.behaviours[0],
    Behaviour(to("POST", "HEAD"), act=_of_any_length),
)
