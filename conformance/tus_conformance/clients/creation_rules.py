"""The rules of creation, its variants and expiration for clients."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from tus_conformance.clients.client_rule import (
    ClientRule,
    ClientView,
    RuleCheck,
    each_request,
    show_header,
)
from tus_conformance.clients.seen_request import SeenRequest
from tus_conformance.transport.header_values import parse_http_date

_OCTETS = "application/offset+octet-stream"


def _creations(view: ClientView) -> list[SeenRequest]:
    return [each for each in view.log.requests if each.is_creation]


def _ordinary_creations(view: ClientView) -> list[SeenRequest]:
    return [each for each in _creations(view) if each.concat != "final"]


def _creations_with_body(view: ClientView) -> list[SeenRequest]:
    return [each for each in _creations(view) if each.body or _announces_body(each)]


def _announces_body(request: SeenRequest) -> bool:
    length = request.value("Content-Length") or "0"
    return request.values("Transfer-Encoding") != [] or length.strip() not in {"0", ""}


def _supported(view: ClientView) -> Iterator[RuleCheck]:
    tried = [each for each in view.log.requests if each.effective_method != "OPTIONS"]
    if view.situation.prior is None and tried:
        yield RuleCheck(bool(_creations(view)), "POST to the endpoint", "no POST was sent")


def _post_to_endpoint(view: ClientView) -> Iterator[RuleCheck]:
    yield from each_request(
        _creations(view),
        lambda request: _is_endpoint(view, request),
        f"POST to {view.log.endpoint}",
        lambda request: f"POST to {request.target}",
    )


def _is_endpoint(view: ClientView, request: SeenRequest) -> bool:
    path = request.target.partition("?")[0].removeprefix("/moved")
    return path.rstrip("/").endswith(view.log.endpoint.rstrip("/"))


def _length_header(view: ClientView) -> Iterator[RuleCheck]:
    yield from each_request(
        _ordinary_creations(view),
        lambda request: (
            len(request.values("Upload-Length") + request.values("Upload-Defer-Length")) == 1
        ),
        "either Upload-Length or Upload-Defer-Length",
        lambda request: (
            f"{show_header('Upload-Length')(request)} and"
            f" {len(request.values('Upload-Defer-Length'))} Upload-Defer-Length"
        ),
    )


def _defer_value(view: ClientView) -> Iterator[RuleCheck]:
    yield from each_request(
        [each for each in view.log.requests if each.values("Upload-Defer-Length")],
        lambda request: request.values("Upload-Defer-Length") == ["1"],
        "Upload-Defer-Length: 1",
        show_header("Upload-Defer-Length"),
    )


def _defer_omitted(view: ClientView) -> Iterator[RuleCheck]:
    if not view.has_option("--defer"):
        yield from each_request(
            _ordinary_creations(view),
            lambda request: not request.values("Upload-Defer-Length"),
            "no Upload-Defer-Length where the length is known",
            show_header("Upload-Defer-Length"),
        )


def _deferred(view: ClientView) -> Iterator[list[SeenRequest]]:
    """Yield the requests about each upload whose length was deferred."""
    for request in _creations(view):
        if request.values("Upload-Defer-Length") and request.upload:
            yield view.log.about(request.upload)


def _defer_declared(view: ClientView) -> Iterator[RuleCheck]:
    if view.outcome.outcome not in {"whole", "lied", "silent"}:
        return
    for requests in _deferred(view):
        declared = [each for each in requests[1:] if each.values("Upload-Length")]
        yield RuleCheck(
            bool(declared),
            "a PATCH with Upload-Length once the length is known",
            "the upload ended without Upload-Length",
            requests[-1],
        )


def _length_immutable(view: ClientView) -> Iterator[RuleCheck]:
    for requests in _deferred(view):
        declared = [each for each in requests if each.values("Upload-Length")]
        values = {value for each in declared for value in each.values("Upload-Length")}
        if declared:
            shown = " and ".join(sorted(values))
            yield RuleCheck(
                len(values) == 1, "one Upload-Length", f"Upload-Length: {shown}", declared[-1]
            )


def _empty_file(view: ClientView) -> Iterator[RuleCheck]:
    if view.size == 0 and not view.has_option("--defer"):
        yield from each_request(
            _ordinary_creations(view),
            lambda request: request.values("Upload-Length") == ["0"],
            "Upload-Length: 0 for an empty file",
            show_header("Upload-Length"),
        )


def _empty_without_patch(view: ClientView) -> Iterator[RuleCheck]:
    if view.size == 0 and view.log.uploads and view.outcome.outcome in {"whole", "lied"}:
        sent = view.log.of_method("PATCH")
        request = sent[0] if sent else None
        yield RuleCheck(not sent, "no PATCH of an empty upload", "PATCH", request, grade="note")


def _metadata(view: ClientView) -> list[SeenRequest]:
    return [each for each in view.log.requests if each.values("Upload-Metadata")]


def _pairs(request: SeenRequest) -> list[str]:
    return [pair.strip(" \t") for v in request.values("Upload-Metadata") for pair in v.split(",")]


def _keys(request: SeenRequest) -> list[str]:
    return [pair.partition(" ")[0] for pair in _pairs(request)]


def _metadata_rule(
    is_right: Callable[[SeenRequest], bool], expected: str
) -> Callable[[ClientView], Iterator[RuleCheck]]:
    def check(view: ClientView) -> Iterator[RuleCheck]:
        yield from each_request(_metadata(view), is_right, expected, show_header("Upload-Metadata"))

    return check


def _metadata_sent(view: ClientView) -> Iterator[RuleCheck]:
    if view.has_option("--meta") and _creations(view):
        sent = bool(_metadata(view))
        yield RuleCheck(
            sent, "Upload-Metadata", "no Upload-Metadata was sent", grade=None if sent else "note"
        )


def _no_empty_keys(view: ClientView) -> Iterator[RuleCheck]:
    """Look for values without a key; the space before one is lost at the start of a header.

    A header without any pair is another requirement's affair.
    """
    unkeyed = {
        base64.b64encode(option[1:].encode()).decode()
        for option in view.situation.options
        if option.startswith("=")
    }
    yield from each_request(
        [each for each in _metadata(view) if any(_pairs(each))],
        lambda request: not unkeyed & set(_keys(request)),
        "keys that are not empty",
        show_header("Upload-Metadata"),
    )


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _values_in_base64(view: ClientView) -> Iterator[RuleCheck]:
    """Compare the values with those that the client was given, as UTF-8."""
    given = dict(option.split("=", 1) for option in view.situation.options if "=" in option)
    for request in _metadata(view):
        pairs = [pair for pair in _pairs(request) if pair.count(" ") <= 1]
        values = {pair.partition(" ")[0]: pair.partition(" ")[2] for pair in pairs}
        wrong = [value for value in values.values() if not _is_base64(value)]
        wrong += [
            f"{key}: {values[key]}"
            for key in values.keys() & given.keys()
            if values[key] != base64.b64encode(given[key].encode()).decode()
        ]
        yield RuleCheck(
            not wrong, "the values as UTF-8 in Base64", wrong[0] if wrong else "", request
        )


def _empty_value(view: ClientView) -> Iterator[RuleCheck]:
    yield from _empty_values(view, lambda pair: pair.strip() != "")


def _omitted_space(view: ClientView) -> Iterator[RuleCheck]:
    yield from _empty_values(view, lambda pair: not pair.endswith(" "))


def _empty_values(view: ClientView, is_so: Callable[[str], bool]) -> Iterator[RuleCheck]:
    """Yield how metadata with an empty value is written."""
    if not any(option.endswith("=") for option in view.situation.options):
        return
    for request in _metadata(view):
        raw = [pair for v in request.values("Upload-Metadata") for pair in v.split(",")]
        empty = [pair for pair in raw if not pair.strip().partition(" ")[2]]
        if empty:
            held = is_so(empty[0])
            yield RuleCheck(held, "", repr(empty[0]), request, grade="pass" if held else "note")


def _location_followed(view: ClientView) -> Iterator[RuleCheck]:
    for request in _creations(view):
        if request.response is None or request.response.value("Location") is None:
            continue
        if request.status != 201 or not request.complete:
            continue
        later = [each for each in view.log.requests if each.number > request.number]
        reached = any(each.upload == request.upload for each in later)
        lost = next((each for each in later if _leads_nowhere(each)), None)
        if reached or lost is not None:
            yield RuleCheck(
                lost is None,
                f"requests to {request.response.value('Location')}",
                ""
                if lost is None
                else f"{lost.effective_method} {lost.target}, which is not where the upload is",
                lost,
            )


def _leads_nowhere(request: SeenRequest) -> bool:
    about_upload = request.effective_method in {"HEAD", "PATCH", "DELETE"}
    return about_upload and not request.upload


def _data_in_patch(view: ClientView) -> Iterator[RuleCheck]:
    data = [each for each in view.log.requests if each.body]
    expected = "data in PATCH to the upload"
    for request in data:
        carries = request.effective_method in {"PATCH", "POST"}
        yield RuleCheck(carries, expected, f"data in {request.effective_method}", request)


def _with_upload_sent(view: ClientView) -> Iterator[RuleCheck]:
    if view.has_option("--with-creation") and _creations(view):
        sent = bool(_creations_with_body(view))
        yield RuleCheck(sent, "data in POST", "POST without data", grade=None if sent else "note")


def _with_upload_type(view: ClientView) -> Iterator[RuleCheck]:
    yield from each_request(
        _creations_with_body(view),
        lambda request: request.values("Content-Type") == [_OCTETS],
        f"Content-Type: {_OCTETS}",
        show_header("Content-Type"),
    )


def _with_upload_verified(view: ClientView) -> Iterator[RuleCheck]:
    for request in _creations_with_body(view):
        asked = any(e.number < request.number for e in view.log.of_method("OPTIONS"))
        offered = "creation-with-upload" in view.log.offered
        yield RuleCheck(
            asked and offered,
            "OPTIONS first, and data in POST only if creation-with-upload is listed",
            "data in POST without OPTIONS"
            if not asked
            else "data in POST, and creation-with-upload is not listed",
            request,
        )


def _with_upload_expects(view: ClientView) -> Iterator[RuleCheck]:
    yield from each_request(
        _creations_with_body(view),
        lambda request: [v.lower() for v in request.values("Expect")] == ["100-continue"],
        "Expect: 100-continue",
        show_header("Expect"),
    )


def _with_upload_offset(view: ClientView) -> Iterator[RuleCheck]:
    for request in _creations_with_body(view):
        if not request.succeeded or not request.upload or request.response is None:
            continue
        told = request.response.value("Upload-Offset") or "0"
        about = [each for each in view.log.about(request.upload) if each.number > request.number]
        if about and about[0].effective_method == "PATCH":
            sent = about[0].value("Upload-Offset") or "none"
            yield RuleCheck(
                sent == told,
                f"Upload-Offset: {told}",
                f"Upload-Offset: {sent}",
                about[0],
                grade="fail",
            )


def _expiry_checked(view: ClientView) -> Iterator[RuleCheck]:
    for request in view.log.of_method("PATCH"):
        before = view.previous(request) if request.upload else None
        if before is None or before.is_creation:
            continue  # there is nothing to resume
        asked = before.effective_method == "HEAD"
        while before is not None and before.response is None:
            before = view.previous(before)
        expires = before.response.value("Upload-Expires") if before and before.response else None
        moment = parse_http_date(expires) if expires else None
        if expires and moment is not None and moment < datetime.now(UTC):
            yield RuleCheck(
                asked,
                "HEAD, or a new upload, after Upload-Expires",
                f"PATCH after Upload-Expires: {expires}",
                request,
            )


def _restarts(view: ClientView) -> Iterator[RuleCheck]:
    for request in view.log.of_method("HEAD"):
        if request.status not in {404, 410} or not request.upload:
            continue
        later = [each for each in view.log.requests if each.number > request.number]
        yield RuleCheck(
            any(each.is_creation for each in later),
            f"a new upload after {request.status}",
            "no new upload was created",
            request,
        )


CREATION_RULES = (
    ClientRule("client.creation.supported", _supported),
    ClientRule("client.creation.post", _post_to_endpoint),
    ClientRule("client.creation.length-header", _length_header),
    ClientRule("client.creation.defer-length.value", _defer_value),
    ClientRule("client.creation.defer-length.omit", _defer_omitted),
    ClientRule("client.creation.defer-length.declare", _defer_declared),
    ClientRule("client.creation.defer-length.immutable", _length_immutable),
    ClientRule("client.creation.zero-length.may", _empty_file),
    ClientRule("client.creation.zero-length.no-patch", _empty_without_patch),
    ClientRule("client.creation.metadata.may", _metadata_sent),
    ClientRule(
        "client.creation.metadata.pairs",
        _metadata_rule(lambda r: all(_pairs(r)), "one or more pairs, separated by commas"),
    ),
    ClientRule(
        "client.creation.metadata.separator",
        _metadata_rule(
            lambda r: not any("  " in pair or "\t" in pair for pair in _pairs(r)),
            "one space between key and value",
        ),
    ),
    ClientRule(
        "client.creation.metadata.key-chars",
        _metadata_rule(
            lambda r: all(pair.count(" ") <= 1 for pair in _pairs(r)), "keys without spaces"
        ),
    ),
    ClientRule(
        "client.creation.metadata.key-nonempty",
        _no_empty_keys,
    ),
    ClientRule(
        "client.creation.metadata.key-ascii",
        _metadata_rule(lambda r: all(key.isascii() for key in _keys(r)), "keys in ASCII"),
    ),
    ClientRule("client.creation.metadata.base64", _values_in_base64),
    ClientRule(
        "client.creation.metadata.unique",
        _metadata_rule(lambda r: len(set(_keys(r))) == len(_keys(r)), "each key once"),
    ),
    ClientRule("client.creation.metadata.empty-value", _empty_value),
    ClientRule("client.creation.metadata.omit-space", _omitted_space),
    ClientRule("client.creation.location", _location_followed),
    ClientRule("client.creation.core-upload", _data_in_patch),
    ClientRule("client.creation-with-upload.may", _with_upload_sent),
    ClientRule("client.creation-with-upload.content-type", _with_upload_type),
    ClientRule("client.creation-with-upload.verify-support", _with_upload_verified),
    ClientRule("client.creation-with-upload.expect-100", _with_upload_expects),
    ClientRule("client.creation-with-upload.use-offset", _with_upload_offset),
    ClientRule("client.expiration.check-before-resume", _expiry_checked),
    ClientRule("client.expiration.restart", _restarts),
)
