"""`evaluation.invariants`: each rule holds, breaks, or does not apply."""

from __future__ import annotations

from dataclasses import replace

import pytest
from observed_exchange import VERSION, ExchangeText, exchange_from, invariant_result_of
from upload_invariant_cases import UPLOAD_INVARIANTS

from tus_conformance.evaluation.http_invariants import HTTP_RULES
from tus_conformance.evaluation.invariants import (
    BODY_LIMIT,
    CREATION_SUCCEEDS,
    PATCH_SUCCEEDS,
    SERVER_KEEPS_RUNNING,
    invariants,
)
from tus_conformance.transport import NetworkFailure
from tus_conformance.transport.fault_actions import Break, InjectedFault
from tus_scenarios import ledger


def exchange_to_dead_origin() -> ExchangeText:
    http_request, reply = exchange_from("HEAD 0")
    failure = NetworkFailure("dead-origin", "Location names http://other, and nothing answers.")
    answer = replace(reply.http_response, failure=failure)
    return http_request, replace(reply, http_response=answer)


CASES: list[tuple[str, list[ExchangeText], str, str]] = [
    ("tus-resumable-on-success", [exchange_from("HEAD 200", VERSION)], "pass", "a success with it"),
    ("tus-resumable-on-success", [exchange_from("HEAD 200")], "fail", "a success without it"),
    ("tus-resumable-on-success", [exchange_from("POST 201")], "fail", "a creation without it"),
    ("tus-resumable-on-success", [exchange_from("DELETE 204")], "fail", "a deletion without it"),
    (
        "tus-resumable-on-success",
        [exchange_from("POST>PATCH 204")],
        "fail",
        "a PATCH by another name",
    ),
    (
        "tus-resumable-on-success",
        [exchange_from("POST>patch 204")],
        "fail",
        "in whatever letter case",
    ),
    (
        "tus-resumable-on-success",
        [exchange_from("OPTIONS 204")],
        "not-applicable",
        "OPTIONS need not",
    ),
    ("tus-resumable-on-success", [exchange_from("GET 200")], "not-applicable", "GET is not of tus"),
    (
        "tus-resumable-on-success",
        [exchange_from("POST>OPTIONS 204")],
        "not-applicable",
        "so overridden",
    ),
    (
        "tus-resumable-on-success",
        [exchange_from("HEAD 404")],
        "not-applicable",
        "an error is no success",
    ),
    ("tus-resumable-on-success", [exchange_from("HEAD 0")], "not-applicable", "nor is no answer"),
    (
        "tus-resumable-on-success",
        [
            exchange_from("HEAD 200", VERSION),
            exchange_from("HEAD 200"),
            exchange_from("HEAD 200", VERSION),
        ],
        "fail",
        "one in three is enough",
    ),
    ("tus-resumable-on-errors", [exchange_from("PATCH 409", VERSION)], "pass", "an error with it"),
    (
        "tus-resumable-on-errors",
        [exchange_from("PATCH 409")],
        "fail",
        "the handler's error without it",
    ),
    ("tus-resumable-on-errors", [exchange_from("GET 404")], "not-applicable", "GET is not of tus"),
    (
        "tus-resumable-on-errors",
        [exchange_from("PATCH 404")],
        "warn",
        "a router's error without it",
    ),
    ("tus-resumable-on-errors", [exchange_from("PATCH 502")], "warn", "a proxy's error without it"),
    (
        "tus-resumable-on-errors",
        [exchange_from("POST 400", framing="raw")],
        "warn",
        "an HTTP parser's error without it",
    ),
    (
        "tus-resumable-on-errors",
        [exchange_from("PATCH 400", faults=(InjectedFault(Break("half"), 5),))],
        "warn",
        "the same of a body that breaks off",
    ),
    ("tus-resumable-on-errors", [exchange_from("PATCH 400")], "fail", "a 400 to a whole request"),
    (
        "tus-resumable-on-errors",
        [exchange_from("POST 400", sent=[f"Upload-Metadata: a {'YWFh' * 2000}"])],
        "warn",
        "a 400 to a header field that HTTP servers find too long",
    ),
    (
        "tus-resumable-on-errors",
        [exchange_from("POST 409", sent=[f"Upload-Metadata: a {'YWFh' * 2000}"])],
        "fail",
        "another error to the same",
    ),
    (
        "tus-resumable-on-errors",
        [exchange_from("PATCH 404"), exchange_from("PATCH 409")],
        "fail",
        "the worse of two",
    ),
    (
        "tus-resumable-value",
        [exchange_from("HEAD 200", VERSION)],
        "pass",
        "the version that was asked for",
    ),
    (
        "tus-resumable-value",
        [exchange_from("HEAD 200", "Tus-Resumable: 0.2.2")],
        "fail",
        "another one",
    ),
    (
        "tus-resumable-value",
        [exchange_from("HEAD 200", VERSION, "tus-resumable: 1.0.0")],
        "fail",
        "twice is a list",
    ),
    (
        "tus-resumable-value",
        [exchange_from("9.9.9 PATCH 412", "Tus-Resumable: 0.2.2")],
        "not-applicable",
        "what a refusal of a version states is open",
    ),
    (
        "tus-resumable-value",
        [exchange_from("HEAD 200")],
        "not-applicable",
        "absent is another matter",
    ),
    ("upload-offset-format", [exchange_from("HEAD 200", "Upload-Offset: 5")], "pass", "a number"),
    ("upload-offset-format", [exchange_from("PATCH 409", "Upload-Offset: -1")], "fail", "a sign"),
    ("upload-offset-format", [exchange_from("HEAD 200", "Upload-Offset:")], "fail", "nothing"),
    (
        "upload-offset-format",
        [exchange_from("HEAD 200", "Upload-Offset: 5", "Upload-Offset: 5")],
        "fail",
        "twice",
    ),
    ("upload-offset-format", [exchange_from("HEAD 404")], "not-applicable", "no offset"),
    ("upload-length-format", [exchange_from("HEAD 200", "Upload-Length: 5")], "pass", "a number"),
    ("upload-length-format", [exchange_from("HEAD 200", "Upload-Length: null")], "fail", "a word"),
    (
        "upload-defer-length-value",
        [exchange_from("HEAD 200", "Upload-Defer-Length: 1")],
        "pass",
        "1",
    ),
    (
        "upload-defer-length-value",
        [exchange_from("HEAD 200", "Upload-Defer-Length: 0")],
        "fail",
        "0",
    ),
    (
        "upload-concat-format",
        [
            exchange_from("POST 201", sent=["Upload-Concat: Partial"]),
            exchange_from("HEAD 200", "Upload-Concat: Partial"),
        ],
        "not-applicable",
        "a value as it was sent is the client's",
    ),
    (
        "upload-concat-format",
        [exchange_from("HEAD 200", "Upload-Concat: partial")],
        "pass",
        "partial",
    ),
    (
        "upload-concat-format",
        [exchange_from("HEAD 200", "Upload-Concat: final;/files/a b")],
        "pass",
        "final",
    ),
    (
        "upload-concat-format",
        [exchange_from("HEAD 200", "Upload-Concat: final")],
        "fail",
        "without parts",
    ),
    (
        "offset-never-goes-back",
        [
            exchange_from("PATCH 204", "Upload-Offset: 40"),
            exchange_from("HEAD 200", "Upload-Offset: 40", started=1),
        ],
        "pass",
        "it stands",
    ),
    (
        "offset-never-goes-back",
        [
            exchange_from("PATCH 204", "Upload-Offset: 40"),
            exchange_from("HEAD 200", "Upload-Offset: 39", started=1),
        ],
        "fail",
        "it went back",
    ),
    (
        "offset-never-goes-back",
        [
            exchange_from("PATCH 204", "Upload-Offset: 40"),
            exchange_from("HEAD 404", "Upload-Offset: 0", started=1),
        ],
        "pass",
        "an error tells no offset",
    ),
    (
        "offset-never-goes-back",
        [
            exchange_from("PATCH 204", "Upload-Offset: 40", started=2),
            exchange_from("HEAD 200", "Upload-Offset: 0", started=1),
        ],
        "pass",
        "what was asked before may be answered later",
    ),
    (
        "offset-never-goes-back",
        [
            exchange_from("PATCH 204", "Upload-Offset: 40", took=5),
            exchange_from("HEAD 200", "Upload-Offset: 0", started=3),
        ],
        "pass",
        "so may what was asked before the offset had been told",
    ),
    (
        "offset-never-goes-back",
        [
            exchange_from("PATCH 204", "Upload-Offset: 40", took=5),
            exchange_from("HEAD 200", "Upload-Offset: 0", started=6),
        ],
        "fail",
        "but not what was asked afterwards",
    ),
    (
        "offset-never-goes-back",
        [
            exchange_from("PATCH 204", "Upload-Offset: 40"),
            exchange_from("HEAD 200", "Upload-Offset: 0"),
        ],
        "fail",
        "nor at that very moment, since a clock may stand still",
    ),
    (
        "offset-never-goes-back",
        [exchange_from("POST 201", "Upload-Offset: 5")],
        "not-applicable",
        "a creation that names no upload tells the offset of none",
    ),
    (
        "offset-never-goes-back",
        [
            exchange_from("PATCH 204", "Upload-Offset: 40"),
            exchange_from("PATCH 204", "Upload-Offset: 60", started=3),
            exchange_from("HEAD 200", "Upload-Offset: 40", started=2),
        ],
        "pass",
        "of two branches one may know less",
    ),
    (
        "offset-never-goes-back",
        [
            exchange_from("PATCH 204", "Upload-Offset: 40"),
            exchange_from("PATCH 204", "Upload-Offset: 60", started=3),
            exchange_from("HEAD 200", "Upload-Offset: 39", started=2),
        ],
        "fail",
        "but no less than was told before it began",
    ),
    (
        "offset-never-goes-back",
        [
            exchange_from("PATCH 204", "Upload-Offset: 40"),
            exchange_from("HEAD 200", "Upload-Offset: 40", started=5),
            exchange_from("HEAD 200", "Upload-Offset: 20", started=3),
        ],
        "fail",
        "to hear it again does not make it newer",
    ),
    (
        "offset-never-goes-back",
        [
            exchange_from("POST 201", "Location: /files/1", "Upload-Offset: 40"),
            exchange_from("HEAD 200", "Upload-Offset: 10", started=1),
        ],
        "fail",
        "a creation with bytes acknowledges them",
    ),
    (
        "offset-never-goes-back",
        [
            exchange_from("POST 201", "Location: /files/1", started=2),
            exchange_from("PATCH 204", "Upload-Offset: 40", started=1),
            exchange_from("HEAD 200", "Upload-Offset: 0", started=3),
        ],
        "pass",
        "a late answer of an upload of the same name before it counts for nothing",
    ),
    (
        "offset-never-goes-back",
        [
            exchange_from("PATCH 204", "Upload-Offset: 40"),
            exchange_from("PATCH 0", started=1),
            exchange_from("HEAD 200", "Upload-Offset: 20", started=2),
        ],
        "fail",
        "a connection that broke in between excuses nothing",
    ),
    (
        "offset-never-goes-back",
        [
            exchange_from("PATCH 204", "Upload-Offset: 40"),
            exchange_from("DELETE 204", started=1),
            exchange_from("HEAD 200", "Upload-Offset: 0", started=2),
        ],
        "pass",
        "a name may be used again after a deletion",
    ),
    (
        "offset-never-goes-back",
        [
            exchange_from("PATCH 204", "Upload-Offset: 40"),
            exchange_from("POST 201", "Location: /files/1", started=1),
            exchange_from("HEAD 200", "Upload-Offset: 0", started=2),
        ],
        "pass",
        "and is a new upload's then",
    ),
    (
        "offset-within-length",
        [exchange_from("HEAD 200", "Upload-Offset: 5", "Upload-Length: 5")],
        "pass",
        "complete",
    ),
    (
        "offset-within-length",
        [exchange_from("HEAD 200", "Upload-Offset: 6", "Upload-Length: 5")],
        "fail",
        "beyond",
    ),
    (
        "offset-within-length",
        [exchange_from("HEAD 200", "Upload-Offset: 6")],
        "not-applicable",
        "no length",
    ),
    (
        "offset-within-length",
        [exchange_from("HEAD 200", "Upload-Offset: 6", "Upload-Length: null")],
        "not-applicable",
        "a length that is no number",
    ),
    (
        "offset-within-length",
        [exchange_from("HEAD 200", "Upload-Offset: -1", "Upload-Length: 5")],
        "not-applicable",
        "an offset that is no number",
    ),
    ("location-answers", [exchange_from("HEAD 200")], "pass", "the upload answers"),
    ("location-answers", [exchange_from("POST 201")], "not-applicable", "nothing was asked yet"),
    ("location-answers", [exchange_to_dead_origin()], "fail", "nothing accepts connections"),
]


