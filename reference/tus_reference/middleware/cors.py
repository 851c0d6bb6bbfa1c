"""`Cors`: what lets pages of other origins upload (the Fetch standard, CORS protocol).

A browser sends a preflight before what a form could not send: OPTIONS with the
method and the headers that are to come, and without credentials. So a preflight has to pass
whatever would refuse the request itself. Everything else is answered as ever, errors too, and
a page of an allowed origin may read the answer. Origins that are not allowed get no headers:
it is the browser that keeps the answer from their pages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from tus_reference.model import ConfigError, Response

if TYPE_CHECKING:
    from tus_reference.middleware.layers import Respond
    from tus_reference.model import Request

ANY_ORIGIN: Final = ".*"
ALLOWED_METHODS: Final = ("POST", "HEAD", "PATCH", "OPTIONS", "GET", "DELETE")
ALLOWED_HEADERS: Final = (
    "Authorization", "Origin", "X-Requested-With", "X-Request-ID", "X-HTTP-Method-Override",
    "Content-Type", "Tus-Resumable", "Upload-Length", "Upload-Offset", "Upload-Metadata",
    "Upload-Defer-Length", "Upload-Concat", "Upload-Checksum", "Range", "If-Range", "If-Match",
    "If-None-Match", "If-Modified-Since", "If-Unmodified-Since",
)  # fmt: skip
EXPOSED_HEADERS: Final = (
    "Location", "Tus-Version", "Tus-Resumable", "Tus-Max-Size", "Tus-Extension",
    "Tus-Checksum-Algorithm", "Upload-Offset", "Upload-Length", "Upload-Metadata",
    "Upload-Defer-Length", "Upload-Concat", "Upload-Expires", "X-Request-ID",
    "Content-Disposition", "Content-Range", "Accept-Ranges", "ETag", "Allow",
)  # fmt: skip

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VARY: Final = ("Vary", "Origin")


@dataclass(frozen=True)
class Cors:
    """A layer that lets pages of other origins upload; raises `ConfigError` for wrong settings.

    It answers preflights before any other check, and adds headers to every response.
    """

    allow_origin: str = ANY_ORIGIN
    """A regular expression that must match the whole origin; any origin by default."""

    allow_credentials: bool = False
    """Whether pages may send cookies; needs an `allow_origin` of your own."""

    allow_private_network: bool = False
    """Whether pages of public sites may reach a server in a private network."""

    allow_methods: tuple[str, ...] = ()
    """Methods in addition to those of tus (Access-Control-Allow-Methods)."""

    allow_headers: tuple[str, ...] = ()
    """Request headers in addition to those of tus (Access-Control-Allow-Headers)."""

    expose_headers: tuple[str, ...] = ()
    """Response headers in addition to those of tus (Access-Control-Expose-Headers)."""

    max_age: int = 86400
    """Seconds for which browsers may cache a preflight, 0 for none."""

    def __post_init__(self) -> None:
        """Refuse what cannot work, or what would let every site act for its visitors."""
        try:
            re.compile(self.allow_origin)
        except re.error as problem:
            raise ConfigError(
                f"The pattern of allowed origins, {self.allow_origin!r}, is not a regular"
                f" expression: {problem}."
            ) from None
        if self.allow_credentials and self.allow_origin == ANY_ORIGIN:
            raise ConfigError(
                "Credentials need a pattern of allowed origins, allow_origin or"
                " --cors-allow-origin: otherwise any page could act for its visitors."
            )
        for name in (*self.allow_methods, *self.allow_headers, *self.expose_headers):
            if not _TOKEN.fullmatch(name):
                raise ConfigError(f"{name!r} is not a valid method or header name.")
        if self.max_age < 0:
            raise ConfigError(
                "The cache time of a preflight must be a number of seconds, 0 for none."
            )

    async def answer(self, request: Request, respond: Respond) -> Response:
        """Return the answer with what a browser needs to hand it to a page."""
        origin = request.headers.joined("Origin")
        if origin is None:
            return _with_vary(await respond(request))
        if not self._origin_pattern.fullmatch(origin):
            return _with_vary(await respond(request))
        allowed = (("Access-Control-Allow-Origin", origin), *self._credentials_headers)
        if _is_preflight(request):
            response = await respond(request)
            if response.status >= 300:
                response = Response(204)
            return _with_vary(
                response.with_headers(*allowed, *self._headers_for_preflight(request))
            )
        return _with_vary((await respond(request)).with_headers(*allowed, self._expose_headers))

    def _headers_for_preflight(self, request: Request) -> tuple[tuple[str, str], ...]:
        asks = request.headers.joined("Access-Control-Request-Private-Network") == "true"
        if asks and self.allow_private_network:
            return (*self._preflight_headers, ("Access-Control-Allow-Private-Network", "true"))
        return self._preflight_headers

    @cached_property
    def _origin_pattern(self) -> re.Pattern[str]:
        return re.compile(self.allow_origin)

    @cached_property
    def _credentials_headers(self) -> tuple[tuple[str, str], ...]:
        return (("Access-Control-Allow-Credentials", "true"),) if self.allow_credentials else ()

    @cached_property
    def _preflight_headers(self) -> tuple[tuple[str, str], ...]:
        return (
            ("Access-Control-Allow-Methods", ", ".join((*ALLOWED_METHODS, *self.allow_methods))),
            ("Access-Control-Allow-Headers", ", ".join((*ALLOWED_HEADERS, *self.allow_headers))),
            ("Access-Control-Max-Age", str(self.max_age)),
        )

    @cached_property
    def _expose_headers(self) -> tuple[str, str]:
        return (
            "Access-Control-Expose-Headers",
            ", ".join((*EXPOSED_HEADERS, *self.expose_headers)),
        )


def _is_preflight(request: Request) -> bool:
    """Return whether a request is a preflight; one with a method override is not."""
    return (
        request.method == "OPTIONS"
        and "Access-Control-Request-Method" in request.headers
        and "X-HTTP-Method-Override" not in request.headers
    )


def _with_vary(response: Response) -> Response:
    """Add Origin to the Vary header of a response."""
    return replace(response, headers=(*response.headers, _VARY))
