"""What a proxy says about the request that it forwards: Forwarded (RFC 7239) and X-Forwarded-*.

Believe this only behind a proxy that sets these fields itself, or removes those that come from
outside. Of several proxies the one next to the client has the first word; Forwarded wins over
the older fields, each of its parameters by itself. A prefix is what a proxy has cut off the
path, so the prefixes of several proxies follow each other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tus_reference.model import Headers, Request

_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}

# RFC 7239, 4: pairs of a token and a value, which is a token or quoted. Unquoted values are
# taken more widely, because many proxies do not quote the colon of a port.
_PAIR = re.compile(
    r'[ \t]*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^";,\s]*))[ \t]*'
)
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+;=:@%-]+)+")
_PORT = re.compile(r"[0-9]{1,5}")
_HAS_PORT = re.compile(r".*[^:\]]:[0-9]+|\[.*\]:[0-9]+")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the client sent its request: `prefix` is a path without final slash, or empty."""

    scheme: str
    host: str
    prefix: str = ""


def client_origin(request: Request) -> Origin:
    """Return what the client saw: from the proxies' headers, else from the request."""
    headers, forwarded = request.headers, _forwarded(request.headers)
    scheme = forwarded.get("proto", _first(headers, "X-Forwarded-Proto")).lower()
    if scheme not in _DEFAULT_PORTS:
        scheme = request.scheme
    host = forwarded.get("host") or _first(headers, "X-Forwarded-Host")
    host = host or headers.joined("Host") or ""
    port = _first(headers, "X-Forwarded-Port")
    if host and not _HAS_PORT.fullmatch(host) and _PORT.fullmatch(port):
        host = f"{host}:{port}"
    return Origin(scheme, host.removesuffix(f":{_DEFAULT_PORTS[scheme]}"), _prefix(headers))


def client_address(request: Request) -> str:
    """Return the client's address from the proxies' headers, with its port if they name it."""
    headers = request.headers
    client = _forwarded(headers).get("for") or _first(headers, "X-Forwarded-For")
    return client or request.remote_addr


def _forwarded(headers: Headers) -> dict[str, str]:
    """Return the parameters of Forwarded's first element; none if it is malformed."""
    field = headers.joined("Forwarded")
    found: dict[str, str] = {}
    position = 0
    while field is not None and (pair := _PAIR.match(field, position)):
        quoted, plain = pair[2], pair[3]
        value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        found.setdefault(pair[1].lower(), value)
        position = pair.end() + 1
        following = field[pair.end() : position]
        if following != ";":
            return found if following in {"", ","} else {}
    return found


def _first(headers: Headers, name: str) -> str:
    """Return the first member of a list field, or nothing."""
    return (headers.joined(name) or "").partition(",")[0].strip()


def _prefix(headers: Headers) -> str:
    """Return the prefixes that proxies removed; nothing if one of them is not a path."""
    field = headers.joined("X-Forwarded-Prefix") or ""
    prefix = "".join(part.strip().rstrip("/") for part in field.split(","))
    return prefix if _PREFIX.fullmatch(prefix) else ""
