"""The rules of the core protocol for clients."""

from __future__ import annotations

from collections.abc import Iterator

from tus_conformance.clients.client_rule import (
    ClientRule,
    ClientView,
    RuleCheck,
    each_request,
    show_header,
)
from tus_conformance.clients.seen_request import SeenRequest
from tus_conformance.transport.header_values import is_integer, parse_integer, read_integer

_TUS_METHODS = ("POST", "HEAD", "PATCH", "DELETE")
_METHODS = frozenset({"OPTIONS", *_TUS_METHODS, "GET"})
LONG_PAUSE = 10.0
"""From here on a pause is a response that does not come, in seconds."""
_USED_HEADERS = {
    "Upload-Concat": "concatenation",
    "Upload-Checksum": "checksum",
    "Upload-Defer-Length": "creation-defer-length",
}


def has_one_integer(request: SeenRequest, name: str) -> bool:
    """Return whether a header stands there once, with a non-negative integer."""
    values = request.values(name)
    return len(values) == 1 and is_integer(values[0].strip())


def _offset_format(view: ClientView) -> Iterator[RuleCheck]:
    yield from each_request(
        view.log.of_method("PATCH"),
        lambda request: has_one_integer(request, "Upload-Offset"),
        "one Upload-Offset with a non-negative integer",
        show_header("Upload-Offset"),
    )


def _length_format(view: ClientView) -> Iterator[RuleCheck]:
    yield from each_request(
        [each for each in view.log.requests if each.values("Upload-Length")],
        lambda request: has_one_integer(request, "Upload-Length"),
        "one Upload-Length with a non-negative integer",
        show_header("Upload-Length"),
    )


def _version_present(view: ClientView) -> Iterator[RuleCheck]:
    yield from each_request(
        view.log.of_method(*_TUS_METHODS),
        lambda request: bool(request.values("Tus-Resumable")),
        "Tus-Resumable in every request except OPTIONS",
        show_header("Tus-Resumable"),
    )


def _version_value(view: ClientView) -> Iterator[RuleCheck]:
    requests = [e for e in view.log.of_method(*_TUS_METHODS) if e.values("Tus-Resumable")]
    yield from each_request(
        requests,
        lambda request: request.values("Tus-Resumable") == ["1.0.0"],
        "Tus-Resumable: 1.0.0",
        show_header("Tus-Resumable"),
    )


def _options_without_version(view: ClientView) -> Iterator[RuleCheck]:
    yield from each_request(
        _own_options(view),
        lambda request: not request.values("Tus-Resumable"),
        "OPTIONS without Tus-Resumable",
        show_header("Tus-Resumable"),
    )


def _own_options(view: ClientView) -> list[SeenRequest]:
    """Return the OPTIONS requests of the client: those before a cross-origin request are not."""
    return [
        each
        for each in view.log.of_method("OPTIONS")
        if not each.values("Access-Control-Request-Method")
    ]


def _options_discover(view: ClientView) -> Iterator[RuleCheck]:
    if view.log.requests:
        asked = bool(_own_options(view))
        seen = "asked with OPTIONS" if asked else "did not ask with OPTIONS"
        yield RuleCheck(
            asked, "OPTIONS, if the client likes", seen, grade=None if asked else "note"
        )


def used_extensions(request: SeenRequest) -> list[str]:
    """Return the extensions that a request uses, creation apart."""
    found = [name for header, name in _USED_HEADERS.items() if request.values(header)]
    if request.is_creation and request.body and not request.override:
        found.append("creation-with-upload")
    if request.effective_method == "DELETE":
        found.append("termination")
    return found


def _feature_detection(view: ClientView) -> Iterator[RuleCheck]:
    asked = False
    options = {each.number for each in _own_options(view)}
    for request in view.log.requests:
        asked = asked or request.number in options
        for name in used_extensions(request):
            offered = name in view.log.offered
            if not asked:
                yield RuleCheck(
                    False, f"OPTIONS before {name} is used", f"{name} is used without it", request
                )
            else:
                yield RuleCheck(
                    offered,
                    "only extensions that the server lists",
                    f"{name} is used, which the server does not list",
                    request,
                )


