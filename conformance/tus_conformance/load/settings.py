"""What the command line hands to the process of Locust, in an environment variable.

The headers may be secret, so they are not in the arguments, which other users of a machine can see.
"""

from __future__ import annotations

import os

import msgspec

from tus_conformance.load.mix import Mix
from tus_conformance.targets.profile import Profile

VARIABLE = "TUS_LOAD_SETTINGS"
"""The environment variable."""

MAX_ERROR_SHARE = 0.01
"""The share of failed requests, from 0 to 1, up to which a run succeeds by default."""


class LoadSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A load: its `target` (a creation URL), what is known of it, and its mix.

    `shown_target` is the target as it is recorded. `timeout` is in seconds.
    """

    target: str
    shown_target: str
    profile: Profile = Profile()
    headers: tuple[tuple[str, str], ...] = ()
    timeout: float
    mix: Mix = Mix()
    name: str = ""
    version: str = ""

    def to_environment(self) -> dict[str, str]:
        """Return the environment variable that has these settings."""
        return {VARIABLE: msgspec.json.encode(self).decode()}


def read_settings() -> LoadSettings | None:
    """Return the settings of this process, or None where the command line did not start it."""
    text = os.environ.get(VARIABLE)
    return None if text is None else msgspec.json.decode(text, type=LoadSettings)


def require_settings() -> LoadSettings:
    """Return the settings of this process; raise RuntimeError where it has none."""
    settings = read_settings()
    if settings is None:
        raise RuntimeError("`tus-conformance load` starts this; a locustfile of yours uses TusUser")
    return settings
