"""Judging an answer: which of an expectation's conditions it meets, and what that weighs.

The conditions are tried from the best grade down. Where none holds, the outcome takes what the
expectation states, else the grade of the requirement's level; but an unforeseen 5xx other than 501
is a fail in any row, and so is a complete, valid request whose connection closes unanswered.
"""

from __future__ import annotations

import msgspec

from tus_conformance.state.early_exit import StopScenario, UnresolvedReference
from tus_conformance.state.references import References
from tus_conformance.state.step_response import StepResponse
from tus_conformance.transport.header_values import is_integer, matches
from tus_reports import Check, Rule
from tus_scenarios import (
    Condition,
    Expectation,
    Grade,
    HeaderCondition,
    HeaderConditions,
    HeaderMatcher,
    ledger,
    prose,
)

_NUMBERS = {"Upload-Offset", "Upload-Length", "Tus-Max-Size"}
"""Headers that are compared as the numbers they are."""


def evaluate_expectation(
    expectation: Expectation,
    reply: StepResponse,
    references: References,
    step: int | None,
    *,
    after_waiting: bool = False,
) -> list[Check]:
    """Return a check for each requirement; raise Stopped where nothing can be said.

    Silence says nothing, unless the server had its time and was asked again and again.
    """
    _ensure_answered(expectation, reply, after_waiting=after_waiting)
    try:
        for name, condition in expectation.after.items():
            earlier = references.response(name)
            if not meets(condition, earlier, references):
                how = "no answer" if earlier.status is None else f"status {earlier.status}"
                return not_reached_checks(expectation, f"{name!r} got {how}", step, "another-case")
        expected = prose.describe_pass_condition(expectation, references.resolve_text)
        if expectation.when is not None and not meets(expectation.when, reply, references):
            observed = _describe_actual(expectation, reply)
            if reply.status is None:
                return not_reached_checks(expectation, observed, step, "no-response")
            instead = f"{observed} came instead"
            return not_reached_checks(expectation, instead, step, "another-case")
        met = next(
            (
                (grade, condition)
                for grade, condition in expectation.alternatives
                if meets(condition, reply, references)
            ),
            None,
        )
    except UnresolvedReference as missing:
        return not_reached_checks(expectation, str(missing), step, "unresolved")
    if met is not None and _holds_without_response(met[1], reply):
        actual = _describe_actual(expectation, reply)
        return not_reached_checks(expectation, actual, step, "no-response")
    checks = []
    for requirement in expectation.requirements:
        grade, rule = _decide_grade(requirement, expectation, met, reply)
        checks.append(
            Check(
                requirement=requirement,
                outcome="held" if grade in {"pass", "note"} else "violated",
                grade=grade,
                expected=expected,
                actual=_describe_actual(expectation, reply),
                evidence=_decisive_lines(expectation, reply),
                explanation=_outcome_note(expectation, met, reply),
                step=step,
                exchange=reply.exchange_index,
                rule=rule,
            )
        )
    return checks


def _outcome_note(
    expectation: Expectation, met: tuple[Grade, Condition] | None, reply: StepResponse
) -> str:
    """Return what the scenario says of an outcome; of a pass there is nothing to say.

    A server that breaks is none of the cases that a scenario speaks of.
    """
    if met is None:
        broken = reply.intact is None and (reply.status is None or reply.status >= 500)
        return "" if broken else expectation.says
    return "" if met[1] is expectation else met[1].says


def not_reached_checks(
    expectation: Expectation, reason: str, step: int | None, rule: Rule
) -> list[Check]:
    """Return the checks of an expectation as not reached, for a stated reason."""
    return [
        Check(
            requirement=requirement,
            outcome="not-reached",
            explanation=reason,
            step=step,
            rule=rule,
        )
        for requirement in expectation.requirements
    ]


def meets(condition: Condition, reply: StepResponse, references: References) -> bool:
    """Tell whether an answer meets every part of a condition."""
    if condition.closed is not None and reply.http_response.closed is not condition.closed:
        return False
    if condition.status is not None and not _has_status(condition, reply.status):
        return False
    if condition.intact is not None and reply.intact is not condition.intact:
        return False
    if condition.interim is not None and condition.interim not in reply.http_response.interim:
        return False
    if condition.content is not None and not _has_content(condition.content, reply):
        return False
    return all(
        any(_has_header(name, match, reply, references) for match in _as_tuple(matches))
        for name, matches in condition.header.items()
    )


