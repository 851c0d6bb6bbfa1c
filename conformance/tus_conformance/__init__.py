"""The conformance suite for tus: checks a server against every requirement of the specification.

    import trio
    import tus_conformance

    result = trio.run(tus_conformance.run, "http://127.0.0.1:1080/files/")

Names are loaded on first use, because pytest imports this package for its plugin, which must cost
nothing in sessions that do not use it.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tus_conformance.discovery.discovery import DiscoveryResult, discover
    from tus_conformance.discovery.prober import TargetUnreachable
    from tus_conformance.execution.steps import execute_scenario
    from tus_conformance.runner.run import Run
    from tus_conformance.runner.run_plan import RunPlan
    from tus_conformance.runner.selection import Selection
    from tus_conformance.runner.suite import RunResult, run
    from tus_conformance.state.session import Session
    from tus_conformance.targets.profile import Profile, ProfileError, read_profile
    from tus_conformance.targets.program import ProgramError
    from tus_conformance.targets.target import Target, TargetError
    from tus_conformance.transport import Http1Transport

# A whole run: all that most programs need.
__all__ = ["RunResult", "run"]
# Facts about the server.
__all__ += ["Profile", "ProfileError", "ProgramError", "Target", "TargetError", "read_profile"]
# A run of your own: what to run, discovery, one scenario.
__all__ += ["Run", "RunPlan", "Selection", "Session", "execute_scenario"]
__all__ += ["DiscoveryResult", "TargetUnreachable", "discover"]
# The network: `memory_network` in `tus_conformance.transport.memory` replaces it in tests.
__all__ += ["Http1Transport"]

__version__: str
"""The version of the distribution; read on first use."""

_MODULES = {
    "DiscoveryResult": "discovery.discovery",
    "Http1Transport": "transport",
    "Profile": "targets.profile",
    "ProfileError": "targets.profile",
    "ProgramError": "targets.program",
    "Run": "runner.run",
    "RunPlan": "runner.run_plan",
    "RunResult": "runner.suite",
    "Selection": "runner.selection",
    "Session": "state.session",
    "Target": "targets.target",
    "TargetError": "targets.target",
    "TargetUnreachable": "discovery.prober",
    "discover": "discovery.discovery",
    "execute_scenario": "execution.steps",
    "read_profile": "targets.profile",
    "run": "runner.suite",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return version("tus-conformance")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
