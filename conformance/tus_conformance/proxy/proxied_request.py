"""A request on its way through the proxy, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

HeaderPairs = tuple[tuple[str, str], ...]


def header_value(headers: HeaderPairs, name: str) -> str | None:
    """Return the first value of a header, in whatever letter case; None without."""
    return next((value for key, value in headers if key.lower() == name.lower()), None)


@dataclass
class ProxiedRequest:
    """A request, as its client sent it; `received` counts the bytes of its body, chunks undone.

    `complete` is false if the client closed the connection before the end of the body, in the way
    that `closed_by_client` names. `status` and `response_headers` are those of the final response.
    `faults_done` has a sentence for each injected fault. With `answered_by_proxy` the request did
    not reach the server, with `response_lost` the response did not reach the client.
    """

    number: int
    method: str
    target: str
    headers: HeaderPairs
    chunked: bool = False
    length: int | None = None
    received: int = 0
    trailers: HeaderPairs = ()
    complete: bool = False
    closed_by_client: Literal["", "fin", "rst"] = ""
    status: int | None = None
    response_headers: HeaderPairs = ()
    faults_done: list[str] = field(default_factory=list)
    answered_by_proxy: bool = False
    response_lost: bool = False

    def header(self, name: str) -> str | None:
        """Return the value of one of its headers."""
        return header_value(self.headers, name)

    @property
    def path(self) -> str:
        """Return the path it is about, without the query."""
        return self.target.partition("?")[0]

    def summary(self) -> str:
        """Return the request and what became of it in a line; no query, which may hold secrets."""
        body = f", {self.received} bytes" if self.received or self.length else ""
        ended = {"": "", "fin": ", closed by the client", "rst": ", reset by the client"}
        answered = "no response" if self.status is None else str(self.status)
        end = ended[self.closed_by_client]
        line = f"{self.number:4} {self.method} {self.path}{body}{end}: {answered}"
        return line + "".join(f"; {each}" for each in self.faults_done)
