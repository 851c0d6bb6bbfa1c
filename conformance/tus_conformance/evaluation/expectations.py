"""Expectations: the checks of a response, one for each requirement that an expectation names."""

from __future__ import annotations

from tus_conformance.evaluation.conditions import meets
from tus_conformance.evaluation.finish_outcome import is_intact, shows_data_loss
from tus_conformance.evaluation.grades import (
    MetCondition,
    decide_grade,
    explain_outcome,
    find_met_condition,
)
from tus_conformance.state.early_exit import StopScenario, UnresolvedReference
from tus_conformance.state.references import References
from tus_conformance.state.step_response import StepResponse
from tus_reports import Check, DecidingRule
from tus_scenarios import Condition, Expectation, HeaderMatcher, prose


def evaluate_expectation(
    expectation: Expectation,
    reply: StepResponse,
    references: References,
    step: int | None,
    *,
    after_waiting: bool = False,
) -> list[Check]:
    """Return a check for each requirement; raise StopScenario where nothing can be said.

    No response in time says nothing, unless the server was asked again and again (`after_waiting`).
    """
    _ensure_answered(expectation, reply, after_waiting=after_waiting)
    try:
        other_case = _find_other_case(expectation, references)
        if other_case:
            return not_reached_checks(expectation, other_case, step, "earlier-response")
        expected = prose.describe_pass_condition(expectation, references.resolve_text)
        if expectation.when is not None and not meets(expectation.when, reply, references):
            return _other_response_checks(expectation, reply, step)
        met = find_met_condition(expectation, reply, references)
    except UnresolvedReference as missing:
        return not_reached_checks(expectation, str(missing), step, "unresolved")
    if met is not None and _holds_without_response(met[1], reply):
        actual = _describe_actual(expectation, reply)
        return not_reached_checks(expectation, actual, step, "no-response")
    actual = _describe_actual(expectation, reply, references)
    return [
        _graded_check(
            requirement, expectation, met, reply, step=step, expected=expected, actual=actual
        )
        for requirement in expectation.requirements
    ]


def not_reached_checks(
    expectation: Expectation, reason: str, step: int | None, rule: DecidingRule
) -> list[Check]:
    """Return the checks of an expectation as not reached, for a stated reason."""
    return [
        not_reached_check(requirement, reason, step, rule)
        for requirement in expectation.requirements
    ]


def not_reached_check(requirement: str, reason: str, step: int | None, rule: DecidingRule) -> Check:
    """Return a check as not reached, for a stated reason."""
    return Check(
        requirement=requirement, outcome="not-reached", explanation=reason, step=step, rule=rule
    )


def _graded_check(
    requirement: str,
    expectation: Expectation,
    met: MetCondition | None,
    reply: StepResponse,
    *,
    step: int | None,
    expected: str,
    actual: str,
) -> Check:
    grade, rule = decide_grade(requirement, expectation, met, reply)
    return Check(
        requirement=requirement,
        outcome="held" if grade in {"pass", "note"} else "violated",
        grade=grade,
        rule=rule,
        expected=expected,
        actual=actual,
        evidence=_decisive_lines(expectation, reply),
        explanation=explain_outcome(expectation, met, reply),
        step=step,
        exchange=reply.exchange_index,
    )


def _find_other_case(expectation: Expectation, references: References) -> str:
    """Return which earlier response makes this another case than `after` states; "" if none."""
    for name, condition in expectation.after.items():
        earlier = references.response(name)
        if not meets(condition, earlier, references):
            how = "no response" if earlier.status is None else f"status {earlier.status}"
            return f"{name!r} got {how}"
    return ""


def _other_response_checks(
    expectation: Expectation, reply: StepResponse, step: int | None
) -> list[Check]:
    """Return the checks of an expectation that does not speak of such a response."""
    actual = _describe_actual(expectation, reply)
    if reply.status is None:
        return not_reached_checks(expectation, actual, step, "no-response")
    return not_reached_checks(expectation, f"{actual} arrived instead", step, "another-case")


def _ensure_answered(expectation: Expectation, reply: StepResponse, *, after_waiting: bool) -> None:
    failure = reply.http_response.failure
    if failure is None or is_intact(reply) or shows_data_loss(reply):
        return
    if failure.kind in {"unreachable", "tls"}:
        raise StopScenario("network", failure.message)
    foreseen = any(condition.closed is not None for _, condition in expectation.alternatives)
    if failure.kind == "timeout" and not foreseen and not after_waiting:
        raise StopScenario("no-response", failure.message)


def _holds_without_response(condition: Condition, reply: StepResponse) -> bool:
    """Return whether a condition only holds because there is no answer that could break it."""
    return reply.status is None and condition.closed is None and condition.intact is None


def headers_named(expectation: Expectation) -> list[str]:
    """Return the headers that an expectation speaks of."""
    names = [name for _, condition in expectation.alternatives for name in condition.header]
    return list(dict.fromkeys(names))


def _describe_actual(
    expectation: Expectation, reply: StepResponse, references: References | None = None
) -> str:
    """Return what of a response is compared, and the values of an earlier one, if it is with such.

    `references` leads to the earlier responses.
    """
    if reply.finish_state is not None:
        return reply.finding
    shown = [describe_outcome(reply)]
    if reply.status is None:
        return shown[0]
    for name in headers_named(expectation):
        value = reply.header(name)
        text = f"no {name}" if value is None else f"{name}: {value}"
        earlier = _earlier_response(expectation, name)
        if earlier and references is not None:
            other = references.response(earlier).header(name)
            text += f" ({earlier!r} had {'none' if other is None else other})"
        shown.append(text)
    return ", ".join(shown)


def _earlier_response(expectation: Expectation, name: str) -> str:
    """Return the name of the response that a header is compared with, or nothing."""
    match = expectation.header.get(name)
    return match.same or "" if isinstance(match, HeaderMatcher) else ""


def describe_outcome(reply: StepResponse) -> str:
    """Return the status of a response, or what kept it from coming."""
    if reply.status is not None:
        return f"status {reply.status}"
    failure = reply.http_response.failure
    return failure.message if failure else "no response"


def _decisive_lines(expectation: Expectation, reply: StepResponse) -> str:
    response = reply.http_response.exchange.response
    if response is None:
        return ""
    first, *lines = response.head.splitlines()
    involved = {name.lower() for name in headers_named(expectation)}
    decisive = [line for line in lines if line.partition(":")[0].strip().lower() in involved]
    return "\n".join([first, *decisive])
