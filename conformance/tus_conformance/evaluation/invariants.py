"""The rules that must hold in every exchange of a run, whatever the scenario."""

from __future__ import annotations

from collections.abc import Callable

from tus_conformance.evaluation.invariant import (
    SERVER_EXIT_REQUIREMENT,
    Invariant,
    InvariantCheck,
    InvariantResult,
    Observation,
)
from tus_conformance.evaluation.offset_tracker import OffsetTracker
from tus_conformance.state.step_response import StepResponse
from tus_conformance.transport.header_values import is_integer, parse_concat
from tus_scenarios import Grade

SERVER_KEEPS_RUNNING = "always.server-keeps-running"

_HANDLER_STATUSES = {400, 409, 410, 412, 413, 415, 460}
"""Error statuses of the protocol's own handler; others may come from a router or a proxy."""


def _result(held: bool, violation_grade: Grade, expected: str, actual: str) -> InvariantResult:  # noqa: FBT001
    return InvariantResult("pass" if held else violation_grade, expected, actual)


def _check_format(
    name: str, held: Callable[[str, StepResponse], bool], expected: str
) -> InvariantCheck:
    def check(observation: Observation) -> InvariantResult | None:
        value = observation.reply.header(name)
        if value is None:
            return None
        return _result(held(value, observation.reply), "fail", expected, f"{name}: {value}")

    return check


def _check_version_on_success(observation: Observation) -> InvariantResult | None:
    if not observation.requires_version_header or not observation.reply.succeeded:
        return None
    return _version_present(observation, "fail")


def _check_version_on_errors(observation: Observation) -> InvariantResult | None:
    if not observation.requires_version_header or observation.reply.succeeded:
        return None
    # What is written by hand or breaks off is no whole HTTP, and may be refused before the tus
    # server sees it.
    malformed = observation.http_request.framing == "raw" or bool(
        observation.http_request.all_faults
    )
    before_the_handler = malformed and observation.reply.status == 400
    by_the_handler = observation.reply.status in _HANDLER_STATUSES and not before_the_handler
    return _version_present(observation, "fail" if by_the_handler else "warn")


def _version_present(observation: Observation, violation_grade: Grade) -> InvariantResult:
    held = observation.reply.header("Tus-Resumable") is not None
    actual = f"status {observation.reply.status}, no Tus-Resumable"
    return _result(held, violation_grade, "Tus-Resumable in the response", actual)


def _check_version_value(observation: Observation) -> InvariantResult | None:
    value = observation.reply.header("Tus-Resumable")
    asked = [
        sent for name, sent in observation.http_request.headers if name.lower() == "tus-resumable"
    ]
    if not observation.requires_version_header or value is None or asked != ["1.0.0"]:
        return None
    return _result(value == "1.0.0", "fail", "Tus-Resumable: 1.0.0", f"Tus-Resumable: {value}")


def _check_within_length(observation: Observation) -> InvariantResult | None:
    offset, length = (
        observation.reply.header("Upload-Offset"),
        observation.reply.header("Upload-Length"),
    )
    if offset is None or length is None or not (is_integer(offset) and is_integer(length)):
        return None
    if int(offset) <= int(length):
        return InvariantResult("pass")
    actual = f"Upload-Offset: {offset}, Upload-Length: {length}"
    expected = "an offset that is not greater than the length"
    return InvariantResult("fail", expected, actual, rule="data-loss")


def _is_concat_value(value: str, reply: StepResponse) -> bool:
    return parse_concat(value, reply.url) is not None


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
        lambda: _check_format("Upload-Concat", _is_concat_value, "partial, or final; with URLs"),
    ),
    (
        "always.offset-never-goes-back",
        "An acknowledged offset never decreases",
        "core.head.offset-accurate",
        lambda: OffsetTracker().check_not_decreasing,
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
)
"""Id, title, requirement, and what makes the check of a run: some remember what they saw."""


def invariants() -> list[Invariant]:
    """Return every invariant, fresh for a run."""
    return [
        Invariant(name, title, requirement, make_check())
        for name, title, requirement, make_check in _RULES
    ]
