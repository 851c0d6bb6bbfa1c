"""Servers that misbehave on request: each fault breaks one requirement, and is one function."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tus_reference.defects import (
    bodies,
    checksums,
    concatenations,
    creations,
    deferrals,
    discovery,
    expirations,
    final_uploads,
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
from tus_reference.defects.defect import Defect
from tus_reference.defects.modification import Modification, ModifiedHandler

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["Defect", "Modification", "ModifiedHandler", "defects"]

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
    final_uploads,
    concatenations,
)


@cache
def defects() -> dict[str, Defect]:
    """Return every fault by its id, in the order of the specification."""
    return {
        value.id: value
        for module in _MODULES
        for value in vars(module).values()
        if isinstance(value, Defect)
    }
