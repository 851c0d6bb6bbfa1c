"""A proxy between any tus client and any tus server: it passes requests on, breaks or records them.

A request keeps its method, headers, framing, trailers and the pace of its body; one whose client
goes away is cut for the server in the same way. Faults are done between the two, by the fault plan
that scenarios use.
"""

from __future__ import annotations

from tus_conformance.proxying.passing import Passing
from tus_conformance.proxying.recording import Recording
from tus_conformance.proxying.relay import ListenError, Relay
from tus_conformance.proxying.rules import PlanError, Rules, read_plan
from tus_conformance.proxying.upstream import Upstream, UpstreamError

__all__ = [
    "ListenError",
    "Passing",
    "PlanError",
    "Recording",
    "Relay",
    "Rules",
    "Upstream",
    "UpstreamError",
    "read_plan",
]
