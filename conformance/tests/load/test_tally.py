"""`load.tally`: the tallies of workers add up, and each is sent once."""

from __future__ import annotations

import json

from tus_conformance.load.content import WORKER_SHIFT, Difference
from tus_conformance.load.tally import MAX_FINDINGS, Tally


def count_something(worker: int) -> Tally:
    tally = Tally()
    tally.count("cuts", 2)
    tally.verified(100)
    number = (worker << WORKER_SHIFT) + 1
    tally.different(Difference("lost", 1, "1 byte is missing at 5"), number, "http://s/1?token=x")
    tally.not_verified(7, "GET answers 500")
    return tally


def test_tallies_add_up_after_a_way_through_json() -> None:
    total = Tally()
    for worker in (1, 2, 3):
        total.add(json.loads(json.dumps(count_something(worker).take())))
    counts = total.to_counts()
    assert (counts.cuts, counts.uploads_verified, counts.bytes_verified) == (6, 3, 300)
    assert (counts.uploads_lost, counts.bytes_lost, counts.bytes_unverified) == (3, 3, 21)
    assert total.unverified == {"GET answers 500": 3}
    assert [each.upload for each in total.findings] == [
        f"upload 1 of worker {worker}" for worker in (1, 2, 3)
    ]


def test_what_was_taken_is_not_taken_again() -> None:
    tally, total = count_something(1), Tally()
    total.add(tally.take())
    total.add(tally.take())
    assert total.to_counts().cuts == 2


def test_a_finding_shows_no_query_and_many_are_counted() -> None:
    tally = Tally()
    for number in range(MAX_FINDINGS + 20):
        tally.wrong("mixed", 1, number, "http://s/1?token=x", "wrong")
    assert len(tally.findings) == MAX_FINDINGS
    assert tally.to_counts().uploads_mixed == MAX_FINDINGS + 20
    assert tally.findings[0].url == "http://s/1"
