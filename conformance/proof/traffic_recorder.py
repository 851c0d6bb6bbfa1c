"""Overhearing a server in memory: every request and its answer, by scenario."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import trio

from proof.traffic_replay import ScenarioTraffic, ServerExchange, UnreadableBody, UploadInfos
from tus_reference.defects import ModifiedHandler
from tus_reference.defects.response_edits import created_id
from tus_reference.defects.response_edits import known as known_upload
from tus_reference.model import Download, Request, Response

DISCOVERY_SCENARIO = "(discovery)"

TrafficByScenario = dict[str, ScenarioTraffic]
"""What was asked and answered, by scenario."""


class TrafficRecorder:
    """Everything that is asked and answered, by scenario."""

    def __init__(self) -> None:
        self.traffic_by_scenario: TrafficByScenario = {}
        self.start_scenario(DISCOVERY_SCENARIO)

    def start_scenario(self, scenario: str) -> None:
        """Put what comes now down to a scenario."""
        self._in_progress = 0
        self._scenario = scenario

    @property
    def traffic(self) -> ScenarioTraffic:
        """What was overheard in this scenario."""
        return self.traffic_by_scenario.setdefault(self._scenario, ScenarioTraffic())

    async def record_exchange(
        self, handler: ModifiedHandler, request: Request, respond: Any
    ) -> Response:
        """Pass a request on, and keep it with its answer."""
        recording = self.traffic
        recording.concurrent |= self._in_progress > 0
        self._in_progress += 1
        before, started_at = await _upload_infos(handler, request, None), time.time()
        response: Response | None = None
        try:
            response = await respond(request)
        finally:
            self._in_progress -= 1
            with trio.CancelScope(shield=True):
                after = await _upload_infos(handler, request, response)
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


async def _upload_infos(
    handler: ModifiedHandler, request: Request, response: Response | None
) -> UploadInfos:
    """Return the uploads that a request is about."""
    requested = handler.upload_urls.id_from_path(request.path)
    created = "" if response is None else created_id(handler, response)
    return {each: await known_upload(handler, each) for each in (requested, created) if each}


def _without_body(request: Request) -> Request:
    return replace(request, body=UnreadableBody(request.body.length))


def _without_download(response: Response | None) -> Response | None:
    """Return an answer as it can be compared and kept."""
    if response is None or not isinstance(response.body, Download):
        return response
    return replace(response, body=b"")
