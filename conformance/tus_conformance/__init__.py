"""The conformance suite for tus: tells, requirement by requirement, whether a server conforms.

The names are loaded when they are first used, since the pytest plugin lives in this package and
must cost nothing in sessions that do not use it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tus_conformance.discovery.discovery import DiscoveryResult, discover
    from tus_conformance.discovery.probes import TargetUnreachable
    from tus_conformance.execution.steps import execute_scenario
    from tus_conformance.runner.run import Run
    from tus_conformance.runner.run_plan import RunPlan
    from tus_conformance.runner.selection import Selection
    from tus_conformance.state.session import Session
    from tus_conformance.targets.profile import Profile, ProfileError, read_profile
    from tus_conformance.targets.target import Target, TargetError
    from tus_conformance.transport import Http1Transport

__all__ = [
    "DiscoveryResult",
    "Http1Transport",
    "Profile",
    "ProfileError",
    "Run",
    "RunPlan",
    "Selection",
    "Session",
    "Target",
    "TargetError",
    "TargetUnreachable",
    "discover",
    "execute_scenario",
    "read_profile",
]

_HOMES = {
    "DiscoveryResult": "discovery.discovery",
    "RunPlan": "runner.run_plan",
    "Profile": "targets.profile",
    "ProfileError": "targets.profile",
    "Run": "runner.run",
    "Selection": "runner.selection",
    "Session": "state.session",
    "Target": "targets.target",
    "TargetError": "targets.target",
    "TargetUnreachable": "discovery.probes",
    "Http1Transport": "transport",
    "discover": "discovery.discovery",
    "read_profile": "targets.profile",
    "execute_scenario": "execution.steps",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
