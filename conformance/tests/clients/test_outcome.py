"""`clients.outcome`: what the client said against what is stored."""

from __future__ import annotations

import pytest
from seen_client import SeenClient, ended

from tus_conformance.clients.client_log import ClientLog
from tus_conformance.clients.client_program import ClientReport
from tus_conformance.clients.outcome import find_outcome, waits_to_try_again
from tus_conformance.clients.seen_request import SeenUpload

FILE = b"0123456789"


def log_with(*uploads: SeenUpload, requests: int = 1) -> ClientLog:
    client = SeenClient()
    for _ in range(requests):
        client.send("PATCH")
    for upload in uploads:
        client.log.add_upload(upload)
    return client.log


def stored(content: bytes, number: int = 1, *, complete: bool = True, **more: object) -> SeenUpload:
    upload = SeenUpload(f"u{number}", number, length=10, content=content, complete=complete)
    upload.url = f"http://host/files/u{number}"
    for name, value in more.items():
        setattr(upload, name, value)
    return upload


@pytest.mark.parametrize(
    ("content", "report", "outcome"),
    [
        (FILE, ended("done"), "whole"),
        (FILE[:4], ended("done"), "lied"),
        (FILE[:4], ended("error", 1), "reported"),
        (FILE, ended("error", 1), "reported"),
        (FILE, ended("error", 0), "reported"),
        (FILE, ended("nothing", 0), "silent"),
        (FILE[:4], ended("nothing", 0), "silent"),
        (FILE[:4], ended("nothing", 1), "crashed"),
        (FILE[:4], ended("nothing", -9), "crashed"),
        (b"0123x", ended("error", 1), "damaged"),
        (FILE + b"0", ended("done"), "damaged"),
        (b"", ended("error", 1), "reported"),
        (FILE, None, "whole"),
        (FILE[:4], None, "incomplete"),
    ],
)
def test_outcomes_of_clients_that_ended(
    content: bytes, report: ClientReport | None, outcome: str
) -> None:
    log = log_with(stored(content, complete=content == FILE))
    assert find_outcome(log, report, FILE, 10, stopped_at=2).outcome == outcome


def test_a_client_that_crashed_is_quoted() -> None:
    report = ClientReport(1, "nothing", output="Traceback:\nKeyError: 'location'\n")
    found = find_outcome(log_with(), report, FILE, 10, stopped_at=2)
    assert "KeyError: 'location'" in found.because


def test_success_without_any_upload_is_a_lie() -> None:
    assert find_outcome(log_with(), ended("done"), FILE, 10, stopped_at=2).outcome == "lied"


def test_an_upload_that_lacks_no_byte_but_its_length_is_not_whole() -> None:
    log = log_with(stored(FILE, complete=False, length=None))
    found = find_outcome(log, ended("done"), FILE, 10, stopped_at=2)
    assert found.outcome == "lied"
    assert "no length was declared" in found.because


def test_the_upload_that_the_client_named_counts() -> None:
    log = log_with(stored(FILE[:3], 1, complete=False), stored(FILE, 2))
    named_part = ended("done", url="http://other/files/u1")
    named_whole = ended("done", url="http://other/files/u2")
    assert find_outcome(log, named_part, FILE, 10, stopped_at=2).outcome == "lied"
    assert find_outcome(log, named_whole, FILE, 10, stopped_at=2).outcome == "whole"


def test_a_partial_upload_is_not_the_file_and_may_hold_any_part_of_it() -> None:
    partial = stored(FILE[5:], 1, concat="partial")
    assert find_outcome(log_with(partial), ended("done"), FILE, 10, stopped_at=2).outcome == "lied"
    partial.content = b"95"
    found = find_outcome(log_with(partial), ended("done"), FILE, 10, stopped_at=2)
    assert found.outcome == "damaged"


def test_a_file_that_grew_is_whole_with_what_it_had_at_first() -> None:
    log = log_with(stored(FILE))
    assert find_outcome(log, ended("done"), FILE + b"more", 10, stopped_at=2).outcome == "whole"
    log = log_with(stored(FILE[:9]))
    assert find_outcome(log, ended("done"), FILE + b"more", 10, stopped_at=2).outcome == "lied"


def test_a_client_that_goes_on_is_endless() -> None:
    log = log_with(requests=50)
    found = find_outcome(log, ended("nothing", None), FILE, 10, stopped_at=51)
    assert (found.outcome, found.undecided) == ("endless", False)


