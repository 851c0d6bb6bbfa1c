"""Which product answered, by its headers and its error pages: `intermediaries.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable
from functools import cache
from importlib.resources import files

import msgspec

from tus_conformance.transport import HttpRequest, HttpResponse
from tus_conformance.transport.header_values import header_value


class Intermediary(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A proxy product: patterns of its Server and Via headers, its own headers, its pages.

    A page is what it says itself, so it shows who answered. A header may also be set by a proxy on
    answers that it only passes on, so it shows no more than that the product is on the way.
    `drops_trailers` is for those that never pass the trailers of requests on.
    """

    name: str
    server: str = ""
    via: str = ""
    headers: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    drops_trailers: bool = False


class _IntermediaryFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    intermediary: tuple[Intermediary, ...]


@cache
def intermediaries() -> tuple[Intermediary, ...]:
    """Return every product that can be recognised."""
    text = (files(__package__) / "intermediaries.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), _IntermediaryFile).intermediary


def drops_trailers(name: str) -> bool:
    """Return whether a product never passes the trailers of requests on."""
    return any(product.name == name and product.drops_trailers for product in intermediaries())


def recognise_page(response: HttpResponse) -> str:
    """Return the product whose own error page a response is, or nothing."""
    if response.status is None or response.status < 400:
        return ""
    text = response.body.decode("latin-1")
    for product in intermediaries():
        if any(re.search(page, text, re.IGNORECASE) for page in product.pages):
            return product.name
    return ""


def request_that_a_parser_refuses(url: str) -> HttpRequest:
    """Return a request that the first HTTP server on the way refuses, with its own error page."""
    return HttpRequest(
        method="GET",
        url=url,
        headers=(("Bad Header", "1"), ("Content-Length", "-1"), ("Connection", "close")),
        framing="raw",
    )


def recognise_on_the_way(responses: Iterable[HttpResponse]) -> tuple[str, ...]:
    """Return the products that the headers and pages of responses name, in order of appearance."""
    found = dict.fromkeys(name for response in responses for name in _products_of(response))
    return tuple(found)


def recognise_gateway(responses: Iterable[HttpResponse]) -> str:
    """Return the first product that responses show to be a proxy, or nothing.

    Via and the headers of proxies alone count: Server may be that of the tus server itself.
    """
    found = (
        product.name
        for response in responses
        for product in intermediaries()
        if _passed_on(product, response)
    )
    return next(found, "")


def recognise_site(response: HttpResponse, own: Collection[str]) -> str:
    """Return the product that serves the rest of a site, by its Server header, or nothing.

    `own` are the values of Server in responses of the tus server: with one of these it serves all.
    """
    server = header_value(response.headers, "Server") or ""
    named = (
        product.name
        for product in intermediaries()
        if product.server and re.search(product.server, server, re.IGNORECASE)
    )
    return "" if server in own or not own else next(named, "")


def _passed_on(product: Intermediary, response: HttpResponse) -> bool:
    """Return whether the headers of a response show that a proxy passed it on."""
    via = header_value(response.headers, "Via") or ""
    names = {name.lower() for name, _ in response.headers}
    by_via = bool(product.via) and re.search(product.via, via, re.IGNORECASE) is not None
    return by_via or bool(names & {header.lower() for header in product.headers})


def _products_of(response: HttpResponse) -> list[str]:
    server = header_value(response.headers, "Server") or ""
    page = recognise_page(response)
    return [
        product.name
        for product in intermediaries()
        if product.name == page
        or (product.server and re.search(product.server, server, re.IGNORECASE))
        or _passed_on(product, response)
    ]
