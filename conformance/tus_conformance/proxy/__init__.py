"""A proxy between any tus client and any tus server: it passes requests on, breaks or records them.

A request keeps its method, headers, framing, trailers and the pace of its body; one whose client
goes away is cut for the server in the same way. Faults are done between the two, by the fault plan
that scenarios use.
"""

from __future__ import annotations

from tus_conformance.proxy.fault_rules import FaultPlanError, SeededFaultPlan, read_fault_plan
from tus_conformance.proxy.proxied_request import ProxiedRequest
from tus_conformance.proxy.proxy_server import ProxyServer
from tus_conformance.proxy.session_recording import SessionRecording
from tus_conformance.proxy.traffic_summary import TrafficSummary
from tus_conformance.proxy.upstream import Upstream, UpstreamError

__all__ = [
    "FaultPlanError",
    "ProxiedRequest",
    "ProxyServer",
    "SeededFaultPlan",
    "SessionRecording",
    "TrafficSummary",
    "Upstream",
    "UpstreamError",
    "read_fault_plan",
]
