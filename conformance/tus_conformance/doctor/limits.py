"""The stage `limits`: how large bodies and heads may be, and how many requests at once.

Bodies are only announced, in a PATCH at a wrong offset, so that the server stores nothing; one that
is sent whole follows, since some proxies count only what they receive.
"""

from __future__ import annotations

import trio

from tus_conformance.discovery.body_limit import KIB, send_body
from tus_conformance.discovery.prober import succeeded
from tus_conformance.doctor.examination import Examination, describe_answer
from tus_conformance.doctor.streaming import TIME_OUT_STATUSES
from tus_conformance.transport import HttpResponse
from tus_conformance.transport.header_values import (
    header_value,
    read_integer,
)
from tus_reports.transcript import format_size

MIB = 1024 * KIB
ANNOUNCED = (64 * KIB, MIB, 2 * MIB, 8 * MIB, 16 * MIB, 64 * MIB, 128 * MIB)
ANNOUNCED_LARGE = (*ANNOUNCED, 512 * MIB, 1024 * MIB)
"""Lengths of bodies, in bytes."""

SENT = (16 * MIB, 4 * MIB, MIB, 256 * KIB, 64 * KIB)
"""Lengths of bodies that are sent whole, in bytes."""

HEAD_SIZES = (KIB, 2 * KIB, 4 * KIB)
"""Lengths of a header that every proxy should let through, in bytes: metadata and tokens."""

PARALLEL = 10
"""Uploads at once; Uppy sends up to 20."""

_EARLY_SECONDS = 2.0
_TOO_MANY = frozenset({429, 503, 509})


async def examine_limits(examination: Examination) -> None:
    """Look for limits on bodies, heads and concurrent requests."""
    if "refusals" not in examination.prevented:
        await _examine_announced_bodies(examination)
    if not any(finding.id == "limits.body-size" for finding in examination.findings):
        await _examine_sent_bodies(examination)
    await _examine_heads(examination)
    if not examination.pace.refusals:
        await _examine_parallel_requests(examination)
        examination.pace.late_refusals.clear()


def _largest_upload(examination: Examination) -> int | None:
    headers = examination.options.headers if examination.options else ()
    value = header_value(headers, "Tus-Max-Size")
    stated = read_integer(value)
    sizes = [size for size in (stated or None, examination.target.profile.max_size) if size]
    return min(sizes, default=None)


async def _examine_announced_bodies(examination: Examination) -> None:
    ladder = ANNOUNCED_LARGE if examination.settings.large else ANNOUNCED
    room = _largest_upload(examination)
    accepted, refused = 0, 0
    refusal: HttpResponse | None = None
    for size in reversed([each for each in ladder if room is None or _length(each) <= room]):
        _, url = await examination.create(_length(size))
        if url is None:
            continue  # no upload of that size: that is a limit on uploads, not on requests
        response = await _announce(examination, url, size)
        if response is None:
            accepted = size
            break
        refused, refusal = size, response
    slow = refusal is not None and refusal.status in TIME_OUT_STATUSES
    if refusal is not None and not slow and (accepted or refusal.status == 413):
        _report_body_limit(examination, refusal, refused, accepted)


def _report_body_limit(
    examination: Examination, refusal: HttpResponse, refused: int, accepted: int
) -> None:
    foreign = examination.is_foreign(refusal)
    values = {
        "refused": format_size(refused),
        "accepted": f"one of {format_size(accepted)} is accepted" if accepted else "so are others",
        "answer": describe_answer(refusal),
    }
    examination.report(
        "limits.body-size",
        refusal,
        values=values,
        culprit=None if foreign else "server",
        why="" if foreign else "the response has headers of tus",
    )


def _length(size: int) -> int:
    """Return the length of an upload in which a body of a size fits, also at a wrong offset."""
    return 2 * size + 8


async def _announce(examination: Examination, url: str, size: int) -> HttpResponse | None:
    """Announce a body at a wrong offset; return its refusal by a proxy, None without one."""
    async with examination.open_patch(url, size // 2 + 3, size) as pending:
        await pending.send_body(KIB)
        status = await pending.receive_status(examination.patience(_EARLY_SECONDS))
        if status is None:
            await pending.cut("rst")
            return None
        response = await pending.receive_response()
    return response if status >= 400 and examination.is_foreign(response) else None


async def _examine_sent_bodies(examination: Examination) -> None:
    """Send whole bodies, the largest first; one that is refused twice is too large."""
    room = _largest_upload(examination)
    refused = 0
    refusal: HttpResponse | None = None
    for size in (each for each in SENT if room is None or each <= room):
        response = await send_body(examination.prober, size)
        if response is not None and not succeeded(response) and response.status != 413:
            response = await send_body(examination.prober, size)
        if response is None:
            continue  # no upload of that size: that is a limit on uploads, not on requests
        if response.status in TIME_OUT_STATUSES:
            return
        if succeeded(response):
            if refusal is not None:
                _report_body_limit(examination, refusal, refused, size)
            return
        refused, refusal = size, response


async def _examine_heads(examination: Examination) -> None:
    accepted = 0
    for size in HEAD_SIZES:
        padding = ("X-Padding", "x" * size)
        response = await examination.send("OPTIONS", examination.target.url, padding)
        if response.status is not None and response.status < 400:
            accepted = size
            continue
        baseline = examination.options
        if baseline is not None and baseline.status == response.status:
            return
        values = {"size": size, "accepted": accepted, "answer": describe_answer(response)}
        examination.report("limits.head-size", response, values=values)
        return


async def _examine_parallel_requests(examination: Examination) -> None:
    urls = [url for _ in range(PARALLEL) if (url := (await examination.create(2))[1]) is not None]
    responses: list[HttpResponse] = []
    begun = 0
    all_begun = trio.Event()

    async def upload(url: str) -> None:
        nonlocal begun
        async with examination.open_patch(url, 0, 2) as pending:
            await pending.send_body(1)
            begun += 1
            if begun == len(urls):
                all_begun.set()
            with trio.move_on_after(examination.patience(_EARLY_SECONDS)):
                await all_begun.wait()
            await pending.receive_status(0.2)
            responses.append(await pending.finish())

    async with trio.open_nursery() as nursery:
        for url in urls:
            nursery.start_soon(upload, url)
    refused = [each for each in responses if each.status in _TOO_MANY]
    if refused:
        values = {
            "all": len(urls),
            "refused": len(refused),
            "answer": describe_answer(refused[0]),
        }
        examination.report("limits.requests-at-once", refused[0], values=values)
