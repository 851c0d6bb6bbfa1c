"""What is said of a check beyond what came: when a fail is one whatever the level of its row."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from tus_reports import (
    Attempt,
    Check,
    Exchange,
    Grade,
    Record,
    RecordedResponse,
    finding_text,
    github_annotations,
    html,
    json_report,
    junit,
    markdown,
    render_terminal,
)
from tus_reports.findings import unconditional_fail_rule
from tus_reports.requirement_summary import summarize_requirements

SERVER_ERROR_RULE = "a server error (5xx), which is a fail in any row"
DAMAGE_RULE = "damage to an upload, which is a fail in any row"


def exchange_with_status(status: int) -> Exchange:
    """Make an exchange that was answered with a status."""
    response = RecordedResponse(status=status, head=f"HTTP/1.1 {status} \r\n\r\n")
    return Exchange(
        method="HEAD", url="http://a.example/b", started=0.1, request="", response=response
    )


CHECKS: list[tuple[str, Grade, int, str, str, bool, str]] = [
    (
        "a 5xx where another status was wanted",
        "fail",
        500,
        "status 500",
        "",
        False,
        SERVER_ERROR_RULE,
    ),
    ("a 5xx that kept from resuming", "fail", 503, "HEAD got 503", "", False, SERVER_ERROR_RULE),
    ("501, an honest no", "fail", 501, "status 501", "", False, ""),
    ("another error", "fail", 404, "status 404", "", False, ""),
    ("a 5xx that is foreseen", "warn", 500, "status 500", "it trips", False, ""),
    ("a 5xx that the scenario speaks of", "fail", 500, "status 500", "it trips", False, ""),
    ("a header of an answer that is a 5xx", "fail", 500, "Upload-Offset: -1", "", False, ""),
    ("lost bytes", "fail", 200, "4 bytes of 5", "", True, DAMAGE_RULE),
]


@pytest.mark.parametrize(
    ("grade", "status", "actual", "says", "damage", "expected"),
    [pytest.param(*each, id=name) for name, *each in CHECKS],
)
def test_a_fail_whatever_the_level_of_its_row_is_told(
    grade: Grade, status: int, actual: str, says: str, damage: bool, expected: str
) -> None:
    """It is told where the rule decided, and nowhere else."""
    check = Check(
        requirement="core.patch.x",
        outcome="violated",
        grade=grade,
        actual=actual,
        says=says,
        exchange=0,
        damage=damage,
    )
    attempt = Attempt(verdict="fail", checks=(check,), exchanges=(exchange_with_status(status),))
    assert unconditional_fail_rule(check, attempt) == expected


def test_without_its_exchange_nothing_is_said_of_a_status() -> None:
    """A check whose exchange was not kept is told as it stands."""
    check = Check(requirement="a.b", outcome="violated", grade="fail", actual="status 500")
    assert unconditional_fail_rule(check, Attempt(verdict="fail", checks=(check,))) == ""


def record_with_failure(sample: Record, *, says: str = "") -> Record:
    """Let the requirement that is only a SHOULD fail, by damage if the scenario speaks of it."""
    told = sample.scenarios[6]
    check = msgspec.structs.replace(
        told.attempts[0].checks[0],
        grade="fail",
        expected="status 404",
        actual="status 500",
        says=says,
        damage=bool(says),
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
    "html": lambda record: html(record, brief=True),
    "junit": junit,
    "annotations": github_annotations,
    "json": json_report,
    "the sentence of the requirement": lambda record: summarize_requirements(record)[
        "core.patch.keep-partial"
    ],
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_every_view_tells_why_a_should_fails(view: Callable[[Record], str], sample: Record) -> None:
    """A reader who sees a SHOULD fail is told the rule, wherever it is seen."""
    assert SERVER_ERROR_RULE in " ".join(view(record_with_failure(sample)).split())


def test_the_rule_stands_beside_what_the_scenario_says(sample: Record) -> None:
    """Damage is named in addition to what a scenario has to say of it."""
    told = " ".join(render_terminal(record_with_failure(sample, says="it is gone")).split())
    assert f"that is it is gone; {DAMAGE_RULE}" in told


def test_brief_views_put_the_rule_behind_what_came(sample: Record) -> None:
    """Where there is one sentence for all, the rule follows what came."""
    record = record_with_failure(sample)
    assert summarize_requirements(record)["core.patch.keep-partial"] == (
        f"Expected status 404; got status 500, {SERVER_ERROR_RULE}"
    )
    assert f"Actual: status 500, {SERVER_ERROR_RULE}." in github_annotations(record)
    assert f"expected status 404, got status 500, {SERVER_ERROR_RULE}" in junit(record)
    assert json.loads(json_report(record))["findings"][0]["says"] == SERVER_ERROR_RULE
