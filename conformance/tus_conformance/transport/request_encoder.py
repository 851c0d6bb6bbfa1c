"""How a request is put into bytes: by h11, or by hand for what h11 refuses to send.

Either kind of script yields the head, then the pieces of the body, then its end. Nothing here
touches the network.
"""

from __future__ import annotations

from typing import Protocol

import h11

from tus_conformance.transport.address import Address
from tus_conformance.transport.request import HttpRequest, UnsendableError


class RequestEncoder(Protocol):
    """The bytes of one request, made in order."""

    @property
    def head(self) -> bytes:
        """Return the request line and the headers."""
        ...

    def encode_body(self, data: bytes) -> bytes:
        """Return the bytes that carry the next piece of the body."""
        ...

    def encode_end(self) -> bytes:
        """Return the bytes that end the body."""
        ...


def encoder_for(http_request: HttpRequest, address: Address) -> RequestEncoder:
    """Return the script of a request; raise UnsendableError where its tier cannot send it."""
    return (
        RawEncoder(http_request, address)
        if http_request.framing == "raw" or http_request.http_version != "1.1"
        else H11Encoder(http_request, address)
    )


class H11Encoder:
    """A well-formed request, sized or chunked, with h11 to vouch for it (RFC 9112)."""

    def __init__(self, http_request: HttpRequest, address: Address) -> None:
        self._http = h11.Connection(h11.CLIENT)
        self._trailers = list(http_request.trailers)
        if http_request.payload is None and http_request.framing == "sized":
            framing = []
        elif http_request.framing == "chunked":
            framing = (
                []
                if http_request.has_header("transfer-encoding")
                else [("Transfer-Encoding", "chunked")]
            )
        else:
            framing = _content_length(http_request)
        lines = [*_host_header(http_request, address), *http_request.headers, *framing]
        try:
            request = h11.Request(
                method=http_request.method.encode("latin-1"),
                target=_request_target(http_request, address),
                headers=[(name.encode("latin-1"), _encode(value)) for name, value in lines],
            )
            self.head = self._http.send(request)
        except (h11.LocalProtocolError, UnicodeEncodeError) as error:
            raise UnsendableError(
                f'h11 refuses to send this {http_request.method} ({error}): set framing to "raw".'
            ) from error

    def encode_body(self, data: bytes) -> bytes:
        """Return the next piece of the body, as a chunk where the body is chunked."""
        return self._http.send(h11.Data(data))

    def encode_end(self) -> bytes:
        """Return the last chunk and the trailers, or nothing."""
        return self._http.send(h11.EndOfMessage(headers=self._trailers))


class RawEncoder:
    """Head and body exactly as they stand, whatever HTTP may say of them."""

    def __init__(self, http_request: HttpRequest, address: Address) -> None:
        framing = []
        if http_request.declared_length is not None:
            framing = [("Content-Length", http_request.declared_length)]
        elif http_request.payload and not (
            http_request.has_header("content-length")
            or http_request.has_header("transfer-encoding")
        ):
            framing = [("Content-Length", str(http_request.payload.length))]
        first = f"{http_request.method} {_request_target(http_request, address)}"
        first += f" HTTP/{http_request.http_version}"
        lines = [*_host_header(http_request, address), *http_request.headers, *framing]
        head = [first, *(f"{name}: {value}" for name, value in lines), "", ""]
        self.head = b"\r\n".join(map(_encode, head))

    def encode_body(self, data: bytes) -> bytes:
        """Return the piece itself."""
        return data

    def encode_end(self) -> bytes:
        """Return nothing: the body ends where it ends."""
        return b""


def _content_length(http_request: HttpRequest) -> list[tuple[str, str]]:
    length = str(http_request.payload.length if http_request.payload else 0)
    given = [value for name, value in http_request.headers if name.lower() == "content-length"]
    if any(value.strip() != length for value in given):
        raise UnsendableError(
            f"Content-Length says {', '.join(given)}, but the body has {length} bytes:"
            ' set framing to "raw" to send that.'
        )
    if given or http_request.has_header("transfer-encoding"):
        return []
    return [("Content-Length", length)]


def _host_header(http_request: HttpRequest, address: Address) -> list[tuple[str, str]]:
    return [] if http_request.has_header("host") else [("Host", address.authority)]


def _request_target(http_request: HttpRequest, address: Address) -> str:
    return "*" if http_request.asterisk_form else address.target


def _encode(text: str) -> bytes:
    # Text that came from the wire is Latin-1; what Latin-1 cannot say was meant as UTF-8.
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()
