"""What goes out: a request, its body, and how the two are put on the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from tus_conformance.transport.fault_actions import BodyCut, Break, InjectedFault
from tus_conformance.transport.persistent import PersistentConnection
from tus_conformance.transport.response_limits import MAX_BODY_SIZE

Framing = Literal["sized", "chunked", "raw"]
"""How a body is delimited; "raw" writes head and body by hand, past what h11 would refuse."""


class UnsendableError(ValueError):
    """A request that this transport cannot send; the message says which one can."""


@dataclass(frozen=True)
class Payload:
    """A body of `length` bytes, made when it is sent: `chunks` returns a fresh iterator.

    `generated` says in words what made the bytes, and is recorded instead of them; None means
    literal bytes, of which the first are recorded.
    """

    length: int
    chunks: Callable[[], Iterator[bytes]]
    generated: str | None = None

    @classmethod
    def literal(cls, data: bytes) -> Payload:
        """Return a body of just these bytes."""
        return cls(len(data), lambda: iter((data,)))

    @classmethod
    def zeros(cls, length: int) -> Payload:
        """Return a body of so many zero bytes."""
        piece = bytes(min(length, 64 * 1024))
        starts = range(0, length, len(piece) or 1)
        return cls(
            length,
            lambda: (piece[: length - start] for start in starts),
            generated=f"{length} zeros",
        )


@dataclass(frozen=True)
class HttpRequest:
    """A request: exactly these headers in this order, after Host and before the framing's own.

    "sized" adds Content-Length to a payload, "chunked" adds Transfer-Encoding; neither is added
    where the headers name one. "raw" claims `declared_length` as Content-Length, or else the length
    of the payload unless the headers frame it themselves. `trailers` need "chunked". With
    `asterisk_form` the request-target is "*". `http_version` 1.0 has no chunked coding, and its
    connection is not persistent.

    `faults` are done to it on its way; `cut` is short for one of them. With `drop_response` the
    response is awaited and dropped. `connection` lends the connection that it keeps, and is given
    it back. `max_response` is how many bytes of a response body are read at most.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    payload: Payload | None = None
    framing: Framing = "sized"
    declared_length: str | None = None
    trailers: tuple[tuple[str, str], ...] = ()
    cut: BodyCut | None = None
    faults: tuple[InjectedFault, ...] = ()
    drop_response: bool = False
    connection: PersistentConnection | None = field(default=None, compare=False)
    asterisk_form: bool = False
    http_version: Literal["1.1", "1.0"] = "1.1"
    max_response: int = MAX_BODY_SIZE

    def __post_init__(self) -> None:
        if self.trailers and self.framing != "chunked":
            raise UnsendableError('Only a chunked body has trailers: set framing to "chunked".')
        if self.declared_length is not None and self.framing != "raw":
            raise UnsendableError('A length that differs from the body: set framing to "raw".')

    @property
    def all_faults(self) -> tuple[InjectedFault, ...]:
        """Return every fault, the cut among them."""
        if self.cut is None:
            return self.faults
        return (*self.faults, InjectedFault(Break(self.cut.by), self.cut.after))

    def has_header(self, header: str) -> bool:
        """Return whether the headers name one, in whatever case."""
        return any(name.lower() == header for name, _ in self.headers)
