"""Recording the traffic of a server in memory: every request and its response, by scenario."""

from __future__ import annotations

import time
from dataclasses import replace

import trio

from proof.traffic_replay import (
    ScenarioTraffic,
    ServerExchange,
    UnreadableBody,
    UploadInfos,
    unreadable_chunks,
)
from tus_defects.call import created_id
from tus_defects.server import Server
from tus_reference.middleware import Respond
from tus_reference.model import Download, Request, Response

DISCOVERY_SCENARIO = "(discovery)"

TrafficByScenario = dict[str, ScenarioTraffic]
"""What was requested and responded, by scenario."""


class TrafficRecorder:
    """A layer that records every exchange of `server`, by scenario."""

    server: Server

    def __init__(self) -> None:
        self.traffic_by_scenario: TrafficByScenario = {}
        self.start_scenario(DISCOVERY_SCENARIO)

    def start_scenario(self, scenario: str) -> None:
        """Attribute what comes now to a scenario."""
        self._in_progress = 0
        self._scenario = scenario

    @property
    def traffic(self) -> ScenarioTraffic:
        """What was recorded in this scenario."""
        return self.traffic_by_scenario.setdefault(self._scenario, ScenarioTraffic())

    async def answer(self, request: Request, respond: Respond) -> Response:
        """Pass a request on, and record it with its response."""
        recording = self.traffic
        recording.concurrent |= self._in_progress > 0
        self._in_progress += 1
        before, started_at = await self._upload_infos(request, None), time.time()
        response: Response | None = None
        try:
            response = await respond(request)
        finally:
            self._in_progress -= 1
            with trio.CancelScope(shield=True):
                after = await self._upload_infos(request, response)
            exchange = ServerExchange(
                _without_body(request),
                _without_download(response),
                before,
                after,
                started_at,
                time.time(),
            )
            recording.exchanges.append(exchange)
        assert response is not None
        return response

    async def _upload_infos(self, request: Request, response: Response | None) -> UploadInfos:
        """Return the uploads that a request is about."""
        requested = self.server.urls.id_from_path(request.path)
        created = "" if response is None else created_id(response)
        return {each: await self.server.find(each) for each in (requested, created) if each}


def _without_body(request: Request) -> Request:
    return replace(request, body=UnreadableBody(request.body.length))


def _without_download(response: Response | None) -> Response | None:
    """Return a response as it can be compared and kept; reading its download ends a replay."""
    if response is None or not isinstance(response.body, Download):
        return response
    return replace(response, body=Download(response.body.length, unreadable_chunks()))
