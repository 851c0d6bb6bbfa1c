"""The stage `time-outs`: how long a body may pause, and how long a request may take.

The waits run side by side, and next to nothing else. With a mirror the server is slow to answer,
too, which a real one cannot be asked for.
"""

from __future__ import annotations

import trio

from tus_conformance.doctor.examination import Examination, describe_answer
from tus_conformance.transport import HttpResponse

_SIZE = 64 * 1024
_STEP = 0.5
DELAY_HEADER = "X-Tus-Doctor-Delay"
"""How long the mirror waits with its answer, in seconds."""

SLOW_PAUSE = 65.0
SLOW_DURATION = 130.0
"""How long a body pauses, and a request takes, with --slow, in seconds."""


async def examine_timeouts(examination: Examination) -> None:
    """Pause in a body, and send another one slowly."""
    slow = examination.settings.slow
    pause = SLOW_PAUSE if slow else examination.settings.pause
    duration = SLOW_DURATION if slow else pause + 2
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_pause, examination, pause)
        nursery.start_soon(_send_slowly, examination, duration)
        if examination.upstream is not None:
            nursery.start_soon(_await_slow_answer, examination, pause)


async def _pause(examination: Examination, seconds: float) -> None:
    _, url = await examination.create(_SIZE)
    if url is None:
        return
    began = trio.current_time()
    async with examination.open_patch(url, 0, _SIZE) as pending:
        await pending.send_body(_SIZE // 2)
        early = await pending.receive_status(seconds)
        waited = trio.current_time() - began
        response = await pending.finish()
    if early is not None or not _is_success(response):
        values = {"seconds": f"{waited:.0f}", "answer": describe_answer(response)}
        examination.report("timeouts.paused-body", response, values=values)


async def _send_slowly(examination: Examination, seconds: float) -> None:
    """Send a few bytes every now and then for so many seconds."""
    steps = int(seconds / _STEP)
    size = steps * 100
    _, url = await examination.create(size)
    if url is None:
        return
    began = trio.current_time()
    async with examination.open_patch(url, 0, size) as pending:
        for _ in range(steps - 1):
            await pending.send_body(100)
            if await pending.receive_status(_STEP) is not None or pending.done:
                break
        waited = trio.current_time() - began
        response = await pending.finish()
    if not _is_success(response):
        values = {"seconds": f"{waited:.0f}", "answer": describe_answer(response)}
        examination.report("timeouts.long-request", response, values=values)


async def _await_slow_answer(examination: Examination, seconds: float) -> None:
    """Send a request that the mirror answers late."""
    _, url = await examination.create(5)
    if url is None:
        return
    delay = (DELAY_HEADER, f"{seconds - 1:g}")
    began = trio.current_time()
    response = await examination.patch(url, 0, b"12345", delay)
    if not _is_success(response):
        waited = trio.current_time() - began
        values = {"seconds": f"{waited:.0f}", "answer": describe_answer(response)}
        examination.report("timeouts.slow-answer", response, values=values, culprit="proxy")


def _is_success(response: HttpResponse) -> bool:
    return response.status is not None and 200 <= response.status < 300
