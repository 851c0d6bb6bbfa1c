"""`Variant`: a defect or a quirk, what it changes, and decorators that register functions."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import trio

from tus_defects.call import Call
from tus_defects.connection_facts import tag_requests
from tus_defects.editing import apply_rule
from tus_defects.matching import match_request, match_uploads
from tus_defects.rule import EVERY_REQUEST, ConnectionMatch, Edit, Match
from tus_defects.server import Server
from tus_reference.handler import Config
from tus_reference.model import Request, Response

Act = Callable[[Call], Awaitable[Response]]
Configure = Callable[[Config], Config]
WrapStream = Callable[[trio.abc.Stream, Server], trio.abc.Stream]
Function = TypeVar("Function", bound=Callable[..., object])


@dataclass(frozen=True)
class Change:
    """What is different about a server: responses, settings, or the bytes on the wire."""

    match: Match = EVERY_REQUEST
    act: Act | None = None
    configure: Configure | None = None
    wrap_stream: WrapStream | None = None

    @property
    def is_about_origins(self) -> bool:
        """Return whether it changes what browsers do with a response, not what the server does."""
        names = {name.lower() for name in self.match.header}
        return bool(names & {"origin", "access-control-request-method"})

    def concerns(self, request: Request, server: Server) -> bool:
        """Return whether a request may be responded to in another way."""
        return self.act is not None and match_request(self.match, request, server)


@dataclass(frozen=True)
class Variant:
    """A defect, which breaks the requirement `breaks`, or a quirk, which breaks none.

    `on` is the id of the quirk that it needs to show, or adds to. `client` tells whether a correct
    client meets it without sending anything wrong, and `requires` which headers clients need.
    """

    id: str
    sentence: str
    change: Change
    breaks: str = ""
    on: str = ""
    client: bool = False
    requires: Mapping[str, str] = field(default_factory=dict)


def change_by_rule(match: Match, edit: Edit, configure: Configure | None = None) -> Change:
    """Return the change that a rule makes."""
    act = None if edit == Edit() else partial(apply_rule, match, edit)
    return Change(match, act, configure, _wrap_for(match))


def _wrap_for(match: Match) -> WrapStream | None:
    return None if match.connection == ConnectionMatch() else tag_requests


def change_by_function(match: Match, function: Act) -> Change:
    """Return the change that a function makes, to the requests and uploads that match."""

    async def act(call: Call) -> Response:
        matched = await match_uploads(match, call)
        return await (call.respond() if matched is None else function(matched))

    return Change(match, act if match.concerns_uploads else function, wrap_stream=_wrap_for(match))


REGISTERED: dict[str, list[Variant]] = defaultdict(list)
"""The variants that are functions, by module, in order."""


def defect(
    identifier: str,
    breaks: str,
    match: Match = EVERY_REQUEST,
    *,
    on: str = "",
    client: bool = False,
) -> Callable[[Act], Act]:
    """Register a function as a defect; its docstring is the sentence."""

    def register(function: Act) -> Act:
        change = change_by_function(match, function)
        return _register(function, Variant(identifier, "", change, breaks, on, client))

    return register


def quirk(
    identifier: str, match: Match = EVERY_REQUEST, *, on: str = "", client: bool = False
) -> Callable[[Act], Act]:
    """Register a function as a quirk."""
    return defect(identifier, "", match, on=on, client=client)


def stream_defect(
    identifier: str, breaks: str, *, client: bool = False
) -> Callable[[WrapStream], WrapStream]:
    """Register a function that wraps the stream of each connection as a defect."""

    def register(function: WrapStream) -> WrapStream:
        change = Change(wrap_stream=function)
        return _register(function, Variant(identifier, "", change, breaks, client=client))

    return register


stream_quirk = partial(stream_defect, breaks="", client=True)
"""Registers a function that wraps the stream of each connection as a quirk."""


def _register(function: Function, made: Variant) -> Function:
    sentence = (function.__doc__ or "").strip()
    REGISTERED[function.__module__].append(replace(made, sentence=sentence))
    return function
