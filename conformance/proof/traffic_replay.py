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
from tus_reference.defects import Modification, ModifiedHandler
from tus_reference.defects.modification import HandlerMemory
from tus_reference.handler.upload_urls import UploadUrls
from tus_reference.model import (
    ClientDisconnected,
    FileInfo,
    Headers,
    Refused,
    Request,
    Response,
    errors,
)

UploadInfos = dict[str, FileInfo | None]
"""Uploads by their ids; None for those that are not there."""


class ReplayImpossible(Exception):  # noqa: N818 - it is how a rehearsal ends
    """The fault does something that only the real server can answer."""


class UnreadableBody:
    """A body of which nothing is known but its length."""

    def __init__(self, length: int | None) -> None:
        self.length = length

    @property
    def trailers(self) -> Headers:
        """Give up."""
        raise ReplayImpossible

    async def read_into(self, buffer: memoryview) -> int:  # noqa: ARG002
        """Give up."""
        raise ReplayImpossible


@dataclass(frozen=True)
class ServerExchange:
    """A request, its answer if there was one, and the uploads it was about, before and after.

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
    """What was asked and answered in one scenario; `met` if requests were under way at once."""

    exchanges: list[ServerExchange] = field(default_factory=list)
    concurrent: bool = False


class _ReplayUploads:
    def __init__(self) -> None:
        self.infos: UploadInfos = {}

    async def get(self, upload_id: str) -> FileInfo:
        if upload_id not in self.infos:
            raise ReplayImpossible
        info = self.infos[upload_id]
        if info is None:
            raise Refused(errors.UPLOAD_NOT_FOUND)
        return info


class _ReplayConfig:
    """The settings that are only numbers; what could reach a store is not there."""

    def __init__(self, config: Config) -> None:
        self.max_size = config.max_size
        self.expire_after = config.expire_after
        self.network_timeout = config.network_timeout


class ReplayServer:
    """What a fault sees of its server in a rehearsal."""

    def __init__(self, config: Config) -> None:
        self.config = _ReplayConfig(config)
        self.upload_urls = UploadUrls(config.base_path, respect_forwarded_headers=False)
        self.memory = HandlerMemory()
        self.uploads = _ReplayUploads()
        self.current_time = 0.0


def leaves_unchanged(
    modification: Modification, recording: ScenarioTraffic, config: Config
) -> bool:
    """Tell whether a fault certainly changes nothing in a scenario."""
    if modification.change_config is not None or modification.wrap_stream is not None:
        return False
    if recording.concurrent and any(
        modification.matches(each.request) for each in recording.exchanges
    ):
        return False
    if not any(modification.matches(each.request) for each in recording.exchanges):
        return True
    server = ReplayServer(config)
    with patch("time.time", lambda: server.current_time):
        return all(
            _leaves_exchange_unchanged(modification, each, server) for each in recording.exchanges
        )


def _leaves_exchange_unchanged(
    modification: Modification, exchange: ServerExchange, server: ReplayServer
) -> bool:
    server.uploads.infos |= exchange.before
    server.current_time = exchange.started_at
    forwarded: list[Request] = []

    async def respond(request: Request) -> Response:
        forwarded.append(request)
        server.uploads.infos |= exchange.after
        server.current_time = exchange.ended_at
        if exchange.response is None:
            raise ClientDisconnected
        return exchange.response

    replayed: Response | None
    coroutine_ = modification.apply(cast("ModifiedHandler", server), exchange.request, respond)
    try:
        replayed = _run_without_waiting(coroutine_)
    except ClientDisconnected:
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
