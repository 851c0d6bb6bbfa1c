"""`evaluation.http_refusals`: what HTTP servers refuse before the tus server sees it."""

from __future__ import annotations

import pytest

from tus_conformance.evaluation.http_refusals import may_be_refused_by_http
from tus_conformance.transport.request import HttpRequest

URL = "http://127.0.0.1:1/files/"


@pytest.mark.parametrize(
    ("name", "status", "expected"),
    [
        ("abc", 400, False),
        ("a%20b", 400, False),
        ("%00", 400, True),
        ("%2F..%2Fetc", 400, True),
        ("..%5Cfile", 400, True),
        ("%25", 400, True),
        ("%FF", 400, True),
        ("%E2%82%AC", 400, False),
        ("%00", 409, False),
        ("abc?a=%00", 400, False),
    ],
)
def test_an_unusual_url_may_be_refused_with_400(name: str, status: int, expected: bool) -> None:
    assert may_be_refused_by_http(HttpRequest("HEAD", URL + name), status) is expected


@pytest.mark.parametrize(
    ("size", "status", "expected"),
    [(4000, 400, False), (5000, 400, True), (5000, 413, True), (5000, 412, False)],
)
def test_a_long_field_may_be_refused(size: int, status: int, expected: bool) -> None:
    request = HttpRequest("POST", URL, (("Upload-Metadata", "a" * size),))
    assert may_be_refused_by_http(request, status) is expected
