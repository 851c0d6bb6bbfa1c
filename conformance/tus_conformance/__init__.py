"""The conformance suite for tus: checks a server against every requirement of the specification.

    import trio
    import tus_conformance

    result = trio.run(tus_conformance.run, "http://127.0.0.1:1080/files/")

Names are loaded on first use, because pytest imports this package for its plugin, which must cost
nothing in sessions that do not use it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tus_conformance.runner.suite import RunResult, run
    from tus_conformance.targets.profile import Profile, ProfileError, read_profile
    from tus_conformance.targets.program import ProgramError
    from tus_conformance.targets.target import TargetError

# A run and its result.
__all__ = ["RunResult", "run"]
# Facts about the server.
__all__ += ["Profile", "read_profile"]
# What `run` raises.
__all__ += ["ProfileError", "ProgramError", "TargetError"]

__version__: str
"""The version of the distribution; read on first use."""

_MODULES = {
    "Profile": "targets.profile",
    "ProfileError": "targets.profile",
    "ProgramError": "targets.program",
    "RunResult": "runner.suite",
    "TargetError": "targets.target",
    "read_profile": "targets.profile",
    "run": "runner.suite",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("tus-conformance")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
