"""The rules of checksum, termination and concatenation for clients."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from urllib.parse import urljoin

from tus_conformance.clients.client_rule import (
    ClientRule,
    ClientView,
    RuleCheck,
    each_request,
    show_header,
)
from tus_conformance.clients.client_urls import target_of
from tus_conformance.clients.seen_request import SeenRequest, value_of, values_of

_CHECKSUM = re.compile(r"([^ ]+) ([A-Za-z0-9+/]+={0,2})")


def _checksummed(view: ClientView) -> list[SeenRequest]:
    return [each for each in view.log.requests if _checksum(each) is not None]


def _checksum(request: SeenRequest) -> str | None:
    sent = request.value("Upload-Checksum")
    return sent if sent is not None else value_of(request.trailers, "Upload-Checksum")


def _checksum_sent(view: ClientView) -> Iterator[RuleCheck]:
    if view.has_option("--checksum") and view.log.of_method("PATCH"):
        sent = bool(_checksummed(view))
        yield RuleCheck(
            sent, "Upload-Checksum", "no Upload-Checksum was sent", grade=None if sent else "note"
        )


def _checksum_format(view: ClientView) -> Iterator[RuleCheck]:
    """Compare each checksum with that of the body, where the whole body is known."""
    for request in _checksummed(view):
        value = _checksum(request) or ""
        parts = _CHECKSUM.fullmatch(value)
        if parts is None:
            yield RuleCheck(
                False, "the algorithm, one space, the digest in Base64", repr(value), request
            )
            continue
        if not request.complete or parts[1] not in hashlib.algorithms_available:
            yield RuleCheck(True)
            continue
        right = base64.b64encode(hashlib.new(parts[1], request.body).digest()).decode()
        yield RuleCheck(parts[2] == right, f"{parts[1]} {right}", value, request)


def _algorithm_name(view: ClientView) -> Iterator[RuleCheck]:
    for request in _checksummed(view):
        name = (_checksum(request) or "").partition(" ")[0]
        right = name.isascii() and name == name.lower() and bool(name)
        yield RuleCheck(right, "an algorithm's name in ASCII without upper case", name, request)


def _trailer_used(view: ClientView) -> Iterator[RuleCheck]:
    for request in view.log.requests:
        if values_of(request.trailers, "Upload-Checksum"):
            listed = "checksum-trailer" in view.log.offered
            yield RuleCheck(
                listed,
                "a trailer where checksum-trailer is listed",
                "a trailer, and checksum-trailer is not listed",
                request,
                grade=None if listed else "warn",
            )


def _terminates(view: ClientView) -> Iterator[RuleCheck]:
    yield from each_request(
        view.log.of_method("DELETE"),
        lambda request: bool(request.upload),
        "DELETE to the URL of the upload",
        lambda request: f"DELETE {request.target}",
    )


def _parts(view: ClientView) -> list[SeenRequest]:
    """Return the creations of an upload that is sent in parallel."""
    if not view.has_option("--parallel"):
        return []
    return [each for each in view.log.requests if each.is_creation]


def _finals(view: ClientView) -> list[SeenRequest]:
    return [each for each in view.log.requests if each.is_creation and each.concat == "final"]


def _concat_everywhere(view: ClientView) -> Iterator[RuleCheck]:
    creations = _parts(view)
    if any(each.values("Upload-Concat") for each in creations):
        yield from each_request(
            creations,
            lambda request: len(request.values("Upload-Concat")) == 1,
            "Upload-Concat in every creation of a parallel upload",
            show_header("Upload-Concat"),
        )


def _partial_value(view: ClientView) -> Iterator[RuleCheck]:
    marked = [each for each in view.log.requests if each.values("Upload-Concat")]
    yield from each_request(
        [each for each in marked if each.is_creation and each.concat != "final"],
        lambda request: request.value("Upload-Concat") == "partial",
        "Upload-Concat: partial",
        show_header("Upload-Concat"),
    )


def _final_value(view: ClientView) -> Iterator[RuleCheck]:
    for request in _finals(view):
        value = request.value("Upload-Concat") or ""
        named = [_upload_named(view, request, url) for url in value.partition(";")[2].split(" ")]
        created = [each.id for each in view.log.uploads.values() if each.concat == "partial"]
        shape = value.startswith("final;") and all(named)
        yield RuleCheck(
            shape and set(named) <= set(created),
            "final; and the URLs of the partial uploads, separated by one space",
            value,
            request,
        )


def _upload_named(view: ClientView, request: SeenRequest, url: str) -> str:
    """Return the id of the upload that a URL in Upload-Concat names, or "" for none."""
    host = request.value("Host") or "127.0.0.1"
    place = target_of(urljoin(f"http://{host}{request.target}", url)) if url else None
    uploads = view.log.uploads.values()
    return next((each.id for each in uploads if target_of(each.url) == place), "")


def _final_header(view: ClientView) -> Iterator[RuleCheck]:
    if view.has_option("--parallel") and view.outcome.outcome in {"whole", "lied"}:
        partial = any(each.concat == "partial" for each in view.log.uploads.values())
        if partial:
            yield RuleCheck(
                bool(_finals(view)),
                "a POST with Upload-Concat: final",
                "no final upload was asked for",
            )


def _final_without_length(view: ClientView) -> Iterator[RuleCheck]:
    yield from each_request(
        _finals(view),
        lambda request: not request.values("Upload-Length"),
        "no Upload-Length with a final upload",
        show_header("Upload-Length"),
    )


def _final_after_partials(view: ClientView) -> Iterator[RuleCheck]:
    for request in _finals(view):
        unfinished = [
            each
            for each in view.log.requests
            if each.effective_method == "PATCH"
            and each.number < request.number
            and each.is_under_way(request.began)
        ]
        listed = "concatenation-unfinished" in view.log.offered
        yield RuleCheck(
            not unfinished,
            "the final upload after its partial uploads are complete",
            "a PATCH of a partial upload is under way",
            request,
            grade="note" if unfinished and listed else None,
        )


def _unfinished_listed(view: ClientView) -> Iterator[RuleCheck]:
    for finding in _final_after_partials(view):
        if not finding.held:
            listed = "concatenation-unfinished" in view.log.offered
            yield RuleCheck(
                listed,
                "concatenation-unfinished is listed",
                "concatenation-unfinished is not listed",
                finding.request,
            )


def _final_metadata(view: ClientView) -> Iterator[RuleCheck]:
    if view.has_option("--meta"):
        yield from each_request(
            _finals(view),
            lambda request: bool(request.values("Upload-Metadata")),
            "Upload-Metadata with the final upload",
            show_header("Upload-Metadata"),
        )


def _partials_reused(view: ClientView) -> Iterator[RuleCheck]:
    for request in _finals(view):
        names = (request.value("Upload-Concat") or "").partition(";")[2].split()
        again = len(set(names)) < len(names)
        yield RuleCheck(True, "", "reused" if again else "each used once", request, grade="note")


def _url_form(view: ClientView) -> Iterator[RuleCheck]:
    for request in _finals(view):
        names = (request.value("Upload-Concat") or "").partition(";")[2].split()
        absolute = all(name.startswith("http") for name in names)
        form = "absolute URLs" if absolute else "relative URLs"
        yield RuleCheck(True, "", form, request, grade="note")


def _urls_without_spaces(view: ClientView) -> Iterator[RuleCheck]:
    for request in _finals(view):
        names = (request.value("Upload-Concat") or "").partition(";")[2].strip().split(" ")
        yield RuleCheck(
            all(_upload_named(view, request, name) for name in names if name),
            "URLs as they were received, without spaces",
            request.value("Upload-Concat") or "",
            request,
        )


EXTENSION_RULES = (
    ClientRule("client.checksum.may-implement", _checksum_sent),
    ClientRule("client.checksum.header", _checksum_sent),
    ClientRule("client.checksum.format", _checksum_format),
    ClientRule("client.checksum.algorithm-name", _algorithm_name),
    ClientRule("client.checksum-trailer.may", _trailer_used),
    ClientRule("client.termination.delete", _terminates),
    ClientRule("client.concatenation.final.header", _final_header),
    ClientRule("client.concatenation.final.value", _final_value),
    ClientRule("client.concatenation.header-set", _concat_everywhere),
    ClientRule("client.concatenation.partial.value", _partial_value),
    ClientRule("client.concatenation.final.no-upload-length", _final_without_length),
    ClientRule("client.concatenation.final.after-complete", _final_after_partials),
    ClientRule("client.concatenation-unfinished.may", _unfinished_listed),
    ClientRule("client.concatenation.final.metadata", _final_metadata),
    ClientRule("client.concatenation.partial.reuse", _partials_reused),
    ClientRule("client.concatenation.urls.form", _url_form),
    ClientRule("client.concatenation.urls.no-spaces", _urls_without_spaces),
)
