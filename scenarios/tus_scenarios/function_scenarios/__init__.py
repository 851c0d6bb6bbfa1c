"""Scenarios that data cannot express: races, and bodies whose pace matters."""

from __future__ import annotations

from types import ModuleType

from tus_scenarios.function_scenarios import (
    concurrent_requests,
    expect_continue,
    expiration,
    interruption_cuts,
    interruption_expiration,
    interruption_large,
    interruption_races,
    late_effects,
    paced_bodies,
    parallel_uploads,
    restart,
    slow_bodies,
    value_classes,
)
from tus_scenarios.scenario import Scenario

__all__ = ["function_scenarios"]

_MODULES: tuple[ModuleType, ...] = (
    concurrent_requests,
    parallel_uploads,
    slow_bodies,
    paced_bodies,
    late_effects,
    value_classes,
    expect_continue,
    expiration,
    restart,
    interruption_cuts,
    interruption_races,
    interruption_expiration,
    interruption_large,
)


def function_scenarios() -> tuple[Scenario, ...]:
    """Return every scenario that is written as a function."""
    return tuple(
        value
        for module in _MODULES
        for value in vars(module).values()
        if isinstance(value, Scenario)
    )
