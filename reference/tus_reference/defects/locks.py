"""Faults about broken connections, pace and requests that meet (Core, PATCH)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

from tus_reference.defects.defect import DefectSpec
from tus_reference.defects.response_edits import (
    append,
    bringing,
    brings_bytes,
    failure,
    id_of,
    known,
    method_of,
    refusal,
    replace_bytes,
    saying,
    stored,
    succeeded,
    to,
    value,
    whole,
)
from tus_reference.model import ClientDisconnected
from tus_reference.notifications import HTTPRequest

if TYPE_CHECKING:
    from tus_reference.defects.modification import CallNext, ModifiedHandler
    from tus_reference.handler import Config
    from tus_reference.model import Headers, Request, Response

_PATCH = to("PATCH")
_UPLOAD = to("HEAD", "PATCH", "DELETE")
_NOBODY = HTTPRequest()


# Broken connections


async def broke_off(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response | None:
    """Return the answer to a PATCH, or None if less arrived than it said it had."""
    before = await known(handler, id_of(handler, request))
    try:
        response = await respond(request)
    except ClientDisconnected:
        return None
    after = await known(handler, id_of(handler, request))
    if before is None or after is None or succeeded(response):
        return response
    early = response.status == 400 and b"UNEXPECTED_EOF" in _text(response)
    return None if early else response


def _text(response: Response) -> bytes:
    return response.body if isinstance(response.body, bytes) else b""


@DefectSpec(
    "core.net.detect-errors",
    fails=(
        "core.head.offset-accurate core.patch.offset-mismatch-no-change "
        "core.patch.store-partial creation.defer-length.declare-in-patch checksum.verify "
        "checksum.partial-body termination.in-flight concatenation.final.length-sum "
        "concatenation.final.order concatenation-unfinished.finishes"
    ),
    warns="core.patch.offset-mismatch-409 expiration.removed-404-410 checksum.match-204",
    matches=_UPLOAD,
).wrap_handler
async def locked_for_ever(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """An upload whose PATCH broke off stays locked."""
    if id_of(handler, request) in handler.memory.marked and method_of(request) != "HEAD":
        return refusal(423)
    if method_of(request) != "PATCH":
        return await respond(request)
    response = await broke_off(handler, request, respond)
    if response is None:
        handler.memory.marked.add(id_of(handler, request))
        raise ClientDisconnected
    return response


@DefectSpec(
    "core.net.detect-errors",
    fails=(
        "core.head.offset-accurate core.patch.store-partial "
        "creation.defer-length.declare-in-patch expiration.may-remove checksum.verify "
        "checksum.match-204 checksum.partial-body termination.in-flight "
        "concatenation.final.length-sum concatenation.final.order "
        "concatenation-unfinished.finishes concatenation.partial.head-offset"
    ),
    matches=_UPLOAD,
).wrap_handler
async def trips_after_break(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """An upload whose PATCH broke off is answered with 500 from then on."""
    if id_of(handler, request) in handler.memory.marked:
        return failure()
    if method_of(request) != "PATCH":
        return await respond(request)
    response = await broke_off(handler, request, respond)
    if response is None:
        handler.memory.marked.add(id_of(handler, request))
        raise ClientDisconnected
    return response


@DefectSpec(
    "core.net.detect-errors",
    fails=(
        "core.head.offset-accurate core.patch.store-partial "
        "creation.defer-length.declare-in-patch checksum.verify checksum.partial-body "
        "concatenation.final.order concatenation-unfinished.finishes "
        "concatenation.partial.head-offset"
    ),
    matches=_PATCH,
).wrap_handler
async def promised_bytes_counted(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Of a PATCH that broke off, all the bytes count that it was to bring, the missing as zeros."""
    before = await known(handler, id_of(handler, request))
    response = await broke_off(handler, request, respond)
    if response is not None:
        return response
    info = await known(handler, id_of(handler, request))
    if info is not None and before is not None and request.body.length:
        missing = before.offset + request.body.length - info.offset
        await append(handler, info, bytes(missing))
    raise ClientDisconnected


