"""Judging an answer: which of an expectation's conditions it meets, and what that weighs.

The conditions are tried from the best grade down. Where none holds, the outcome takes what the
expectation states, else the grade of the requirement's level; but an unforeseen 5xx other than 501
is a fail in any row, and so is a complete, valid request whose connection closes unanswered.
"""

from __future__ import annotations

import msgspec

from tus_conformance.dialogue.headers import answers, is_integer
from tus_conformance.dialogue.references import References
from tus_conformance.dialogue.reply import Reply
from tus_conformance.dialogue.stopping import Stopped, Unbound
from tus_reports import Check
from tus_scenarios import (
    Condition,
    Expectation,
    Grade,
    HeaderMatch,
    HeaderMatches,
    Matcher,
    ledger,
    prose,
)

_NUMBERS = {"Upload-Offset", "Upload-Length", "Tus-Max-Size"}
"""Headers that are compared as the numbers they are."""


def judge(
    expectation: Expectation,
    reply: Reply,
    references: References,
    step: int | None,
    *,
    patiently: bool = False,
) -> list[Check]:
    """Return a check for each requirement; raise Stopped where nothing can be said.

    Silence says nothing, unless the server had its time and was asked again and again.
    """
    _ensure_answered(expectation, reply, patiently=patiently)
    try:
        for name, condition in expectation.after.items():
            earlier = references.reply(name)
            if not holds(condition, earlier, references):
                how = "no answer" if earlier.status is None else f"status {earlier.status}"
                return unreached(expectation, f"{name!r} got {how}", step)
        expected = prose.expected(expectation, references.text)
        if expectation.when is not None and not holds(expectation.when, reply, references):
            came = _actual(expectation, reply)
            instead = came if reply.status is None else f"{came} came instead"
            return unreached(expectation, instead, step)
        met = next(
            (
                (grade, condition)
                for grade, condition in expectation.alternatives
                if holds(condition, reply, references)
            ),
            None,
        )
    except Unbound as missing:
        return unreached(expectation, str(missing), step)
    if met is not None and _vacuous(met[1], reply):
        return unreached(expectation, _actual(expectation, reply), step)
    checks = []
    for requirement in expectation.requirements:
        grade = met[0] if met and not reply.damage else _otherwise(requirement, expectation, reply)
        checks.append(
            Check(
                requirement=requirement,
                outcome="held" if grade in {"pass", "note"} else "violated",
                grade=grade,
                expected=expected,
                actual=_actual(expectation, reply),
                evidence=_evidence(expectation, reply),
                says=_remark(expectation, met, reply),
                step=step,
                exchange=reply.exchange,
                damage=reply.damage,
            )
        )
    return checks


def _remark(expectation: Expectation, met: tuple[Grade, Condition] | None, reply: Reply) -> str:
    """Return what the scenario says of an outcome; of a pass there is nothing to say.

    A server that breaks is none of the cases that a scenario speaks of.
    """
    if met is None:
        broken = reply.intact is None and (reply.status is None or reply.status >= 500)
        if broken and reply.answer.closed and _wants_success(expectation):
            return "a valid request whose connection closes unanswered is a fail in any row"
        return "" if broken else expectation.says
    return "" if met[1] is expectation else met[1].says


def unreached(expectation: Expectation, reason: str, step: int | None) -> list[Check]:
    """Return the checks of an expectation as not reached, for a stated reason."""
    return [
        Check(requirement=requirement, outcome="not-reached", says=reason, step=step)
        for requirement in expectation.requirements
    ]


def holds(condition: Condition, reply: Reply, references: References) -> bool:
    """Tell whether an answer meets every part of a condition."""
    if condition.closed is not None and reply.answer.closed is not condition.closed:
        return False
    if condition.status is not None and not _has_status(condition, reply.status):
        return False
    if condition.intact is not None and reply.intact is not condition.intact:
        return False
    if condition.interim is not None and condition.interim not in reply.answer.interim:
        return False
    if condition.content is not None and not _has_content(condition.content, reply):
        return False
    return all(
        any(_has_header(name, match, reply, references) for match in _either(matches))
        for name, matches in condition.header.items()
    )


