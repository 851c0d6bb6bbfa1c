"""Where uploads live: their URLs for clients, and the way back from a URL to an id."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urljoin, urlsplit

from tus_reference.protocol import is_upload_id

if TYPE_CHECKING:
    from tus_reference.handler import Request

# Anything else in a Host header must not be reflected into Location.
_HOST = re.compile(r"[A-Za-z0-9.\-_~%]+(:[0-9]+)?|\[[0-9A-Fa-f:.]+\](:[0-9]+)?")
_FORWARDED = re.compile(r'(?:^|[;,\s])(host|proto)="?([^";,\s]+)"?', re.IGNORECASE)


class Locator:
    """The URL space of one handler, below `base_path`, a path or an absolute URL."""

    def __init__(self, base_path: str, *, respect_forwarded_headers: bool) -> None:
        self._base_url = base_path
        self._absolute = "://" in base_path
        self._respect_forwarded = respect_forwarded_headers
        self.path = urlsplit(base_path).path if self._absolute else base_path

    def url(self, request: Request, upload_id: str) -> str:
        """Return the absolute URL of an upload; path-only if the request names no host."""
        return self._base(request) + quote(upload_id, safe="-_~!$'()*+,;=:@.")

    def _base(self, request: Request) -> str:
        if self._absolute:
            return self._base_url
        return self._origin(request) + request.mount + self.path

    def _origin(self, request: Request) -> str:
        scheme, host = request.scheme, request.headers.joined("Host") or ""
        if self._respect_forwarded:
            scheme, host = _forwarded(request, scheme, host)
        return f"{scheme}://{host}" if _HOST.fullmatch(host) else ""

    def is_endpoint(self, path: str) -> bool:
        """Return whether `path` is the URL for creating uploads, final slash or not."""
        return path in (self.path, self.path.rstrip("/")) and path != ""

    def upload_id(self, path: str) -> str | None:
        """Return the id that a path names, or None if it cannot be that of an upload."""
        if not path.startswith(self.path):
            return None
        try:
            upload_id = unquote(path[len(self.path) :], errors="strict")
        except UnicodeDecodeError:
            return None
        return upload_id if is_upload_id(upload_id) else None

    def id_of_url(self, request: Request, url: str) -> str | None:
        """Return the id that an absolute or relative URL names, or None if it is not ours."""
        base = self._base(request)
        try:
            parts = urlsplit(urljoin(base, url))
        except ValueError:
            return None
        elsewhere = parts.netloc.lower() != urlsplit(base).netloc.lower()
        if elsewhere or parts.query or parts.fragment or not parts.path.startswith(request.mount):
            return None
        return self.upload_id(parts.path.removeprefix(request.mount))


def _forwarded(request: Request, scheme: str, host: str) -> tuple[str, str]:
    """Return what the first proxy saw; Forwarded wins over X-Forwarded-* (RFC 7239)."""
    headers = request.headers
    proto = (headers.joined("X-Forwarded-Proto") or "").partition(",")[0].strip().lower()
    scheme = proto if proto in {"http", "https"} else scheme
    host = (headers.joined("X-Forwarded-Host") or "").partition(",")[0].strip() or host
    first = (headers.joined("Forwarded") or "").partition(",")[0]
    for name, value in _FORWARDED.findall(first):
        if name.lower() == "host":
            host = value
        elif value.lower() in {"http", "https"}:
            scheme = value.lower()
    return scheme, host
