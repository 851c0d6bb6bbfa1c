"""What lets a page of another origin upload (the Fetch standard, CORS protocol)."""

from __future__ import annotations

from dataclasses import replace

from tus_conformance.clients.seen_request import SeenRequest, SeenResponse

_EXPOSED = (
    *("Location", "Retry-After", "Tus-Checksum-Algorithm", "Tus-Extension", "Tus-Max-Size"),
    *("Tus-Resumable", "Tus-Version", "Upload-Concat", "Upload-Defer-Length", "Upload-Expires"),
    *("Upload-Length", "Upload-Metadata", "Upload-Offset"),
)


def is_preflight(request: SeenRequest) -> bool:
    """Return whether a browser asks on its own whether a request may be sent."""
    return request.method == "OPTIONS" and bool(request.values("Access-Control-Request-Method"))


def answer_preflight(request: SeenRequest) -> SeenResponse:
    """Return the response that allows whatever a browser asks for."""
    asked = request.value("Access-Control-Request-Headers")
    headers = [
        ("Access-Control-Allow-Origin", request.value("Origin") or "*"),
        ("Access-Control-Allow-Methods", request.value("Access-Control-Request-Method") or "*"),
        ("Vary", "Origin"),
    ]
    if asked:
        headers.append(("Access-Control-Allow-Headers", asked))
    return SeenResponse(204, tuple(headers))


def allow_origin(request: SeenRequest, response: SeenResponse) -> SeenResponse:
    """Return a response that the page which sent the request may read."""
    origin = request.value("Origin")
    if origin is None or response.value("Access-Control-Allow-Origin") is not None:
        return response
    added = (
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Expose-Headers", ", ".join(_EXPOSED)),
        ("Vary", "Origin"),
    )
    return replace(response, headers=(*response.headers, *added))
