"""`clients.client_urls`: the forms of Location, and which upload a request's target names."""

from __future__ import annotations

from urllib.parse import urljoin

import pytest

from tus_conformance.clients.client_urls import ClientUrls, normalize_target

BASE = "http://127.0.0.1:80/files/"


@pytest.mark.parametrize(
    ("template", "target"),
    [
        ("", "/files/abc"),
        ("/files/{id}", "/files/abc"),
        ("{id}", "/files/abc"),
        ("./{id}", "/files/abc"),
        ("../files/up/{id}", "/files/up/abc"),
        ("//127.0.0.1:{port}/files/{id}", "/files/abc"),
        ("/files/{id}?token=a%2Fb&x=1", "/files/abc?token=a%2Fb&x=1"),
        ("/files/sp%20ce-{id}", "/files/sp%20ce-abc"),
        ("/other/place/{id}", "/other/place/abc"),
    ],
)
def test_an_upload_is_found_where_its_location_leads(template: str, target: str) -> None:
    urls = ClientUrls("/files/")
    location = urls.name("abc", template, BASE, 81)
    assert urljoin(BASE, location).endswith(target)
    assert urls.find(80, target) == "abc"
    assert urls.find(80, f"/moved{target}") == "abc"
    assert urls.find(80, f"http://127.0.0.1:80{target}") == "abc"


@pytest.mark.parametrize(
    ("template", "target"),
    [
        ("", "/s/one/files/abc"),
        ("/files/{id}", "/s/one/files/abc"),
        ("{id}", "/s/one/files/abc"),
        ("//127.0.0.1:{port}/files/{id}", "/s/one/files/abc"),
        ("http://127.0.0.1:{port}/files/{id}?a=b", "/s/one/files/abc?a=b"),
        ("/other/place/{id}", "/s/one/other/place/abc"),
    ],
)
def test_every_form_stays_below_the_prefix_of_the_endpoint(template: str, target: str) -> None:
    urls = ClientUrls("/s/one/files/")
    location = urls.name("abc", template, "http://127.0.0.1:80/s/one/files/", 81)
    assert urljoin("http://127.0.0.1:80/s/one/files/", location).endswith(target)
    assert urls.find(80, target) == "abc"


@pytest.mark.parametrize("target", ["/files/abc", "/files/abc?token=other", "/elsewhere/abc"])
def test_an_upload_is_found_nowhere_else(target: str) -> None:
    urls = ClientUrls("/files/")
    urls.name("abc", "/files/{id}?token=1", BASE, 81)
    assert urls.find(80, target) == ""


def test_an_upload_at_another_origin_is_not_at_the_first() -> None:
    urls = ClientUrls("/files/")
    urls.name("abc", "http://127.0.0.1:{other}/files/{id}", BASE, 81)
    assert urls.find(81, "/files/abc") == "abc"
    assert urls.find(80, "/files/abc") == ""


@pytest.mark.parametrize(
    ("target", "expected"),
    [("/files/", True), ("/files", True), ("/moved/files/", True), ("/files/abc", False)],
)
def test_the_endpoint_has_a_slash_or_none(target: str, expected: bool) -> None:
    assert ClientUrls("/files").is_endpoint(target) is expected


@pytest.mark.parametrize(
    ("sent", "same"),
    [
        ("/files/abc?token=a/b&x=1", True),  # as yarl writes it
        ("/files/abc?token=a%2fb&x=1", True),
        ("/files/ab%63?token=a%2Fb&x=%31", True),
        ("/files/abc?token=a%2Fb&x=1#part", True),
        ("/files/abc?token=a%252Fb&x=1", False),
        ("/files/abc?token=a%2Fb%26x=1", False),
        ("/files/abc?token=a%2Fb", False),
        ("/files/abc", False),
        ("/files%2Fabc?token=a%2Fb&x=1", False),
    ],
)
def test_percent_encoding_may_change_where_the_meaning_does_not(sent: str, same: bool) -> None:
    urls = ClientUrls("/files/")
    urls.name("abc", "/files/{id}?token=a%2Fb&x=1", BASE, 81)
    assert (urls.find(80, sent) == "abc") is same
    assert (normalize_target(sent) == normalize_target("/files/abc?token=a%2Fb&x=1")) is same


def test_a_space_in_a_path_is_found_however_it_is_encoded_once() -> None:
    urls = ClientUrls("/files/")
    urls.name("abc", "/files/sp%20ce-{id}", BASE, 81)
    assert urls.find(80, "/files/sp%20ce-abc") == "abc"
    assert urls.find(80, "/files/sp%2520ce-abc") != "abc"
