"""The rules that must hold in every exchange of a run, whatever the scenario."""

from __future__ import annotations

from collections.abc import Callable

from tus_conformance.evaluation import head_invariants, write_invariants
from tus_conformance.evaluation.created_urls import CreatedUrls
from tus_conformance.evaluation.http_invariants import HTTP_RULES
from tus_conformance.evaluation.http_refusals import may_be_refused_by_http
from tus_conformance.evaluation.invariant import (
    SERVER_EXIT_REQUIREMENT,
    Invariant,
    InvariantCheck,
    InvariantResult,
    Observation,
    grade_rule,
)
from tus_conformance.evaluation.offset_tracker import OffsetTracker
from tus_conformance.state.step_response import StepResponse
from tus_conformance.transport.header_values import is_integer, parse_concat, parse_integer
from tus_scenarios import Grade

SERVER_KEEPS_RUNNING = "always.server-keeps-running"
BODY_LIMIT = "always.http-body-limit"
CREATION_SUCCEEDS = "always.creation-succeeds"
PATCH_SUCCEEDS = "always.patch-succeeds"

_HANDLER_STATUSES = {400, 409, 410, 412, 413, 415, 460}
"""Error statuses of the protocol's own handler; others may come from a router or a proxy."""


def _check_format(
    name: str, held: Callable[[str, StepResponse], bool], expected: str
) -> InvariantCheck:
    def check(observation: Observation) -> InvariantResult | None:
        value = observation.reply.header(name)
        if value is None:
            return None
        return grade_rule(held(value, observation.reply), "fail", expected, f"{name}: {value}")

    return check


def _check_version_on_success(observation: Observation) -> InvariantResult | None:
    if not observation.requires_version_header or not observation.reply.succeeded:
        return None
    return _version_present(observation, "fail")


def _check_version_on_errors(observation: Observation) -> InvariantResult | None:
    if not observation.requires_version_header or observation.reply.succeeded:
        return None
    status = observation.reply.status
    by_the_handler = status in _HANDLER_STATUSES and not may_be_refused_by_http(
        observation.http_request, status
    )
    return _version_present(observation, "fail" if by_the_handler else "warn")


def _version_present(observation: Observation, violation_grade: Grade) -> InvariantResult:
    held = observation.reply.header("Tus-Resumable") is not None
    actual = f"status {observation.reply.status}, no Tus-Resumable"
    return grade_rule(held, violation_grade, "Tus-Resumable in the response", actual)


def _check_version_value(observation: Observation) -> InvariantResult | None:
    value = observation.reply.header("Tus-Resumable")
    asked = [
        sent for name, sent in observation.http_request.headers if name.lower() == "tus-resumable"
    ]
    if not observation.requires_version_header or value is None or asked != ["1.0.0"]:
        return None
    return grade_rule(value == "1.0.0", "fail", "Tus-Resumable: 1.0.0", f"Tus-Resumable: {value}")


def _check_within_length(observation: Observation) -> InvariantResult | None:
    offset, length = (
        observation.reply.header("Upload-Offset"),
        observation.reply.header("Upload-Length"),
    )
    if offset is None or length is None or not (is_integer(offset) and is_integer(length)):
        return None
    if parse_integer(offset) <= parse_integer(length):
        return InvariantResult("pass")
    actual = f"Upload-Offset: {offset}, Upload-Length: {length}"
    expected = "an offset that is not greater than the length"
    return InvariantResult("fail", expected, actual, rule="data-loss")


class ConcatFormat:
    """The form of every Upload-Concat; one that is as it was sent is the client's, not wrong."""

    def __init__(self) -> None:
        self._sent: set[str] = set()

    def check(self, observation: Observation) -> InvariantResult | None:
        """Look at the form of a value that no creation of the run had."""
        self._sent |= {
            value
            for name, value in observation.http_request.headers
            if name.lower() == "upload-concat"
        }
        value = observation.reply.header("Upload-Concat")
        if value is None:
            return None
        held = parse_concat(value, observation.reply.url) is not None
        if not held and value in self._sent:
            return None
        expected = "partial, or final; with URLs"
        return grade_rule(held, "fail", expected, f"Upload-Concat: {value}")


