"""Where uploads live: their URLs for clients, and the way back from a URL to an id."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urljoin, urlsplit

from tus_reference.forwarding import Origin, client_origin
from tus_reference.protocol import is_upload_id

if TYPE_CHECKING:
    from tus_reference.model import Request

# Anything else in a Host header must not be reflected into Location.
_HOST = re.compile(r"[A-Za-z0-9.\-_~%]+(:[0-9]+)?|\[[0-9A-Fa-f:.]+\](:[0-9]+)?")


def _is_host(host: str) -> bool:
    """Return whether a value can be the host of a URL, with a port or without."""
    if _HOST.fullmatch(host) is None:
        return False
    if not host.startswith("["):
        return True
    try:
        ipaddress.IPv6Address(host[1:].partition("]")[0])
    except ValueError:
        return False
    return True


class UploadUrls:
    """The URL space of one handler, below `base_path`, a path or an absolute URL."""

    def __init__(
        self, base_path: str, *, respect_forwarded_headers: bool, relative: bool = False
    ) -> None:
        self._base_url = base_path
        self._absolute = "://" in base_path
        self._respect_forwarded = respect_forwarded_headers
        self._relative = relative
        self.path = urlsplit(base_path).path if self._absolute else base_path

    def url(self, request: Request, upload_id: str) -> str:
        """Return the URL of an upload; only its path if that is wanted, or no host is known."""
        base = self._base(request)
        start = urlsplit(base).path if self._relative else base
        return start + quote(upload_id, safe="-_~!$'()*+,;=:@.")

    def _base(self, request: Request) -> str:
        if self._absolute:
            return self._base_url
        origin = Origin(request.scheme, request.headers.joined("Host") or "")
        if self._respect_forwarded:
            origin = client_origin(request)
        start = f"{origin.scheme}://{origin.host}" if _is_host(origin.host) else ""
        return start + origin.prefix + request.mount + self.path

    def is_endpoint(self, path: str) -> bool:
        """Return whether `path` is the URL for creating uploads, final slash or not."""
        return path in (self.path, self.path.rstrip("/")) and path != ""

    def id_from_path(self, path: str, start: str = "") -> str | None:
        """Return the id that a path names, or None if it cannot be that of an upload."""
        start = start or self.path
        if not path.startswith(start):
            return None
        try:
            upload_id = unquote(path[len(start) :], errors="strict")
        except UnicodeDecodeError:
            return None
        return upload_id if is_upload_id(upload_id) else None

    def id_from_url(self, request: Request, url: str) -> str | None:
        """Return the id that an absolute or relative URL names, or None if it is not ours.

        A query counts for nothing, as in a request for an upload: a proxy may have added it.
        """
        base = urlsplit(self._base(request))
        try:
            parts = urlsplit(urljoin(base.geturl(), url))
        except ValueError:
            return None
        if parts.fragment or parts.netloc.lower() != base.netloc.lower():
            return None
        return self.id_from_path(parts.path, base.path)