def test_a_client_that_is_quiet_hangs() -> None:
    log = log_with(requests=3)
    found = find_outcome(log, ended("nothing", None), FILE, 10, stopped_at=60)
    assert found.outcome == "hangs"


def test_the_time_until_the_first_request_does_not_count() -> None:
    log = log_with(requests=3)
    for request in log.requests:  # the program took nine seconds to start
        request.began, request.ended, request.responded = 9.0, 9.1, 9.1
    log.now = lambda: 16.0
    assert find_outcome(log, ended("nothing", None), FILE, 10, stopped_at=16).outcome == "hangs"


def test_a_client_that_waits_for_a_response_hangs() -> None:
    log = log_with(requests=3)
    log.requests[-1].ended = log.requests[-1].responded = None
    assert find_outcome(log, ended("nothing", None), FILE, 10, stopped_at=4).outcome == "hangs"


@pytest.mark.parametrize("began", [30.0, 44.0])
def test_a_request_without_a_response_is_under_way_until_the_client_is_stopped(
    began: float,
) -> None:
    client = SeenClient()
    client.create()
    request = client.patch(0, b"xx", status=None)
    request.began, request.ended = began, 50.2  # stopping the client at 50 has ended it
    client.log.now = lambda: 50.5
    found = find_outcome(client.log, ended("nothing", None), FILE, 10, stopped_at=50)
    assert (found.outcome, found.undecided) == ("hangs", False)


def test_a_few_requests_do_not_show_that_there_is_no_end() -> None:
    client = SeenClient()
    for began in (44.0, 45.0, 46.0, 47.0, 48.0, 49.0):
        request = client.send("PATCH", status=204)
        request.began, request.responded, request.ended = began, began + 0.9, began + 0.9
    client.log.now = lambda: 50.0
    found = find_outcome(client.log, ended("nothing", None), FILE, 10, stopped_at=50)
    assert (found.outcome, found.undecided) == ("endless", True)


def test_a_quick_loop_is_endless_also_while_a_request_is_under_way() -> None:
    log = log_with(requests=50)
    log.requests[-1].ended = log.requests[-1].responded = None
    found = find_outcome(log, ended("nothing", None), FILE, 10, stopped_at=50)
    assert (found.outcome, found.undecided) == ("endless", False)


def test_what_was_said_counts_where_the_program_does_not_end() -> None:
    log = log_with(stored(FILE))
    assert find_outcome(log, ended("done", None), FILE, 10, stopped_at=60).outcome == "whole"


def test_a_client_that_gets_on_is_not_said_to_be_endless_for_certain() -> None:
    client = SeenClient()
    client.create()
    for offset in range(0, 8, 2):
        client.patch(offset, b"xx").stored = 2
        client.log.requests[-1].offset_before = offset
    assert client.log.gets_on()
    found = find_outcome(client.log, ended("nothing", None), FILE, 10, stopped_at=5)
    assert (found.outcome, found.undecided) == ("endless", True)
    for _ in range(6):
        client.patch(0, b"xx").stored = 2
        client.log.requests[-1].offset_before = 0
    assert not client.log.gets_on()
    found = find_outcome(client.log, ended("nothing", None), FILE, 10, stopped_at=11)
    assert (found.outcome, found.undecided) == ("endless", False)


def test_longer_and_longer_pauses_are_those_before_attempts() -> None:
    client = SeenClient()
    for began in (0.0, 1.0, 3.0, 7.0, 15.0, 31.0):
        request = client.send("PATCH", status=500)
        request.began, request.responded = began, began + 0.1
    client.log.now = lambda: 60.0
    found = find_outcome(client.log, ended("nothing", None), FILE, 10, stopped_at=60)
    assert (found.outcome, found.undecided) == ("endless", True)


@pytest.mark.parametrize(
    ("pauses", "quiet", "expected"),
    [
        ([1, 2, 4, 8], 10, True),
        ([1, 2, 4, 8], 40, False),
        ([1, 0.7, 3, 1, 6, 1, 11, 1.2, 19, 1.2, 38, 1.1], 22, True),
        ([0.6, 0.5, 0.9, 0.8, 0.7, 1.2, 1.1], 1, False),
        ([0.01] * 50, 0, False),
        ([2, 2, 2, 2], 3, False),
        ([30], 28, True),
        ([30, 30], 28, True),
        ([30], 80, False),
        ([5] * 6, 3, False),
        ([1, 2], 1, False),
        ([], 60, False),
    ],
)
def test_waiting_to_try_again(pauses: list[float], quiet: float, expected: bool) -> None:
    assert waits_to_try_again(pauses, quiet) is expected
