"""The stage `headers`: whether every header of tus arrives, in both directions, and the status."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha1

from tus_conformance.discovery.preflight import USUAL_METADATA
from tus_conformance.discovery.prober import succeeded
from tus_conformance.doctor.examination import Examination, describe_answer, offset_of
from tus_conformance.transport import HttpResponse
from tus_conformance.transport.header_values import header_value, split_list

LONG_METADATA = ",".join(
    (USUAL_METADATA, f"note {b64encode(('Ünïcode text of some length ' * 24).encode()).decode()}")
)
"""Metadata of about a kilobyte, as pages send that add a title or a comment."""

LONGER_METADATA = f"{USUAL_METADATA},note {b64encode(b'A' * 4500).decode()}"
"""Metadata of six thousand bytes, more than some proxies keep room for in heads."""

_SINGLE_VALUES = (
    *("Location", "Tus-Resumable", "Tus-Version", "Tus-Max-Size", "Upload-Offset"),
    *("Upload-Length", "Upload-Defer-Length", "Upload-Metadata", "Upload-Expires"),
)
_NO_COMMA = frozenset({"Tus-Resumable", "Tus-Max-Size", "Upload-Offset", "Upload-Length"})
_USUAL_STATUSES = {
    "POST": frozenset({201}),
    "PATCH": frozenset({204}),
    "HEAD": frozenset({200, 204}),
    "DELETE": frozenset({204}),
}


async def examine_headers(examination: Examination) -> None:
    """Compare what each response should have with what it has, then what requests lost."""
    created, url = await examination.create(10, ("Upload-Metadata", USUAL_METADATA))
    if url is None:
        return
    head = await examination.send("HEAD", url)
    patch = await examination.patch(url, 0, b"12345")
    _examine_doubled(examination, (created, head, patch))
    _examine_statuses(examination)
    _examine_version(examination)
    _examine_offset(examination, head, patch)
    if succeeded(head) and offset_of(head) is not None:
        _examine_head(examination, head)
        await _examine_metadata(examination, created, head)
    _examine_options(examination)
    await _examine_checksum(examination)
    await _examine_concatenation(examination)
    await _examine_deferred_length(examination)
    _compare_both_ends(examination, (created, head, patch))


def _compare_both_ends(examination: Examination, responses: Iterable[HttpResponse]) -> None:
    """Report headers that a mirror saw otherwise than they were sent, in either direction."""
    lost_in_requests, lost_in_responses = [], []
    for response in responses:
        seen = examination.seen(response)
        if seen is None:
            continue
        method = response.exchange.method
        lost_in_requests += [
            f"{name} ({method})"
            for name, value in _heads_of_tus(response.exchange.request_head)
            if seen.header(name) != value
        ]
        lost_in_responses += [
            f"{name} ({method})"
            for name, value in seen.response_headers
            if _is_of_tus(name) and header_value(response.headers, name) != value
        ]
    known = " ".join(finding.id for finding in examination.findings)
    for kind, lost in (("request", lost_in_requests), ("response", lost_in_responses)):
        new = [each for each in lost if each.partition(" ")[0].lower() not in known]
        if new:
            values = {"headers": ", ".join(new)}
            examination.report(f"headers.{kind}.changed", *responses, values=values)


def _heads_of_tus(head: str) -> list[tuple[str, str]]:
    pairs = [line.partition(":") for line in head.splitlines()[1:]]
    return [(name.strip(), value.strip()) for name, _, value in pairs if _is_of_tus(name.strip())]


def _is_of_tus(name: str) -> bool:
    return name.lower().startswith(("tus-", "upload-"))


def _examine_version(examination: Examination) -> None:
    without = {
        method: answer
        for method, answer in examination.answers.items()
        if header_value(answer.headers, "Tus-Resumable") is None
    }
    if without:
        values = {"methods": " and ".join(sorted(without))}
        examination.report("headers.response.tus-resumable", *without.values(), values=values)


def _examine_offset(examination: Examination, head: HttpResponse, patch: HttpResponse) -> None:
    without = [
        answer
        for answer in (head, patch)
        if succeeded(answer) and header_value(answer.headers, "Upload-Offset") is None
    ]
    if without and "head" not in examination.prevented:
        values = {"methods": " and ".join(each.exchange.method for each in without)}
        examination.report("headers.response.upload-offset", *without, values=values)


def _examine_head(examination: Examination, head: HttpResponse) -> None:
    if header_value(head.headers, "Upload-Length") is None:
        examination.report("headers.response.upload-length", head)
    cache = (header_value(head.headers, "Cache-Control") or "").lower()
    if "no-store" not in cache:
        said = f"Cache-Control: {cache}, without no-store" if cache else "no Cache-Control"
        values = {"value": said}
        examination.report("headers.response.cache-control", head, values=values)


async def _examine_metadata(
    examination: Examination, created: HttpResponse, head: HttpResponse
) -> None:
    """Compare the metadata of a creation with that of HEAD, of usual length and longer."""
    change = _describe_metadata(head, USUAL_METADATA)
    responses = (created, head)
    arrived = len(USUAL_METADATA)
    for metadata in (LONG_METADATA, LONGER_METADATA):
        if change:
            break
        longer, url = await examination.create(10, ("Upload-Metadata", metadata))
        if url is None:
            return  # a limit of the server, or on heads, which has a stage of its own
        responses = (longer, await examination.send("HEAD", url))
        if not succeeded(responses[-1]):
            values = {"size": len(metadata), "answer": describe_answer(responses[-1])}
            examination.report("limits.response-head", *responses, values=values)
            return
        change = _describe_metadata(responses[-1], metadata)
        change = change and f"{change}, and of {arrived} bytes is not,"
        arrived = len(metadata)
    if change:
        examination.report("headers.upload-metadata", *responses, values={"change": change})


def _describe_metadata(head: HttpResponse, sent: str) -> str:
    """Return what becomes of metadata; nothing if it is kept. The order of pairs is free."""
    metadata = header_value(head.headers, "Upload-Metadata")
    what = f"Upload-Metadata of {len(sent)} bytes is"
    if metadata is None:
        return f"{what} lost"
    if set(split_list(metadata)) == set(split_list(sent)):
        return ""
    if sent.lower() == metadata.lower():
        return f"{what} changed in its letter case"
    if sent.startswith(metadata):
        return f"{what} cut off after {len(metadata)} bytes"
    return f"{what} changed"


def _examine_doubled(examination: Examination, responses: Iterable[HttpResponse]) -> None:
    """Report headers with one value that are there twice, in two lines or in one."""
    found: dict[str, HttpResponse] = {}
    for response in responses:
        for name in _SINGLE_VALUES:
            lines = response.header_values(name)
            joined = ", ".join(lines)
            if len(lines) > 1 or (name in _NO_COMMA and "," in joined):
                found.setdefault(f"{name}: {joined} ({response.exchange.method})", response)
    if not found:
        return
    offset = any(name.startswith("Upload-Offset") for name in found)
    examination.report(
        "headers.response.doubled",
        *dict.fromkeys(found.values()),
        values={"headers": "; ".join(found)},
        severity="breaks" if offset else None,
    )
    if offset:
        reason = "Upload-Offset has two values"
        examination.prevent(reason, "offset", "streaming", "cache")


def _examine_statuses(examination: Examination) -> None:
    """Report successes with another status than tus names."""
    changed = {
        f"{method} got {answer.status}, not {' or '.join(map(str, sorted(usual)))}": answer
        for method, usual in _USUAL_STATUSES.items()
        if (answer := examination.answers.get(method)) is not None and answer.status not in usual
    }
    if changed:
        values = {"changes": "; ".join(changed)}
        examination.report("headers.response.status", *changed.values(), values=values)


def _examine_options(examination: Examination) -> None:
    options = examination.options
    if options is None or not succeeded(options):
        return
    names = {name.lower() for name, _ in options.headers}
    if not any(name.startswith("tus-") for name in names):
        return  # something else answered it
    if "tus-version" not in names:
        examination.report("headers.response.tus-version", options)
    if "tus-extension" not in names:
        examination.report("headers.response.tus-extension", options)
    if "checksum" in examination.extensions and "tus-checksum-algorithm" not in names:
        examination.report("headers.response.tus-checksum-algorithm", options)


async def _examine_checksum(examination: Examination) -> None:
    if "checksum" not in examination.extensions:
        return
    _, url = await examination.create(5)
    if url is None:
        return
    wrong = _checksum(b"other")
    sent = await examination.patch(url, 0, b"12345", ("Upload-Checksum", wrong))
    if not examination.accepts(sent):
        return
    head = await examination.send("HEAD", url)
    if offset_of(head) == 0:  # the server refused it, whatever became of the status
        values = {"changes": f"a PATCH with a wrong checksum got {sent.status}, and is not stored"}
        examination.report("headers.response.status", sent, head, values=values)
    else:
        examination.report("headers.request.upload-checksum", sent)


def _checksum(content: bytes) -> str:
    return f"sha1 {b64encode(sha1(content, usedforsecurity=False).digest()).decode()}"


async def _examine_concatenation(examination: Examination) -> None:
    if "concatenation" not in examination.extensions:
        return
    created, url = await examination.create(5, ("Upload-Concat", "partial"))
    if url is None:
        return
    head = await examination.send("HEAD", url)
    if succeeded(head) and header_value(head.headers, "Upload-Concat") is None:
        examination.report(
            "headers.upload-concat", created, head, values={"header": "Upload-Concat"}
        )


async def _examine_deferred_length(examination: Examination) -> None:
    if "creation-defer-length" not in examination.extensions:
        return
    created, url = await examination.create(None, ("Upload-Defer-Length", "1"))
    if created.status == 400 and not examination.is_foreign(created):
        values = {"answer": describe_answer(created)}
        examination.report("headers.request.upload-defer-length", created, values=values)
        return
    if url is None:
        return
    head = await examination.send("HEAD", url)
    names = {name.lower() for name, _ in head.headers}
    if succeeded(head) and not names & {"upload-defer-length", "upload-length"}:
        examination.report("headers.response.upload-defer-length", created, head)
