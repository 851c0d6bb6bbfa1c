"""What a server says of itself against what a probe saw."""

from __future__ import annotations

from tus_reports.record import Capability, Discovery

NOT_ADVERTISABLE = frozenset({"download", "complete-uploads", "chunked-bodies", "deferred-bytes"})
"""Capabilities that are no extensions, so that a server has no place to advertise them."""


def is_contradiction(found: Capability) -> bool:
    """Return whether a server says other than it does; what is unknown contradicts nothing."""
    if found.name in NOT_ADVERTISABLE or found.observed == "unknown":
        return False
    return found.advertised != (found.observed == "accepted")


def find_contradictions(discovery: Discovery) -> tuple[Capability, ...]:
    """Return the capabilities of which the server says other than it does."""
    return tuple(found for found in discovery.capabilities if is_contradiction(found))