@pytest.mark.parametrize(
    ("name", "exchanges", "expected"),
    [pytest.param(*case[:3], id=f"{case[0]}: {case[3]}") for case in CASES],
)
def test_an_invariant_looks_at_every_exchange(
    name: str, exchanges: list[ExchangeText], expected: str
) -> None:
    assert invariant_result_of(name, *exchanges).verdict == expected


def test_every_invariant_is_seen_to_hold_and_to_break() -> None:
    outcomes = {(name, outcome == "pass") for name, _, outcome, _ in CASES if "not" not in outcome}
    http = {rule[0] for rule in HTTP_RULES}
    names = {each.id.removeprefix("always.") for each in invariants() if each.id not in http}
    recorded = (SERVER_KEEPS_RUNNING, BODY_LIMIT, CREATION_SUCCEEDS, PATCH_SUCCEEDS)
    by_itself = {each.removeprefix("always.") for each in recorded}
    elsewhere = {*UPLOAD_INVARIANTS, "upload-urls-differ"}  # with test_upload_urls.py
    assert outcomes == {
        (name, held) for name in names - by_itself - elsewhere for held in (True, False)
    }


def test_lost_bytes_are_damage() -> None:
    back = invariant_result_of(
        "offset-never-goes-back",
        exchange_from("PATCH 204", "Upload-Offset: 40"),
        exchange_from("HEAD 200", "Upload-Offset: 39", started=1),
    )
    beyond = invariant_result_of(
        "offset-within-length", exchange_from("HEAD 200", "Upload-Offset: 6", "Upload-Length: 5")
    )
    assert [one.attempts[0].checks[0].rule for one in (back, beyond)] == ["data-loss"] * 2


