"""Requests that an HTTP server may refuse by itself, so that the tus server never sees them.

What such a refusal lacks, the tus server could not add.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes, urlsplit

from tus_conformance.transport.request import HttpRequest

LONG_FIELD = 4096
"""Bytes of a header field above which it may be too long: servers take 8190, and less in all."""

_MALFORMED = frozenset({400})
_TOO_LONG = frozenset({400, 413})
_UNUSUAL_OCTETS = re.compile(rb"[\x00-\x1f\x7f\\%]")


def may_be_refused_by_http(request: HttpRequest, status: int) -> bool:
    """Return whether a status may be that of an HTTP server that does not pass a request on.

    The request is written by hand, breaks off, or has an unusual URL or a long header field.
    """
    malformed = request.framing == "raw" or bool(request.all_faults) or _has_unusual_url(request)
    return (malformed and status in _MALFORMED) or (_is_long(request) and status in _TOO_LONG)


def _has_unusual_url(request: HttpRequest) -> bool:
    """Return whether the path has an encoded slash, octets that are no text, or control characters.

    HTTP servers refuse these because they lead to other files behind some of them.
    """
    path = urlsplit(request.url).path
    octets = unquote_to_bytes(path)
    try:
        octets.decode()
    except UnicodeDecodeError:
        return True
    return "%2f" in path.lower() or _UNUSUAL_OCTETS.search(octets) is not None


def _is_long(request: HttpRequest) -> bool:
    return any(len(name) + len(value) > LONG_FIELD for name, value in request.headers)
