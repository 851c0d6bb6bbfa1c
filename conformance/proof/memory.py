"""Judging a server in memory: no socket, no waiting, every scenario, what came of each check.

Time is trio's mock clock for both sides, so that time-outs and expiry pass at once.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import trio
from trio.testing import MockClock

from proof.judged import Judged, check_outcomes
from proof.rehearsal import Exchange, Infos, Recording, Unread, leaves_alone
from tus_conformance.dialogue.discovery import Discovered
from tus_conformance.dialogue.session import Session
from tus_conformance.running import rows
from tus_conformance.running.plan import Plan
from tus_conformance.running.run import Run
from tus_conformance.running.selection import inapplicable
from tus_conformance.target.profile import Profile
from tus_conformance.target.target import Target
from tus_conformance.wire import Wire
from tus_conformance.wire.memory import serving
from tus_reference import Config, MemoryLocker, MemoryStore, StoreComposer, serve_stream
from tus_reference.faults import Behaving, Behaviour
from tus_reference.faults.alterations import created_id
from tus_reference.faults.alterations import known as known_upload
from tus_reference.handler import Download, Request, Response
from tus_reports import Scenario as Told
from tus_scenarios import Scenario, scenarios

URL = "http://tus.test/files/"
MAX_SIZE = 8 * 1024 * 1024
EXPIRATION = 20.0
NETWORK_TIMEOUT = 8.0
LONG_ENOUGH = 10
"""Seconds in which a server in memory has done what it is waited for, or never will."""
DISCOVERY = "(discovery)"

PROFILE = Profile(network_timeout=NETWORK_TIMEOUT, expiration=EXPIRATION, cleanup="keep")


Recordings = dict[str, Recording]
"""What was asked and answered, by scenario."""


@dataclass
class Case:
    """A server to judge: its behaviours, from the inside out, and what its profile says."""

    behaviours: tuple[Behaviour, ...] = ()
    profile: Profile = PROFILE
    upload_command: Callable[[Behaving], Callable[..., Any]] | None = None


@dataclass
class Known:
    """A case that was judged before, with every exchange."""

    discovered: Discovered
    told: dict[str, Told]
    recordings: Recordings
    config: Config


def judge(
    case: Case,
    known: Known | None = None,
    *,
    fault: Behaviour | None = None,
    among: frozenset[str] | None = None,
) -> Judged:
    """Return how a server came out.

    With `known`, the same case without `fault`, the scenarios are not told again in which the
    fault could not have changed a single answer; with `among`, those of other ids neither.
    """
    return _run(case, known, fault, among)[0]


def get_to_know(case: Case) -> tuple[Judged, Known]:
    """Return how a server came out, and everything that was said."""
    found = _run(case, None, None, None)
    # It is kept for good: no collection need look at it again.
    gc.freeze()
    return found


@cache
def told_scenarios() -> tuple[Scenario, ...]:
    """Return every scenario; none waits longer for what may not come than makes sense here."""
    return tuple(
        replace(
            scenario,
            steps=tuple(
                msgspec.structs.replace(step, within=min(step.within, LONG_ENOUGH))
                for step in scenario.steps
            ),
        )
        for scenario in scenarios()
    )


def _run(
    case: Case, known: Known | None, fault: Behaviour | None, among: frozenset[str] | None
) -> tuple[Judged, Known]:
    logging.getLogger("tus_reference").setLevel(logging.CRITICAL)
    gc.disable()
    try:
        clock = MockClock(autojump_threshold=0)
        return trio.run(_judge, case, known, fault, among, clock=clock)
    finally:
        gc.enable()
        gc.collect()


async def _judge(
    case: Case, known: Known | None, fault: Behaviour | None, among: frozenset[str] | None
) -> tuple[Judged, Known]:
    recordings: Recordings = {}
    current = [DISCOVERY]
    under_way = [0]

    async def overhear(behaving: Behaving, request: Request, respond: Any) -> Response:
        recording = recordings.setdefault(current[0], Recording())
        recording.met |= under_way[0] > 0
        under_way[0] += 1
        before, asked = await _infos(behaving, request, None), time.time()
        response: Response | None = None
        try:
            response = await respond(request)
        finally:
            under_way[0] -= 1
            with trio.CancelScope(shield=True):
                after = await _infos(behaving, request, response)
            exchange = Exchange(_over(request), _told(response), before, after, asked, time.time())
            recording.exchanges.append(exchange)
        assert response is not None
        return response

    behaviours = (*case.behaviours, *([fault] if fault else []), Behaviour(act=overhear))
    server = Behaving(_config(), *behaviours)
    began, zero = float(int(time.time())), trio.current_time()
    program: AbstractContextManager[Any] = nullcontext()
    if case.upload_command is not None:
        program = patch("tus_conformance.target.program.output", case.upload_command(server))
    with patch("time.time", lambda: began + trio.current_time() - zero), program:
        async with (
            serving(lambda stream: serve_stream(server, server.carry(stream))) as backend,
            trio.open_nursery() as background,
        ):
            background.start_soon(server.keep_up)
            target = Target(URL, case.profile, tuple(case.profile.headers.items()))
            wire = Wire(backend=backend, timeout=target.timeout, redaction=target.redaction)
            run = Run(Plan(target=target, scenarios=told_scenarios()), wire, lambda _: None)
            session = await run.open()
            spared = _Spared(session, known, fault, among)
            told = []
            for scenario in told_scenarios():
                earlier = spared.told(scenario)
                current[0] = scenario.id
                told.append(earlier or await run.tell(scenario, session))
            background.cancel_scope.cancel()
    told += _invariants(run, known)
    found = rows.judged(told)
    judged = Judged(
        requirements={row.id: row.verdict for row in found},
        scenarios={each.id: each.verdict for each in told},
        checks=check_outcomes(told),
    )
    return judged, Known(
        session.discovery, {each.id: each for each in told}, recordings, server.config
    )


@dataclass
class _Spared:
    """The scenarios that need not be told again."""

    session: Session
    known: Known | None
    fault: Behaviour | None
    among: frozenset[str] | None

    def told(self, scenario: Scenario) -> Told | None:
        """Return how a scenario came out before, where that stands."""
        if self.known is None or self.fault is None:
            return None
        before = self.known.told[scenario.id]
        if self.among is not None and scenario.id not in self.among:
            return before
        return before if self._unharmed(scenario, self.known, self.fault) else None

    def _unharmed(self, scenario: Scenario, known: Known, fault: Behaviour) -> bool:
        """Tell whether every answer in a scenario would be what it was."""
        recording = known.recordings.get(scenario.id)
        if recording is None or not self._begins_alike(scenario, known.discovered):
            return False
        return leaves_alone(fault, recording, known.config)

    def _begins_alike(self, scenario: Scenario, before: Discovered) -> bool:
        """Tell whether all that a scenario takes from the discovery is what it was."""
        now, profile = self.session.discovery, self.session.target.profile
        applies = [inapplicable(scenario, found, profile) for found in (now, before)]
        return applies[0] == applies[1] and _facts(now) == _facts(before)


def _facts(found: Discovered) -> tuple[object, ...]:
    """Return what scenarios use of a discovery beside what they need."""
    outcomes = [found.capabilities[name].observed for name in ("creation", "download")]
    return found.max_size, *outcomes


def _invariants(run: Run, known: Known | None) -> list[Told]:
    """Return the invariants; one that saw nothing now has held where nothing was told again."""
    found = run.invariants()
    if known is None:
        return found
    return [each if each.attempts[0].checks else known.told[each.id] for each in found]


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


def _config() -> Config:
    composer = StoreComposer()
    MemoryStore().use_in(composer)
    MemoryLocker().use_in(composer)
    return Config(
        store_composer=composer,
        max_size=MAX_SIZE,
        expire_after=EXPIRATION,
        network_timeout=NETWORK_TIMEOUT,
        spool_directory=Path("/tmp"),  # noqa: S108 - bodies this small stay in memory
    )
