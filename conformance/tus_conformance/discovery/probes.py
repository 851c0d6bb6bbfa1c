"""The probes: a table, and a function for each. A probe tries one thing that a server may support.

A probe states in a sentence what it saw. If it could not be made, or something broke, its result is
"unknown", never "refused". CONTRIBUTING.md says how to add one.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha1
from urllib.parse import urlsplit

from tus_conformance.discovery.composed_request import OFFSET_TYPE
from tus_conformance.discovery.prober import (
    NO_UPLOAD_STATUSES,
    SAMPLE,
    ProbeOutcome,
    Prober,
    ProbeResult,
    is_refusal,
    succeeded,
)
from tus_conformance.targets.target_transport import UnsupportedByTransportError
from tus_conformance.transport import HttpResponse
from tus_conformance.transport.header_values import header_value

NO_UPLOAD = ProbeResult("unknown", "The probe could not run, because no upload could be created.")

_WRONG_SHA1 = "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA="
_RIGHT_SHA1 = f"sha1 {b64encode(sha1(b't', usedforsecurity=False).digest()).decode()}"


_MISMATCH = 460
"""What only a server that compares checksums answers."""


@dataclass(frozen=True)
class Probe:
    """A probe of an extension or another capability; `needs_upload` for the first upload."""

    name: str
    run: Callable[[Prober], Awaitable[ProbeResult]]
    needs_upload: bool = False


async def run_probe(probe: Probe, prober: Prober) -> ProbeResult:
    """Run a probe and keep its result in `prober.results`."""
    if probe.needs_upload and prober.first_upload_url is None:
        result = NO_UPLOAD
    else:
        try:
            result = await probe.run(prober)
        except UnsupportedByTransportError as unsupported:
            result = ProbeResult("unknown", str(unsupported))
    prober.results[probe.name] = result
    return result


async def _probe_creation(prober: Prober) -> ProbeResult:
    length = str(len(SAMPLE))
    http_response, prober.first_upload_url = await prober.create_upload(("Upload-Length", length))
    seen = prober.result_for(
        http_response,
        f"POST with Upload-Length: {length}",
        accepted=prober.first_upload_url is not None,
    )
    command = prober.target.profile.commands.upload
    if prober.first_upload_url is None and command is not None:
        prober.first_upload_url = await prober.transport.run_upload_command(
            command, length=len(SAMPLE)
        )
    return seen


async def _probe_creation_with_upload(prober: Prober) -> ProbeResult:
    http_response, url = await prober.create_upload(("Upload-Length", "2"), OFFSET_TYPE, body=b"t")
    if url is None:
        return prober.result_for(http_response, "POST with a body", accepted=False)
    stored = await prober.fetch_offset(url)
    evidence = f"After a POST with one byte, HEAD returned Upload-Offset: {stored}."
    if stored not in {"0", "1"}:
        return ProbeResult("unknown", evidence)
    return ProbeResult("accepted" if stored == "1" else "refused", evidence)


async def _probe_deferred_length(prober: Prober) -> ProbeResult:
    """Defer a length, and declare it: what is seen of either counts, not that POST succeeds."""
    deferral = ("Upload-Defer-Length", "1")
    http_response, url = await prober.create_upload(deferral)
    if url is None:
        what = "POST with Upload-Defer-Length: 1"
        return prober.result_for(http_response, what, accepted=False)
    head = await prober.send("HEAD", url)
    evidence = f"HEAD of an upload with deferred length had {_describe_length(head)}"
    if not succeeded(head):
        return ProbeResult("unknown", f"HEAD of an upload with deferred length got {head.status}.")
    if header_value(head.headers, "Upload-Defer-Length") is not None:
        return ProbeResult("accepted", f"{evidence}.")
    if header_value(head.headers, "Upload-Length") is not None:
        return ProbeResult("refused", f"{evidence}: the header was ignored.")
    declared = await prober.patch(url, 0, SAMPLE[:1], ("Upload-Length", "2"))
    after = await prober.send("HEAD", url)
    evidence += f"; after a PATCH with Upload-Length: 2, which got {declared.status},"
    evidence += f" it had {_describe_length(after)}"
    has_length = header_value(after.headers, "Upload-Length") == "2"
    is_known = has_length or (succeeded(declared) and succeeded(after))
    outcome: ProbeOutcome = "accepted" if has_length else "refused" if is_known else "unknown"
    return ProbeResult(outcome, f"{evidence}.")


def _describe_length(head: HttpResponse) -> str:
    names = ("Upload-Length", "Upload-Defer-Length")
    shown = [
        f"{name}: {value}"
        for name in names
        if (value := header_value(head.headers, name)) is not None
    ]
    return " and ".join(shown) or "neither Upload-Length nor Upload-Defer-Length"


async def _probe_deferred_bytes(prober: Prober) -> ProbeResult:
    """Send a byte before the length is known; its refusal counts only if it is taken with one."""
    if prober.results["creation-defer-length"].outcome != "accepted":
        return ProbeResult("unknown", "The probe could not run, because no length can be deferred.")
    _, url = await prober.create_upload(("Upload-Defer-Length", "1"))
    if url is None:
        return NO_UPLOAD
    early = await prober.patch(url, 0, SAMPLE[:1])
    evidence = f"A PATCH before the length was known got {early.status}"
    if succeeded(early):
        return ProbeResult("accepted", f"{evidence}.")
    declared = await prober.patch(url, 0, SAMPLE[:1], ("Upload-Length", "2"))
    is_refused = is_refusal(early.status) and succeeded(declared)
    return ProbeResult(
        "refused" if is_refused else "unknown",
        f"{evidence}, and one with Upload-Length {declared.status}.",
    )


async def _probe_expiration(prober: Prober) -> ProbeResult:
    assert prober.first_upload_url is not None
    if not prober.saw_expiry:
        await prober.patch(prober.first_upload_url, 0, SAMPLE[:1])
    seen = "A response had" if prober.saw_expiry else "No response to POST or PATCH had"
    return ProbeResult("accepted" if prober.saw_expiry else "refused", f"{seen} Upload-Expires.")


async def _probe_checksum(prober: Prober) -> ProbeResult:
    async def put(url: str, digest: str) -> HttpResponse:
        return await prober.patch(url, 0, b"t", ("Upload-Checksum", digest))

    return await _verify_checksums(prober, "checksum", put)


async def _probe_checksum_trailer(prober: Prober) -> ProbeResult:
    async def put(url: str, digest: str) -> HttpResponse:
        behind = {"framing": "chunked", "trailers": (("Upload-Checksum", digest),)}
        return await prober.patch(url, 0, b"t", ("Trailer", "Upload-Checksum"), **behind)

    return await _verify_checksums(prober, "checksum trailer", put)


async def _verify_checksums(
    prober: Prober, what: str, put: Callable[[str, str], Awaitable[HttpResponse]]
) -> ProbeResult:
    """Send a wrong checksum; its refusal counts only if the right one is accepted."""
    _, url = await prober.create_upload(("Upload-Length", "2"))
    if url is None:
        return NO_UPLOAD
    http_response = await put(url, _WRONG_SHA1)
    stored = await prober.fetch_offset(url)
    status = http_response.status
    evidence = f"A PATCH with a wrong {what} got {status}; HEAD then returned offset {stored}"
    if succeeded(http_response) and stored == "1":
        return ProbeResult("refused", f"{evidence}.")
    if http_response.status not in {400, 460} or stored != "0":
        return ProbeResult("unknown", f"{evidence}.")
    right = await put(url, _RIGHT_SHA1)
    if right.status == _MISMATCH:
        # It compares, if not with what it should: an extension that is broken is there.
        return ProbeResult("accepted", f"{evidence}, and the right one got {right.status}, too.")
    if succeeded(right):
        return ProbeResult("accepted", f"{evidence}.")
    refused = right.status == http_response.status
    return ProbeResult(
        "refused" if refused else "unknown",
        f"{evidence}, and the right one got {right.status}.",
    )


async def _probe_concatenation(prober: Prober) -> ProbeResult:
    http_response, url = await prober.create_upload(
        ("Upload-Concat", "partial"), ("Upload-Length", "1")
    )
    if url is None:
        return prober.result_for(http_response, "POST with Upload-Concat: partial", accepted=False)
    head = await prober.send("HEAD", url)
    if not succeeded(head):
        return ProbeResult("unknown", f"HEAD of a partial got {head.status}.")
    echo = header_value(head.headers, "Upload-Concat")
    prober.partial_upload_url = url if echo == "partial" else None
    return ProbeResult(
        "accepted" if echo == "partial" else "refused",
        f"HEAD of a partial had {_describe_concat(head)}.",
    )


async def _probe_concatenation_unfinished(prober: Prober) -> ProbeResult:
    """Create a final upload too early, complete its part, and see whether it has the bytes."""
    if prober.partial_upload_url is None:
        outcome = prober.results["concatenation"].outcome
        return ProbeResult(outcome, "No partial upload could be created for the probe.")
    part = prober.partial_upload_url
    http_response, url = await prober.create_upload(
        ("Upload-Concat", f"final;{urlsplit(part).path}")
    )
    what = "POST of a final upload with an unfinished partial upload"
    if url is None:
        return prober.result_for(http_response, what, accepted=False)
    early = await prober.send("HEAD", url)
    evidence = f"{what} got {http_response.status}; HEAD of it had {_describe_concat(early)}"
    if not succeeded(early):
        return ProbeResult("unknown", f"{evidence}.")
    is_final = (header_value(early.headers, "Upload-Concat") or "").startswith("final")
    completed = await prober.patch(part, 0, SAMPLE[:1])
    stored = await prober.fetch_offset(url)
    evidence += f", and with its part complete offset {stored}"
    if stored == "1":
        return ProbeResult("accepted", f"{evidence}.")
    if succeeded(completed) and not is_final:
        return ProbeResult("refused", f"{evidence}: it is not a final upload.")
    # It may take its time, so that the offset alone refuses nothing.
    return ProbeResult("accepted" if is_final else "unknown", f"{evidence}.")


def _describe_concat(head: HttpResponse) -> str:
    value = header_value(head.headers, "Upload-Concat")
    return f"Upload-Concat: {value}" if value is not None else "no Upload-Concat"


async def _probe_chunked_bodies(prober: Prober) -> ProbeResult:
    """Send a byte without Content-Length; its refusal counts only if one with it is accepted."""
    _, url = await prober.create_upload(("Upload-Length", "2"))
    if url is None:
        return NO_UPLOAD
    chunked = await prober.patch(url, 0, b"t", framing="chunked")
    evidence = f"A PATCH with a chunked body got {chunked.status}"
    if succeeded(chunked):
        return ProbeResult("accepted", f"{evidence}.")
    sized = await prober.patch(url, 0, b"t")
    is_refused = is_refusal(chunked.status) and succeeded(sized)
    return ProbeResult(
        "refused" if is_refused else "unknown",
        f"{evidence}, and one with Content-Length {sized.status}.",
    )


async def _probe_complete_uploads(prober: Prober) -> ProbeResult:
    """Complete two uploads and ask for them; two, because much depends on the result."""
    assert prober.first_upload_url is not None
    prober.first_upload_is_complete = await prober.complete_upload(prober.first_upload_url)
    _, other = await prober.create_upload(("Upload-Length", str(len(SAMPLE))))
    finished = [prober.first_upload_url] if prober.first_upload_is_complete else []
    if other is not None and await prober.complete_upload(other):
        finished.append(other)
    if not finished:
        return ProbeResult(
            "unknown", "The probe could not run, because no upload could be completed."
        )
    heads = [await prober.send("HEAD", url) for url in finished]
    got = dict.fromkeys(str(head.status) for head in heads)
    evidence = f"HEAD of a complete upload got {' and '.join(got)}."
    if any(head.status in NO_UPLOAD_STATUSES for head in heads):
        return ProbeResult("refused", evidence)
    return ProbeResult("accepted" if all(map(succeeded, heads)) else "unknown", evidence)


async def _probe_download(prober: Prober) -> ProbeResult:
    assert prober.first_upload_url is not None
    if not prober.first_upload_is_complete:
        return ProbeResult(
            "unknown", "The probe could not run, because no upload could be completed."
        )
    http_response = await prober.send("GET", prober.first_upload_url)
    evidence = f"GET of a complete upload got {http_response.status}"
    if not succeeded(http_response):
        return ProbeResult(
            "refused" if is_refusal(http_response.status) else "unknown", f"{evidence}."
        )
    if not _resembles_sample(http_response.body):
        return ProbeResult("refused", f"{evidence} without the bytes of the upload.")
    # Wrong bytes are still a download: otherwise no scenario would compare them.
    wrong = "" if http_response.body == SAMPLE else ", with other bytes than were uploaded"
    return ProbeResult("accepted", f"{evidence}{wrong}.")


async def _probe_termination(prober: Prober) -> ProbeResult:
    # A server may have forgotten the complete upload, so that there is nothing to remove.
    _, fresh = await prober.create_upload(("Upload-Length", "1"))
    url = fresh or prober.first_upload_url
    if url is None:
        return NO_UPLOAD
    http_response = await prober.send("DELETE", url)
    after = await prober.send("HEAD", url)
    gone = after.status in NO_UPLOAD_STATUSES
    baseline_match = prober.refusal_baseline.describe_match(http_response.status)
    evidence = (
        f"DELETE got {http_response.status}{baseline_match}, and HEAD after it {after.status}."
    )
    if succeeded(http_response):
        return ProbeResult("accepted" if gone else "unknown", evidence)
    is_refused = is_refusal(http_response.status) or bool(baseline_match)
    prober.can_terminate = not is_refused
    return ProbeResult("refused" if is_refused else "unknown", evidence)


def _resembles_sample(body: bytes) -> bool:
    """Return whether a body is the sample, even damaged, and not a page about it."""
    runs = (SAMPLE[at : at + 16] for at in range(len(SAMPLE) - 15))
    return len(body) == len(SAMPLE) or any(run in body for run in runs)


PROBES = (
    Probe("creation", _probe_creation),
    Probe("creation-with-upload", _probe_creation_with_upload),
    Probe("creation-defer-length", _probe_deferred_length),
    Probe("deferred-bytes", _probe_deferred_bytes),
    Probe("expiration", _probe_expiration, needs_upload=True),
    Probe("checksum", _probe_checksum),
    Probe("checksum-trailer", _probe_checksum_trailer),
    Probe("concatenation", _probe_concatenation),
    Probe("concatenation-unfinished", _probe_concatenation_unfinished),
    Probe("chunked-bodies", _probe_chunked_bodies),
    Probe("complete-uploads", _probe_complete_uploads, needs_upload=True),
    Probe("download", _probe_download, needs_upload=True),
    Probe("termination", _probe_termination),
)
"""Every probe, in an order in which each finds what it needs."""
