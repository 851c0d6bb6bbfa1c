"""How a request is put into bytes: by h11, or by hand for what h11 refuses to send.

Either kind of script yields the head, then the pieces of the body, then its end. Nothing here
touches the network.
"""

from __future__ import annotations

from typing import Protocol

import h11

from tus_conformance.wire.address import Address
from tus_conformance.wire.outgoing import Outgoing, UnsendableError


class Script(Protocol):
    """The bytes of one request, made in order."""

    @property
    def head(self) -> bytes:
        """Return the request line and the headers."""
        ...

    def piece(self, data: bytes) -> bytes:
        """Return the bytes that carry the next piece of the body."""
        ...

    def end(self) -> bytes:
        """Return the bytes that end the body."""
        ...


def script(outgoing: Outgoing, address: Address) -> Script:
    """Return the script of a request; raise UnsendableError where its tier cannot send it."""
    return ByHand(outgoing, address) if outgoing.framing == "raw" else ByH11(outgoing, address)


class ByH11:
    """A well-formed request, sized or chunked, with h11 to vouch for it (RFC 9112)."""

    def __init__(self, outgoing: Outgoing, address: Address) -> None:
        self._http = h11.Connection(h11.CLIENT)
        self._trailers = list(outgoing.trailers)
        if outgoing.payload is None and outgoing.framing == "sized":
            framing = []
        elif outgoing.framing == "chunked":
            framing = (
                [] if outgoing.names("transfer-encoding") else [("Transfer-Encoding", "chunked")]
            )
        else:
            framing = _sized(outgoing)
        lines = [*_host(outgoing, address), *outgoing.headers, *framing]
        try:
            request = h11.Request(
                method=outgoing.method.encode("latin-1"),
                target=_target(outgoing, address),
                headers=[(name.encode("latin-1"), _bytes(value)) for name, value in lines],
            )
            self.head = self._http.send(request)
        except (h11.LocalProtocolError, UnicodeEncodeError) as error:
            raise UnsendableError(
                f'h11 refuses to send this {outgoing.method} ({error}): set framing to "raw".'
            ) from error

    def piece(self, data: bytes) -> bytes:
        """Return the next piece of the body, as a chunk where the body is chunked."""
        return self._http.send(h11.Data(data))

    def end(self) -> bytes:
        """Return the last chunk and the trailers, or nothing."""
        return self._http.send(h11.EndOfMessage(headers=self._trailers))


class ByHand:
    """Head and body exactly as they stand, whatever HTTP may say of them."""

    def __init__(self, outgoing: Outgoing, address: Address) -> None:
        framing = []
        if outgoing.declare is not None:
            framing = [("Content-Length", outgoing.declare)]
        elif outgoing.payload and not (
            outgoing.names("content-length") or outgoing.names("transfer-encoding")
        ):
            framing = [("Content-Length", str(outgoing.payload.length))]
        first = f"{outgoing.method} {_target(outgoing, address)} HTTP/1.1"
        lines = [*_host(outgoing, address), *outgoing.headers, *framing]
        head = [first, *(f"{name}: {value}" for name, value in lines), "", ""]
        self.head = b"\r\n".join(map(_bytes, head))

    def piece(self, data: bytes) -> bytes:
        """Return the piece itself."""
        return data

    def end(self) -> bytes:
        """Return nothing: the body ends where it ends."""
        return b""


def _sized(outgoing: Outgoing) -> list[tuple[str, str]]:
    length = str(outgoing.payload.length if outgoing.payload else 0)
    given = [value for name, value in outgoing.headers if name.lower() == "content-length"]
    if any(value.strip() != length for value in given):
        raise UnsendableError(
            f"Content-Length says {', '.join(given)}, but the body has {length} bytes:"
            ' set framing to "raw" to send that.'
        )
    if given or outgoing.names("transfer-encoding"):
        return []
    return [("Content-Length", length)]


def _host(outgoing: Outgoing, address: Address) -> list[tuple[str, str]]:
    return [] if outgoing.names("host") else [("Host", address.authority)]


def _target(outgoing: Outgoing, address: Address) -> str:
    return "*" if outgoing.asterisk else address.target


def _bytes(text: str) -> bytes:
    # Text that came from the wire is Latin-1; what Latin-1 cannot say was meant as UTF-8.
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()