@DefectSpec("core.net.detect-errors", warns="core.net.detect-errors", matches=_PATCH).edit_response
def trips_over_early_end(request: Request, response: Response) -> Response:
    """A body that ends too early is answered with 500."""
    early = response.status == 400 and b"UNEXPECTED_EOF" in _text(response)
    return failure() if early else response


@DefectSpec("core.patch.store-partial", warns="core.net.timeout-close", matches=_PATCH).wrap_handler
async def broken_patch_discarded(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Of a PATCH that broke off, nothing is kept."""
    data = await whole(request)
    return await respond(bringing(request, data))


@DefectSpec(
    "core.patch.store-partial",
    fails=(
        "core.head.offset-accurate core.patch.offset-mismatch-no-change "
        "core.net.detect-errors creation.defer-length.declare-in-patch "
        "concatenation.final.order concatenation-unfinished.finishes"
    ),
    matches=_PATCH,
).wrap_handler
async def end_of_broken_patch_spoilt(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Of a PATCH that broke off, the last bytes are kept as zeros."""
    before = await known(handler, id_of(handler, request))
    response = await broke_off(handler, request, respond)
    if response is not None:
        return response
    info = await known(handler, id_of(handler, request))
    if info is not None and before is not None and info.offset > before.offset:
        data = await stored(handler, info)
        keep = max(before.offset, info.offset - 4)
        await replace_bytes(handler, info, data[:keep] + bytes(len(data) - keep))
    raise ClientDisconnected


@DefectSpec("core.net.timeout-close", warns="core.net.timeout-close", matches=_PATCH).wrap_handler
async def waits_for_ever(handler: ModifiedHandler, request: Request, respond: CallNext) -> Response:
    """A body that stands still is waited for without end."""
    return await respond(replace(request, body=_Patient(request)))


class _Patient:
    """A body that never lets its reader give up."""

    def __init__(self, request: Request) -> None:
        self._body = request.body

    @property
    def trailers(self) -> Headers:
        return self._body.trailers

    @property
    def length(self) -> int | None:
        return self._body.length

    async def read_into(self, buffer: memoryview) -> int:
        count = 0
        with anyio.CancelScope(shield=True):
            count = await self._body.read_into(buffer)
        return count  # noqa: RET504 - a shielded scope may end without a value, for all mypy knows


@DefectSpec(
    "core.net.timeout-close",
    fails="expiration.removed-404-410",
    warns="core.net.timeout-close core.patch.store-partial",
    matches=_PATCH,
).wrap_handler
async def fails_at_time_out(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A body that stands still is answered with 500, and nothing of it is kept."""
    data: bytes | None = None
    with anyio.move_on_after(handler.config.network_timeout):
        data = await whole(request)
    return failure() if data is None else await respond(bringing(request, data))


# Requests that meet


@DefectSpec(
    "core.patch.concurrent", fails="core.patch.exceeds-length checksum.mismatch-discard"
).change_config
def without_locks(config: Config) -> Config:
    """Requests that meet at one upload are not kept apart."""
    composer = replace(config.composer, locker=None)
    return replace(config, store_composer=composer, data_store=None)


@DefectSpec(
    "core.patch.concurrent",
    fails="checksum.mismatch-discard termination.in-flight",
    matches=_UPLOAD,
).wrap_handler
async def newcomer_fails(handler: ModifiedHandler, request: Request, respond: CallNext) -> Response:
    """A request for an upload that is in use is answered with 500."""
    upload_id = id_of(handler, request)
    if upload_id in handler.memory.marked:
        return failure()
    handler.memory.marked.add(upload_id)
    try:
        return await respond(request)
    finally:
        handler.memory.marked.discard(upload_id)


def _made_way(response: Response) -> bool:
    """Return whether a request was ended in favour of a newer one."""
    return response.status == 400 and b"UPLOAD_INTERRUPTED" in _text(response)


@DefectSpec(
    "core.patch.concurrent",
    fails="checksum.mismatch-discard termination.in-flight",
    matches=_PATCH,
).edit_response
def older_request_fails(request: Request, response: Response) -> Response:
    """A request that is ended in favour of a newer one is answered with 500."""
    return failure() if _made_way(response) else response


@DefectSpec(
    "core.patch.concurrent",
    fails="checksum.mismatch-discard",
    warns="core.patch.concurrent",
    matches=_PATCH,
).wrap_handler
async def older_request_unanswered(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A request that is ended in favour of a newer one is not answered."""
    response = await respond(request)
    if _made_way(response):
        raise ClientDisconnected
    return response


@DefectSpec(
    "core.patch.concurrent",
    warns="core.patch.concurrent",
    matches=to("HEAD", "PATCH", "DELETE", "POST"),
).wrap_handler
async def one_at_a_time(handler: ModifiedHandler, request: Request, respond: CallNext) -> Response:
    """While one upload receives a body, all the others wait."""
    if method_of(request) == "POST":
        return await respond(request)
    upload_id = id_of(handler, request)
    while handler.memory.marked - {upload_id}:
        await anyio.sleep(0.1)
    if upload_id in handler.memory.marked:
        return await respond(request)
    handler.memory.marked.add(upload_id)
    try:
        return await respond(request)
    finally:
        handler.memory.marked.discard(upload_id)


@DefectSpec("core.patch.concurrent", warns="core.patch.concurrent", matches=_UPLOAD).wrap_handler
async def two_at_once_stop_all(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """While a PATCH waits for another at its upload, all other uploads wait, too."""
    upload_id, memory = id_of(handler, request), handler.memory
    while memory.texts.get("met", upload_id) != upload_id:
        await anyio.sleep(0.1)
    if method_of(request) != "PATCH":
        return await respond(request)
    while upload_id in memory.marked:
        memory.texts["met"] = upload_id
        await anyio.sleep(0.1)
    memory.texts.pop("met", None)
    memory.marked.add(upload_id)
    try:
        return await respond(request)
    finally:
        memory.marked.discard(upload_id)


@DefectSpec("core.patch.concurrent", matches=_UPLOAD).wrap_handler
async def silent_since_two_met(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Nothing is answered about an upload any more at which two PATCHes have met."""
    upload_id, memory = id_of(handler, request), handler.memory
    if method_of(request) == "PATCH":
        if upload_id in memory.marked:
            memory.texts[upload_id] = "met"
        memory.marked.add(upload_id)
    if upload_id in memory.texts:
        await anyio.sleep_forever()
    try:
        response = await respond(request)
    finally:
        memory.marked.discard(upload_id)
    if upload_id in memory.texts:
        await anyio.sleep_forever()
    return response


@DefectSpec(
    "core.patch.concurrent",
    fails="core.net.detect-errors checksum.mismatch-discard concatenation.final.order",
    matches=_PATCH,
).wrap_handler
async def whoever_meets_fails(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """PATCHes that meet at one upload are all answered with 500."""
    upload_id, memory = id_of(handler, request), handler.memory
    if upload_id in memory.marked:
        memory.texts[upload_id] = "met"
        return failure()
    memory.marked.add(upload_id)
    try:
        # Short bodies are done before the next request is there.
        await anyio.sleep(0.01)
        response = failure() if upload_id in memory.texts else await respond(request)
        return failure() if upload_id in memory.texts else response
    finally:
        memory.marked.discard(upload_id)
        memory.texts.pop(upload_id, None)


@DefectSpec(
    "core.patch.concurrent",
    fails="core.head.offset-accurate checksum.mismatch-discard",
    quirk="locks-by-423",
    matches=_PATCH,
).wrap_handler
async def refusal_costs_a_byte(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A PATCH that is refused with 423 makes the one in its way lose its last byte."""
    upload_id, refused = id_of(handler, request), handler.memory.texts
    response = await respond(request)
    if response.status == 423:
        refused[upload_id] = "423"
    elif refused.pop(upload_id, None):
        info = await known(handler, upload_id)
        if info is not None and info.offset:
            data = await stored(handler, info)
            await replace_bytes(handler, info, data[:-1])
    return response


@DefectSpec("core.head.offset-accurate", matches=to("HEAD", "PATCH")).wrap_handler
async def promised_bytes_told(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """While a PATCH is under way, HEAD tells the offset that it is to reach."""
    upload_id, memory = id_of(handler, request), handler.memory
    if method_of(request) == "HEAD":
        response = await respond(request)
        told = memory.texts.get(upload_id)
        return response if told is None else saying(response, "Upload-Offset", told)
    offset = value(request, "Upload-Offset")
    if not offset.isdecimal() or not request.body.length:
        return await respond(request)
    memory.texts[upload_id] = str(int(offset) + request.body.length)
    try:
        return await respond(request)
    finally:
        memory.texts.pop(upload_id, None)


@DefectSpec(
    "termination.in-flight", warns="termination.gone", matches=to("PATCH", "DELETE")
).wrap_handler
async def deleted_upload_comes_back(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """An upload that is deleted while it receives a body is there again afterwards."""
    upload_id = id_of(handler, request)
    info = await known(handler, upload_id)
    if method_of(request) == "PATCH":
        handler.memory.marked.add(upload_id)
        try:
            return await respond(request)
        finally:
            handler.memory.marked.discard(upload_id)
    busy = upload_id in handler.memory.marked
    response = await respond(request)
    if busy and info is not None and response.status == 204:
        await handler.uploads.create(replace(info, offset=0), _NOBODY)
    return response


@DefectSpec(
    "termination.in-flight",
    warns="termination.204 termination.gone",
    matches=to("PATCH", "DELETE"),
).wrap_handler
async def busy_uploads_cannot_be_deleted(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """An upload cannot be deleted until a body that it receives has come to its end."""
    upload_id, marked = id_of(handler, request), handler.memory.marked
    if method_of(request) == "DELETE":
        return refusal(423) if upload_id in marked else await respond(request)
    marked.add(upload_id)
    response = await respond(request)
    if succeeded(response):
        marked.discard(upload_id)
    return response


@DefectSpec(
    "termination.in-flight",
    warns="termination.in-flight termination.204 termination.gone",
    matches=to("PATCH", "DELETE"),
).wrap_handler
async def busy_uploads_stay_for_ever(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """An upload that was to be deleted while it received a body cannot be deleted any more."""
    upload_id, memory = id_of(handler, request), handler.memory
    if method_of(request) == "PATCH":
        memory.marked.add(upload_id)
        try:
            return await respond(request)
        finally:
            memory.marked.discard(upload_id)
    if upload_id in memory.marked:
        memory.texts[upload_id] = "stays"
    return refusal(423) if upload_id in memory.texts else await respond(request)


@DefectSpec("termination.in-flight", matches=to("DELETE")).wrap_handler
async def second_deletion_fails(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Of two deletions at once one is answered with 500."""
    upload_id = id_of(handler, request)
    if upload_id in handler.memory.marked:
        return failure()
    handler.memory.marked.add(upload_id)
    await anyio.sleep(0.01)
    try:
        return await respond(request)
    finally:
        handler.memory.marked.discard(upload_id)


# Asking before sending


@DefectSpec(
    "creation-with-upload.expect-continue",
    warns="creation-with-upload.expect-continue",
    matches=brings_bytes,
).wrap_handler
async def body_asked_for_in_vain(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """The bytes of a creation are read before its headers are looked at."""
    data = await whole(request)
    return await respond(bringing(request, data))


@DefectSpec("core.patch.offset-mismatch-409", matches=_PATCH).wrap_handler
async def asking_before_sending_ends_it(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A PATCH that asks before it sends is answered with 417."""
    return refusal(417) if "Expect" in request.headers else await respond(request)
