"""Defects that show when a body breaks off or stalls (Core, PATCH)."""

from __future__ import annotations

from dataclasses import replace

import anyio

from tus_defects.call import Call
from tus_defects.messages import answer, read_body
from tus_defects.registry import defect
from tus_defects.rule import Match
from tus_reference.model import Body, BodyEndedEarly, EarlyEnd, FileInfo, Headers, Response

PATCH = Match(method="PATCH")
UPLOAD = Match(method="HEAD|PATCH|DELETE")
DETECT_ERRORS = "core.net.detect-errors"
STORE_PARTIAL = "core.patch.store-partial"


async def _mark_broken(call: Call) -> Response:
    """Respond to a request, and remember the upload if it is a PATCH that breaks off."""
    if call.method != "PATCH":
        return await call.respond()
    response = await call.respond_unless_broken()
    if response is None:
        call.memory.marked.add(call.upload_id)
        raise BodyEndedEarly(EarlyEnd.DISCONNECTED)
    return response


@defect(DETECT_ERRORS, UPLOAD, client=True)
async def locked_after_broken_patch(call: Call) -> Response:
    """An upload whose PATCH broke off stays locked."""
    if call.upload_id in call.memory.marked and call.method != "HEAD":
        return answer(423)
    return await _mark_broken(call)


@defect(DETECT_ERRORS, UPLOAD, client=True)
async def fails_after_broken_patch(call: Call) -> Response:
    """Every request for an upload whose PATCH broke off gets 500."""
    if call.upload_id in call.memory.marked:
        return answer(500)
    return await _mark_broken(call)


async def _find_broken(call: Call) -> tuple[Response | None, FileInfo | None, int]:
    """Respond; return no response but the upload and its earlier offset if the body broke off."""
    before = await call.upload()
    response = await call.respond_unless_broken()
    info = None if response is not None or before is None else await call.upload()
    return response, info, 0 if before is None else before.offset


@defect(DETECT_ERRORS, PATCH, client=True)
async def broken_patch_filled_with_zeros(call: Call) -> Response:
    """A PATCH that broke off counts with its whole Content-Length, what is missing as zeros."""
    response, info, offset = await _find_broken(call)
    if response is not None:
        return response
    if info is not None and call.request.body.length:
        missing = offset + call.request.body.length - info.offset
        await call.server.append(info, bytes(missing))
    raise BodyEndedEarly(EarlyEnd.DISCONNECTED)


@defect(STORE_PARTIAL, PATCH, client=True)
async def end_of_broken_patch_zeroed(call: Call) -> Response:
    """The last four bytes of a PATCH that broke off are stored as zeros."""
    response, info, offset = await _find_broken(call)
    if response is not None:
        return response
    if info is not None and info.offset > offset:
        data = await call.server.read(info)
        kept = max(offset, info.offset - 4)
        await call.server.rewrite(info, data[:kept] + bytes(len(data) - kept))
    raise BodyEndedEarly(EarlyEnd.DISCONNECTED)


@defect("core.net.timeout-close", PATCH)
async def stalled_body_never_times_out(call: Call) -> Response:
    """A body that stalls is waited for without end."""
    patient = replace(call.request, body=_PatientBody(call.request.body))
    return await call.respond(patient)


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


@defect("core.net.timeout-close", PATCH, client=True)
async def stalled_body_500(call: Call) -> Response:
    """A body that stalls gets 500, and nothing of it is stored."""
    data: bytes | None = None
    with anyio.move_on_after(call.server.config.network_timeout):
        data = await read_body(call.request)
    return answer(500) if data is None else await call.respond_to(data)