def _as_tuple(matches: HeaderConditions) -> tuple[HeaderCondition, ...]:
    return matches if isinstance(matches, tuple) else (matches,)


def _has_status(condition: Condition, status: int | None) -> bool:
    wanted = condition.status if isinstance(condition.status, tuple) else (condition.status,)
    return status is not None and (status in wanted or f"{status // 100}xx" in wanted)


def _has_content(span: tuple[int, int], reply: StepResponse) -> bool:
    return reply.upload is not None and reply.http_response.body == reply.upload.content(*span)


def _has_header(
    name: str, match: HeaderCondition, reply: StepResponse, references: References
) -> bool:
    value = reply.header(name)
    if isinstance(match, bool):
        return (value is not None) is match
    if value is None:
        return False
    if isinstance(match, HeaderMatcher):
        return matches(_resolve_references(match, references), value, base=reply.url)
    wanted = references.resolve_text(str(match))
    return value == wanted or (name in _NUMBERS and _same_number(wanted, value))


def _same_number(wanted: str, value: str) -> bool:
    """Tell whether two numbers are the same; zeros before one do not change it."""
    return is_integer(wanted) and is_integer(value) and int(wanted) == int(value)


def _resolve_references(matcher: HeaderMatcher, references: References) -> HeaderMatcher:
    parts = {name: getattr(matcher, name) for name in matcher.__struct_fields__ if name != "form"}
    return msgspec.structs.replace(
        matcher,
        **{
            name: references.resolve_text(part)
            for name, part in parts.items()
            if isinstance(part, str)
        },
    )


def _ensure_answered(expectation: Expectation, reply: StepResponse, *, after_waiting: bool) -> None:
    failure = reply.http_response.failure
    if failure is None or reply.intact or reply.damage:
        return
    if failure.kind in {"unreachable", "tls"}:
        raise StopScenario("error", failure.message)
    foreseen = any(condition.closed is not None for _, condition in expectation.alternatives)
    if failure.kind == "timeout" and not foreseen and not after_waiting:
        raise StopScenario("inconclusive", failure.message)


def _decide_grade(
    requirement: str,
    expectation: Expectation,
    met: tuple[Grade, Condition] | None,
    reply: StepResponse,
) -> tuple[Grade, Rule]:
    """Return the grade of an outcome and the rule that decided it; the first that matches does."""
    if reply.damage:
        return "fail", "data-loss"
    if met is not None:
        return met[0], "expectation"
    status = reply.status
    if status is not None and status >= 500 and status != 501:
        return "fail", "server-error"
    if reply.http_response.closed and (reply.intact is False or _requires_success(expectation)):
        return "fail", "unanswered"
    if expectation.otherwise is not None:
        return expectation.otherwise, "otherwise"
    return ledger()[requirement].grade, "level"


def _holds_without_response(condition: Condition, reply: StepResponse) -> bool:
    """Tell whether a condition only holds because there is no answer that could break it."""
    return reply.status is None and condition.closed is None and condition.intact is None


def _requires_success(expectation: Expectation) -> bool:
    """Tell whether nothing but success would do, so that the request was a valid one."""
    status = expectation.status
    wanted = status if isinstance(status, tuple) else (status,)
    return all(each is not None and str(each).startswith("2") for each in wanted)


def _headers_named(expectation: Expectation) -> list[str]:
    names = [name for _, condition in expectation.alternatives for name in condition.header]
    return list(dict.fromkeys(names))


def _describe_actual(expectation: Expectation, reply: StepResponse) -> str:
    if reply.intact is not None:
        return reply.finding
    if reply.status is None:
        failure = reply.http_response.failure
        return failure.message if failure else "no answer"
    shown = [f"status {reply.status}"]
    for name in _headers_named(expectation):
        value = reply.header(name)
        shown.append(f"no {name}" if value is None else f"{name}: {value}")
    return ", ".join(shown)


def _decisive_lines(expectation: Expectation, reply: StepResponse) -> str:
    response = reply.http_response.exchange.response
    if response is None:
        return ""
    first, *lines = response.head.splitlines()
    involved = {name.lower() for name in _headers_named(expectation)}
    decisive = [line for line in lines if line.partition(":")[0].strip().lower() in involved]
    return "\n".join([first, *decisive])
