"""`clients.seen_request`: a request as the server saw it, in a line and for the record."""

from __future__ import annotations

from hashlib import sha256

import pytest
from seen_client import SeenClient

from tus_conformance.clients.seen_request import SeenResponse, recorded_body, value_of, values_of


@pytest.mark.parametrize(
    ("headers", "method", "effective", "override"),
    [
        ({}, "PATCH", "PATCH", None),
        ({"X-HTTP-Method-Override": " patch "}, "POST", "PATCH", " patch "),
        ({"x-http-method-override": "DELETE"}, "POST", "DELETE", "DELETE"),
        ({"X-HTTP-Method-Override": "PATCH"}, "GET", "GET", None),
    ],
)
def test_the_method_that_counts(
    headers: dict[str, str], method: str, effective: str, override: str | None
) -> None:
    request = SeenClient().send(method, headers=headers)
    assert (request.effective_method, request.override) == (effective, override)


@pytest.mark.parametrize(
    ("value", "kind"),
    [(None, ""), ("partial", "partial"), ("Final; /a /b", "final"), ("", "")],
)
def test_the_kind_of_a_creation(value: str | None, kind: str) -> None:
    headers = {} if value is None else {"Upload-Concat": value}
    assert SeenClient().send("POST", headers=headers).concat == kind


def test_headers_are_found_in_any_letter_case() -> None:
    pairs = (("UPLOAD-offset", "1"), ("Upload-Offset", "2"), ("Other", "3"))
    assert values_of(pairs, "upload-Offset") == ["1", "2"]
    assert value_of(pairs, "Upload-Offset") == "1"
    assert value_of(pairs, "Host") is None


def test_a_request_in_a_line() -> None:
    client = SeenClient()
    client.create()
    whole, broken = client.patch(0, b"abc"), client.patch(3, b"d", status=None)
    assert whole.summary() == "PATCH at 0, 3 bytes: 204"
    assert broken.summary() == "PATCH at 3, 1 bytes, cut off: no response"


@pytest.mark.parametrize(
    ("began", "responded", "ended", "moment", "expected"),
    [
        (1.0, 2.0, 3.0, 1.5, True),
        (1.0, 2.0, 3.0, 2.5, False),
        (1.0, None, 3.0, 2.5, True),
        (1.0, None, None, 9.0, True),
        (1.0, None, None, 0.5, False),
    ],
)
def test_a_client_waits_until_its_response_begins(
    began: float, responded: float | None, ended: float | None, moment: float, expected: bool
) -> None:
    request = SeenClient().send("PATCH")
    request.began, request.responded, request.ended = began, responded, ended
    assert request.is_under_way(moment) is expected


def test_the_record_has_the_bytes_and_what_was_done() -> None:
    client = SeenClient()
    client.create()
    request = client.patch(0, b"abc")
    request.applied = ["rule cut"]
    request.response = SeenResponse(204, (("Upload-Offset", "3"),), interim=(103,))
    exchange = request.exchange()
    assert exchange.request_head.startswith("PATCH /files/u HTTP/1.1\r\n")
    assert exchange.request_head.endswith("\r\n\r\n")
    assert [each.status for each in exchange.interim_responses] == [103]
    assert exchange.response is not None
    assert exchange.response.head == "HTTP/1.1 204\r\nUpload-Offset: 3\r\n\r\n"
    assert ("action", "rule cut") in [(event.event, event.text) for event in exchange.events]
    assert exchange.failure is None


def test_a_client_that_had_gone_closed_the_connection() -> None:
    request = SeenClient().send("PATCH", status=None, closed_by_client=True)
    exchange = request.exchange()
    assert exchange.failure == "no response was sent"
    assert [event.text for event in exchange.events if event.event == "closed"] == ["by the client"]


def test_a_long_body_is_recorded_by_its_digest() -> None:
    body = recorded_body(b"x" * 1000)
    assert (body.size, len(body.text or ""), body.truncated) == (1000, 200, True)
    assert body.sha256 == sha256(b"x" * 1000).hexdigest()
