"""Defects that show when a body breaks off or stalls (Core, PATCH)."""

from dataclasses import replace

import anyio

from tus_defects.call import Call
from tus_defects.messages import answer, read_body
from tus_defects.rule import Match
from tus_defects.variant import defect
from tus_reference.model import Body, BodyEndedEarly, EarlyEnd, Headers, Response

PATCH = Match(method="PATCH", upload=("known",))
UPLOAD = Match(method="HEAD|PATCH|DELETE")
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


@defect("core.net.timeout-close", Match(method="PATCH"))
async def stalled_body_never_times_out(call: Call) -> Response:
    """A body that stalls is waited for without end."""
    return await call.respond(replace(call.request, body=_PatientBody(call.request.body)))


class _PatientBody:
    """A body whose reader cannot be cancelled."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self.length = body.length

    @property
    def trailers(self) -> Headers:
        return self._body.trailers

    async def read_into(self, buffer: memoryview) -> int:
        count = 0
        with anyio.CancelScope(shield=True):
            count = await self._body.read_into(buffer)
        return count  # noqa: RET504 - mypy assumes that the scope may end without a value


@defect("core.net.timeout-close", Match(method="PATCH"), client=True)
async def stalled_body_500(call: Call) -> Response:
    """A body that stalls gets 500, and nothing of it is stored."""
    data: bytes | None = None
    with anyio.move_on_after(call.server.config.network_timeout):
        data = await read_body(call.request)
    return answer(500) if data is None else await call.respond_to(data)
