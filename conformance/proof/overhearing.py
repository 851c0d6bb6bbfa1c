"""Overhearing a server in memory: every request and its answer, by scenario."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import trio

from proof.rehearsal import Exchange, Infos, Recording, Unread
from tus_reference.faults import Behaving
from tus_reference.faults.alterations import created_id
from tus_reference.faults.alterations import known as known_upload
from tus_reference.handler import Download, Request, Response

DISCOVERY = "(discovery)"

Recordings = dict[str, Recording]
"""What was asked and answered, by scenario."""


class Overhearing:
    """Everything that is asked and answered, by scenario."""

    def __init__(self) -> None:
        self.recordings: Recordings = {}
        self.begin(DISCOVERY)

    def begin(self, scenario: str) -> None:
        """Put what comes now down to a scenario."""
        self._under_way = 0
        self._scenario = scenario

    @property
    def recording(self) -> Recording:
        """What was overheard in this scenario."""
        return self.recordings.setdefault(self._scenario, Recording())

    async def overhear(self, behaving: Behaving, request: Request, respond: Any) -> Response:
        """Pass a request on, and keep it with its answer."""
        recording = self.recording
        recording.met |= self._under_way > 0
        self._under_way += 1
        before, asked = await _infos(behaving, request, None), time.time()
        response: Response | None = None
        try:
            response = await respond(request)
        finally:
            self._under_way -= 1
            with trio.CancelScope(shield=True):
                after = await _infos(behaving, request, response)
            exchange = Exchange(_over(request), _told(response), before, after, asked, time.time())
            recording.exchanges.append(exchange)
        assert response is not None
        return response


async def _infos(behaving: Behaving, request: Request, response: Response | None) -> Infos:
    """Return the uploads that a request is about."""
    named = behaving.locator.upload_id(request.path)
    made = "" if response is None else created_id(behaving, response)
    return {each: await known_upload(behaving, each) for each in (named, made) if each}


def _over(request: Request) -> Request:
    return replace(request, body=Unread(request.body.length))


def _told(response: Response | None) -> Response | None:
    """Return an answer as it can be compared and kept."""
    if response is None or not isinstance(response.body, Download):
        return response
    return replace(response, body=b"")