def _override_used(view: ClientView) -> Iterator[RuleCheck]:
    if view.has_option("--override") and (sent := view.log.of_method("PATCH")):
        yield from each_request(
            sent,
            lambda request: request.method == "POST",
            "POST with X-HTTP-Method-Override: PATCH",
            lambda request: f"{request.method} without X-HTTP-Method-Override",
        )


def _override_value(view: ClientView) -> Iterator[RuleCheck]:
    """Look at the name of the method; whether its letter case counts is not specified."""
    show = show_header("X-HTTP-Method-Override")
    for request in view.log.requests:
        if (value := request.override) is not None:
            known = value.upper() in _METHODS
            yield RuleCheck(
                value in _METHODS,
                "X-HTTP-Method-Override with the name of a method"
                + (" in upper case" if known else ""),
                "" if value in _METHODS else show(request),
                request,
                grade="warn" if known else None,
            )


def _head_before_resume(view: ClientView) -> Iterator[RuleCheck]:
    for request in view.log.of_method("PATCH"):
        before = view.previous(request) if request.upload else None
        if before is None:
            if request.upload and request.upload == view.log.prior:
                yield RuleCheck(False, _HEAD_EXPECTED, "PATCH without HEAD", request)
            continue
        if before.effective_method == "HEAD":
            yield RuleCheck(True, _HEAD_EXPECTED, "", request)
        elif _broke_in_body(before) and not view.is_resent(request):
            yield RuleCheck(
                False, _HEAD_EXPECTED, f"PATCH without HEAD after {before.summary()}", request
            )


def _broke_in_body(request: SeenRequest) -> bool:
    data = request.effective_method == "PATCH" or (request.is_creation and bool(request.body))
    return data and request.response is None and request.ended is not None


_HEAD_EXPECTED = "HEAD before an interrupted upload is resumed"


def _content_type(view: ClientView) -> Iterator[RuleCheck]:
    yield from each_request(
        view.log.of_method("PATCH"),
        lambda request: (
            [v.strip().lower() for v in request.values("Content-Type")]
            == ["application/offset+octet-stream"]
        ),
        "Content-Type: application/offset+octet-stream",
        show_header("Content-Type"),
    )


def _offset_matches(view: ClientView) -> Iterator[RuleCheck]:
    """Compare the offset of a PATCH with what the client was told last of the upload."""
    for request in view.log.of_method("PATCH"):
        before = view.previous(request) if request.upload else None
        if before is None or before.false_response or not before.succeeded:
            continue
        told = _told_offset(before)
        if told is None or not has_one_integer(request, "Upload-Offset"):
            continue
        sent = parse_integer(request.values("Upload-Offset")[0])
        yield RuleCheck(
            sent == told,
            f"PATCH with Upload-Offset: {told}, as the response before said",
            f"PATCH with Upload-Offset: {sent}, where the response before said {told}",
            request,
        )


def _told_offset(request: SeenRequest) -> int | None:
    assert request.response is not None
    value = request.response.value("Upload-Offset")
    offset = read_integer(value)
    if offset is not None:
        return offset
    creates = request.is_creation and value is None and not request.false_response
    return 0 if creates else None


def _no_parallel_patches(view: ClientView) -> Iterator[RuleCheck]:
    sent = view.log.of_method("PATCH")
    for later in sent:
        earlier = [
            each
            for each in sent
            if each.upload == later.upload
            and each.number < later.number
            and each.is_under_way(later.began)
            and each.complete  # of others it is not seen when the client gives up
            and not each.closed_by_client
        ]
        if view.is_resent(later):
            continue
        yield RuleCheck(
            not earlier,
            "one PATCH of an upload at a time",
            f"another PATCH is under way: {earlier[0].summary()}" if earlier else "",
            later,
            grade="fail" if earlier else None,
        )


