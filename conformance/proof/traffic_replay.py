"""Replaying recorded traffic to a change: would it have altered any exchange?

A change that passes every request on as it came, and every response back as it was, leaves the
result of a scenario as it is, so that the scenario need not run again. The replay shows the change
what was recorded and gives up, so that the scenario runs, at anything else: a body that is read, a
store that is touched, a wait, concurrent requests.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, cast
from unittest.mock import patch

from tus_defects import Change
from tus_defects.server import Server
from tus_defects.service import ChangeLayer
from tus_reference import Config
from tus_reference.model import (
    BodyEndedEarly,
    DataStore,
    EarlyEnd,
    FileInfo,
    Headers,
    Request,
    Response,
    StoreComposer,
)

UploadInfos = dict[str, FileInfo | None]
"""Uploads by their ids; None for those that are not there."""


class ReplayImpossible(Exception):  # noqa: N818 - it is how a replay ends
    """The change does something that only the real server can answer."""


class UnreadableBody:
    """A body of which nothing is known but its length."""

    def __init__(self, length: int | None) -> None:
        self.length = length

    @property
    def trailers(self) -> Headers:
        """Give up the replay."""
        raise ReplayImpossible

    async def read_into(self, buffer: memoryview) -> int:  # noqa: ARG002
        """Give up the replay."""
        raise ReplayImpossible


async def unreadable_chunks() -> AsyncGenerator[bytes, None]:
    """Give up the replay when a download is read."""
    for chunk in _give_up():
        yield chunk


def _give_up() -> Iterable[bytes]:
    raise ReplayImpossible


@dataclass(frozen=True)
class ServerExchange:
    """A request, its response if there was one, and its uploads, before and after.

    The times are in seconds since the epoch.
    """

    request: Request
    response: Response | None
    before: UploadInfos
    after: UploadInfos
    started_at: float
    ended_at: float


@dataclass
class ScenarioTraffic:
    """The exchanges of one scenario; `concurrent` if any of them overlapped."""

    exchanges: list[ServerExchange] = field(default_factory=list)
    concurrent: bool = False


class _UnreachableStore:
    """A store that only the real server has."""

    def __getattr__(self, name: str) -> object:
        raise ReplayImpossible


class ReplayServer(Server):
    """The server that a change sees in a replay: settings and recorded uploads, no store."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._composer = cast("StoreComposer", _UnreachableStore())
        self._store = cast("DataStore", _UnreachableStore())
        self.infos: UploadInfos = {}
        self.current_time = 0.0

    async def find(self, upload_id: str) -> FileInfo | None:
        """Return an upload as it was recorded."""
        if upload_id and upload_id not in self.infos:
            raise ReplayImpossible
        return self.infos.get(upload_id)


def leaves_unchanged(change: Change, recording: ScenarioTraffic, config: Config) -> bool:
    """Return whether a change certainly alters nothing in a scenario."""
    if change.configure is not None or change.wrap_stream is not None:
        return False
    server = ReplayServer(config)
    if not any(change.concerns(each.request, server) for each in recording.exchanges):
        return True
    if recording.concurrent:
        return False
    layer = ChangeLayer(change, server)
    with patch("time.time", lambda: server.current_time):
        return all(_leaves_exchange_unchanged(layer, each, server) for each in recording.exchanges)


def _leaves_exchange_unchanged(
    layer: ChangeLayer, exchange: ServerExchange, server: ReplayServer
) -> bool:
    server.infos |= exchange.before
    server.current_time = exchange.started_at
    forwarded: list[Request] = []

    async def respond(request: Request) -> Response:
        forwarded.append(request)
        server.infos |= exchange.after
        server.current_time = exchange.ended_at
        if exchange.response is None:
            raise BodyEndedEarly(EarlyEnd.DISCONNECTED)
        return exchange.response

    replayed: Response | None
    try:
        replayed = _run_without_waiting(layer.answer(exchange.request, respond))
    except BodyEndedEarly:
        replayed = None
    except Exception:
        return False
    was_forwarded_once = len(forwarded) == 1 and forwarded[0] is exchange.request
    return was_forwarded_once and replayed == exchange.response


def _run_without_waiting(coroutine: Coroutine[Any, Any, Response]) -> Response:
    """Return what a coroutine returns without waiting; raise `ReplayImpossible` if it waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast("Response", end.value)
    coroutine.close()
    raise ReplayImpossible
