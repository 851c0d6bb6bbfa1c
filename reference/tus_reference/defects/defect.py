"""`Fault`: a named way to break one requirement of the protocol, and what breaks with it.

The function's name is the fault's id, its docstring the sentence that says what is wrong.
Requirements are named by their ids in the ledger, which this package does not know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tus_reference.defects.modification import Modification, matches_all

if TYPE_CHECKING:
    from collections.abc import Callable

    import trio

    from tus_reference.defects.modification import EditResponse, RequestMatcher, WrapHandler
    from tus_reference.handler import Config

DeclaredGrade = Literal["fail", "warn"]


@dataclass(frozen=True)
class Defect:
    """A way to be wrong; `violates` grades the requirements that are broken, and no others are.

    `breaks` is the one that it is about. `on` names the eccentric that the server is besides.
    """

    id: str
    sentence: str
    breaks: str
    violates: dict[str, DeclaredGrade]
    modification: Modification
    quirk: str = ""


@dataclass(frozen=True)
class DefectSpec:
    """What a fault violates, ready to be joined with the function that does it."""

    breaks: str
    fails: str = ""
    warns: str = ""
    matches: RequestMatcher = matches_all
    quirk: str = ""

    def edit_response(self, edit_response: EditResponse) -> Defect:
        """Make a fault of a function that alters answers."""
        return self._build(edit_response, Modification(self.matches, edit_response=edit_response))

    def wrap_handler(self, wrap_handler: WrapHandler) -> Defect:
        """Make a fault of a function around the handler."""
        return self._build(wrap_handler, Modification(self.matches, wrap_handler=wrap_handler))

    def change_config(self, settings: Callable[[Config], Config]) -> Defect:
        """Make a fault of a function that changes the settings."""
        return self._build(settings, Modification(change_config=settings))

    def wrap_stream(self, wrap_stream: Callable[[trio.abc.Stream], trio.abc.Stream]) -> Defect:
        """Make a fault of a function that changes what passes over the wire."""
        return self._build(wrap_stream, Modification(wrap_stream=wrap_stream))

    def _build(self, function: Callable[..., object], modification: Modification) -> Defect:
        sentence = (function.__doc__ or "").strip()
        return self.build(function.__name__.replace("_", "-"), sentence, modification)

    def build(self, identifier: str, sentence: str, modification: Modification) -> Defect:
        """Make a fault of a behaviour, with an id and a sentence."""
        grades: dict[str, DeclaredGrade] = dict.fromkeys(self.warns.split(), "warn")
        grades |= dict.fromkeys(self.fails.split(), "fail")
        if self.breaks not in grades:
            grades[self.breaks] = "fail"
        return Defect(identifier, sentence, self.breaks, grades, modification, self.quirk)
