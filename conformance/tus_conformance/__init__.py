"""The conformance suite for tus: tells, requirement by requirement, whether a server conforms.

The names are loaded when they are first used, since the pytest plugin lives in this package and
must cost nothing in sessions that do not use it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tus_conformance.discovery import Discovered, Unreachable, discover
    from tus_conformance.plan import Plan
    from tus_conformance.profile import Profile, ProfileError, read_profile
    from tus_conformance.replay import replay
    from tus_conformance.run import Run
    from tus_conformance.selection import Selection
    from tus_conformance.session import Session
    from tus_conformance.target import Target, TargetError
    from tus_conformance.wire import Wire

__all__ = [
    "Discovered",
    "Plan",
    "Profile",
    "ProfileError",
    "Run",
    "Selection",
    "Session",
    "Target",
    "TargetError",
    "Unreachable",
    "Wire",
    "discover",
    "read_profile",
    "replay",
]

_HOMES = {
    "Discovered": "discovery",
    "Plan": "plan",
    "Profile": "profile",
    "ProfileError": "profile",
    "Run": "run",
    "Selection": "selection",
    "Session": "session",
    "Target": "target",
    "TargetError": "target",
    "Unreachable": "discovery",
    "Wire": "wire",
    "discover": "discovery",
    "read_profile": "profile",
    "replay": "replay",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
