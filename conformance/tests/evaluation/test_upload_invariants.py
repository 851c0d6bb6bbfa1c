"""`evaluation.upload_history`: each rule over one upload holds, breaks, or does not apply."""

from __future__ import annotations

import pytest
from observed_exchange import ExchangeText, exchange_from, invariant_result_of
from upload_invariant_cases import CASES, CREATED, DATED, UPLOAD_INVARIANTS

from tus_conformance.evaluation.upload_history import UploadHistory
from tus_scenarios import scenarios


@pytest.mark.parametrize(
    ("name", "exchanges", "expected"),
    [pytest.param(*case[:3], id=f"{case[0]}: {case[3]}") for case in CASES],
)
def test_an_invariant_looks_at_every_exchange(
    name: str, exchanges: list[ExchangeText], expected: str
) -> None:
    assert invariant_result_of(name, *exchanges).verdict == expected


@pytest.mark.parametrize("name", UPLOAD_INVARIANTS)
def test_every_invariant_is_seen_held_and_broken(name: str) -> None:
    outcomes = {outcome for case, _, outcome, _ in CASES if case == name}
    assert "pass" in outcomes
    assert outcomes & {"fail", "warn"}


def test_a_violation_says_what_was_expected_and_what_came() -> None:
    broken = invariant_result_of("head-cache-control", exchange_from("HEAD 200"))
    check = broken.attempts[0].checks[0]
    assert check.expected == "Cache-Control: no-store"
    assert check.actual == "status 200, no Cache-Control"
    assert check.requirement == "core.head.cache-control"


@pytest.mark.parametrize("said", ["HEAD 200", "PATCH 204", "POST 201"])
def test_no_invariant_raises_on_numbers_of_thousands_of_digits(said: str) -> None:
    huge = "9" * 5000
    names = ("Upload-Offset", "Upload-Length", "Upload-Defer-Length", "Tus-Max-Size")
    response = exchange_from(
        said,
        "Location: 1",
        *(f"{name}: {huge}" for name in names),
        sent=[f"Upload-Offset: {huge}", f"Upload-Length: {huge}"],
        body=b"x",
    )
    for created in (CREATED, DATED):
        found = invariant_result_of("upload-offset-format", created, response, response)
        assert found.verdict == "pass"


def test_a_server_without_concatenation_may_ignore_the_header() -> None:
    history = UploadHistory()
    http_request, reply = exchange_from("POST 201", "Location: 1", sent=["Upload-Concat: partial"])
    without = next(each for each in scenarios() if "concatenation" in each.lacks)
    history.add_exchange(without, "POST", http_request, reply)
    facts = history.find(exchange_from("HEAD 200")[0].url)
    assert facts is not None
    assert facts.concat is None
