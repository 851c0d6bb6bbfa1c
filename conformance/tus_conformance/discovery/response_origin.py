"""Whether a response is that of the tus server, or of something in front of it.

A broken server may forget every header of tus, and is to be judged for that. So a response counts
as foreign only if it has no header of tus, its status is one that proxies give of their own accord,
and a further fact shows who made it: it is the error page of a product that was recognised, or its
Server or Date is unlike that of the tus server's responses. The HTTP library of a server adds these
two, so they are the same in whatever its application answers. A response to HEAD has no page; where
GET of the same URL gets one with the same status, the other one is of the same origin.

502 and 504 of a proxy say that the server failed, or that the proxy took it for that: which of the
two cannot be seen from here, so that neither is charged with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tus_conformance.discovery.intermediary import recognise_page
from tus_conformance.discovery.preflight import speaks_tus
from tus_conformance.transport import HttpResponse
from tus_conformance.transport.header_values import header_value

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REFUSALS = frozenset(
    {400, 401, 403, 404, 405, 407, 408, 411, 414, 415, 417, 421, 426, 431, 451, 501}
)
"""Statuses with which proxies refuse of their own accord. 413 and 429 are limits, which are
evaluated as such."""

GATEWAY_FAILURES = frozenset({502, 503, 504})
"""Statuses with which proxies say that the server behind them gave no proper response."""

_OWN_STATUSES = _REFUSALS | GATEWAY_FAILURES


@dataclass(frozen=True)
class ServerMarks:
    """What the responses of the tus server have in common besides the headers of tus.

    `servers` are the values of Server, "" where there is none; `dates` says whether there is a
    Date. Where the responses disagree, nothing follows from it.
    """

    servers: frozenset[str] = frozenset()
    dates: frozenset[bool] = frozenset()

    def describe_difference(self, response: HttpResponse) -> str:
        """Return how a response is unlike those of the server; nothing if it is like them."""
        server = header_value(response.headers, "Server") or ""
        if len(self.servers) == 1 and server not in self.servers:
            own = _describe_server(next(iter(self.servers)))
            return f"it has {_describe_server(server)}, and those of the server {own}"
        if self.dates == {True} and header_value(response.headers, "Date") is None:
            return "it has no Date, and those of the server have one"
        return ""


def _describe_server(value: str) -> str:
    return f"Server: {value}" if value else "no Server"


def learn_marks(responses: Iterable[HttpResponse]) -> ServerMarks:
    """Return what the responses with headers of tus have in common."""
    own = [
        each
        for each in responses
        if each.status is not None and speaks_tus(each) and not recognise_page(each)
    ]
    return ServerMarks(
        frozenset(header_value(each.headers, "Server") or "" for each in own),
        frozenset(header_value(each.headers, "Date") is not None for each in own),
    )


def explain_foreign(
    response: HttpResponse, marks: ServerMarks, *, is_well_formed: bool = True
) -> str:
    """Return why a response is not that of the tus server; nothing if it may be its own.

    The reason continues a sentence that ends with the status. A request that is not well-formed
    may be refused by the HTTP library of the server, so that only the page of a product counts.
    """
    if response.status is None:
        return ""
    product = recognise_page(response)
    if product and response.status in _OWN_STATUSES:
        return f"with an error page of {product}"  # it may add Tus-Resumable to it
    if speaks_tus(response):
        return ""
    is_page = "html" in (header_value(response.headers, "Content-Type") or "")
    is_likely = response.status in _REDIRECTS | _OWN_STATUSES
    # A proxy without a rule for a path may answer it with an empty 200, as Caddy does.
    is_likely |= response.status == 200 and (is_page or not response.body)
    difference = marks.describe_difference(response) if is_likely and is_well_formed else ""
    return f"without any header of tus: {difference}" if difference else ""


def lacks_page(response: HttpResponse) -> bool:
    """Return whether a response to HEAD may be that of a proxy, so that GET could show its page."""
    return response.status in _OWN_STATUSES and not speaks_tus(response)


def explain_by_page(response: HttpResponse, of_get: HttpResponse) -> str:
    """Return why a response to HEAD is not the server's, by the one to GET; nothing otherwise."""
    product = recognise_page(of_get)
    if not product or of_get.status != response.status or not lacks_page(response):
        return ""
    return f"without any header of tus, and GET got the same status with an error page of {product}"
