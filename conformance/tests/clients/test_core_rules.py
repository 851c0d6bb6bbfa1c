"""`clients.core_rules`: each rule of the core protocol, kept and broken."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from seen_client import OCTETS, VERSION, SeenClient, grades, make_situation

from tus_conformance.clients.client_rule import ClientView
from tus_conformance.clients.core_rules import CORE_RULES, used_extensions
from tus_reports import Check

RULES = {rule.requirement: rule for rule in CORE_RULES}


def checks(requirement: str, view: ClientView) -> list[Check]:
    return RULES[requirement].checks(view)


@pytest.mark.parametrize(
    ("requirement", "headers", "grade"),
    [
        ("upload-offset.format", {"Upload-Offset": "0"}, "pass"),
        ("upload-offset.format", {"Upload-Offset": "+0"}, "fail"),
        ("upload-offset.format", {"Upload-Offset": "-1"}, "fail"),
        ("upload-offset.format", {"Upload-Offset": "1.0"}, "fail"),
        ("upload-offset.format", {}, "fail"),
        ("upload-length.format", {"Upload-Length": "12"}, "pass"),
        ("upload-length.format", {"Upload-Length": "12,0"}, "fail"),
        ("patch.content-type", OCTETS, "pass"),
        ("patch.content-type", {"Content-Type": "application/octet-stream"}, "fail"),
        ("patch.content-type", {}, "fail"),
        ("tus-resumable.present", {}, "pass"),
        ("tus-resumable.value", {}, "pass"),
        ("tus-resumable.value", {"Tus-Resumable": "0.2.2"}, "fail"),
    ],
)
def test_headers_of_patch(requirement: str, headers: dict[str, str], grade: str) -> None:
    client = SeenClient()
    client.send("PATCH", "/files/u", headers)
    assert grades(checks(f"client.core.{requirement}", client.view())) == [grade]


@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
def test_every_request_but_options_has_the_version(method: str) -> None:
    client = SeenClient()
    client.send(method, version=False)
    assert grades(checks("client.core.tus-resumable.present", client.view())) == ["fail"]
    client = SeenClient()
    client.send("OPTIONS", version=False)
    assert checks("client.core.tus-resumable.present", client.view()) == []


def test_the_options_of_a_browser_are_not_the_clients() -> None:
    client = SeenClient()
    client.send("OPTIONS", headers={"Access-Control-Request-Method": "PATCH"})
    assert checks("client.core.options.no-tus-resumable", client.view()) == []
    client.send("OPTIONS")
    assert grades(checks("client.core.options.no-tus-resumable", client.view())) == ["warn"]


def test_extensions_are_asked_for_before_they_are_used() -> None:
    client = SeenClient()
    client.create()
    client.send("PATCH", "/files/u", {"Upload-Checksum": "sha1 x"})
    assert grades(checks("client.ext.feature-detection", client.view())) == ["warn"]
    client = SeenClient()
    client.send("OPTIONS", version=False)
    client.send("PATCH", "/files/u", {"Upload-Checksum": "sha1 x"})
    assert grades(checks("client.ext.feature-detection", client.view())) == ["pass"]
    client.send("POST", headers={"Upload-Concat": "partial"})
    assert grades(checks("client.ext.feature-detection", client.view())) == ["warn"]


def test_what_uses_an_extension() -> None:
    client = SeenClient()
    assert used_extensions(client.send("POST", body=b"x")) == ["creation-with-upload"]
    override = {"X-HTTP-Method-Override": "PATCH"}
    assert used_extensions(client.send("POST", headers=override, body=b"x")) == []
    assert used_extensions(client.send("DELETE")) == ["termination"]


def cut_and(*then: Callable[[SeenClient], object]) -> SeenClient:
    client = SeenClient()
    client.create()
    client.patch(0, b"0123", status=None)
    for step in then:
        step(client)
    return client


def ask(client: SeenClient) -> object:
    told = {"Upload-Offset": "4"}
    return client.send("HEAD", "/files/u", status=200, response=told, upload="u")


def patch_at_four(client: SeenClient) -> object:
    return client.patch(4, b"456789")


def patch_again(client: SeenClient) -> object:
    return client.patch(0, b"0123456789")


def test_an_interrupted_upload_is_resumed_after_head() -> None:
    row = "client.core.head-before-resume"
    assert grades(checks(row, cut_and(ask, patch_at_four).view())) == ["pass"]
    assert grades(checks(row, cut_and(patch_at_four).view())) == ["warn"]
    assert checks(row, cut_and().view()) == []


def test_what_the_http_library_resends_is_not_the_clients() -> None:
    row = "client.core.head-before-resume"
    assert checks(row, cut_and(patch_again).view(resends=True)) == []
    assert grades(checks(row, cut_and(patch_at_four).view(resends=True))) == ["warn"]


@pytest.mark.parametrize(
    ("told", "sent", "grade"),
    [("5", 5, ["pass"]), ("5", 10, ["fail"]), ("0", 5, ["fail"]), ("abc", 5, [])],
)
def test_the_offset_is_that_of_the_response_before(told: str, sent: int, grade: list[str]) -> None:
    client = SeenClient()
    client.create()
    client.patch(0, b"0123456789", told={"Upload-Offset": told})
    client.patch(sent, b"x")
    first, *rest = grades(checks("client.core.patch.offset-matches", client.view()))
    assert [first, *rest] == (grade or ["pass"])


def test_a_false_offset_is_not_held_against_the_client() -> None:
    client = SeenClient()
    client.create()
    client.patch(0, b"01234", told={"Upload-Offset": "9"}).false_response = True
    client.patch(5, b"56789")
    assert grades(checks("client.core.patch.offset-matches", client.view())) == ["pass"]


def test_one_patch_at_a_time() -> None:
    client = SeenClient()
    client.create()
    first = client.patch(0, b"01234")
    client.patch(5, b"56789")
    row = "client.core.patch.parallel-via-concat"
    assert grades(checks(row, client.view())) == ["pass"]
    first.responded = first.ended = 5.0
    assert grades(checks(row, client.view())) == ["fail"]
    first.complete = False  # it gave up, which is not seen in the body
    assert grades(checks(row, client.view())) == ["pass"]
    first.complete = True
    first.closed_by_client = True  # it gave up on the first one
    assert grades(checks(row, client.view())) == ["pass"]


def test_small_requests_are_for_clients_that_are_asked_for_them() -> None:
    client = SeenClient()
    client.create(10)
    client.patch(0, b"01234")
    row = "client.core.patch.single-request"
    assert grades(checks(row, client.view())) == ["warn"]
    asked = make_situation(options='["--chunk", "5"]')
    assert checks(row, client.view(asked)) == []


CUT = '[[situation.rule]]\non = "PATCH"\ncut.after = "1"'
STALL = '[[situation.rule]]\non = "PATCH"\npause = 600'


@pytest.mark.parametrize(
    ("rule", "outcome", "grade"),
    [
        (CUT, "whole", ["pass"]),
        (CUT, "reported", ["pass"]),
        (CUT, "hangs", ["warn"]),
        (CUT, "endless", ["warn"]),
        (STALL, "hangs", []),
        ("", "hangs", []),
    ],
)
def test_broken_connections_are_detected(rule: str, outcome: str, grade: list[str]) -> None:
    client = SeenClient()
    client.create()
    view = client.view(make_situation(rule), outcome)  # type: ignore[arg-type]
    assert grades(checks("client.core.net.detect-errors", view)) == grade


def test_a_client_that_gives_up_closes_the_connection() -> None:
    client = SeenClient()
    client.create()
    waited = client.patch(0, b"0123456789", status=None)
    waited.complete = waited.closed_by_client = True
    row = "client.core.net.timeout-close"
    stalled = make_situation(STALL)
    assert grades(checks(row, client.view(stalled))) == ["pass"]
    waited.closed_by_client = False
    assert grades(checks(row, client.view(stalled))) == ["warn"]


def test_a_success_without_proof() -> None:
    client = SeenClient()
    client.create()
    client.patch(0, b"0123456789", status=200, told={})
    row = "client.core.unknown-2xx"
    assert grades(checks(row, client.view(outcome="reported"))) == ["pass"]
    assert grades(checks(row, client.view(outcome="lied"))) == ["warn"]


@pytest.mark.parametrize(
    ("method", "value", "grade"),
    [
        ("POST", "PATCH", "pass"),
        ("POST", "POST", "pass"),  # some clients name the method of every request
        ("POST", "patch", "warn"),
        ("POST", "Head", "warn"),
        ("POST", "PUT", "fail"),
        ("POST", "", "fail"),
    ],
)
def test_the_override_names_a_method(method: str, value: str, grade: str) -> None:
    client = SeenClient()
    client.send(method, headers={**VERSION, "X-HTTP-Method-Override": value})
    assert grades(checks("client.core.method-override.value", client.view())) == [grade]
