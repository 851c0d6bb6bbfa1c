"""The stage `cache`: whether HEAD says what is stored now."""

from __future__ import annotations

from tus_conformance.doctor.examination import Examination, offset_of
from tus_conformance.transport import HttpResponse
from tus_conformance.transport.header_values import header_value

_TRACES = ("Age", "X-Cache", "X-Cache-Status", "CF-Cache-Status", "X-Varnish", "X-Proxy-Cache")


async def examine_cache(examination: Examination) -> None:
    """Ask by HEAD around a PATCH, and again after a GET."""
    _, url = await examination.create(10)
    if url is None:
        return
    for _ in range(2):
        await examination.send("HEAD", url)
    await _patch_and_compare(examination, url, 0, "cache.head")
    if "cache" in examination.prevented:
        return
    await examination.send("GET", url)
    await _patch_and_compare(examination, url, 3, "cache.head-after-get")


async def _patch_and_compare(examination: Examination, url: str, offset: int, kind: str) -> None:
    patched = await examination.patch(url, offset, b"123")
    if patched.status is None or not 200 <= patched.status < 300:
        return
    acknowledged = offset_of(patched)
    stored = offset + 3 if acknowledged is None else acknowledged
    head = await examination.send("HEAD", url)
    said = offset_of(head)
    if said is None or said >= stored:
        return
    trace = _cache_trace(head)
    examination.report(
        kind,
        patched,
        head,
        values={"stored": stored, "said": said},
        culprit="proxy" if trace else None,
        why=f"the response has {trace}" if trace else "",
    )


def _cache_trace(response: HttpResponse) -> str:
    """Return a header of a response that shows a cache, or nothing."""
    for name in _TRACES:
        value = header_value(response.headers, name)
        if value is not None:
            return f"{name}: {value}"
    return ""
