"""Servers that are unusual on request, and follow the protocol all the same."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tus_reference.quirks import answers, choices, offers, wires
from tus_reference.quirks.quirk import Quirk

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["Quirk", "quirks"]

_MODULES: tuple[ModuleType, ...] = (answers, choices, offers, wires)


@cache
def quirks() -> dict[str, Quirk]:
    """Return every eccentric by its id."""
    return {
        value.id: value
        for module in _MODULES
        for value in vars(module).values()
        if isinstance(value, Quirk)
    }
