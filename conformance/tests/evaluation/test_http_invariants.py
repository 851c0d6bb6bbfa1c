"""`evaluation.http_invariants`: each rule on messages that keep it and on messages that do not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from observed_exchange import ExchangeText, exchange_from, invariant_result_of

from tus_conformance.evaluation.http_invariants import HTTP_RULES
from tus_conformance.transport import FailureKind, NetworkFailure, Payload

CLOSE = "Connection: close"
SMUGGLED = b"HTTP/1.1 404 Not Found\r\n\r\n"


def exchange(
    line: str,
    *headers: str,
    surplus: bytes = b"",
    failure: FailureKind | None = None,
    payload: bool = False,
    framing: str = "sized",
) -> ExchangeText:
    """Return an exchange as `exchange_from` makes it, with bytes behind it or cut short."""
    http_request, reply = exchange_from(line, *headers)
    answer = replace(
        reply.http_response,
        version="1.1",
        complete=failure is None,
        surplus=surplus,
        failure=None if failure is None else NetworkFailure(failure, "It failed."),
    )
    body = Payload.literal(b"hello") if payload else None
    asked = replace(http_request, payload=body, framing="raw" if framing == "raw" else "sized")
    return asked, replace(reply, http_response=answer)


CASES = [
    ("head-without-content", exchange("HEAD 200"), "pass", "nothing follows"),
    ("head-without-content", exchange("HEAD 200", surplus=b"x"), "fail", "content"),
    ("head-without-content", exchange("HEAD 200", CLOSE, surplus=b"x"), "warn", "closing"),
    ("head-without-content", exchange("GET 200", surplus=b"x"), "not-applicable", "a GET"),
    ("204-without-content", exchange("PATCH 204"), "pass", "nothing follows"),
    ("204-without-content", exchange("PATCH 204", surplus=b"x"), "fail", "content"),
    ("204-without-content", exchange("PATCH 204", CLOSE, surplus=b"x"), "warn", "closing"),
    ("204-without-framing", exchange("PATCH 204"), "pass", "no framing"),
    ("204-without-framing", exchange("PATCH 204", "Content-Length: 0"), "warn", "a length"),
    ("204-without-framing", exchange("PATCH 204", "Transfer-Encoding: chunked"), "warn", "chunks"),
    ("204-without-framing", exchange("GET 200", "Content-Length: 5"), "not-applicable", "a 200"),
    ("response-length", exchange("GET 200"), "pass", "whole"),
    ("response-length", exchange("GET 200", surplus=b"x"), "fail", "more bytes"),
    ("response-length", exchange("GET 200", CLOSE, surplus=b"x"), "warn", "more, closing"),
    ("response-length", exchange("GET 200", failure="closed"), "warn", "cut short"),
    ("response-length", exchange("GET 200", failure="timeout"), "fail", "bytes that do not come"),
    ("response-length", exchange("GET 200", surplus=b"x", framing="raw"), "not-applicable", "raw"),
    ("response-length", exchange("GET 0"), "not-applicable", "no response"),
    ("response-ends", exchange("GET 200"), "pass", "whole"),
    ("response-ends", exchange("GET 200", failure="endless"), "fail", "no end"),
    ("response-ends", exchange("GET 200", failure="closed"), "not-applicable", "cut short"),
    ("one-length", exchange("GET 200", "Transfer-Encoding: chunked"), "pass", "chunks alone"),
    (
        "one-length",
        exchange("GET 200", "Transfer-Encoding: chunked", "Content-Length: 5"),
        "warn",
        "both",
    ),
    ("one-length", exchange("GET 200", "Content-Length: 5"), "not-applicable", "no chunks"),
    ("response-valid", exchange("GET 200"), "pass", "whole"),
    ("response-valid", exchange("GET 0", failure="malformed"), "fail", "no HTTP"),
    (
        "response-valid",
        exchange("GET 0", failure="malformed", framing="raw"),
        "not-applicable",
        "raw",
    ),
    ("body-consumed", exchange("PATCH 415", payload=True), "pass", "one response"),
    ("body-consumed", exchange("PATCH 415", payload=True, surplus=SMUGGLED), "fail", "two"),
    ("body-consumed", exchange("PATCH 415", payload=True, surplus=b"x"), "pass", "other bytes"),
    ("body-consumed", exchange("HEAD 200"), "not-applicable", "no body"),
]


@pytest.mark.parametrize(
    ("name", "seen", "expected"),
    [pytest.param(*case[:3], id=f"{case[0]}: {case[3]}") for case in CASES],
)
def test_a_rule_looks_at_every_exchange(name: str, seen: ExchangeText, expected: str) -> None:
    assert invariant_result_of(f"http-{name}", seen).verdict == expected


def test_every_rule_is_seen_held_and_broken() -> None:
    names = {rule[0].removeprefix("always.http-") for rule in HTTP_RULES}
    seen = {(name, outcome == "pass") for name, _, outcome, _ in CASES if "not" not in outcome}
    assert seen == {(name, held) for name in names for held in (True, False)}


def test_a_second_response_to_a_body_is_charged_once() -> None:
    seen = exchange("PATCH 415", payload=True, surplus=SMUGGLED)
    for name in ("http-response-length", "http-204-without-content", "http-head-without-content"):
        assert invariant_result_of(name, seen).verdict == "not-applicable"
