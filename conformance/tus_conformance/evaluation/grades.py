"""Grades: how much an outcome weighs, and the rule that decides it.

The conditions of an expectation are tried from the best grade down. Where none holds, the outcome
takes what the expectation states, else the grade of the requirement's level; but data loss, a
completion that the server reported as failed, an unforeseen 5xx other than 501, and a valid request
whose connection closes without a response are failures at any level.
"""

from __future__ import annotations

from tus_conformance.evaluation.conditions import meets
from tus_conformance.evaluation.finish_outcome import (
    is_intact,
    shows_data_loss,
    shows_refused_completion,
)
from tus_conformance.state.references import References
from tus_conformance.state.step_response import StepResponse
from tus_reports import DecidingRule
from tus_scenarios import Condition, Expectation, Grade, ledger

MetCondition = tuple[Grade, Condition]


def find_met_condition(
    expectation: Expectation, reply: StepResponse, references: References
) -> MetCondition | None:
    """Return the first condition that a response meets, with its grade; None if it meets none."""
    return next(
        (
            (grade, condition)
            for grade, condition in expectation.alternatives
            if meets(condition, reply, references)
        ),
        None,
    )


def decide_grade(
    requirement: str, expectation: Expectation, met: MetCondition | None, reply: StepResponse
) -> tuple[Grade, DecidingRule]:
    """Return the grade of an outcome and the rule that decided it: the first that applies."""
    if shows_data_loss(reply) or shows_refused_completion(reply):
        return "fail", "data-loss" if shows_data_loss(reply) else "completion"
    if met is not None:
        return met[0], "expectation"
    if reply.is_server_error:
        return "fail", "server-error"
    if reply.closed and (is_intact(reply) is False or requires_success(expectation)):
        return "fail", "unanswered"
    if expectation.otherwise is not None:
        return expectation.otherwise, "otherwise"
    return ledger()[requirement].grade, "level"


def explain_outcome(expectation: Expectation, met: MetCondition | None, reply: StepResponse) -> str:
    """Return what the scenario says of an outcome; of a pass there is nothing to say.

    A server that breaks is none of the cases that a scenario speaks of.
    """
    if met is None:
        broken = is_intact(reply) is None and (reply.status is None or reply.is_server_error)
        return "" if broken else expectation.says
    return "" if met[1] is expectation else met[1].says


def requires_success(expectation: Expectation) -> bool:
    """Return whether nothing but success would do, so that the request was a valid one."""
    status = expectation.status
    wanted = status if isinstance(status, tuple) else (status,)
    return all(each is not None and str(each).startswith("2") for each in wanted)
