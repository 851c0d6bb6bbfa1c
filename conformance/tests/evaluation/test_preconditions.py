"""`evaluation.preconditions`: why a scenario cannot begin, and the requirement to charge."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal

import pytest

from tus_conformance.evaluation.preconditions import ensure_precondition, setup_failure
from tus_conformance.state.early_exit import StopCause, StopScenario
from tus_conformance.state.step_response import StepResponse
from tus_conformance.transport import HttpResponse, NetworkFailure
from tus_reports import Check, Exchange, Grade

FailureKind = Literal["unreachable", "tls", "closed"]
URL = "http://tus.test/files/"


def reply(method: str, status: int | None, failure: FailureKind | None = None) -> StepResponse:
    """Return the reply to a request, or what kept it from one."""
    exchange = Exchange(method=method, url=URL, at=0.0, request_head="")
    problem = NetworkFailure(failure, "So it is.") if failure else None
    return StepResponse(HttpResponse(exchange, status, failure=problem), method, URL, 0)


FAILURES: list[tuple[StepResponse, str, StopCause, str]] = [
    (reply("PATCH", 403), "", "precondition", "X (core.patch.success-204): PATCH got 403"),
    (reply("PATCH", 403), "core.a", "precondition", "X (core.a): PATCH got 403."),
    (reply("GET", 403), "", "precondition", "X: GET got 403."),
    (reply("POST", 201), "", "precondition", "X (creation.post.201): POST got 201 a"),
    (reply("POST", None, "closed"), "", "precondition", "X (creation.post.201): So it is."),
    (reply("POST", None, "unreachable"), "", "network", "X: So it is."),
    (reply("POST", None, "tls"), "", "network", "X: So it is."),
]


@pytest.mark.parametrize(("came", "broken", "cause", "reason"), FAILURES)
def test_a_failure_is_charged_to_the_requirement_of_the_request(
    came: StepResponse, broken: str, cause: StopCause, reason: str
) -> None:
    stop = setup_failure("X", came, broken=broken)
    assert (stop.cause, stop.reason[: len(reason)]) == (cause, reason)


def check(grade: Grade | None) -> Check:
    """Return a check of a precondition."""
    outcome: dict[Grade | None, Literal["not-reached", "held", "violated"]] = {
        None: "not-reached",
        "pass": "held",
        "note": "held",
        "warn": "violated",
        "fail": "violated",
    }
    return Check(requirement="core.a", outcome=outcome[grade], grade=grade, actual="this")


@pytest.mark.parametrize(
    ("grades", "status", "goes_on"),
    [
        (("pass",), 204, True),
        (("pass", "warn", "note"), 404, True),
        (("pass", "fail"), 204, False),
        ((None,), 204, False),
        (None, 204, True),
        (None, 404, False),
    ],
)
def test_a_precondition_holds_where_its_expectations_do_or_success_came(
    grades: tuple[Grade | None, ...] | None, status: int, goes_on: bool
) -> None:
    checks = None if grades is None else [check(grade) for grade in grades]
    stopped = True
    with suppress(StopScenario):
        ensure_precondition(reply("HEAD", status), checks)
        stopped = False
    assert stopped is not goes_on
