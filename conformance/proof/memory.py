"""Judging a server in memory: no socket, no waiting, every scenario, what came of each check.

Time is trio's mock clock for both sides, so that time-outs and expiry pass at once.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import trio
from trio._core import _run as scheduler
from trio.testing import MockClock

from proof.gradable import grades
from proof.judged import Judged, Promised, check_outcomes, told_place
from proof.operated import RESTART, URL, Operated
from proof.overhearing import Overhearing, Recordings
from proof.rehearsal import leaves_alone
from tus_conformance.dialogue.discovery import Discovered
from tus_conformance.dialogue.session import Session
from tus_conformance.dialogue.stopping import Unbound
from tus_conformance.running import rows
from tus_conformance.running.plan import Plan
from tus_conformance.running.run import Run
from tus_conformance.running.selection import inapplicable
from tus_conformance.target.profile import Commands, Profile
from tus_conformance.target.target import Target
from tus_conformance.telling.telling import Telling
from tus_conformance.wire import Wire
from tus_conformance.wire.memory import serving
from tus_reference import Config, MemoryLocker, MemoryStore, StoreComposer, serve_stream
from tus_reference.faults import Behaving, Behaviour
from tus_reports import Scenario as Told
from tus_reports import Verdict
from tus_scenarios import Expectation, Scenario, prose, scenarios

MAX_SIZE = 8 * 1024 * 1024
EXPIRATION = 20.0
NETWORK_TIMEOUT = 8.0
LONG_ENOUGH = 10
"""Seconds in which a server in memory has done what it is waited for, or never will."""

PROFILE = Profile(
    network_timeout=NETWORK_TIMEOUT,
    expiration=EXPIRATION,
    cleanup="keep",
    commands=Commands(restart=RESTART),
)

MOVES_NOTHING = frozenset({"interruption.large.wrapped-offset"})
"""Scenarios that are told with --large alone, and yet send no gigabytes."""


@dataclass
class Case:
    """A server to judge: its behaviours, from the inside out, and what its profile says."""

    behaviours: tuple[Behaviour, ...] = ()
    profile: Profile = PROFILE


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
    until: frozenset[Verdict] = frozenset(),
) -> Judged:
    """Return how a server came out.

    With `known`, the same case without `fault`, the scenarios are not told again in which the
    fault could not have changed a single answer; with `among`, only the scenarios of these ids
    are told at all. The first scenario of a verdict in `until` is the last that is told.
    """
    return _run(case, known, fault, _wanted(among), until)[0]


def _wanted(among: frozenset[str] | None) -> tuple[Scenario, ...]:
    return tuple(each for each in told_scenarios() if among is None or each.id in among)


def get_to_know(case: Case, among: frozenset[str] | None = None) -> tuple[Judged, Known]:
    """Return how a server came out, and everything that was said."""
    return _run(case, None, None, _wanted(among))


@cache
def told_scenarios() -> tuple[Scenario, ...]:
    """Return every scenario; none waits longer for what may not come than makes sense here."""

    def hurried(scenario: Scenario) -> Scenario:
        steps = tuple(
            msgspec.structs.replace(step, within=min(step.within, LONG_ENOUGH))
            for step in scenario.steps
        )
        needs = tuple(
            need for need in scenario.needs if need != "large" or scenario.id not in MOVES_NOTHING
        )
        return replace(scenario, steps=steps, needs=needs)

    return tuple(hurried(scenario) for scenario in scenarios())


def _run(
    case: Case,
    known: Known | None,
    fault: Behaviour | None,
    wanted: tuple[Scenario, ...],
    until: frozenset[Verdict] = frozenset(),
) -> tuple[Judged, Known]:
    logger = logging.getLogger("tus_reference")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    gc.disable()
    try:
        clock = MockClock(autojump_threshold=0)
        with patch.object(scheduler, "_ALLOW_DETERMINISTIC_SCHEDULING", new=True):
            return trio.run(_judge, case, known, fault, wanted, until, clock=clock)
    finally:
        logger.setLevel(before)
        gc.enable()
        gc.collect()


async def _judge(
    case: Case,
    known: Known | None,
    fault: Behaviour | None,
    wanted: tuple[Scenario, ...],
    until: frozenset[Verdict],
) -> tuple[Judged, Known]:
    heard = Overhearing()
    behaviours = (*case.behaviours, *([fault] if fault else []), Behaviour(act=heard.overhear))
    config = _config()
    began, zero = float(int(time.time())), trio.current_time()
    promised: Promised = {}
    async with trio.open_nursery() as background:
        operated = Operated(lambda: Behaving(config, *behaviours), background)
        with (
            patch("time.time", lambda: began + trio.current_time() - zero),
            patch("tus_conformance.target.program.output", operated.output),
            patch("anyio.to_thread.run_sync", _at_once),
            patch.object(Telling, "expect", _noting(promised)),
        ):
            async with serving(lambda stream: _serve(operated.server, stream)) as backend:
                target = Target(URL, case.profile, tuple(case.profile.headers.items()))
                wire = Wire(backend=backend, timeout=target.timeout, redaction=target.redaction)
                run = Run(Plan(target=target, scenarios=wanted), wire, lambda _: None)
                session = await run.open()
                spared = _Spared(session, known, fault)
                told = []
                for scenario in wanted:
                    heard.begin(scenario.id)
                    if (earlier := spared.told(scenario)) is not None:
                        told.append(earlier)
                        continue
                    # Who goes first where two meet is chance, but the same in every proof.
                    scheduler._r.seed(scenario.id)  # noqa: SLF001 - trio offers nothing else
                    restarts = operated.restarts
                    told.append(await run.tell(scenario, session))
                    await operated.clear()
                    # What a fault remembers is gone then, which a rehearsal cannot know.
                    heard.recording.met |= operated.restarts > restarts
                    if told[-1].verdict in until:
                        break
        background.cancel_scope.cancel()
    told += _invariants(run, known)
    judged = Judged(
        requirements={row.id: row.verdict for row in rows.judged(told)},
        scenarios={each.id: each.verdict for each in told},
        checks=check_outcomes(told),
        charged={each.id: _charged(each) for each in told if each.verdict in {"fail", "warn"}},
        promised=promised,
    )
    recorded = {each.id: each for each in told}
    return judged, Known(session.discovery, recorded, heard.recordings, operated.server.config)


def _charged(told: Told) -> dict[str, Verdict]:
    found = {row.id: row.verdict for row in rows.judged((told,))}
    return {row: each for row, each in found.items() if each in {"fail", "warn"}}


async def _at_once(work: Callable[..., object], *arguments: object, **_: object) -> object:
    """Do what the server would do in a thread, which keeps the time of the machine."""
    await trio.lowlevel.checkpoint()
    return work(*arguments)


async def _serve(server: Behaving, stream: trio.abc.Stream) -> None:
    await serve_stream(server, server.carry(stream))


def _noting(promised: Promised) -> Callable[..., bool]:
    """Return `Telling.expect`, noting what each expectation of a story can come out as."""
    expect = Telling.expect

    def noting(self: Telling, reply: Any, *expected: Expectation, **flags: bool) -> bool:
        if self.scenario.tell is not None:
            known = self.references.before(reply)
            for each in expected:
                try:
                    says = prose.expected(each, known.text)
                except Unbound:
                    continue
                for row in each.requirements:
                    place = (self.scenario.id, told_place(row, says))
                    promised[place] = grades(each, row) | promised.get(place, frozenset())
        return expect(self, reply, *expected, **flags)

    return noting


@dataclass
class _Spared:
    """The scenarios that need not be told again."""

    session: Session
    known: Known | None
    fault: Behaviour | None

    def told(self, scenario: Scenario) -> Told | None:
        """Return how a scenario came out before, where that stands."""
        if self.known is None or self.fault is None:
            return None
        before = self.known.told[scenario.id]
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


def _config() -> Config:
    composer = StoreComposer()
    MemoryStore().use_in(composer)
    MemoryLocker().use_in(composer)
    return Config(
        store_composer=composer,
        max_size=MAX_SIZE,
        expire_after=EXPIRATION,
        network_timeout=NETWORK_TIMEOUT,
        spool_directory=Path("/tmp"),  # noqa: S108 - of the large ones, while they are verified
    )
