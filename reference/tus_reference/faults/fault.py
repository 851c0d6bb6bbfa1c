"""`Fault`: a named way to break one requirement of the protocol, and what breaks with it.

The function's name is the fault's id, its docstring the sentence that says what is wrong.
Requirements are named by their ids in the ledger, which this package does not know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tus_reference.faults.behaviour import Behaviour, everything

if TYPE_CHECKING:
    from collections.abc import Callable

    import trio

    from tus_reference.faults.behaviour import Act, Alter, Concerns
    from tus_reference.handler import Config

Grade = Literal["fail", "warn"]


@dataclass(frozen=True)
class Fault:
    """A way to be wrong; `violates` grades the requirements that are broken, and no others are.

    `breaks` is the one that it is about. `on` names the eccentric that the server is besides.
    """

    id: str
    sentence: str
    breaks: str
    violates: dict[str, Grade]
    behaviour: Behaviour
    on: str = ""


@dataclass(frozen=True)
class Breach:
    """What a fault violates, ready to be joined with the function that does it."""

    breaks: str
    fails: str = ""
    warns: str = ""
    concerns: Concerns = everything
    on: str = ""

    def altering(self, alter: Alter) -> Fault:
        """Make a fault of a function that alters answers."""
        return self._fault(alter, Behaviour(self.concerns, alter=alter))

    def acting(self, act: Act) -> Fault:
        """Make a fault of a function around the handler."""
        return self._fault(act, Behaviour(self.concerns, act=act))

    def setting(self, settings: Callable[[Config], Config]) -> Fault:
        """Make a fault of a function that changes the settings."""
        return self._fault(settings, Behaviour(settings=settings))

    def carrying(self, carried: Callable[[trio.abc.Stream], trio.abc.Stream]) -> Fault:
        """Make a fault of a function that changes what passes over the wire."""
        return self._fault(carried, Behaviour(carried=carried))

    def _fault(self, function: Callable[..., object], behaviour: Behaviour) -> Fault:
        sentence = (function.__doc__ or "").strip()
        return self.named(function.__name__.replace("_", "-"), sentence, behaviour)

    def named(self, identifier: str, sentence: str, behaviour: Behaviour) -> Fault:
        """Make a fault of a behaviour, with an id and a sentence."""
        grades: dict[str, Grade] = dict.fromkeys(self.warns.split(), "warn")
        grades |= dict.fromkeys(self.fails.split(), "fail")
        if self.breaks not in grades:
            grades[self.breaks] = "fail"
        return Fault(identifier, sentence, self.breaks, grades, behaviour, self.on)
