"""`evaluation.invariant`: what an invariant keeps as evidence, and the scenario that reports it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from observed_exchange import STORY, exchange_from, invariant_result_of

from tus_conformance.evaluation.invariant import MAX_EVIDENCE
from tus_conformance.evaluation.invariant_monitor import InvariantMonitor
from tus_reports.totals import pluralize


def test_the_first_exchanges_that_broke_it_are_kept_and_all_are_counted() -> None:
    broken = invariant_result_of(
        "tus-resumable-on-success", *[exchange_from("HEAD 200")] * (MAX_EVIDENCE + 3)
    )
    attempt = broken.attempts[0]
    assert len(attempt.checks) == len(attempt.exchanges) == MAX_EVIDENCE
    assert [check.exchange for check in attempt.checks] == list(range(MAX_EVIDENCE))
    assert attempt.checks[0].actual == "status 200, no Tus-Resumable"
    assert attempt.checks[0].evidence == "HTTP/1.1 200 Said"
    assert (
        broken.reason
        == f"Violated in {MAX_EVIDENCE + 3} of {MAX_EVIDENCE + 3} exchanges, in: a.story."
    )
    assert broken.command == "--only a.story"


def test_a_worse_outcome_is_kept_however_late_it_comes() -> None:
    warned = [exchange_from("PATCH 404")] * (MAX_EVIDENCE + 1)
    broken = invariant_result_of("tus-resumable-on-errors", *warned, exchange_from("PATCH 409"))
    checks = broken.attempts[0].checks
    assert [check.grade for check in checks] == ["warn"] * MAX_EVIDENCE + ["fail"]
    assert {check.outcome for check in checks} == {"violated"}


def test_an_invariant_that_holds_is_a_passing_check() -> None:
    held = invariant_result_of(
        "upload-offset-format", *[exchange_from("HEAD 200", "Upload-Offset: 5")] * 2
    )
    (check,) = held.attempts[0].checks
    assert (check.requirement, check.outcome, check.grade) == (*held.requirements, "held", "pass")
    assert (held.reason, held.command) == ("Held in 2 exchanges.", "")


def test_what_was_never_seen_says_so() -> None:
    unseen = invariant_result_of("upload-offset-format", exchange_from("HEAD 200"))
    assert unseen.attempts[0].checks == ()
    assert unseen.reason == "It applies to no exchange of this run."


@pytest.mark.parametrize(
    ("count", "shown"),
    [(1, "s1"), (3, "s1, s2, s3"), (4, "s1, s2, s3, ..."), (5, "s1, s2, s3, ...")],
)
def test_of_the_scenarios_that_broke_it_three_are_named(count: int, shown: str) -> None:
    watch = InvariantMonitor()
    for number in range(1, count + 1):
        watch.observe(
            replace(STORY, id=f"s{number}"), *exchange_from("HEAD 200", "Upload-Offset: -1")
        )
    found = next(each for each in watch.invariants if each.id == "always.upload-offset-format")
    assert (
        found.result(str).reason
        == f"Violated in {count} of {pluralize(count, 'exchange')}, in: {shown}."
    )
