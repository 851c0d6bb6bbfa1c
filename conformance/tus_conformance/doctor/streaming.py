"""The stage `streaming`: whether the bytes of a request reach the server while it is under way.

That is what resuming needs: what has been sent when the connection breaks must be stored. The head
of a PATCH that the server refuses shows whether its body was kept back in front of the server: a
server that sees the head refuses it before the body is there.
"""

from __future__ import annotations

import trio

from tus_conformance.discovery.body_arrival import refuses_early
from tus_conformance.doctor.examination import Examination, describe_answer, offset_of
from tus_conformance.doctor.stage import UndeterminedError
from tus_conformance.transport import HttpResponse
from tus_reports.transcript import format_size

BODY_SIZES = (512 * 1024, 16 * 1024)
"""Lengths of the body, in bytes; the second is tried where the first one is too large."""

SETTLE_SECONDS = 4.0
"""How long the server may take to store what it received, in seconds."""

TIME_OUT_STATUSES = frozenset({408, 504})
_PAUSE = 0.25
_FIRST_LOOK = 0.5


async def examine_streaming(examination: Examination) -> None:
    """Send half of a body, sized and then chunked, and see what is stored."""
    for size in BODY_SIZES:
        stored, response, head = await _send_half(examination, size)
        if response.status != 413:
            break
    if response.status in TIME_OUT_STATUSES and stored == 0:
        values: dict[str, object] = {
            "seconds": f"{examination.patience(_FIRST_LOOK):g}",
            "answer": describe_answer(response),
        }
        examination.report("timeouts.paused-body", response, values=values)
        examination.prevent("A pause in a request ends it", "streaming")
        return
    if response.status is not None and stored == 0:
        raise UndeterminedError(
            f"A PATCH got {describe_answer(response)} before half of its body was sent."
        )
    if stored == 0:
        early = await refuses_early(examination.prober, size, examination.patience(2.0))
        values = {
            "half": format_size(size // 2),
            "waited": f"{examination.patience(SETTLE_SECONDS):.0f}",
        }
        if early is True:
            examination.report("streaming.discarded", response, head, values=values)
        else:
            examination.report("streaming.buffered", response, head, values=values)
        return
    examination.note("Stored of a PATCH that broke halfway", f"{stored} of {size // 2} bytes")
    await _examine_chunked(examination, size)


async def _examine_chunked(examination: Examination, size: int) -> None:
    stored, response, head = await _send_half(examination, size, chunked=True)
    if stored == 0 and response.status is None:
        values = {
            "half": format_size(size // 2),
            "waited": f"{examination.patience(SETTLE_SECONDS):.0f}",
        }
        examination.report("streaming.chunked-buffered", response, head, values=values)


async def _send_half(
    examination: Examination, size: int, *, chunked: bool = False
) -> tuple[int, HttpResponse, HttpResponse]:
    """Return what is stored of half a body, the PATCH, and the last HEAD."""
    _, url = await examination.create(size)
    if url is None:
        raise UndeterminedError(f"No upload of {size} bytes can be created.")
    async with examination.open_patch(url, 0, size, chunked=chunked) as pending:
        await pending.send_body(size // 2)
        if await pending.receive_status(examination.patience(_FIRST_LOOK)) is not None:
            return 0, await pending.receive_response(), pending.partial_response
        during = await examination.send("HEAD", url)
        if "HEAD during a PATCH" not in examination.facts:
            examination.note("HEAD during a PATCH", _describe_head(during))
        if during.status is None and not chunked:
            examination.report("streaming.head-during-patch", during)
        response = pending.partial_response
        if (offset_of(during) or 0) > 0:
            return offset_of(during) or 0, response, during
        response = await pending.cut("fin")
    return await _await_bytes(examination, url, response)


def _describe_head(response: HttpResponse) -> str:
    offset = offset_of(response)
    return (
        f"{describe_answer(response)}, Upload-Offset {offset if offset is not None else 'missing'}"
    )


async def _await_bytes(
    examination: Examination, url: str, response: HttpResponse
) -> tuple[int, HttpResponse, HttpResponse]:
    """Ask until something is stored, or the time is over."""
    deadline = trio.current_time() + examination.patience(SETTLE_SECONDS)
    while True:
        head = await examination.send("HEAD", url)
        stored = offset_of(head) or 0
        if stored or trio.current_time() >= deadline:
            return stored, response, head
        await trio.sleep(_PAUSE)
