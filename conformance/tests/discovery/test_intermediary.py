"""`discovery.intermediary`: products by their headers and pages; a server is not taken for one."""

from __future__ import annotations

import pytest

from tus_conformance.discovery.intermediary import (
    intermediaries,
    recognise_on_the_way,
    recognise_page,
)
from tus_conformance.transport import HttpResponse
from tus_reports import Exchange

EXCHANGE = Exchange(method="GET", url="http://tus.test/", at=0.0, request_head="")
PAGES = {
    "nginx": b"<html>\r\n<head><title>405 Not Allowed</title></head>\r\n<body>\r\n<center><h1>405"
    b" Not Allowed</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n",
    "HAProxy": b"<html><body><h1>403 Forbidden</h1>\nRequest forbidden by administrative rules.\n"
    b"</body></html>\n",
    "Apache httpd": b'<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n'
    b"<title>403 Forbidden</title>\n",
    "Varnish": b"<h1>Error 405 Not allowed</h1>\n<h3>Guru Meditation:</h3>",
}


def response(status: int, body: bytes = b"", **headers: str) -> HttpResponse:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return HttpResponse(EXCHANGE, status=status, headers=named, body=body)


@pytest.mark.parametrize("name", PAGES)
def test_an_error_page_names_its_product(name: str) -> None:
    assert recognise_page(response(405, PAGES[name])) == name


def test_only_error_pages_count() -> None:
    assert recognise_page(response(200, PAGES["nginx"])) == ""


@pytest.mark.parametrize(
    "body",
    [
        b"ERR_MISMATCHED_OFFSET: mismatched offset\n",
        b'{"error": "conflict"}',
        b"<!doctype html><html><title>405</title><h1>Method Not Allowed</h1></html>",
        b"",
    ],
)
def test_answers_of_servers_name_no_product(body: bytes) -> None:
    assert recognise_page(response(409, body, Server="tus-reference")) == ""


def test_headers_show_what_is_on_the_way() -> None:
    seen = (
        response(204, Server="cloudflare", CF_Ray="1"),
        response(201, Via="1.1 varnish (Varnish/7.1)", Server="nginx/1.22.1"),
    )
    assert recognise_on_the_way(seen) == ("Cloudflare", "nginx", "Varnish")


def test_no_product_has_the_name_of_another() -> None:
    names = [product.name for product in intermediaries()]
    assert len(names) == len(set(names))
