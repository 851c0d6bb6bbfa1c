"""Who does it, from the same examination of the server itself: what is there, too, is its own."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from tus_conformance.doctor.examination import Examination
from tus_conformance.doctor.finding import DoctorFinding
from tus_conformance.doctor.stage import StageResult
from tus_conformance.targets.origin_guard import same_origin
from tus_conformance.transport.header_values import header_value, resolve_url

_COMPARED_HEADERS = (
    *("tus-resumable", "tus-version", "tus-extension", "tus-max-size", "tus-checksum-algorithm"),
    *("upload-offset", "upload-length", "upload-expires", "cache-control"),
)
_HEADERS_OF_FINDINGS = "headers.response."


def attribute_findings(
    examination: Examination, direct: Examination, direct_stages: Sequence[StageResult]
) -> None:
    """Say of each finding whether the server or the proxy does it, where that is known."""
    _compare_headers(examination, direct)
    own = {finding.id for finding in direct.findings}
    examined = {result.name for result in direct_stages if result.state in {"clean", "findings"}}
    name = next((each for each in examination.on_the_way if each not in direct.on_the_way), "")
    for index, finding in enumerate(examination.findings):
        if finding.id.startswith("location."):
            examination.findings[index] = _attribute_location(finding, direct, name)
        elif finding.id in own:
            examination.findings[index] = structs.replace(
                finding,
                culprit="server",
                culprit_name="",
                why="the server itself does the same",
            )
        elif len(examined) > 1:
            examination.findings[index] = blame_proxy(
                finding, name, "the server itself does not do it"
            )


def blame_proxy(finding: DoctorFinding, name: str, why: str) -> DoctorFinding:
    """Return a finding as that of the proxy."""
    return structs.replace(
        finding, culprit="proxy", culprit_name=finding.culprit_name or name, why=why
    )


def _attribute_location(finding: DoctorFinding, direct: Examination, name: str) -> DoctorFinding:
    """Say who makes a wrong Location: a server whose own is right was not informed by the proxy."""
    location = resolve_url(direct.facts.get("Location", ""), direct.target.url)
    if location is None:
        return finding
    if same_origin(location, direct.target.url):
        why = "asked without the proxy, the server names the URL at which it was asked"
        return blame_proxy(finding, name, why)
    return structs.replace(
        finding, culprit="server", why="the server names this URL also without the proxy"
    )


def _compare_headers(examination: Examination, direct: Examination) -> None:
    """Report headers of tus that the server sends and the target does not."""
    reported = {
        finding.id.removeprefix(_HEADERS_OF_FINDINGS)
        for finding in examination.findings
        if finding.id.startswith(_HEADERS_OF_FINDINGS)
    }
    broken = any(finding.id.startswith("methods.") for finding in examination.findings)
    pairs = [
        (method, examination.answers[method], answer)
        for method, answer in direct.answers.items()
        if method in examination.answers
    ]
    if examination.options is not None and direct.options is not None and not broken:
        pairs.append(("OPTIONS", examination.options, direct.options))
    missing = []
    responses = []
    for method, through, own in pairs:
        if through.status != own.status:
            continue
        lost = [
            name
            for name in _COMPARED_HEADERS
            if name not in reported
            and header_value(own.headers, name) is not None
            and header_value(through.headers, name) is None
        ]
        missing += [f"{name} ({method})" for name in lost]
        responses += [through, own] if lost else []
    if missing:
        values = {"headers": ", ".join(missing)}
        examination.report("headers.response.changed", *responses, values=values, culprit="proxy")


def attribute_to_proxy(examination: Examination) -> None:
    """Say of each finding that the proxy does it: the server is our own, and does not."""
    name = next(iter(examination.on_the_way), "")
    examination.findings[:] = [
        blame_proxy(finding, name, "the server behind it is the mirror, which does not do it")
        for finding in examination.findings
    ]