def _either(matches: HeaderMatches) -> tuple[HeaderMatch, ...]:
    return matches if isinstance(matches, tuple) else (matches,)


def _has_status(condition: Condition, status: int | None) -> bool:
    wanted = condition.status if isinstance(condition.status, tuple) else (condition.status,)
    return status is not None and (status in wanted or f"{status // 100}xx" in wanted)


def _has_content(span: tuple[int, int], reply: Reply) -> bool:
    return reply.upload is not None and reply.answer.body == reply.upload.content(*span)


def _has_header(name: str, match: HeaderMatch, reply: Reply, references: References) -> bool:
    value = reply.header(name)
    if isinstance(match, bool):
        return (value is not None) is match
    if value is None:
        return False
    if isinstance(match, Matcher):
        return answers(_filled(match, references), value, base=reply.url)
    wanted = references.text(str(match))
    return value == wanted or (name in _NUMBERS and _is_the_number(wanted, value))


def _is_the_number(wanted: str, value: str) -> bool:
    """Tell whether two numbers are the same; zeros before one do not change it."""
    return is_integer(wanted) and is_integer(value) and int(wanted) == int(value)


def _filled(matcher: Matcher, references: References) -> Matcher:
    parts = {name: getattr(matcher, name) for name in matcher.__struct_fields__ if name != "form"}
    return msgspec.structs.replace(
        matcher,
        **{name: references.text(part) for name, part in parts.items() if isinstance(part, str)},
    )


def _ensure_answered(expectation: Expectation, reply: Reply, *, patiently: bool) -> None:
    failure = reply.answer.failure
    if failure is None or reply.intact or reply.damage:
        return
    if failure.kind in {"unreachable", "tls"}:
        raise Stopped("error", failure.sentence)
    foreseen = any(condition.closed is not None for _, condition in expectation.alternatives)
    if failure.kind == "timeout" and not foreseen and not patiently:
        raise Stopped("inconclusive", failure.sentence)


def _otherwise(requirement: str, expectation: Expectation, reply: Reply) -> Grade:
    status = reply.status
    if reply.damage or (status is not None and status >= 500 and status != 501):
        return "fail"
    if reply.answer.closed and (reply.intact is False or _wants_success(expectation)):
        return "fail"
    return expectation.otherwise or ledger()[requirement].grade


def _vacuous(condition: Condition, reply: Reply) -> bool:
    """Tell whether a condition only holds because there is no answer that could break it."""
    return reply.status is None and condition.closed is None and condition.intact is None


def _wants_success(expectation: Expectation) -> bool:
    """Tell whether nothing but success would do, so that the request was a valid one."""
    status = expectation.status
    wanted = status if isinstance(status, tuple) else (status,)
    return all(each is not None and str(each).startswith("2") for each in wanted)


def _involved(expectation: Expectation) -> list[str]:
    names = [name for _, condition in expectation.alternatives for name in condition.header]
    return list(dict.fromkeys(names))


def _actual(expectation: Expectation, reply: Reply) -> str:
    if reply.intact is not None:
        return reply.story
    if reply.status is None:
        failure = reply.answer.failure
        return failure.sentence if failure else "no answer"
    shown = [f"status {reply.status}"]
    for name in _involved(expectation):
        value = reply.header(name)
        shown.append(f"no {name}" if value is None else f"{name}: {value}")
    return ", ".join(shown)


def _evidence(expectation: Expectation, reply: Reply) -> str:
    response = reply.answer.exchange.response
    if response is None:
        return ""
    first, *lines = response.head.splitlines()
    involved = {name.lower() for name in _involved(expectation)}
    decisive = [line for line in lines if line.partition(":")[0].strip().lower() in involved]
    return "\n".join([first, *decisive])
