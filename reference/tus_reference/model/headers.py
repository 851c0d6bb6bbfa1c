"""Header fields as they were received: in order, names compared without case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tus_reference.model.errors import Refused, errors

if TYPE_CHECKING:
    from collections.abc import Iterable


class Headers:
    """An immutable list of fields; values are text of one byte per character (latin-1)."""

    __slots__ = ("_values",)

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in items:
            self._values.setdefault(name.lower(), []).append(value)

    def one(self, name: str) -> str | None:
        """Return the field's only value, or None; raise `Refused` (400) if it is repeated."""
        values = self._values.get(name.lower())
        if values is None:
            return None
        if len(values) > 1:
            raise Refused(errors.INVALID_HEADER.because(f"{name} is given more than once"))
        return values[0]

    def joined(self, name: str) -> str | None:
        """Return all values of a list field joined by commas, or None (RFC 9110, 5.3)."""
        values = self._values.get(name.lower())
        return None if values is None else ",".join(values)

    def items(self) -> list[tuple[str, str]]:
        """Return every field, its name in lower case."""
        return [(name, value) for name, values in self._values.items() for value in values]

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._values
