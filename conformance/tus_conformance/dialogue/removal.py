"""Removing what a run has created."""

from __future__ import annotations

import trio

from tus_conformance.target.route import Route
from tus_conformance.target.target import Target
from tus_conformance.wire import Outgoing

GONE = frozenset({404, 410})


async def removed(url: str, target: Target, route: Route) -> bool | None:
    """Remove an upload, whatever is cancelled meanwhile; tell if it is gone, None if unanswered."""
    headers = (("Tus-Resumable", "1.0.0"), *target.headers, ("Content-Length", "0"))
    with trio.CancelScope(shield=True):
        answer = await route.send(Outgoing(method="DELETE", url=url, headers=headers))
    if answer.status is None:
        return None
    return 200 <= answer.status < 300 or answer.status in GONE
