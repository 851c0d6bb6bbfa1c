"""The URLs under which a scripted server shows its uploads, in every legal form."""

from __future__ import annotations

import re
from urllib.parse import unquote, urljoin, urlsplit

_ROOT = re.compile(r"^((?:http:)?//[^/]+|)/")

REDIRECT_PREFIX = "/moved"
"""Where a redirect leads; what is behind it is the target before."""


def normalize_target(target: str) -> str:
    """Return a path and query in one form for all that mean the same (RFC 3986, 6.2.2).

    URL libraries decode what need not be encoded, such as %2F in a query. What separates stays:
    an encoded slash in the path, and what an encoded & or = stands for.
    """
    path, _, query = target.partition("#")[0].partition("?")
    path = unquote(re.sub(r"%2f", "%252F", path, flags=re.IGNORECASE))
    pairs = [tuple(map(unquote, pair.partition("=")[::2])) for pair in query.split("&")]
    return path + (f"?{pairs}" if query else "")


def target_of(url: str) -> str:
    """Return the path and query of a URL in that form."""
    parts = urlsplit(url)
    return normalize_target(parts.path + (f"?{parts.query}" if parts.query else ""))


class ClientUrls:
    """Which upload a request's target names, and the Location of a new one.

    `mount` is the path of the endpoint, with "/files/" at its end; what stands before that stands
    before every other path as well. An upload whose Location was
    given in another form is to be found there alone, as a server may demand.
    """

    def __init__(self, mount: str) -> None:
        self.mount = mount if mount.endswith("/") else f"{mount}/"
        self._prefix = self.mount.removesuffix("/files/")
        self._targets: dict[str, str] = {}
        self._aliased: set[str] = set()

    def is_endpoint(self, target: str) -> bool:
        """Return whether a target is that of the endpoint."""
        path = urlsplit(self.direct(target)).path
        return path.rstrip("/") == self.mount.rstrip("/")

    def direct(self, target: str) -> str:
        """Return a target as path and query, without what a redirect put before it."""
        if target.startswith(("http://", "https://")):
            parts = urlsplit(target)
            target = parts.path + (f"?{parts.query}" if parts.query else "")
        return target.removeprefix(REDIRECT_PREFIX)

    def find(self, port: int, target: str) -> str:
        """Return the id of the upload that a target names, or "" for none."""
        direct = self.direct(target)
        if (found := self._targets.get(f"{port} {normalize_target(direct)}")) is not None:
            return found
        path = direct.partition("?")[0]
        name = path.removeprefix(self.mount) if path.startswith(self.mount) else ""
        return "" if "/" in name or name in self._aliased else name

    def name(self, upload: str, template: str, base: str, other: int) -> str:
        """Return the Location of a new upload and remember where it leads.

        `base` is the URL of the request that created it. {id}, {port} and {other} of `template`
        are filled in; "" stands for the absolute URL.
        """
        parts = urlsplit(base)
        if not template:
            return f"{parts.scheme}://{parts.netloc}{self.mount}{upload}"
        location = (
            template.replace("{id}", upload)
            .replace("{port}", str(parts.port or 80))
            .replace("{other}", str(other))
        )
        location = _ROOT.sub(lambda found: f"{found[1]}{self._prefix}/", location, count=1)
        resolved = urlsplit(urljoin(base, location))
        query = f"?{resolved.query}" if resolved.query else ""
        place = normalize_target(f"{resolved.path}{query}")
        self._targets[f"{resolved.port or 80} {place}"] = upload
        self._aliased.add(upload)
        return location
