"""`clients.creation_rules`: each rule of creation and expiration, kept and broken."""

from __future__ import annotations

import base64

import pytest
from seen_client import OCTETS, SeenClient, grades, make_situation

from tus_conformance.clients.client_rule import ClientView
from tus_conformance.clients.creation_rules import CREATION_RULES
from tus_reports import Check

RULES = {rule.requirement: rule for rule in CREATION_RULES}
PAST = "Wed, 01 Jan 2020 00:00:00 GMT"


def checks(requirement: str, view: ClientView) -> list[Check]:
    return RULES[requirement].checks(view)


def encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("value", "broken"),
    [
        (f"name {encode('a')}", []),
        (f"name {encode('a')},empty", []),
        (f"name {encode('a')}, other {encode('b')}", []),
        ("", ["pairs"]),
        (f"name {encode('a')},", ["pairs"]),
        (f"name  {encode('a')}", ["separator", "key-chars"]),
        (f"a name {encode('a')}", ["key-chars"]),
        (f"n\u00e4me {encode('a')}", ["key-ascii"]),
        ("name a?b", ["base64"]),
        (f"name {encode('a')},name {encode('b')}", ["unique"]),
    ],
)
def test_metadata(value: str, broken: list[str]) -> None:
    client = SeenClient()
    client.create(headers={"Upload-Metadata": value})
    rows = ("pairs", "separator", "key-chars", "key-nonempty", "key-ascii", "base64", "unique")
    found = [
        row
        for row in rows
        if grades(checks(f"client.creation.metadata.{row}", client.view())) not in (["pass"], [])
    ]
    assert found == broken


@pytest.mark.parametrize("value", [encode("x"), f"name {encode('a')},{encode('x')}"])
def test_a_value_without_its_key_is_found_though_the_space_is_lost(value: str) -> None:
    client = SeenClient()
    client.create(headers={"Upload-Metadata": value})
    row = "client.creation.metadata.key-nonempty"
    given = make_situation(options='["--meta", "=x"]')
    assert grades(checks(row, client.view(given))) == ["fail"]
    assert grades(checks(row, client.view())) == ["pass"]


def test_values_are_those_that_were_given_as_utf_8() -> None:
    given = make_situation(options='["--meta", "name=\u00fc"]')
    for encoded, grade in ((encode("\u00fc"), "pass"), ("/A==", "fail")):
        client = SeenClient()
        client.create(headers={"Upload-Metadata": f"name {encoded}"})
        row = "client.creation.metadata.base64"
        assert grades(checks(row, client.view(given))) == [grade]


@pytest.mark.parametrize(
    ("headers", "grade"),
    [
        ({"Upload-Length": "5"}, "pass"),
        ({"Upload-Defer-Length": "1"}, "pass"),
        ({}, "fail"),
        ({"Upload-Length": "5", "Upload-Defer-Length": "1"}, "fail"),
    ],
)
def test_a_creation_says_how_long_the_upload_is(headers: dict[str, str], grade: str) -> None:
    client = SeenClient()
    client.send("POST", headers=headers, status=400)
    assert grades(checks("client.creation.length-header", client.view())) == [grade]


def test_a_final_upload_has_no_length() -> None:
    client = SeenClient()
    client.send("POST", headers={"Upload-Concat": "final;/files/a"})
    assert checks("client.creation.length-header", client.view()) == []


def test_the_endpoint_is_where_uploads_are_created() -> None:
    client = SeenClient()
    client.send("POST", "/files")
    client.send("POST", "/moved/files/")
    assert grades(checks("client.creation.post", client.view())) == ["pass"]
    client.send("POST", "/files/new")
    assert grades(checks("client.creation.post", client.view())) == ["fail"]


def test_a_deferred_length_is_declared_once() -> None:
    client = SeenClient()
    client.create()
    client.log.requests[0].headers = (("Upload-Defer-Length", "1"),)
    last = client.patch(0, b"0123456789")
    row = "client.creation.defer-length.declare"
    assert grades(checks(row, client.view(outcome="lied"))) == ["fail"]
    last.headers += (("Upload-Length", "10"),)
    assert grades(checks(row, client.view())) == ["pass"]
    client.patch(10).headers += (("Upload-Length", "11"),)
    row = "client.creation.defer-length.immutable"
    assert grades(checks(row, client.view())) == ["fail"]


def test_the_location_is_followed() -> None:
    client = SeenClient()
    client.create()
    client.patch(0, b"0123456789")
    row = "client.creation.location"
    assert grades(checks(row, client.view())) == ["pass"]
    client.send("PATCH", "/elsewhere", status=404)
    assert grades(checks(row, client.view())) == ["warn"]


def test_data_with_the_creation() -> None:
    client = SeenClient(offered=("creation", "creation-with-upload"))
    client.send("OPTIONS", version=False)
    request = client.create(headers={**OCTETS, "Expect": "100-continue"})
    request.body = b"01234"
    request.response.headers += (("Upload-Offset", "5"),)  # type: ignore[union-attr]
    client.patch(5, b"56789")
    rows = ("content-type", "verify-support", "expect-100", "use-offset")
    for row in rows:
        name = f"client.creation-with-upload.{row}"
        assert grades(checks(name, client.view())) == ["pass"], row
    client.log.requests[-1].headers = (("Upload-Offset", "0"),)
    request.headers = ()
    client.log.offered = ("creation",)
    assert {
        row: grades(checks(f"client.creation-with-upload.{row}", client.view())) for row in rows
    } == {
        "content-type": ["fail"],
        "verify-support": ["warn"],
        "expect-100": ["warn"],
        "use-offset": ["fail"],
    }


def test_a_new_upload_replaces_one_that_is_gone() -> None:
    client = SeenClient()
    client.create()
    client.send("HEAD", "/files/u", status=410, upload="u")
    row = "client.expiration.restart"
    assert grades(checks(row, client.view())) == ["warn"]
    client.create()
    assert grades(checks(row, client.view())) == ["pass"]


def test_an_expired_upload_is_asked_for_before_it_is_resumed() -> None:
    client = SeenClient()
    client.create().response.headers += (("Upload-Expires", PAST),)  # type: ignore[union-attr]
    client.patch(0, b"0123", status=None)
    client.patch(4, b"456789")
    row = "client.expiration.check-before-resume"
    assert grades(checks(row, client.view())) == ["warn"]
