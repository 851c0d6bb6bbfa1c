"""Choosing how a server is to behave, by the ids of a fault and an eccentric."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, TypeVar

import trio

from tus_reference.eccentrics import eccentrics
from tus_reference.faults import Behaving, faults
from tus_reference.handler import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tus_reference.eccentrics import Eccentric
    from tus_reference.faults import Behaviour, Fault
    from tus_reference.handler import Config

Known = TypeVar("Known")

LIST = "list"
"""What to ask for to be shown the ids."""


def behaving(config: Config, *, misbehave: str | None, eccentric: str | None) -> Behaving:
    """Return a handler with a fault or an oddity, or both; raise `ConfigError` for unknown ids.

    A fault that only shows on a certain eccentric brings that along.
    """
    behaviours: tuple[Behaviour, ...] = ()
    fault = None if misbehave is None else _found(faults(), misbehave, "fault", "--misbehave")
    if eccentric is None and fault is not None and fault.on:
        eccentric = fault.on
    if eccentric is not None:
        behaviours = _found(eccentrics(), eccentric, "eccentric", "--eccentric").behaviours
    if fault is not None:
        behaviours = (*behaviours, fault.behaviour)
    return Behaving(config, *behaviours)


def _found(known: Mapping[str, Known], identifier: str, what: str, flag: str) -> Known:
    if identifier in known:
        return known[identifier]
    near = difflib.get_close_matches(identifier, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise ConfigError(f"There is no {what} {identifier!r}.{hint} See them all by {flag} {LIST}.")


def listing(known: Mapping[str, Fault] | Mapping[str, Eccentric]) -> str:
    """Return every id with its sentence, a line each."""
    return "".join(f"{each.id}: {' '.join(each.sentence.split())}\n" for each in known.values())


class Listening(trio.abc.Listener[trio.abc.Stream]):
    """A listener whose streams a handler carries as it likes."""

    def __init__(self, listener: trio.abc.Listener[trio.abc.Stream], handler: Behaving) -> None:
        self._listener = listener
        self._handler = handler

    async def accept(self) -> trio.abc.Stream:
        """Wait for a connection."""
        return self._handler.carry(await self._listener.accept())

    async def aclose(self) -> None:
        """Stop listening."""
        await self._listener.aclose()