OF_THE_HANDLER = [400, 409, 410, 412, 413, 415, 460]
OF_OTHERS = [401, 403, 404, 405, 408, 411, 414, 416, 422, 429, 461, 500, 502, 503]


@pytest.mark.parametrize("status", [*OF_THE_HANDLER, *OF_OTHERS])
def test_the_status_shows_who_sent_an_error(status: int) -> None:
    expected = "fail" if status in OF_THE_HANDLER else "warn"
    assert (
        invariant_result_of("tus-resumable-on-errors", exchange_from(f"PATCH {status}")).verdict
        == expected
    )


NUMBER = "a non-negative integer, once"
WORDS: list[tuple[str, list[ExchangeText], str, str]] = [
    (
        "tus-resumable-on-errors",
        [exchange_from("PATCH 409", "Tus-Version: 1.0.0")],
        "Tus-Resumable in the response",
        "status 409, no Tus-Resumable",
    ),
    (
        "tus-resumable-value",
        [exchange_from("HEAD 200", "Tus-Resumable: 0.2.2")],
        "Tus-Resumable: 1.0.0",
        "Tus-Resumable: 0.2.2",
    ),
    (
        "upload-offset-format",
        [exchange_from("HEAD 200", "Upload-Offset: -1")],
        NUMBER,
        "Upload-Offset: -1",
    ),
    (
        "upload-length-format",
        [exchange_from("HEAD 200", "Upload-Length: -1")],
        NUMBER,
        "Upload-Length: -1",
    ),
    (
        "upload-defer-length-value",
        [exchange_from("HEAD 200", "Upload-Defer-Length: 0")],
        "the value 1",
        "Upload-Defer-Length: 0",
    ),
    (
        "upload-concat-format",
        [exchange_from("HEAD 200", "Upload-Concat: final")],
        "partial, or final; with URLs",
        "Upload-Concat: final",
    ),
    (
        "offset-never-goes-back",
        [
            exchange_from("PATCH 204", "Upload-Offset: 40"),
            exchange_from("HEAD 200", "Upload-Offset: 39", started=1),
        ],
        "Upload-Offset of at least 40, which was acknowledged before",
        "Upload-Offset: 39",
    ),
    (
        "offset-within-length",
        [exchange_from("HEAD 200", "Upload-Offset: 6", "Upload-Length: 5")],
        "an offset that is not greater than the length",
        "Upload-Offset: 6, Upload-Length: 5",
    ),
]


