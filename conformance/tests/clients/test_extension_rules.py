"""`clients.extension_rules`: checksum, termination and concatenation, kept and broken."""

from __future__ import annotations

import base64
import hashlib

import pytest
from seen_client import SeenClient, grades, make_situation

from tus_conformance.clients.client_rule import ClientView
from tus_conformance.clients.extension_rules import EXTENSION_RULES
from tus_conformance.clients.seen_request import SeenUpload
from tus_reports import Check

RULES = {rule.requirement: rule for rule in EXTENSION_RULES}
BODY = b"0123456789"
SHA1 = base64.b64encode(hashlib.sha1(BODY, usedforsecurity=False).digest()).decode()
PARALLEL = make_situation(options='["--parallel", "2", "--meta", "a=b"]')


def checks(requirement: str, view: ClientView) -> list[Check]:
    return RULES[requirement].checks(view)


@pytest.mark.parametrize(
    ("value", "format_grade", "name_grade"),
    [
        (f"sha1 {SHA1}", "pass", "pass"),
        (f"SHA1 {SHA1}", "pass", "fail"),
        (f"sha1  {SHA1}", "fail", "pass"),
        (f"sha1 {hashlib.sha1(BODY, usedforsecurity=False).hexdigest()}", "fail", "pass"),
        (f"md5 {SHA1}", "fail", "pass"),
        ("sha1", "fail", "pass"),
    ],
)
def test_a_checksum_is_that_of_the_body(value: str, format_grade: str, name_grade: str) -> None:
    client = SeenClient()
    client.create()
    client.patch(0, BODY).headers += (("Upload-Checksum", value),)
    assert grades(checks("client.checksum.format", client.view())) == [format_grade]
    assert grades(checks("client.checksum.algorithm-name", client.view())) == [name_grade]


def test_the_checksum_of_a_body_that_was_cut_is_not_compared() -> None:
    client = SeenClient()
    client.create()
    client.patch(0, BODY[:3], status=None).headers += (("Upload-Checksum", f"sha1 {SHA1}"),)
    assert grades(checks("client.checksum.format", client.view())) == ["pass"]


def test_a_trailer_needs_its_extension() -> None:
    client = SeenClient()
    client.create()
    client.patch(0, BODY).trailers = (("Upload-Checksum", f"sha1 {SHA1}"),)
    row = "client.checksum-trailer.may"
    assert grades(checks(row, client.view())) == ["warn"]
    client.log.offered = ("checksum-trailer",)
    assert grades(checks(row, client.view())) == ["pass"]


def test_delete_names_the_upload() -> None:
    client = SeenClient()
    client.send("DELETE", "/files/u", upload="u")
    assert grades(checks("client.termination.delete", client.view())) == ["pass"]
    client.send("DELETE", "/files/")
    assert "pass" not in grades(checks("client.termination.delete", client.view()))


def joined(value: str, *, marked: str = "partial", length: bool = False) -> SeenClient:
    """Return a client that joins uploads a and b by this value of Upload-Concat."""
    client = SeenClient(offered=("creation", "concatenation"))
    for name in ("a", "b"):
        client.log.add_upload(SeenUpload(name, 1, "partial", url=f"http://x/files/{name}%20x"))
        headers = {"Upload-Length": "5", **({"Upload-Concat": marked} if marked else {})}
        client.send("POST", headers=headers, status=201, upload=name)
    headers = {"Upload-Concat": value, "Upload-Metadata": "a Yg=="}
    client.send("POST", headers=headers | ({"Upload-Length": "10"} if length else {}), status=201)
    return client


URLS = "final;/files/a%20x /files/b%20x"


@pytest.mark.parametrize(
    ("client", "broken"),
    [
        (joined(URLS), []),
        (joined("final;http://x/files/a%20x http://x/files/b%20x"), []),
        (joined("final;/files/a%20x,/files/b%20x"), ["final.value", "urls.no-spaces"]),
        (joined("final;/files/a%20x  /files/b%20x"), ["final.value"]),
        (joined("final;/files/a x /files/b%20x"), ["final.value", "urls.no-spaces"]),
        (joined(URLS, length=True), ["final.no-upload-length"]),
        (joined(URLS, marked="Partial"), ["partial.value"]),
        (joined(URLS, marked=""), ["header-set"]),
    ],
)
def test_concatenation(client: SeenClient, broken: list[str]) -> None:
    rows = (
        *("final.header", "final.value", "final.no-upload-length", "final.metadata"),
        *("final.after-complete", "header-set", "partial.value", "urls.no-spaces"),
    )
    view = client.view(PARALLEL)
    found = [row for row in rows if "fail" in grades(checks(f"client.concatenation.{row}", view))]
    assert found == broken


def test_a_final_upload_waits_for_its_partial_ones() -> None:
    client = joined(URLS)
    final = client.log.requests.pop()
    patch = client.send("PATCH", "/files/b%20x", upload="b")
    final.number, final.began = 4, 10.0
    client.log.requests.append(final)
    row = "client.concatenation.final.after-complete"
    assert grades(checks(row, client.view(PARALLEL))) == ["pass"]
    patch.responded = patch.ended = 20.0
    assert grades(checks(row, client.view(PARALLEL))) == ["warn"]
    client.log.offered = ("concatenation-unfinished",)
    assert grades(checks(row, client.view(PARALLEL))) == ["note"]


def test_metadata_goes_with_the_final_upload() -> None:
    client = joined(URLS)
    client.log.requests[-1].headers = (("Upload-Concat", URLS),)
    row = "client.concatenation.final.metadata"
    assert grades(checks(row, client.view(PARALLEL))) == ["warn"]
