"""`har`: every exchange of a run as an HTTP archive."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

import pytest

from tus_reports import Record
from tus_reports.har import har

Golden = Callable[[str, str], None]


def test_golden(sample: Record, golden: Golden) -> None:
    """The view of the sample run is the stored one."""
    golden("run.har", har(sample))


def test_har_holds_every_exchange(sample: Record) -> None:
    """Each exchange is an entry of the page of its attempt, in order, with what HAR asks for."""
    log = json.loads(har(sample))["log"]
    exchanges = [
        exchange
        for scenario in sample.scenarios
        for attempt in scenario.attempts
        for exchange in attempt.exchanges
    ]
    entries = log["entries"]
    assert [(each["request"]["method"], each["response"]["status"]) for each in entries] == [
        (each.method, each.response.status if each.response else 0) for each in exchanges
    ]
    pages = [page["id"] for page in log["pages"]]
    assert len(pages) == len(set(pages))
    assert {each["pageref"] for each in entries} == set(pages)
    for entry in entries:
        assert entry["time"] == pytest.approx(sum(entry["timings"].values()))
        assert datetime.fromisoformat(entry["startedDateTime"]).tzinfo is not None
        assert all(value >= 0 for value in entry["timings"].values())


def test_har_shows_what_it_has_no_place_for(sample: Record) -> None:
    """Our own acts and failures are in the comments and in names of our own."""
    entries = json.loads(har(sample))["log"]["entries"]
    cut = next(each for each in entries if "suite: cut after" in each["comment"])
    assert cut["response"]["_error"] == "We cut the connection; no answer was awaited."
    assert "action" in [event["event"] for event in cut["_events"]]
