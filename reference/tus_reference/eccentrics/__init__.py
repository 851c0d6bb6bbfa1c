"""Servers that are unusual on request, and follow the protocol all the same."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tus_reference.eccentrics import answers, choices, offers, wires
from tus_reference.eccentrics.eccentric import Eccentric

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["Eccentric", "eccentrics"]

_MODULES: tuple[ModuleType, ...] = (answers, choices, offers, wires)


@cache
def eccentrics() -> dict[str, Eccentric]:
    """Return every eccentric by its id."""
    return {
        value.id: value
        for module in _MODULES
        for value in vars(module).values()
        if isinstance(value, Eccentric)
    }
