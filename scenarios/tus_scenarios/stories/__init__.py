"""The scenarios that data cannot tell: races, and bodies whose pace matters."""

from __future__ import annotations

from types import ModuleType

from tus_scenarios.scenario import Scenario
from tus_scenarios.stories import (
    concurrency,
    expiry,
    interruption_cuts,
    interruption_expiry,
    interruption_large,
    interruption_races,
    pace,
    restart,
    waiting,
)

__all__ = ["stories"]

_MODULES: tuple[ModuleType, ...] = (
    concurrency,
    pace,
    waiting,
    expiry,
    restart,
    interruption_cuts,
    interruption_races,
    interruption_expiry,
    interruption_large,
)


def stories() -> tuple[Scenario, ...]:
    """Return every scenario that is written as a function."""
    return tuple(
        value
        for module in _MODULES
        for value in vars(module).values()
        if isinstance(value, Scenario)
    )
