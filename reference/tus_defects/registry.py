"""Decorators for defects and quirks that are functions; a name is an id, a docstring a sentence."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tus_defects.change import Change, Defect, Quirk, change_by_function
from tus_defects.rule import EVERY_REQUEST, Match

if TYPE_CHECKING:
    from collections.abc import Callable

    from tus_defects.change import Act, WrapStream

REGISTERED: dict[str, list[Defect | Quirk]] = defaultdict(list)
"""What the decorators have registered, by module, in order."""


def defect(
    breaks: str, match: Match = EVERY_REQUEST, *, on: str = "", client: bool = False
) -> Callable[[Act], Act]:
    """Register a function as the defect that breaks a requirement, for requests that match."""

    def register(function: Act) -> Act:
        change = change_by_function(match, function)
        made = Defect(*_header(function), breaks=breaks, change=change, on=on, client=client)
        REGISTERED[function.__module__].append(made)
        return function

    return register


def quirk(
    match: Match = EVERY_REQUEST, *, on: str = "", client: bool = False
) -> Callable[[Act], Act]:
    """Register a function as a quirk, for the requests that match."""

    def register(function: Act) -> Act:
        made = Quirk(*_header(function), change_by_function(match, function), on, client)
        REGISTERED[function.__module__].append(made)
        return function

    return register


def stream_quirk(*, client: bool = False) -> Callable[[WrapStream], WrapStream]:
    """Register a function that wraps the stream of each connection as a quirk."""

    def register(function: WrapStream) -> WrapStream:
        made = Quirk(*_header(function), Change(wrap_stream=function), client=client)
        REGISTERED[function.__module__].append(made)
        return function

    return register


def _header(function: Callable[..., object]) -> tuple[str, str]:
    return function.__name__.replace("_", "-"), (function.__doc__ or "").strip()
