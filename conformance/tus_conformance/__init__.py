"""The conformance suite for tus: tells, requirement by requirement, whether a server conforms.

The names are loaded when they are first used, since the pytest plugin lives in this package and
must cost nothing in sessions that do not use it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tus_conformance.dialogue.discovery import Discovered, discover
    from tus_conformance.dialogue.probing import Unreachable
    from tus_conformance.dialogue.session import Session
    from tus_conformance.running.plan import Plan
    from tus_conformance.running.run import Run
    from tus_conformance.running.selection import Selection
    from tus_conformance.target.profile import Profile, ProfileError, read_profile
    from tus_conformance.target.target import Target, TargetError
    from tus_conformance.telling.replay import replay
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
    "Discovered": "dialogue.discovery",
    "Plan": "running.plan",
    "Profile": "target.profile",
    "ProfileError": "target.profile",
    "Run": "running.run",
    "Selection": "running.selection",
    "Session": "dialogue.session",
    "Target": "target.target",
    "TargetError": "target.target",
    "Unreachable": "dialogue.probing",
    "Wire": "wire",
    "discover": "dialogue.discovery",
    "read_profile": "target.profile",
    "replay": "telling.replay",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
