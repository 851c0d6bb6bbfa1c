"""The stage `early answers`: whether a refusal arrives while the body is under way."""

from __future__ import annotations

from tus_conformance.doctor.examination import Examination, describe_answer
from tus_conformance.doctor.streaming import TIME_OUT_STATUSES
from tus_conformance.transport import HttpResponse

_SIZES = (1024 * 1024, 16 * 1024)
_FIRST_BYTES = 8 * 1024
_SECONDS = 3.0


async def examine_early_answers(examination: Examination) -> None:
    """Send a PATCH at a wrong offset: once with a pause in its body, once without."""
    size = _SIZES[0]
    paused, response = await _send_with_pause(examination, size)
    if response is not None and response.status == 413:
        size = _SIZES[-1]
        paused, response = await _send_with_pause(examination, size)
    if response is None:
        return
    if paused and response.status == 409:
        response = await _send_at_once(examination, 4 * size) or response
    values = {
        "answer": describe_answer(response),
        "size": size,
        "seconds": f"{examination.patience(_SECONDS):.0f}",
    }
    if response.status == 413 or response.status in TIME_OUT_STATUSES:
        return  # a limit, which has a stage of its own
    if response.status is None or (response.status != 409 and examination.is_foreign(response)):
        examination.report("early.lost", response, values=values)
    elif not paused:
        # Some servers and proxies (Apache httpd) read every body to its end: slow, not broken.
        examination.note("Early refusals", "arrive only after the whole body")


async def _send_with_pause(examination: Examination, size: int) -> tuple[bool, HttpResponse | None]:
    """Return whether the refusal came before the whole body was sent, and the response."""
    _, url = await examination.create(size)
    if url is None:
        return False, None
    async with examination.open_patch(url, 7, size - 7) as pending:
        await pending.send_body(_FIRST_BYTES)
        status = await pending.receive_status(examination.patience(_SECONDS))
        return status is not None, await pending.finish()


async def _send_at_once(examination: Examination, size: int) -> HttpResponse | None:
    _, url = await examination.create(size)
    if url is None:
        return None
    async with examination.open_patch(url, 7, size - 7) as pending:
        return await pending.finish()
