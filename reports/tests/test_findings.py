"""`findings`: which checks a reader must look at, whatever the level of the requirement."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from tus_reports import (
    Attempt,
    Check,
    DecidingRule,
    Exchange,
    Grade,
    Record,
    RecordedResponse,
    ScenarioResult,
    finding_text,
    github_annotations,
    html,
    json_report,
    junit,
    markdown,
    render_terminal,
)
from tus_reports.findings import rule_phrase, rule_sentence
from tus_reports.requirement_summary import summarize_requirements

SERVER_ERROR_RULE = "a server error (5xx), which is a failure at every level"
UNANSWERED_RULE = (
    "a connection closed without a response to a valid request is a failure at every level"
)
DAMAGE_RULE = "damage to an upload, which is a failure at every level"


def exchange_with_status(status: int) -> Exchange:
    """Make an exchange that was answered with a status."""
    response = RecordedResponse(status=status, head=f"HTTP/1.1 {status} \r\n\r\n")
    return Exchange(
        method="HEAD", url="http://a.example/b", at=0.1, request_head="", response=response
    )


CHECKS: list[tuple[DecidingRule, str, str, str, str]] = [
    ("server-error", "", SERVER_ERROR_RULE, SERVER_ERROR_RULE, "a 5xx"),
    ("server-error", "it trips", "", "", "a 5xx that the scenario explains"),
    ("data-loss", "", DAMAGE_RULE, DAMAGE_RULE, "lost bytes"),
    ("data-loss", "it is gone", DAMAGE_RULE, DAMAGE_RULE, "lost bytes that the scenario explains"),
    ("unanswered", "", UNANSWERED_RULE, "", "no response, which is what came"),
    ("level", "", "", "", "the level of the requirement"),
    ("otherwise", "", "", "", "what the step states"),
    ("invariant", "", "", "", "what holds in every exchange"),
]


@pytest.mark.parametrize(
    ("rule", "explanation", "sentence", "phrase"),
    [pytest.param(*each[:4], id=each[4]) for each in CHECKS],
)
def test_a_rule_that_holds_at_any_level_has_a_sentence(
    rule: DecidingRule, explanation: str, sentence: str, phrase: str
) -> None:
    """The rule is the field of the check; what its texts say decides nothing."""
    check = Check(
        requirement="core.patch.x",
        outcome="violated",
        grade="fail",
        actual="status 500",
        explanation=explanation,
        rule=rule,
    )
    assert (rule_sentence(check), rule_phrase(check)) == (sentence, phrase)


def record_with_failure(sample: Record, *, explanation: str = "") -> Record:
    """Let the requirement that is only a SHOULD fail, by damage if the scenario speaks of it."""
    told = sample.scenarios[6]
    check = msgspec.structs.replace(
        told.attempts[0].checks[0],
        grade="fail",
        expected="status 404",
        actual="status 500",
        explanation=explanation,
        rule="data-loss" if explanation else "server-error",
        exchange=0,
    )
    attempt = Attempt(verdict="fail", checks=(check,), exchanges=(exchange_with_status(500),))
    told = msgspec.structs.replace(told, verdict="fail", attempts=(attempt,))
    row = next(each for each in sample.requirements if each.id == check.requirement)
    assert row.level == "SHOULD"
    row = msgspec.structs.replace(row, verdict="fail")
    return replace(sample, scenarios=(told,), requirements=(row,))


VIEWS: dict[str, Callable[[Record], str]] = {
    "the terminal": render_terminal,
    "one scenario": lambda record: finding_text(record.scenarios[0]),
    "markdown": markdown,
    "html": lambda record: html(record, full=True),
    "junit": junit,
    "annotations": github_annotations,
    "json": json_report,
    "the sentence of the requirement": lambda record: summarize_requirements(record)[
        "core.patch.keep-partial"
    ],
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_every_view_shows_why_a_should_fails(view: Callable[[Record], str], sample: Record) -> None:
    """A reader who sees a SHOULD fail is told the rule, wherever it is seen."""
    assert SERVER_ERROR_RULE in " ".join(view(record_with_failure(sample)).split())


def test_the_rule_is_shown_next_to_the_text_of_the_scenario(sample: Record) -> None:
    """Damage is named in addition to what a scenario has to say of it."""
    told = " ".join(render_terminal(record_with_failure(sample, explanation="it is gone")).split())
    assert f"meaning it is gone; {DAMAGE_RULE}" in told


def test_what_is_only_noted_of_a_failure_is_counted(sample: Record) -> None:
    record = record_with_failure(sample)
    (failed,) = record.scenarios
    (check,) = failed.attempts[0].checks

    def also(name: str, grade: Grade) -> ScenarioResult:
        changed = msgspec.structs.replace(check, grade=grade, actual=f"the way of {name}")
        attempt = msgspec.structs.replace(failed.attempts[0], checks=(changed,))
        return msgspec.structs.replace(failed, id=name, verdict=grade, attempts=(attempt,))

    others = (also("one", "warn"), also("two", "note"), also("three", "note"))
    text = " ".join(render_terminal(replace(record, scenarios=(failed, *others))).split())
    assert "also warn: the way of one" in text
    assert "also 2 other results, see the record" in text
    assert "the way of two" not in text


def test_brief_views_put_the_rule_behind_what_came(sample: Record) -> None:
    """Where there is one sentence for all, the rule follows what came."""
    record = record_with_failure(sample)
    assert summarize_requirements(record)["core.patch.keep-partial"] == (
        f"Expected status 404; got status 500, {SERVER_ERROR_RULE}"
    )
    assert f"Actual: status 500, {SERVER_ERROR_RULE}." in github_annotations(record)
    assert f"expected status 404, got status 500, {SERVER_ERROR_RULE}" in junit(record)
    assert json.loads(json_report(record))["findings"][0]["explanation"] == SERVER_ERROR_RULE
