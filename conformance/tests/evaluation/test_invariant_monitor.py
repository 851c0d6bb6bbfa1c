"""`evaluation.invariant_monitor`: observations of a whole run, and a server that exits."""

from __future__ import annotations

import pytest
from observed_exchange import STORY, UPLOAD, VERSION, exchange_from, exchange_of
from scripted_server import scenario_from_toml

from tus_conformance.evaluation.invariant_monitor import InvariantMonitor
from tus_conformance.evaluation.invariants import CREATION_SUCCEEDS, SERVER_KEEPS_RUNNING
from tus_conformance.targets.trace import LastExchanges


def test_a_crashed_server_is_noted_next_to_its_responses() -> None:
    watch = InvariantMonitor()
    running = next(each for each in watch.invariants if each.id == SERVER_KEEPS_RUNNING)
    watch.observe(STORY, *exchange_from("HEAD 200", VERSION))
    assert running.result(str).verdict == "pass"
    end = LastExchanges(exchange_of("GET 200"), exchange_of("PATCH 0"))
    watch.record_server_exit(["a.story", "another"], "It exited with 1.", end)
    told = running.result(lambda scenario: f"--only {scenario}")
    assert (told.verdict, told.command) == ("fail", "--only a.story")
    (attempt,) = told.attempts
    assert attempt.checks[0].actual == (
        f"It exited with 1; the last response was 200, to GET {UPLOAD}; the first request"
        f" without a response was PATCH {UPLOAD} (in a.story or another)"
    )
    assert attempt.exchanges == end.exchanges
    assert attempt.checks[0].exchange == 0


def test_every_fall_is_counted() -> None:
    watch = InvariantMonitor()
    running = next(each for each in watch.invariants if each.id == SERVER_KEEPS_RUNNING)
    watch.observe(STORY, *exchange_from("HEAD 200", VERSION))
    for _ in range(2):
        watch.record_server_exit(["a.story"], "It exited with 1.", LastExchanges())
    assert running.result(str).reason == "The server ended 2 times in 1 exchange."


def test_a_fall_before_the_second_scenario_may_be_that_of_discovery() -> None:
    watch = InvariantMonitor()
    running = next(each for each in watch.invariants if each.id == SERVER_KEEPS_RUNNING)
    watch.record_server_exit(["a.story"], "It exited with 1.", LastExchanges())
    (check,) = running.result(str).attempts[0].checks
    assert check.actual == "It exited with 1. (in discovery or a.story)"
    assert check.exchange is None


def test_a_creation_in_response_to_an_overridden_patch_says_nothing_of_the_upload() -> None:
    """A server without X-HTTP-Method-Override takes the POST for a creation: the Upload-Offset is
    that of the new upload.
    """
    watch = InvariantMonitor()
    offset_40 = (VERSION, "Upload-Offset: 40", "Upload-Length: 100", "Cache-Control: no-store")
    watch.observe(STORY, *exchange_from("HEAD 200", *offset_40))
    created = (VERSION, "Location: /files/2", "Upload-Offset: 10")
    sent = ["Upload-Offset: 40", "Upload-Length: 100"]
    watch.observe(STORY, *exchange_from("POST>PATCH 201", *created, sent=sent, body=bytes(10)))
    watch.observe(STORY, *exchange_from("HEAD 200", *offset_40))
    failed = [each.id for each in watch.invariants if each.result(str).verdict in {"fail", "warn"}]
    assert failed == []


@pytest.mark.parametrize(
    ("is_concurrent", "grade", "actual"),
    [
        (False, "fail", "POST got 500"),
        (True, "warn", "POST got 500 while other scenarios ran"),
    ],
)
def test_a_server_error_in_a_preparation_is_charged_to_the_server(
    *, is_concurrent: bool, grade: str, actual: str
) -> None:
    watch = InvariantMonitor(is_concurrent=is_concurrent)
    succeeds = next(each for each in watch.invariants if each.id == CREATION_SUCCEEDS)
    watch.observe(STORY, *exchange_from("POST 201", "Location: /files/1"))
    assert succeeds.result(str).verdict == "pass"
    _, reply = exchange_from("POST 500")
    watch.observe(STORY, _, reply)
    assert succeeds.result(str).verdict == "pass"
    watch.record_server_error(STORY, reply)
    (check,) = succeeds.result(str).attempts[0].checks
    assert (check.requirement, check.grade, check.actual) == ("creation.post.201", grade, actual)


def test_offsets_are_kept_from_one_scenario_to_the_next() -> None:
    """A server that forgets between two scenarios forgets."""
    other = scenario_from_toml('{ head = { to = "/x" }, name = "asked" }')
    watch = InvariantMonitor()
    watch.observe(STORY, *exchange_from("PATCH 204", "Upload-Offset: 40"))
    watch.observe(other, *exchange_from("HEAD 200", "Upload-Offset: 0", started=1))
    found = next(each for each in watch.invariants if each.id == "always.offset-never-goes-back")
    assert found.result(str).verdict == "fail"


def test_offsets_of_two_runs_are_not_mixed() -> None:
    first, second = InvariantMonitor(), InvariantMonitor()
    first.observe(STORY, *exchange_from("PATCH 204", VERSION, "Upload-Offset: 40"))
    second.observe(STORY, *exchange_from("HEAD 200", VERSION, "Upload-Offset: 0", started=1))
    tracker = next(each for each in second.invariants if each.id == "always.offset-never-goes-back")
    assert tracker.violations == 0


def test_a_fall_is_a_check_that_was_violated() -> None:
    watch = InvariantMonitor()
    watch.record_server_exit(["a.story"], "it exited with 1", LastExchanges())
    running = next(each for each in watch.invariants if each.id == SERVER_KEEPS_RUNNING)
    (check,) = running.result(str).attempts[0].checks
    assert check.requirement == "http.server-keeps-running"
    assert (check.outcome, check.grade) == ("violated", "fail")
    assert check.expected == "the server keeps running, whatever clients send"
