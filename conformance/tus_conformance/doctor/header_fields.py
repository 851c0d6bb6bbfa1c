"""The stage `headers`: whether every header of tus arrives, in both directions."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha1

from tus_conformance.discovery.preflight import USUAL_METADATA
from tus_conformance.discovery.prober import succeeded
from tus_conformance.doctor.examination import Examination, describe_answer, offset_of
from tus_conformance.transport import HttpResponse
from tus_conformance.transport.header_values import header_value, split_list


async def examine_headers(examination: Examination) -> None:
    """Compare what each response should have with what it has, then what requests lost."""
    created, url = await examination.create(10, ("Upload-Metadata", USUAL_METADATA))
    if url is None:
        return
    head = await examination.send("HEAD", url)
    patch = await examination.patch(url, 0, b"12345")
    _examine_version(examination)
    _examine_offset(examination, head, patch)
    if succeeded(head) and offset_of(head) is not None:
        _examine_head(examination, head)
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
        answer for answer in (head, patch) if succeeded(answer) and offset_of(answer) is None
    ]
    if without and "head" not in examination.prevented:
        values = {"methods": " and ".join(each.exchange.method for each in without)}
        examination.report("headers.response.upload-offset", *without, values=values)


def _examine_head(examination: Examination, head: HttpResponse) -> None:
    if header_value(head.headers, "Upload-Length") is None:
        examination.report("headers.response.upload-length", head)
    cache = (header_value(head.headers, "Cache-Control") or "").lower()
    if "no-store" not in cache:
        values = {"value": cache or "no Cache-Control"}
        examination.report("headers.response.cache-control", head, values=values)
    metadata = header_value(head.headers, "Upload-Metadata")
    if metadata is None or set(split_list(metadata)) != set(split_list(USUAL_METADATA)):
        _report_lost(examination, "upload-metadata", head, "Upload-Metadata")


def _report_lost(examination: Examination, name: str, head: HttpResponse, header: str) -> None:
    """Report a header that a creation sent and HEAD does not return."""
    examination.report(f"headers.{name}", head, values={"header": header})


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
    if succeeded(sent):
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
