"""`clients.client_checks`: the checks of a situation, and the line of the record that they make."""

from __future__ import annotations

import msgspec
import pytest
from seen_client import SeenClient, ended, make_situation

from tus_conformance.clients.client_checks import (
    OUTCOME_REQUIREMENT,
    check_client,
    client_checks,
    outcome_checks,
)
from tus_conformance.clients.client_evaluation import (
    attempt_without_request,
    describe_behaviour,
    evaluate_client,
    situation_result,
)
from tus_conformance.clients.client_rule import ClientView
from tus_conformance.clients.outcome import FoundOutcome
from tus_scenarios import Grade, ledger
from tus_scenarios.server_rule import Outcome, describe_rule

GRADED = '[[situation.outcome]]\noutcome = "reported"\ngrade = "note"\nwhy = "It may."\n'


def test_every_check_names_a_requirement_of_clients() -> None:
    assert {ledger()[row].side for row, _ in client_checks()} == {"client"}


@pytest.mark.parametrize(
    ("outcome", "held", "grade"),
    [
        ("whole", "held", "pass"),
        ("reported", "violated", "note"),
        ("lied", "violated", "fail"),
        ("hangs", "violated", "warn"),
        ("endless", "violated", "fail"),
    ],
)
def test_an_outcome_is_charged_to_what_the_situation_is_about(
    outcome: Outcome, held: str, grade: Grade
) -> None:
    situation = make_situation(GRADED, checks='["client.core.net.detect-errors"]')
    (check,) = outcome_checks(SeenClient().view(situation, outcome))
    assert check.requirement == "client.core.net.detect-errors"
    assert (check.outcome, check.grade) == (held, grade)
    assert check.rule == "expectation"


@pytest.mark.parametrize(("misled", "grade"), [(True, "warn"), (False, "fail")])
def test_a_lie_is_excused_by_an_untrue_response_that_the_client_had(
    misled: bool, grade: Grade
) -> None:
    situation = make_situation('rule = [{ on = "HEAD", false = true, lose = "rst" }]\n')
    client = SeenClient()
    client.create()
    client.send("HEAD", "/files/u", status=200, upload="u", false_response=misled)
    (check,) = outcome_checks(client.view(situation, "lied"))
    assert check.grade == grade


@pytest.mark.parametrize(("reached", "grade"), [(True, "warn"), (False, "note")])
@pytest.mark.parametrize("graded", ["warn", "pass"])
def test_a_client_that_gives_up_early_is_not_judged_by_what_would_have_come(
    graded: Grade, reached: bool, grade: Grade
) -> None:
    text = (
        'rule = [{ name = "cut", on = "PATCH", lose = "rst" },'
        ' { on = "HEAD", after = "cut", forget = true }]\n'
        f'outcome = [{{ outcome = "reported", grade = "{graded}" }}]\n'
    )
    situation = make_situation(text)
    client = SeenClient()
    client.create()
    client.patch(0, b"0", status=None)
    if reached:
        applied = [describe_rule(situation.rules[1])]
        client.send("HEAD", "/files/u", status=404, upload="u", applied=applied)
    (check,) = outcome_checks(client.view(situation, "reported"))
    assert check.grade == (graded if reached else grade)
    assert check.outcome == ("held" if reached and graded == "pass" else "violated")


def test_an_outcome_without_a_requirement_is_charged_to_the_core_protocol() -> None:
    (check,) = outcome_checks(SeenClient().view(make_situation(), "damaged"))
    assert (check.requirement, check.grade) == (OUTCOME_REQUIREMENT, "fail")
    assert check.rule == "data-loss"


def test_what_is_expected_is_one_sentence() -> None:
    text = '[[situation.outcome]]\noutcome = "reported"\n'
    (check,) = outcome_checks(SeenClient().view(make_situation(text), "lied"))
    assert check.expected == (
        "the client says that the upload succeeded, and every byte is there or the client reports"
        " an error"
    )
    assert check.actual.endswith("bytes are missing. because")


def test_what_is_not_decided_is_noted() -> None:
    found = FoundOutcome("endless", "because", undecided=True)
    view = ClientView(SeenClient().log, make_situation(), found, 10)
    (check,) = outcome_checks(view)
    assert check.grade == "note"
    assert check.explanation == "It may need more time than the situation lasts."


def test_what_is_not_http_is_a_failure() -> None:
    client = SeenClient()
    client.log.unreadable.append("no request line")
    found = [each for each in check_client(client.view()) if each.actual == "no request line"]
    assert [each.grade for each in found] == ["fail"]


def test_the_line_of_a_situation_has_its_outcome_and_every_request() -> None:
    client = SeenClient()
    client.create()
    client.patch(0, b"0123456789")
    result = evaluate_client(client.view(), 2.5, "again")
    assert (result.outcome, result.command, result.id) == ("whole", "again", "tried")
    assert result.reason == "whole: POST: 201; PATCH at 0, 10 bytes: 204"
    assert len(result.attempts[0].exchanges) == 2
    assert result.attempts[0].duration == 2.5
    assert set(result.requirements) == {each.requirement for each in result.attempts[0].checks}


def test_the_line_has_no_secret_of_the_client() -> None:
    client = SeenClient()
    client.send("POST", headers={"Authorization": "Bearer sesame-open-7"}, status=201)
    client.send("PATCH", headers={"Authorization": "Bearer sesame-open-7"})
    found = FoundOutcome("reported", "It reported: 401 for Bearer sesame-open-7.")
    result = evaluate_client(ClientView(client.log, make_situation(), found, 10), 1.0, "again")
    assert "sesame" not in msgspec.json.encode(result).decode()
    assert "Authorization: [redacted]" in result.attempts[0].exchanges[0].request_head


def test_the_query_of_a_location_stays_readable() -> None:
    client = SeenClient()
    client.send("PATCH", "/files/u?token=a%2Fb")
    result = evaluate_client(client.view(), 1.0, "again")
    assert "PATCH /files/u?token=a%2Fb" in result.attempts[0].exchanges[0].request_head


def test_many_requests_are_counted_and_not_listed() -> None:
    client = SeenClient()
    for _ in range(10):
        client.send("HEAD", status=200)
    assert describe_behaviour(client.log, FoundOutcome("endless", "")).endswith("; 2 more")


def test_a_situation_that_does_not_apply_says_why() -> None:
    result = situation_result(make_situation(), None, "It cannot.", "again")
    assert (result.verdict, result.reason, result.attempts) == ("not-applicable", "It cannot.", ())


def test_a_client_that_sent_nothing_is_an_error_of_its_set_up() -> None:
    attempt = attempt_without_request(ended("nothing", 1))
    assert attempt.verdict == "error"
    assert attempt.reason.startswith("The client sent no request. ")
