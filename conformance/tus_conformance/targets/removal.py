"""Removing what a run has created."""

from __future__ import annotations

import trio

from tus_conformance.targets.target import Target
from tus_conformance.targets.transport_protocol import Transport
from tus_conformance.transport import HttpRequest

REMOVED_STATUSES = frozenset({404, 410})


async def remove_upload(url: str, target: Target, transport: Transport) -> bool | None:
    """Remove an upload despite cancellation; return whether it is gone, None without a response."""
    headers = (("Tus-Resumable", "1.0.0"), *target.headers, ("Content-Length", "0"))
    with trio.CancelScope(shield=True):
        http_response = await transport.send(HttpRequest(method="DELETE", url=url, headers=headers))
    if http_response.status is None:
        return None
    return 200 <= http_response.status < 300 or http_response.status in REMOVED_STATUSES
