"""Defects that show when a body breaks off or stalls (Core, PATCH)."""

from collections.abc import AsyncGenerator
from dataclasses import replace

import anyio
import trio

from tus_defects.call import Call
from tus_defects.messages import ComposedBody, answer, read_body
from tus_defects.rule import Match
from tus_defects.server import Server, drop_last
from tus_defects.streams import ChangedStream
from tus_defects.variant import defect, stream_defect
from tus_reference.model import BodyEndedEarly, EarlyEnd, Response

PATCH = Match(method="PATCH", upload=("known",))
UPLOAD = Match(method="HEAD|PATCH|DELETE")
DEFERRED = Match(method="PATCH", header={"Upload-Length": True}, upload=("deferred-length",))
DECLARE = "creation.defer-length.declare-in-patch"
DETECT_ERRORS = "core.net.detect-errors"


@defect(DETECT_ERRORS, UPLOAD, client=True)
async def locked_after_broken_patch(call: Call) -> Response:
    """An upload whose PATCH broke off stays locked."""
    if call.is_marked and call.method != "HEAD":
        return answer(423)
    return await (call.respond_or_mark() if call.method == "PATCH" else call.respond())


@defect(DETECT_ERRORS, UPLOAD, client=True)
async def fails_after_broken_patch(call: Call) -> Response:
    """Every request for an upload whose PATCH broke off gets 500."""
    if call.is_marked:
        return answer(500)
    return await (call.respond_or_mark() if call.method == "PATCH" else call.respond())


@defect(DETECT_ERRORS, PATCH, client=True)
async def broken_patch_filled_with_zeros(call: Call) -> Response:
    """A PATCH that broke off counts with its whole Content-Length, what is missing as zeros."""
    if response := await call.respond_unless_broken():
        return response
    info, length = await call.upload(), call.request.body.length
    if info and length:
        await call.server.append(info, bytes(call.info.offset + length - info.offset))
    raise BodyEndedEarly(EarlyEnd.DISCONNECTED)


@defect("core.patch.store-partial", PATCH, client=True)
async def end_of_broken_patch_zeroed(call: Call) -> Response:
    """The last four bytes of a PATCH that broke off are stored as zeros."""
    if response := await call.respond_unless_broken():
        return response
    info, start = await call.upload(), call.info.offset
    if info and info.offset > start:
        kept = max(start, info.offset - 4)
        await call.server.rewrite(info, lambda data: data[:kept] + bytes(len(data) - kept))
    raise BodyEndedEarly(EarlyEnd.DISCONNECTED)


@defect(DETECT_ERRORS, PATCH, client=True)
async def broken_patch_adds_a_byte(call: Call) -> Response:
    """A PATCH that broke off counts with one byte more than arrived."""
    if response := await call.respond_unless_broken():
        return response
    if info := await call.upload():
        await call.server.append(info, b"?")
    raise BodyEndedEarly(EarlyEnd.DISCONNECTED)


@defect("core.patch.store-partial", PATCH, client=True)
async def broken_patch_erases_upload(call: Call) -> Response:
    """A PATCH that broke off removes all bytes of its upload."""
    if response := await call.respond_unless_broken():
        return response
    await call.server.rewrite(call.info, lambda _: b"")
    raise BodyEndedEarly(EarlyEnd.DISCONNECTED)


@defect(DECLARE, DEFERRED, client=True)
async def broken_patch_sets_length(call: Call) -> Response:
    """The length of an upload becomes what arrived when the PATCH that declares it breaks off."""
    if response := await call.respond_unless_broken():
        return response
    if info := await call.upload():
        await call.server.set_length(info.id, info.offset)
    raise BodyEndedEarly(EarlyEnd.DISCONNECTED)


@stream_defect("core.head.offset-accurate", client=True)
def half_request_costs_a_byte(stream: trio.abc.Stream, server: Server) -> trio.abc.Stream:
    """A request whose head breaks off makes every upload lose its last byte."""
    head = bytearray()

    async def receive(data: bytes) -> None:
        head.extend(data)
        if not data and head and b"\r\n\r\n" not in head:
            for each in await server.find_all():
                await server.rewrite(each, drop_last)

    return ChangedStream(stream, receive=receive)


@stream_defect("core.head.success-status")
def request_after_error_400(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """The request after an error on a connection gets 400, as if the body were that request."""
    refused = False

    async def rewrite(data: bytes) -> AsyncGenerator[bytes, None]:
        nonlocal refused
        final = data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 1")
        refused, before = data.startswith((b"HTTP/1.1 409", b"HTTP/1.1 415")), refused
        yield data[:9] + b"400" + data[12:] if final and before else data

    return ChangedStream(stream, rewrite)


@defect("core.patch.apply-at-offset", Match(method="PATCH"), client=True)
async def reads_of_one_byte_lost(call: Call) -> Response:
    """A byte of a PATCH that is received alone is lost."""
    body = call.request.body
    return await call.respond(replace(call.request, body=_LossyBody(b"", body, length=body.length)))


class _LossyBody(ComposedBody):
    async def read_into(self, buffer: memoryview) -> int:
        while (count := await super().read_into(buffer)) == 1:
            pass
        return count


@defect("core.net.timeout-close", Match(method="PATCH"))
async def stalled_body_never_times_out(call: Call) -> Response:
    """A body that stalls is waited for without end."""
    body = call.request.body
    return await call.respond(
        replace(call.request, body=_PatientBody(b"", body, length=body.length))
    )


class _PatientBody(ComposedBody):
    """A body whose reader cannot be cancelled."""

    async def read_into(self, buffer: memoryview) -> int:
        count = 0
        with anyio.CancelScope(shield=True):
            count = await super().read_into(buffer)
        return count  # noqa: RET504 - mypy assumes that the scope may end without a value


@defect("core.net.timeout-close", Match(method="PATCH"), client=True)
async def stalled_body_500(call: Call) -> Response:
    """A body that stalls gets 500, and nothing of it is stored."""
    data: bytes | None = None
    with anyio.move_on_after(call.server.config.network_timeout):
        data = await read_body(call.request)
    return answer(500) if data is None else await call.respond_to(data)