@pytest.mark.parametrize(
    ("name", "exchanges", "expected", "actual"), WORDS, ids=[words[0] for words in WORDS]
)
def test_a_broken_invariant_is_described_in_words(
    name: str, exchanges: list[ExchangeText], expected: str, actual: str
) -> None:
    broken = invariant_result_of(name, *exchanges)
    found = next(each for each in invariants() if each.id == f"always.{name}")
    assert (broken.id, broken.title) == (found.id, found.title)
    check = broken.attempts[0].checks[0]
    assert (check.outcome, check.grade) == ("violated", "fail")
    assert (check.expected, check.actual) == (expected, actual)
    assert (check.requirement,) == broken.requirements
    row = ledger()[check.requirement]
    assert (broken.section, broken.extension) == (row.section, row.extension)
    assert broken.steps == ("Check every exchange of every scenario of the run.",)


TITLES = """
Every successful response has Tus-Resumable
Every error response has Tus-Resumable
Tus-Resumable has the version of the request
Every Upload-Offset is a non-negative integer
Every Upload-Length is a non-negative integer
Every Upload-Defer-Length is 1
Every Upload-Concat is partial, or final with a list of URLs
An acknowledged offset never decreases
Every Location names a server that accepts connections
A request body may be as large as the upload
The server keeps running, whatever clients send
An offset is never greater than the length
No creation that prepares a scenario gets a server error
No PATCH that prepares a scenario gets a server error
The response to a HEAD has no content
A 204 response has no content
A 204 response has neither Content-Length nor Transfer-Encoding
A response is as long as it says
Every response ends
A response with Transfer-Encoding has no Content-Length
Every response is a valid HTTP message
A request body is never taken for the next request
Every creation returns a URL that no other upload has or had
"""


def test_the_titles_are_those_that_reports_are_compared_by() -> None:
    others = [each for each in invariants() if each.id.partition(".")[2] not in UPLOAD_INVARIANTS]
    assert [each.title for each in others] == TITLES.strip().splitlines()
