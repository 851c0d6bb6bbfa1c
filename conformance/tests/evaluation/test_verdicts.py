"""`evaluation.verdicts`: every verdict, their precedence, and what attempts do to them."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tus_conformance.evaluation import verdicts
from tus_reports import VERDICTS, Attempt, Check, Grade, ScenarioResult, Verdict

ORDER: tuple[Verdict, ...] = (
    *("fail", "error", "inconclusive", "blocked", "warn", "note", "pass"),
    *("not-applicable", "unsupported", "excluded"),
)
any_verdict = st.sampled_from(VERDICTS)


def check(text: str) -> Check:
    """Return a check as "row grade", the grade "-" where it was not reached, "!" for damage.

    A row may be followed by the number of the step, as in "a@3".
    """
    where, grade, *damage = text.split()
    row, _, number = where.partition("@")
    step = int(number) if number else None
    if grade == "-":
        return Check(requirement=row, outcome="not-reached", explanation="not reached", step=step)
    outcome = {"pass": "held", "note": "held", "warn": "violated", "fail": "violated"}
    graded: dict[str, Grade] = {"pass": "pass", "note": "note", "warn": "warn", "fail": "fail"}
    return Check(
        requirement=row,
        outcome="held" if outcome[grade] == "held" else "violated",
        grade=graded[grade],
        step=step,
        rule="data-loss" if damage else "level",
    )


def attempt(text: str) -> Attempt:
    """Return an attempt as "row grade, row grade ; trouble", with the verdict that it deserves."""
    told, _, trouble = text.partition(";")
    checks = tuple(check(each) for each in told.split(",") if each.strip())
    named: dict[str, Verdict] = {each: each for each in VERDICTS}
    return Attempt(
        verdict=verdicts.of_attempt(checks, named[trouble.strip()] if trouble.strip() else None),
        checks=checks,
    )


def scenario(
    *attempts: str, rows: tuple[str, ...] = ("a", "b"), plain: Verdict = "pass"
) -> ScenarioResult:
    """Return a scenario of these attempts; without any it has the `plain` verdict."""
    told = tuple(attempt(each) for each in attempts)
    outcome, reason = verdicts.of_scenario(told) if told else (plain, "a reason")
    return ScenarioResult(
        id="x",
        title="X",
        verdict=outcome,
        reason=reason,
        section="Core",
        extension="core",
        requirements=rows,
        attempts=told,
    )


def test_the_order_of_verdicts_is_that_of_the_contract() -> None:
    assert VERDICTS == ORDER


@given(st.lists(any_verdict, min_size=1))
def test_the_worst_is_one_of_them_and_no_other_is_worse(found: list[Verdict]) -> None:
    worst = verdicts.worst(found)
    assert worst in found
    assert min(ORDER.index(each) for each in found) == ORDER.index(worst)


@given(st.lists(any_verdict), st.lists(any_verdict), st.randoms(use_true_random=False))
def test_the_worst_knows_no_order_and_no_number(
    some: list[Verdict], more: list[Verdict], random: object
) -> None:
    both = verdicts.worst([*some, *more])
    assert verdicts.worst([*more, *some]) == both
    assert verdicts.worst([*some, *more, *some]) == both
    if some and more:
        assert verdicts.worst([verdicts.worst(some), verdicts.worst(more)]) == both


def test_the_worst_of_nothing_is_that_nothing_applied() -> None:
    assert verdicts.worst([]) == "not-applicable"


ATTEMPTS: list[tuple[str, Verdict, str]] = [
    ("", "not-applicable", "no check at all says nothing"),
    ("a pass", "pass", "what held is a pass"),
    ("a pass, b note", "note", "a note is worse than a pass"),
    ("a note, b warn", "warn", "a warn is worse than a note"),
    ("a warn, b fail, c pass", "fail", "a fail is worst, wherever it stands"),
    ("a -", "not-applicable", "what was not reached and not kept from it did not apply"),
    ("a pass, b -", "pass", "what was not reached does not lower a pass"),
    ("a pass; blocked", "blocked", "what stopped it counts, after a pass"),
    ("a warn; blocked", "blocked", "and after a warn"),
    ("a fail; blocked", "fail", "but a fail that was seen stays one"),
    ("a fail; error", "fail", "even if the network broke afterwards"),
    ("a -; error", "error", "an error of ours is an error"),
    ("a pass; inconclusive", "inconclusive", "a situation not reached leaves it open"),
]


@pytest.mark.parametrize(
    ("told", "expected"), [pytest.param(*case[:2], id=case[2]) for case in ATTEMPTS]
)
def test_an_attempt_takes_its_worst_check_or_what_stopped_it(told: str, expected: Verdict) -> None:
    assert attempt(told).verdict == expected


SCENARIOS: list[tuple[tuple[str, ...], Verdict, str]] = [
    (("a pass",), "pass", "one attempt that passed"),
    (("a warn",), "warn", "a warn needs no second attempt"),
    (("a -; blocked",), "blocked", "nor does what was blocked"),
    (("a fail", "a fail"), "fail", "a fail that shows itself twice"),
    (("a fail",), "fail", "a fail that could not be told again"),
    (("a fail", "a pass"), "inconclusive", "a fail and then a pass"),
    (("a fail", "a warn"), "inconclusive", "a fail and then a warn"),
    (("a fail", "b fail"), "inconclusive", "two fails of different rows"),
    (("a fail, b fail", "a pass, b fail"), "fail", "one of two fails shows itself again"),
    (("a fail", "a -; blocked"), "inconclusive", "a fail and then nothing"),
    (("a fail", "a -; error"), "inconclusive", "a fail and then an error"),
    (("a fail !", "a pass"), "fail", "damage that was seen once stands"),
    (("a fail !", "a -; error"), "fail", "even if the server was gone afterwards"),
    (("a fail", "a pass, b fail !"), "fail", "damage in the second attempt stands too"),
]


@pytest.mark.parametrize(
    ("told", "expected"), [pytest.param(*case[:2], id=case[2]) for case in SCENARIOS]
)
def test_a_scenario_fails_only_twice_or_by_damage(told: tuple[str, ...], expected: Verdict) -> None:
    found, reason = verdicts.of_scenario([attempt(each) for each in told])
    assert found == expected
    again = "The first attempt failed, and the second attempt did not fail in the same way."
    assert reason == (again if expected == "inconclusive" else "")


def test_a_check_that_was_not_reached_and_not_kept_from_it_did_not_apply() -> None:
    assert verdicts.of_check(check("a -"), attempt("b pass, a -")) == "not-applicable"


CONTRIBUTIONS: list[tuple[list[ScenarioResult], Verdict, str]] = [
    ([], "not-applicable", "no scenario checks it"),
    ([scenario("b fail", "b fail", rows=("b",))], "not-applicable", "only others are checked"),
    ([scenario("a pass"), scenario("a note")], "note", "the worst of two scenarios"),
    ([scenario("a pass, b fail", "a pass, b fail")], "pass", "the fail is another row's"),
    ([scenario("b fail, a -", "b fail, a -")], "blocked", "not reached behind a fail"),
    ([scenario("b fail", "b fail")], "blocked", "not even named behind a fail"),
    ([scenario("b warn, a -")], "not-applicable", "a warn keeps nothing from being reached"),
    ([scenario("b pass, a -")], "not-applicable", "not reached since its condition was absent"),
    ([scenario("b pass, a -; blocked")], "blocked", "blocked with its scenario"),
    ([scenario("b pass, a -; error")], "error", "an error reaches what was not reached"),
    ([scenario("a pass, b -; error")], "pass", "what had been reached stays as it was"),
    ([scenario("a pass, b -; inconclusive")], "pass", "also when the rest stayed open"),
    (
        [scenario("a@3 pass, a@3 -, b fail", "a@3 pass, a@3 -, b fail")],
        "pass",
        "of one answer the checks whose case it was decide",
    ),
    (
        [scenario("a@3 pass, a@4 -, b fail", "a@3 pass, a@4 -, b fail")],
        "blocked",
        "of the next answer nothing is known behind a fail",
    ),
    (
        [scenario("a pass, a -, b fail", "a pass, a -, b fail")],
        "blocked",
        "nor of one that has no number",
    ),
    ([scenario("a pass, a fail", "a pass, a fail")], "fail", "its worst check of an attempt"),
    ([scenario("a fail", "a pass")], "inconclusive", "its attempts disagree"),
    ([scenario("a fail, b fail", "a pass, b fail")], "inconclusive", "they disagree on this row"),
    ([scenario("a fail !", "a pass")], "fail", "but damage stands"),
    ([scenario("a warn, b fail", "a pass, b fail")], "warn", "a warn seen once is a warn"),
    ([scenario("a fail", "a pass"), scenario("a fail", "a fail")], "fail", "one scenario is sure"),
    ([scenario("a fail", "a pass"), scenario("a pass")], "inconclusive", "doubt is not outvoted"),
    ([scenario(plain="excluded")], "excluded", "left out by the user"),
    ([scenario(plain="unsupported")], "unsupported", "an extension that is not there"),
    ([scenario(plain="not-applicable")], "not-applicable", "a condition that is absent"),
    ([scenario(plain="excluded"), scenario("a pass")], "pass", "told elsewhere"),
    ([scenario(plain="unsupported"), scenario(plain="excluded")], "unsupported", "told nowhere"),
]


@pytest.mark.parametrize(
    ("told", "expected"), [pytest.param(*case[:2], id=case[2]) for case in CONTRIBUTIONS]
)
def test_a_requirement_takes_its_worst_verdict(
    told: list[ScenarioResult], expected: Verdict
) -> None:
    assert verdicts.of_requirement("a", told) == expected
    assert verdicts.of_requirement("a", reversed(told)) == expected


def named(name: str, *attempts: str, rows: tuple[str, ...]) -> ScenarioResult:
    """Return a scenario of a name that checks these rows."""
    return msgspec.structs.replace(scenario(*attempts, rows=rows), id=name)


BLOCKED = "a -;blocked"


@pytest.mark.parametrize(
    ("scenarios", "tally"),
    [
        ([("x", "a pass"), ("y", BLOCKED)], ("pass", 1, 1)),
        ([("x", "a pass"), ("y", "a warn"), ("z", BLOCKED)], ("warn", 2, 1)),
        ([("a/first", "a pass"), ("a/last", BLOCKED)], ("pass", 1, 1)),
        ([("a", BLOCKED)], ("blocked", 0, 0)),
        ([("a", BLOCKED), ("b", "a pass")], ("blocked", 0, 0)),
        ([("a/x", BLOCKED), ("y", "a pass")], ("blocked", 0, 0)),
        ([("a/x", "a pass,a -;blocked"), ("y", "a pass")], ("pass", 1, 1)),
        ([("a/x", "a pass,a -;blocked")], ("blocked", 0, 0)),
        ([("x", BLOCKED), ("b", "a pass"), ("b", "a warn")], ("warn", 2, 1)),
        ([("x", BLOCKED), ("y", BLOCKED), ("b", "a pass"), ("b", "a warn")], ("blocked", 0, 0)),
        ([("x", "a pass"), ("y", "a fail"), ("z", BLOCKED)], ("fail", 0, 0)),
        ([("x", "a pass"), ("y", ";inconclusive")], ("inconclusive", 0, 0)),
    ],
)
def test_what_was_not_reached_counts_only_where_it_is_what_the_requirement_is_about(
    scenarios: list[tuple[str, str]], tally: tuple[Verdict, int, int]
) -> None:
    told = [
        named(name, said, rows=("b", "a") if name == "b" else ("a",)) for name, said in scenarios
    ]
    found = verdicts.tally_requirement("a", told)
    assert (found.verdict, found.held, found.blocked) == tally
