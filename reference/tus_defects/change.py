"""`Change`, `Defect` and `Quirk`: what is different about a server, and its header."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from tus_defects.call import Call
from tus_defects.editing import apply_rule
from tus_defects.matching import match_request, match_uploads
from tus_defects.rule import EVERY_REQUEST, Edit, Match
from tus_reference.handler import Config
from tus_reference.model import Response

if TYPE_CHECKING:
    import trio

    from tus_defects.server import Server
    from tus_reference.model import Request

Act = Callable[[Call], Awaitable[Response]]
Configure = Callable[[Config], Config]
WrapStream = Callable[["trio.abc.Stream"], "trio.abc.Stream"]


@dataclass(frozen=True)
class Change:
    """What a defect or a quirk changes: requests that match, settings, the bytes on the wire."""

    match: Match = EVERY_REQUEST
    act: Act | None = None
    configure: Configure | None = None
    wrap_stream: WrapStream | None = None

    def concerns(self, request: Request, server: Server) -> bool:
        """Return whether a request may be responded to in another way."""
        return self.act is not None and match_request(self.match, request, server)

    async def respond(self, call: Call) -> Response:
        """Respond to a request that is concerned."""
        return await (call.respond() if self.act is None else self.act(call))


@dataclass(frozen=True)
class Defect:
    """A way to break one requirement; `on` is the quirk that the server needs for it to show."""

    id: str
    sentence: str
    breaks: str
    change: Change
    on: str = ""
    client: bool = False


@dataclass(frozen=True)
class Quirk:
    """A way to be unusual and still conform.

    `requires` are headers that clients have to send; `on` is the quirk that it adds to.
    """

    id: str
    sentence: str
    change: Change
    on: str = ""
    client: bool = False
    requires: Mapping[str, str] = field(default_factory=dict)


def change_by_rule(match: Match, edit: Edit, configure: Configure | None = None) -> Change:
    """Return the change that a rule makes."""
    act = None if edit == Edit() else partial(apply_rule, match, edit)
    return Change(match, act, configure)


def change_by_function(match: Match, function: Act) -> Change:
    """Return the change that a function makes, to the requests and uploads that match."""

    async def act(call: Call) -> Response:
        if not await match_uploads(match, call):
            return await call.respond()
        return await function(call)

    return Change(match, act if match.upload or match.partials else function)
