"""`clients.client_rule`: from what a rule found to a check, and what an HTTP library resends."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from seen_client import SeenClient, make_situation

from tus_conformance.clients.client_rule import (
    ClientRule,
    RuleCheck,
    each_request,
    show_header,
)
from tus_scenarios import Grade

MUST = "client.core.patch.content-type"
SHOULD = "client.core.patch.single-request"


@pytest.mark.parametrize(
    ("requirement", "found", "outcome", "grade"),
    [
        (MUST, [RuleCheck(True)], "held", "pass"),
        (MUST, [RuleCheck(True), RuleCheck(False)], "violated", "fail"),
        (SHOULD, [RuleCheck(False)], "violated", "warn"),
        (SHOULD, [RuleCheck(False, grade="fail")], "violated", "fail"),
        (MUST, [RuleCheck(True, grade="note")], "held", "note"),
        (MUST, [RuleCheck(False, grade="note")], "violated", "note"),
    ],
)
def test_a_violation_weighs_what_its_requirement_says(
    requirement: str, found: Sequence[RuleCheck], outcome: str, grade: Grade
) -> None:
    (check,) = ClientRule(requirement, lambda _view: found).checks(SeenClient().view())
    assert (check.requirement, check.outcome, check.grade) == (requirement, outcome, grade)
    assert check.rule == "invariant"


def test_a_rule_that_does_not_apply_checks_nothing() -> None:
    assert ClientRule(MUST, lambda _view: ()).checks(SeenClient().view()) == []


def test_the_first_violation_is_shown_with_its_request_and_the_others_are_counted() -> None:
    client = SeenClient()
    client.create()
    requests = [client.patch(0, b"a"), client.patch(1, b"b")]
    found = each_request(requests, lambda _request: False, "other", show_header("Upload-Offset"))
    checks = ClientRule(MUST, lambda _view: found).checks(client.view())
    assert checks[0].actual == "PATCH with Upload-Offset: '0' (2 requests in all)"
    assert checks[0].expected == "other"
    assert checks[0].exchange == 1
    assert checks[0].evidence.startswith("PATCH /files/u HTTP/1.1\r\n")


def test_a_header_that_is_missing_is_named() -> None:
    request = SeenClient().send("HEAD", version=False)
    assert show_header("Tus-Resumable")(request) == "HEAD without Tus-Resumable"


@pytest.mark.parametrize(
    ("resends", "second_offset", "answered", "resent"),
    [
        (True, 0, False, True),
        (False, 0, False, False),
        (True, 4, False, False),
        (True, 0, True, False),
    ],
)
def test_only_a_repeated_broken_request_is_one_of_the_http_library(
    resends: bool, second_offset: int, answered: bool, resent: bool
) -> None:
    client = SeenClient()
    client.create()
    client.patch(0, b"abcd", status=500 if answered else None)
    again = client.patch(second_offset, b"abcd")
    assert client.view(resends=resends).is_resent(again) is resent


def test_options_are_those_of_the_situation() -> None:
    view = SeenClient().view(make_situation(options='["--chunk", "3"]'))
    assert view.has_option("--chunk")
    assert not view.has_option("--parallel")
