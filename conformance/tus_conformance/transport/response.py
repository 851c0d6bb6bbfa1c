"""The response to a request, as the engine evaluates it: nothing in it is redacted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tus_reports.record import Exchange

FailureKind = Literal[
    "unreachable",
    "tls",
    "timeout",
    "reset",
    "closed",
    "malformed",
    "endless",
    "other-origin",
    "dead-origin",
]
"""Why there is no complete response. An `endless` one went on without an end, and what is on an
`other-origin` that the user has not named gets no request; at a `dead-origin`, which is not the
target's either, nothing accepts connections."""


@dataclass(frozen=True)
class NetworkFailure:
    """Why there is no complete response: its kind, and a sentence that says what to do."""

    kind: FailureKind
    message: str


@dataclass(frozen=True)
class HttpResponse:
    """The answer to one request, or what came of it.

    `status` is None where no final response began; `headers` are in wire order, named as sent.
    `body` holds at most the first 64 KiB of `body_length` bytes, `body_sha256` covers them all; the
    Content-Encoding is undone where the suite can do that.
    `complete` means that a whole final response arrived; `closed` that the server ended the
    connection without one; `cut` that the harness did. `sent` counts the body bytes that were
    handed to the network. `surplus` are the first bytes that followed the response, and
    `stray` those that followed the previous response on a persistent connection.
    """

    exchange: Exchange
    status: int | None = None
    reason: str = ""
    version: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    trailers: tuple[tuple[str, str], ...] = ()
    interim: tuple[int, ...] = ()
    body: bytes = b""
    body_length: int = 0
    body_sha256: str = ""
    complete: bool = False
    closed: bool = False
    timed_out: bool = False
    cut: bool = False
    sent: int = 0
    failure: NetworkFailure | None = None
    surplus: bytes = b""
    stray: bytes = b""

    def header_values(self, name: str) -> tuple[str, ...]:
        """Return the values of every line of a header, in wire order."""
        return tuple(value for named, value in self.headers if named.lower() == name.lower())