def _check_location_answers(observation: Observation) -> InvariantResult | None:
    failure = observation.reply.http_response.failure
    if failure is not None and failure.kind == "dead-origin":
        expected = "a Location at which the upload can be reached"
        return InvariantResult("fail", expected, failure.message)
    at_upload = observation.reply.upload is not None and observation.method != "POST"
    return InvariantResult("pass") if at_upload and observation.reply.status is not None else None


def _say_nothing(_observation: Observation) -> InvariantResult | None:
    """Say nothing: discovery has looked for the limit."""
    return None


def _check_answered(observation: Observation) -> InvariantResult | None:
    if observation.reply.status is None:
        return None
    return InvariantResult("pass")


_NUMBER = "a non-negative integer, once"

_RULES: tuple[tuple[str, str, str, Callable[[], InvariantCheck]], ...] = (
    (
        "always.tus-resumable-on-success",
        "Every successful response has Tus-Resumable",
        "core.tus-resumable.response-present",
        lambda: _check_version_on_success,
    ),
    (
        "always.tus-resumable-on-errors",
        "Every error response has Tus-Resumable",
        "core.tus-resumable.response-present",
        lambda: _check_version_on_errors,
    ),
    (
        "always.tus-resumable-value",
        "Tus-Resumable has the version of the request",
        "core.tus-resumable.response-value",
        lambda: _check_version_value,
    ),
    (
        "always.upload-offset-format",
        "Every Upload-Offset is a non-negative integer",
        "core.upload-offset.format",
        lambda: _check_format("Upload-Offset", lambda value, _: is_integer(value), _NUMBER),
    ),
    (
        "always.upload-length-format",
        "Every Upload-Length is a non-negative integer",
        "core.upload-length.format",
        lambda: _check_format("Upload-Length", lambda value, _: is_integer(value), _NUMBER),
    ),
    (
        "always.upload-defer-length-value",
        "Every Upload-Defer-Length is 1",
        "creation.defer-length.value",
        lambda: _check_format("Upload-Defer-Length", lambda value, _: value == "1", "the value 1"),
    ),
    (
        "always.upload-concat-format",
        "Every Upload-Concat is partial, or final with a list of URLs",
        "concatenation.header.response-format",
        lambda: ConcatFormat().check,
    ),
    (
        "always.offset-never-goes-back",
        "An acknowledged offset never decreases",
        "core.head.offset-accurate",
        lambda: OffsetTracker().check_not_decreasing,
    ),
    (
        "always.location-answers",
        "Every Location names a server that accepts connections",
        "creation.post.location",
        lambda: _check_location_answers,
    ),
    (
        BODY_LIMIT,
        "A request body may be as large as the upload",
        "http.request.body-limit",
        lambda: _say_nothing,
    ),
    (
        SERVER_KEEPS_RUNNING,
        "The server keeps running, whatever clients send",
        SERVER_EXIT_REQUIREMENT,
        lambda: _check_answered,
    ),
    (
        "always.offset-within-length",
        "An offset is never greater than the length",
        "core.patch.exceeds-length",
        lambda: _check_within_length,
    ),
    (
        "always.head-cache-control",
        "Every response to HEAD has Cache-Control: no-store",
        "core.head.cache-control",
        lambda: head_invariants.check_no_store,
    ),
    (
        "always.head-upload-offset",
        "Every successful response to HEAD has Upload-Offset",
        "core.head.upload-offset",
        lambda: head_invariants.check_offset_present,
    ),
    (
        "always.head-partial-upload-offset",
        "Every successful response to HEAD of a partial upload has Upload-Offset",
        "concatenation.partial.head-offset",
        lambda: head_invariants.check_partial_offset_present,
    ),
    (
        "always.head-upload-length",
        "Every successful response to HEAD has the Upload-Length of the creation",
        "core.head.upload-length",
        lambda: head_invariants.check_length,
    ),
    (
        "always.head-upload-defer-length",
        "Every successful response to HEAD has Upload-Defer-Length while the length is unknown",
        "creation.defer-length.head",
        lambda: head_invariants.check_length_deferred,
    ),
    (
        "always.head-upload-length-known",
        "No response to HEAD has Upload-Defer-Length if the creation had a length",
        "creation.defer-length.omit-when-known",
        lambda: head_invariants.check_length_not_deferred,
    ),
    (
        "always.head-upload-metadata",
        "Every Upload-Metadata in a response to HEAD is that of the creation",
        "creation.metadata.head-echo",
        lambda: head_invariants.check_metadata,
    ),
    (
        "always.head-final-metadata",
        "No response to HEAD of a final upload has the metadata of its partial uploads",
        "concatenation.final.metadata-not-transferred",
        lambda: head_invariants.check_metadata_not_transferred,
    ),
    (
        "always.head-upload-concat",
        "Every successful response to HEAD has the Upload-Concat of the creation",
        "concatenation.head.upload-concat",
        lambda: head_invariants.check_concat,
    ),
    (
        "always.head-success-status",
        "Every successful response to HEAD is 200 or 204",
        "core.head.success-status",
        lambda: head_invariants.check_success_status,
    ),
    (
        "always.head-not-found-no-offset",
        "No response that an upload is not found has Upload-Offset",
        "core.head.not-found-no-offset",
        lambda: head_invariants.check_not_found_without_offset,
    ),
    (
        "always.patch-success-status",
        "Every successful response to PATCH is 204",
        "core.patch.success-204",
        lambda: write_invariants.check_patch_status,
    ),
    (
        "always.patch-upload-offset",
        "Every 204 response to PATCH has Upload-Offset",
        "core.patch.upload-offset-present",
        lambda: write_invariants.check_patch_offset,
    ),
    (
        "always.patch-upload-offset-sum",
        "Every new offset is the old one plus at most the bytes that were sent",
        "core.patch.upload-offset-value",
        lambda: write_invariants.check_patch_sum,
    ),
    (
        "always.patch-upload-expires",
        "Every 204 response to PATCH of an unfinished upload that expires has Upload-Expires",
        "expiration.patch-header",
        lambda: write_invariants.check_patch_expires,
    ),
    (
        "always.upload-expires-format",
        "Every Upload-Expires is an HTTP date",
        "expiration.date-format",
        lambda: write_invariants.check_expires_format,
    ),
    (
        "always.unsupported-version-lists-versions",
        "Every 412 response lists the supported versions",
        "core.tus-resumable.unsupported-tus-version",
        lambda: write_invariants.check_versions_listed,
    ),
    (
        "always.creation-status",
        "Every successful creation is answered with 201",
        "creation.post.201",
        lambda: write_invariants.check_creation_status,
    ),
    (
        CREATION_SUCCEEDS,
        "No creation that prepares a scenario gets a server error",
        "creation.post.201",
        lambda: write_invariants.check_creation_succeeds,
    ),
    (
        PATCH_SUCCEEDS,
        "No PATCH that prepares a scenario gets a server error",
        "core.patch.success-204",
        lambda: write_invariants.check_patch_succeeds,
    ),
    (
        "always.creation-location",
        "Every 201 response has Location",
        "creation.post.location",
        lambda: write_invariants.check_creation_location,
    ),
)
"""Id, title, requirement, and what makes the check of a run: some remember what they saw."""


def invariants(urls: CreatedUrls | None = None) -> list[Invariant]:
    """Return every invariant, fresh for a run; `urls` are told of removals by other means."""
    found = [
        Invariant(name, title, requirement, make_check())
        for name, title, requirement, make_check in (*_RULES, *HTTP_RULES)
    ]
    differ = Invariant(
        "always.upload-urls-differ",
        "Every creation returns a URL that no other upload has or had",
        "creation.post.location",
        (urls or CreatedUrls()).check_new,
    )
    return [*found, differ]
