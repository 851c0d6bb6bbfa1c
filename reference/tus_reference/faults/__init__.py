"""Servers that misbehave on request: each fault breaks one requirement, and is one function."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tus_reference.faults import (
    bodies,
    checksums,
    concatenations,
    creations,
    deferrals,
    discovery,
    expirations,
    finals,
    heads,
    lengths,
    locks,
    metadata,
    overrides,
    partials,
    patches,
    terminations,
    trailers,
    versions,
    with_upload,
)
from tus_reference.faults.behaviour import Behaving, Behaviour
from tus_reference.faults.fault import Fault

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["Behaving", "Behaviour", "Fault", "faults"]

_MODULES: tuple[ModuleType, ...] = (
    versions,
    discovery,
    overrides,
    heads,
    patches,
    bodies,
    locks,
    creations,
    lengths,
    with_upload,
    metadata,
    deferrals,
    expirations,
    checksums,
    trailers,
    terminations,
    partials,
    finals,
    concatenations,
)


@cache
def faults() -> dict[str, Fault]:
    """Return every fault by its id, in the order of the specification."""
    return {
        value.id: value
        for module in _MODULES
        for value in vars(module).values()
        if isinstance(value, Fault)
    }
