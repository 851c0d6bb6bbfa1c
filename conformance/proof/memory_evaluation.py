"""The evaluation of a server in memory: no socket, no waiting, every scenario and check.

Time is trio's mock clock for both sides, so that time-outs and expiry pass at once.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from unittest.mock import patch

import msgspec
import trio
from trio._core import _run as scheduler
from trio.testing import MockClock

from proof.gradable_checks import grades_of
from proof.operated_server import RESTART, URL, OperatedServer
from proof.server_result import PossibleGrades, ServerResult, check_outcomes, function_check_key
from proof.traffic_recorder import TrafficByScenario, TrafficRecorder
from proof.traffic_replay import leaves_unchanged
from tus_conformance.discovery.discovery import DiscoveryResult
from tus_conformance.evaluation import requirement_results
from tus_conformance.evaluation.applicability import inapplicable
from tus_conformance.runner.run import Run
from tus_conformance.runner.run_plan import RunPlan
from tus_conformance.state.early_exit import UnresolvedReference
from tus_conformance.state.session import ExpectationObserver, Session, TextResolver
from tus_conformance.targets.origin_guard import OriginGuard
from tus_conformance.targets.profile import Commands, Profile
from tus_conformance.targets.target import Target
from tus_conformance.targets.transport_protocol import Transport
from tus_conformance.transport import Http1Transport
from tus_conformance.transport.memory import memory_network
from tus_defects import Change
from tus_reference import Config, MemoryLocker, MemoryStore, StoreComposer
from tus_reports import ScenarioResult, Verdict
from tus_scenarios import Expectation, Scenario, prose, scenarios

MAX_SIZE = 8 * 1024 * 1024
EXPIRATION = 20.0
NETWORK_TIMEOUT = 8.0
MAX_WAIT = 10
"""Seconds in which a server in memory has done what it is waited for, or never will."""

PROFILE = Profile(
    network_timeout=NETWORK_TIMEOUT,
    expiration=EXPIRATION,
    cleanup="keep",
    origin="http://example.org",
    commands=Commands(restart=RESTART),
)

SENDS_NO_BYTES = frozenset({"interruption.large.wrapped-offset"})
"""Scenarios that run only with --large, and yet send no gigabytes."""


@dataclass
class ServerCase:
    """A server to evaluate: its changes, from the inside out, and its profile."""

    changes: tuple[Change, ...] = ()
    profile: Profile = PROFILE


@dataclass
class RecordedServer:
    """A case that was evaluated before, with every exchange."""

    discovery: DiscoveryResult
    results: dict[str, ScenarioResult]
    traffic: TrafficByScenario
    config: Config


def evaluate_server(
    case: ServerCase,
    recorded: RecordedServer | None = None,
    *,
    change: Change | None = None,
    scenario_ids: frozenset[str] | None = None,
    stop_at: frozenset[Verdict] = frozenset(),
) -> ServerResult:
    """Return the verdicts on a server.

    With `recorded`, the same case without `change`, scenarios in which the change could not have
    altered a single response keep their results. With `scenario_ids` only these scenarios run.
    The first scenario with a verdict in `stop_at` is the last that runs.
    """
    return _run(case, recorded, change, _select_scenarios(scenario_ids), stop_at)[0]


def _select_scenarios(among: frozenset[str] | None) -> tuple[Scenario, ...]:
    return tuple(each for each in proof_scenarios() if among is None or each.id in among)


def evaluate_and_record(
    case: ServerCase, scenario_ids: frozenset[str] | None = None
) -> tuple[ServerResult, RecordedServer]:
    """Return how a server came out, and everything that was said."""
    return _run(case, None, None, _select_scenarios(scenario_ids))


@cache
def proof_scenarios() -> tuple[Scenario, ...]:
    """Return every scenario; none waits longer for what may not come than makes sense here."""

    def shorten_waits(scenario: Scenario) -> Scenario:
        steps = tuple(
            msgspec.structs.replace(step, within=min(step.within, MAX_WAIT))
            for step in scenario.steps
        )
        needs = tuple(
            need for need in scenario.needs if need != "large" or scenario.id not in SENDS_NO_BYTES
        )
        return replace(scenario, steps=steps, needs=needs)

    return tuple(shorten_waits(scenario) for scenario in scenarios())


def _run(
    case: ServerCase,
    known: RecordedServer | None,
    change: Change | None,
    selected: tuple[Scenario, ...],
    until: frozenset[Verdict] = frozenset(),
) -> tuple[ServerResult, RecordedServer]:
    logger = logging.getLogger("tus_reference")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    gc.disable()
    try:
        clock = MockClock(autojump_threshold=0)
        with patch.object(scheduler, "_ALLOW_DETERMINISTIC_SCHEDULING", new=True):
            return trio.run(_evaluate_server, case, known, change, selected, until, clock=clock)
    finally:
        logger.setLevel(before)
        gc.enable()
        gc.collect()


async def _evaluate_server(
    case: ServerCase,
    known: RecordedServer | None,
    change: Change | None,
    selected: tuple[Scenario, ...],
    until: frozenset[Verdict],
) -> tuple[ServerResult, RecordedServer]:
    config = _config()
    recorder = TrafficRecorder()
    changes = (*case.changes, *([change] if change else []))
    began, zero = float(int(time.time())), trio.current_time()
    possible_grades: PossibleGrades = {}
    async with trio.open_nursery() as background:
        operated_server = OperatedServer(config, changes, recorder, background)
        with (
            patch("time.time", lambda: began + trio.current_time() - zero),
            patch("anyio.to_thread.run_sync", _run_in_place),
        ):
            async with memory_network(operated_server.serve) as backend:
                target = Target(
                    URL,
                    case.profile,
                    tuple(case.profile.headers.items()),
                    run_program=operated_server.run_command,
                )
                transport = Http1Transport(
                    backend=backend, timeout=target.timeout, redaction=target.redaction
                )
                plan = RunPlan(target=target, scenarios=selected, large_bodies=True)
                run = Run(plan, guard_origin(transport), lambda _: None)
                session = await run.open_session()
                session.on_expectations = _grades_recorder(possible_grades)
                reusable = _ReusableResults(session, known, change)
                results = []
                for scenario in selected:
                    recorder.start_scenario(scenario.id)
                    if (reused := reusable.reusable_result(scenario)) is not None:
                        results.append(reused)
                        continue
                    # Who goes first where two meet is chance, but the same in every proof.
                    scheduler._r.seed(scenario.id)  # noqa: SLF001 - trio offers nothing else
                    restarts = operated_server.restarts
                    results.append(await run.run_scenario(scenario, session))
                    await operated_server.remove_uploads()
                    # What a defect remembers is lost then, which a replay cannot know.
                    recorder.traffic.concurrent |= operated_server.restarts > restarts
                    if results[-1].verdict in until:
                        break
        background.cancel_scope.cancel()
    results += _invariant_results(run, known)
    recorded = {each.id: each for each in results}
    return _server_result(results, possible_grades), RecordedServer(
        session.discovery, recorded, recorder.traffic_by_scenario, operated_server.config
    )


def _server_result(
    results: Sequence[ScenarioResult], possible_grades: PossibleGrades
) -> ServerResult:
    return ServerResult(
        requirements={
            row.id: row.verdict for row in requirement_results.evaluate_requirements(results)
        },
        scenarios={each.id: each.verdict for each in results},
        checks=check_outcomes(results),
        violations_by_scenario={
            each.id: _violations(each) for each in results if each.verdict in {"fail", "warn"}
        },
        possible_grades=possible_grades,
    )


def _violations(results: ScenarioResult) -> dict[str, Verdict]:
    found = {row.id: row.verdict for row in requirement_results.evaluate_requirements((results,))}
    return {row: each for row, each in found.items() if each in {"fail", "warn"}}


def guard_origin(transport: Transport) -> OriginGuard:
    """Return a transport with the guard of a run; in memory `URL` alone leads anywhere."""
    return OriginGuard(transport, URL, test_connection=_has_no_other_server)


async def _has_no_other_server(_host: str, _port: int) -> bool:
    """Return whether anything accepts connections at another origin: in memory nothing does."""
    return False


async def _run_in_place(work: Callable[..., object], *arguments: object, **_: object) -> object:
    """Do what the server would do in a thread, which keeps the time of the machine."""
    await trio.lowlevel.checkpoint()
    return work(*arguments)


def _grades_recorder(possible_grades: PossibleGrades) -> ExpectationObserver:
    """Return an observer that notes every grade that an expectation can have."""

    def record(
        scenario: Scenario, expected: tuple[Expectation, ...], references: TextResolver
    ) -> None:
        if scenario.run is None:
            return
        for each in expected:
            try:
                says = prose.describe_pass_condition(each, references.resolve_text)
            except UnresolvedReference:
                continue
            for row in each.requirements:
                key = (scenario.id, function_check_key(row, says))
                possible_grades[key] = grades_of(each, row) | possible_grades.get(key, frozenset())

    return record


@dataclass
class _ReusableResults:
    """The scenarios that need not run again."""

    session: Session
    known: RecordedServer | None
    change: Change | None

    def reusable_result(self, scenario: Scenario) -> ScenarioResult | None:
        """Return how a scenario came out before, where that stands."""
        if self.known is None or self.change is None:
            return None
        before = self.known.results[scenario.id]
        return before if self._is_unchanged(scenario, self.known, self.change) else None

    def _is_unchanged(self, scenario: Scenario, known: RecordedServer, change: Change) -> bool:
        """Return whether every answer in a scenario would be what it was."""
        recording = known.traffic.get(scenario.id)
        if recording is None or not self._has_same_discovery(scenario, known.discovery):
            return False
        return leaves_unchanged(change, recording, known.config)

    def _has_same_discovery(self, scenario: Scenario, before: DiscoveryResult) -> bool:
        """Return whether all that a scenario takes from the discovery is what it was."""
        now, profile = self.session.discovery, self.session.target.profile
        applies = [inapplicable(scenario, found, profile) for found in (now, before)]
        return applies[0] == applies[1] and _discovery_facts(now) == _discovery_facts(before)


def _discovery_facts(found: DiscoveryResult) -> tuple[object, ...]:
    """Return what scenarios use of a discovery beside what they need."""
    outcomes = [found.capabilities[name].observed for name in ("creation", "download")]
    return found.max_size, *outcomes


def _invariant_results(run: Run, known: RecordedServer | None) -> list[ScenarioResult]:
    """Return the invariants; one that saw nothing now has held where nothing was told again."""
    found = run.invariant_results()
    if known is None:
        return found
    return [each if each.attempts[0].checks else known.results[each.id] for each in found]


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
