"""Where a URL leads: the host and port to connect to, and the request-target to ask for there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


class AddressError(ValueError):
    """The URL cannot be requested; the message says why."""


@dataclass(frozen=True)
class Address:
    """A URL taken apart; `authority` is the value of the Host header."""

    scheme: str
    host: str
    port: int
    authority: str
    target: str

    @property
    def secure(self) -> bool:
        """Return whether TLS is spoken there."""
        return self.scheme == "https"

    @property
    def origin(self) -> str:
        """Return what a connection is to: scheme, host and port."""
        return f"{self.scheme}://{format_host_port(self.host, self.port)}"


def format_host_port(host: str, port: int) -> str:
    """Return host and port for people."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_address(url: str) -> Address:
    """Take a URL apart, percent-encoding what a request-target cannot hold; raise AddressError."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        if not host.isascii():
            host = host.encode("idna").decode()
    except ValueError as error:
        raise AddressError(f"The URL cannot be read ({error}).") from error
    if parts.scheme not in DEFAULT_PORTS or not re.fullmatch(r"[\w.:%~-]+", host, re.ASCII):
        raise AddressError("The URL cannot be requested: it needs http:// or https:// and a host.")
    bracketed_host = f"[{host}]" if ":" in host else host
    query = f"?{parts.query}" if parts.query else ""
    return Address(
        scheme=parts.scheme,
        host=host,
        port=DEFAULT_PORTS[parts.scheme] if port is None else port,
        authority=bracketed_host
        if port in {None, DEFAULT_PORTS[parts.scheme]}
        else f"{bracketed_host}:{port}",
        target=_encode_target((parts.path or "/") + query),
    )


def _encode_target(target: str) -> str:
    # A Location read from the wire is Latin-1 text, so that encoding gives the server's own bytes.
    encoding = "latin-1" if all(ord(char) < 256 for char in target) else "utf-8"
    return re.sub(r"[^!-~]", lambda found: quote(found[0].encode(encoding)), target)
