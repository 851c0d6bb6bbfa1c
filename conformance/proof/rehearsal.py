"""Rehearsing a fault on exchanges that are known: would it have changed any of them?

A fault that passes every request on as it came, and every answer back as it was, leaves a scenario
what it was; there is no need to tell it again. The rehearsal gives the fault what it would have
seen, and gives up, so that the scenario is told, at anything else: a body that is read, a store
that is touched, a wait, requests that met.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, cast
from unittest.mock import patch

from tus_reference import Config
from tus_reference.faults import Behaving, Behaviour
from tus_reference.faults.behaviour import Memory
from tus_reference.handler import ClientDisconnected, FileInfo, Request, Response
from tus_reference.handler.location import Locator
from tus_reference.protocol import Headers, Refused, errors

Infos = dict[str, FileInfo | None]
"""Uploads by their ids; None for those that are not there."""


class Unforeseen(Exception):  # noqa: N818 - it is how a rehearsal ends
    """The fault does something that only the real server can answer."""


class Unread:
    """A body of which nothing is known but its length."""

    def __init__(self, length: int | None) -> None:
        self.length = length

    @property
    def trailers(self) -> Headers:
        """Give up."""
        raise Unforeseen

    async def read_into(self, buffer: memoryview) -> int:  # noqa: ARG002
        """Give up."""
        raise Unforeseen


@dataclass(frozen=True)
class Exchange:
    """A request, its answer if there was one, and the uploads it was about, before and after.

    The times are in seconds since the epoch.
    """

    request: Request
    response: Response | None
    before: Infos
    after: Infos
    began: float
    ended: float


@dataclass
class Recording:
    """What was asked and answered in one scenario; `met` if requests were under way at once."""

    exchanges: list[Exchange] = field(default_factory=list)
    met: bool = False


class _Uploads:
    def __init__(self) -> None:
        self.infos: Infos = {}

    async def get(self, upload_id: str) -> FileInfo:
        if upload_id not in self.infos:
            raise Unforeseen
        info = self.infos[upload_id]
        if info is None:
            raise Refused(errors.UPLOAD_NOT_FOUND)
        return info


class _Settings:
    """The settings that are only numbers; what could reach a store is not there."""

    def __init__(self, config: Config) -> None:
        self.max_size = config.max_size
        self.expire_after = config.expire_after
        self.network_timeout = config.network_timeout


class Stage:
    """What a fault sees of its server in a rehearsal."""

    def __init__(self, config: Config) -> None:
        self.config = _Settings(config)
        self.locator = Locator(config.base_path, respect_forwarded_headers=False)
        self.memory = Memory()
        self.uploads = _Uploads()
        self.now = 0.0


def leaves_alone(fault: Behaviour, recording: Recording, config: Config) -> bool:
    """Tell whether a fault certainly changes nothing in a scenario."""
    if fault.settings is not None or fault.carried is not None:
        return False
    if recording.met and any(fault.concerns(each.request) for each in recording.exchanges):
        return False
    if not any(fault.concerns(each.request) for each in recording.exchanges):
        return True
    stage = Stage(config)
    with patch("time.time", lambda: stage.now):
        return all(_left_alone(fault, each, stage) for each in recording.exchanges)


def _left_alone(fault: Behaviour, exchange: Exchange, stage: Stage) -> bool:
    stage.uploads.infos |= exchange.before
    stage.now = exchange.began
    asked: list[Request] = []

    async def respond(request: Request) -> Response:
        asked.append(request)
        stage.uploads.infos |= exchange.after
        stage.now = exchange.ended
        if exchange.response is None:
            raise ClientDisconnected
        return exchange.response

    answered: Response | None
    rehearsed = fault.answer(cast("Behaving", stage), exchange.request, respond)
    try:
        answered = _at_once(rehearsed)
    except ClientDisconnected:
        answered = None
    except Exception:
        return False
    same = len(asked) == 1 and asked[0] is exchange.request
    return same and answered == exchange.response


def _at_once(coroutine: Coroutine[Any, Any, Response]) -> Response:
    """Return what a coroutine returns without waiting; raise `Unforeseen` if it waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast("Response", end.value)
    coroutine.close()
    raise Unforeseen
