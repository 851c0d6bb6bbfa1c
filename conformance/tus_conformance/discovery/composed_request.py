"""Requests with the headers that every request of tus to a target has, for bodies of any kind."""

from __future__ import annotations

from typing import Any

from tus_conformance.targets.target import Target
from tus_conformance.transport import HttpRequest, Payload

OFFSET_TYPE = ("Content-Type", "application/offset+octet-stream")


def compose_request(
    target: Target, method: str, url: str, *headers: tuple[str, str], **more: Any
) -> HttpRequest:
    """Return a request with the protocol version and the target's own headers.

    `more` are fields of `HttpRequest`.
    """
    usual = (("Tus-Resumable", "1.0.0"), *target.headers)
    return HttpRequest(method=method, url=url, headers=(*usual, *headers), **more)


def compose_patch(
    target: Target,
    url: str,
    offset: int,
    payload: Payload,
    *headers: tuple[str, str],
    **more: Any,
) -> HttpRequest:
    """Return a PATCH of `payload` at `offset`; `more` are fields of `HttpRequest`."""
    own = (OFFSET_TYPE, ("Upload-Offset", str(offset)), *headers)
    return compose_request(target, "PATCH", url, *own, payload=payload, **more)
