"""`Quirk`: a named way to be unusual and yet to follow the protocol.

The function's name is its id, its docstring the sentence. What it may be warned of is declared:
the protocol allows it, and clients suffer from it nevertheless.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tus_reference.defects.modification import Modification, matches_all

if TYPE_CHECKING:
    from collections.abc import Callable

    import trio

    from tus_reference.defects.modification import EditResponse, RequestMatcher, WrapHandler
    from tus_reference.handler import Config


@dataclass(frozen=True)
class Quirk:
    """A server that is odd and legal; `warns` are the requirements that it is warned of.

    `required_headers` must be sent with every request, creations included.
    """

    id: str
    sentence: str
    modifications: tuple[Modification, ...]
    warns: frozenset[str] = frozenset()
    required_headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class QuirkSpec:
    """What an eccentric is warned of, ready to be joined with the function that it is."""

    warns: str = ""
    matches: RequestMatcher = matches_all
    required_headers: dict[str, str] = field(default_factory=dict)

    def edit_response(self, edit_response: EditResponse) -> Quirk:
        """Make an eccentric of a function that alters answers."""
        return self._build(edit_response, Modification(self.matches, edit_response=edit_response))

    def wrap_handler(self, wrap_handler: WrapHandler) -> Quirk:
        """Make an eccentric of a function around the handler."""
        return self._build(wrap_handler, Modification(self.matches, wrap_handler=wrap_handler))

    def change_config(self, settings: Callable[[Config], Config]) -> Quirk:
        """Make an eccentric of a function that changes the settings."""
        return self._build(settings, Modification(change_config=settings))

    def wrap_stream(self, wrap_stream: Callable[[trio.abc.Stream], trio.abc.Stream]) -> Quirk:
        """Make an eccentric of a function that changes what passes over the wire."""
        return self._build(wrap_stream, Modification(wrap_stream=wrap_stream))

    def _build(self, function: Callable[..., object], modification: Modification) -> Quirk:
        identifier = function.__name__.replace("_", "-")
        return self.build(identifier, (function.__doc__ or "").strip(), modification)

    def build(self, identifier: str, sentence: str, *modifications: Modification) -> Quirk:
        """Make an eccentric of behaviours, with an id and a sentence."""
        warns = frozenset(self.warns.split())
        return Quirk(identifier, sentence, modifications, warns, self.required_headers)
