"""`Eccentric`: a named way to be unusual and yet to follow the protocol.

The function's name is its id, its docstring the sentence. What it may be warned of is declared:
the protocol allows it, and clients suffer from it nevertheless.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tus_reference.faults.behaviour import Behaviour, everything

if TYPE_CHECKING:
    from collections.abc import Callable

    import trio

    from tus_reference.faults.behaviour import Act, Alter, Concerns
    from tus_reference.handler import Config


@dataclass(frozen=True)
class Eccentric:
    """A server that is odd and legal; `warns` are the requirements that it is warned of.

    `asks_for` is what its users have to send with every request, and creation, to be let in.
    """

    id: str
    sentence: str
    behaviours: tuple[Behaviour, ...]
    warns: frozenset[str] = frozenset()
    asks_for: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Oddity:
    """What an eccentric is warned of, ready to be joined with the function that it is."""

    warns: str = ""
    concerns: Concerns = everything
    asks_for: dict[str, str] = field(default_factory=dict)

    def altering(self, alter: Alter) -> Eccentric:
        """Make an eccentric of a function that alters answers."""
        return self._of(alter, Behaviour(self.concerns, alter=alter))

    def acting(self, act: Act) -> Eccentric:
        """Make an eccentric of a function around the handler."""
        return self._of(act, Behaviour(self.concerns, act=act))

    def setting(self, settings: Callable[[Config], Config]) -> Eccentric:
        """Make an eccentric of a function that changes the settings."""
        return self._of(settings, Behaviour(settings=settings))

    def carrying(self, carried: Callable[[trio.abc.Stream], trio.abc.Stream]) -> Eccentric:
        """Make an eccentric of a function that changes what passes over the wire."""
        return self._of(carried, Behaviour(carried=carried))

    def _of(self, function: Callable[..., object], behaviour: Behaviour) -> Eccentric:
        identifier = function.__name__.replace("_", "-")
        return self.named(identifier, (function.__doc__ or "").strip(), behaviour)

    def named(self, identifier: str, sentence: str, *behaviours: Behaviour) -> Eccentric:
        """Make an eccentric of behaviours, with an id and a sentence."""
        warns = frozenset(self.warns.split())
        return Eccentric(identifier, sentence, behaviours, warns, self.asks_for)
