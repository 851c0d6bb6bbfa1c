"""`evaluation.grades`: the grade of an outcome, and the rule that decides it."""

from __future__ import annotations

import pytest
from one_response import MUST, OPEN, SHOULD, evaluate_options, expectation_from
from scripted_server import CloseWithoutReply, ScriptedAnswer, ScriptedResponse

from tus_reports import DecidingRule, Grade

FORESEEN = 'status = 204, warn = [{ status = "5xx" }]'
STATED = 'status = 204, otherwise = "note"'

RULES: list[tuple[str, str, ScriptedAnswer, Grade, DecidingRule]] = [
    ("status = 204", MUST, ScriptedResponse(204), "pass", "expectation"),
    (FORESEEN, MUST, ScriptedResponse(500), "warn", "expectation"),
    ("status = 204", MUST, ScriptedResponse(400), "fail", "level"),
    ("status = 204", SHOULD, ScriptedResponse(400), "warn", "level"),
    ("status = 204", OPEN, ScriptedResponse(400), "note", "level"),
    ("status = 204", OPEN, ScriptedResponse(501), "note", "level"),
    (STATED, MUST, ScriptedResponse(400), "note", "otherwise"),
    (STATED, MUST, ScriptedResponse(501), "note", "otherwise"),
    ("status = 204", OPEN, ScriptedResponse(500), "fail", "server-error"),
    ("status = 204", MUST, ScriptedResponse(500), "fail", "server-error"),
    (STATED, OPEN, ScriptedResponse(503), "fail", "server-error"),
    ("status = 204", OPEN, CloseWithoutReply(), "fail", "unanswered"),
    (STATED, OPEN, CloseWithoutReply(), "fail", "unanswered"),
    ('status = "4xx"', OPEN, CloseWithoutReply(), "note", "level"),
    ('status = "4xx"', MUST, CloseWithoutReply(), "fail", "level"),
    ("closed = true", OPEN, CloseWithoutReply(), "pass", "expectation"),
]


@pytest.mark.parametrize(("expectation", "row", "answer", "grade", "rule"), RULES)
async def test_the_first_rule_that_applies_decides(
    expectation: str, row: str, answer: ScriptedAnswer, grade: Grade, rule: DecidingRule
) -> None:
    (check,) = (await evaluate_options(expectation_from(expectation, row), answer)).checks
    assert (check.grade, check.rule) == (grade, rule)


NOT_REACHED: list[tuple[str, ScriptedAnswer, DecidingRule]] = [
    ("header.X = false", CloseWithoutReply(), "no-response"),
    ("when.status = 200, status = 204", CloseWithoutReply(), "no-response"),
    ("when.status = 200, status = 204", ScriptedResponse(500), "another-case"),
    ("when.status = 200, status = 204", ScriptedResponse(404), "another-case"),
    ('header.X = "{upload}"', ScriptedResponse(200, {"X": "5"}), "unresolved"),
]


@pytest.mark.parametrize(("expectation", "answer", "rule"), NOT_REACHED)
async def test_what_is_not_reached_has_a_rule_and_no_grade(
    expectation: str, answer: ScriptedAnswer, rule: DecidingRule
) -> None:
    (check,) = (await evaluate_options(expectation_from(expectation), answer)).checks
    assert (check.outcome, check.grade, check.rule) == ("not-reached", None, rule)