def _single_request(view: ClientView) -> Iterator[RuleCheck]:
    if any(view.has_option(name) for name in ("--chunk", "--parallel", "--defer")):
        return
    for request in view.log.of_method("PATCH"):
        upload = view.log.uploads.get(request.upload)
        if not request.complete or upload is None or upload.length is None:
            continue
        if not has_one_integer(request, "Upload-Offset"):
            continue
        left = upload.length - parse_integer(request.values("Upload-Offset")[0]) - len(request.body)
        yield RuleCheck(
            left <= 0,
            "all remaining bytes in one PATCH",
            f"{len(request.body)} bytes, {left} more remain",
            request,
        )


def _several_requests(view: ClientView) -> Iterator[RuleCheck]:
    if view.has_option("--chunk") and len(view.log.of_method("PATCH")) > 1:
        yield RuleCheck(True)


def _detects_errors(view: ClientView) -> Iterator[RuleCheck]:
    """Look at broken connections; how long a client waits for a response is its own affair."""
    outcome = view.outcome
    faults = any(rule.cut or rule.lose for rule in view.situation.rules)
    stalls = any(rule.pause >= LONG_PAUSE for rule in view.situation.rules)
    if faults and not stalls and not outcome.undecided and view.log.requests:
        yield RuleCheck(
            outcome.outcome not in {"hangs", "endless", "crashed"},
            "the client resumes or reports an error",
            outcome.because,
        )


def _closes_at_timeout(view: ClientView) -> Iterator[RuleCheck]:
    """Look at requests whose response was held back until the client gave up."""
    if not any(rule.pause >= LONG_PAUSE for rule in view.situation.rules):
        return
    for request in view.log.requests:
        waited = request.response is None and request.ended is not None
        if not waited or not request.complete:
            continue
        after = [each for each in view.log.requests if each.number > request.number]
        early = [each for each in after if each.began < (request.ended or 0)]
        yield RuleCheck(
            request.closed_by_client and not early,
            "the connection is closed when the client gives up",
            "the client went on, and the connection stayed open",
            request,
        )


def _after_409(view: ClientView) -> Iterator[RuleCheck]:
    yield from _reaction(view, 409)


def _after_412(view: ClientView) -> Iterator[RuleCheck]:
    yield from _reaction(view, 412)


def _reaction(view: ClientView, status: int) -> Iterator[RuleCheck]:
    for request in view.log.requests:
        if request.status != status:
            continue
        later = [e for e in view.log.requests if e.number > request.number]
        following = later[0].effective_method if later else "no further request"
        yield RuleCheck(True, "", f"after {status}: {following}", request, grade="note")


def _unknown_success(view: ClientView) -> Iterator[RuleCheck]:
    for request in view.log.of_method("PATCH"):
        if not request.succeeded or request.response is None:
            continue
        if request.status == 204 and request.response.value("Upload-Offset") is not None:
            continue
        honest = view.outcome.outcome not in {"lied", "silent", "damaged"}
        yield RuleCheck(
            honest,
            "no success without an Upload-Offset that proves it",
            view.outcome.because,
            request,
            grade=None if honest else "warn",
        )


CORE_RULES = (
    ClientRule("client.core.upload-offset.format", _offset_format),
    ClientRule("client.core.upload-length.format", _length_format),
    ClientRule("client.core.tus-resumable.present", _version_present),
    ClientRule("client.core.tus-resumable.value", _version_value),
    ClientRule("client.core.options.no-tus-resumable", _options_without_version),
    ClientRule("client.core.options.discover", _options_discover),
    ClientRule("client.ext.feature-detection", _feature_detection),
    ClientRule("client.core.method-override", _override_used),
    ClientRule("client.core.method-override.value", _override_value),
    ClientRule("client.core.head-before-resume", _head_before_resume),
    ClientRule("client.core.patch.content-type", _content_type),
    ClientRule("client.core.patch.offset-matches", _offset_matches),
    ClientRule("client.core.patch.parallel-via-concat", _no_parallel_patches),
    ClientRule("client.core.patch.single-request", _single_request),
    ClientRule("client.core.patch.multiple", _several_requests),
    ClientRule("client.core.net.detect-errors", _detects_errors),
    ClientRule("client.core.net.timeout-close", _closes_at_timeout),
    ClientRule("client.core.409-recovery", _after_409),
    ClientRule("client.core.412-reaction", _after_412),
    ClientRule("client.core.unknown-2xx", _unknown_success),
)
