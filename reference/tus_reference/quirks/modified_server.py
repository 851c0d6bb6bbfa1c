"""Choosing how a server is to behave, by the ids of a fault and an eccentric."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, TypeVar

import trio

from tus_reference.defects import ModifiedHandler, defects
from tus_reference.handler import ConfigError
from tus_reference.quirks import quirks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tus_reference.defects import Defect, Modification
    from tus_reference.handler import Config
    from tus_reference.quirks import Quirk

Item = TypeVar("Item")

LIST_KEYWORD = "list"
"""What to ask for to be shown the ids."""


def new_modified_handler(
    config: Config, *, misbehave: str | None, eccentric: str | None
) -> ModifiedHandler:
    """Return a handler with a fault or an oddity, or both; raise `ConfigError` for unknown ids.

    A fault that only shows on a certain eccentric brings that along.
    """
    modifications: tuple[Modification, ...] = ()
    defect = None if misbehave is None else _find(defects(), misbehave, "fault", "--misbehave")
    if eccentric is None and defect is not None and defect.quirk:
        eccentric = defect.quirk
    if eccentric is not None:
        modifications = _find(quirks(), eccentric, "eccentric", "--eccentric").modifications
    if defect is not None:
        modifications = (*modifications, defect.modification)
    return ModifiedHandler(config, *modifications)


def _find(known: Mapping[str, Item], identifier: str, what: str, flag: str) -> Item:
    if identifier in known:
        return known[identifier]
    near = difflib.get_close_matches(identifier, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise ConfigError(
        f"There is no {what} {identifier!r}.{hint} See them all by {flag} {LIST_KEYWORD}."
    )


def format_list(known: Mapping[str, Defect] | Mapping[str, Quirk]) -> str:
    """Return every id with its sentence, a line each."""
    return "".join(f"{each.id}: {' '.join(each.sentence.split())}\n" for each in known.values())


class ModifiedListener(trio.abc.Listener[trio.abc.Stream]):
    """A listener whose streams a handler carries as it likes."""

    def __init__(
        self, listener: trio.abc.Listener[trio.abc.Stream], handler: ModifiedHandler
    ) -> None:
        self._listener = listener
        self._handler = handler

    async def accept(self) -> trio.abc.Stream:
        """Wait for a connection."""
        return self._handler.wrap_stream(await self._listener.accept())

    async def aclose(self) -> None:
        """Stop listening."""
        await self._listener.aclose()
