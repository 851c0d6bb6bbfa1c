"""Whole runs against servers in memory, for what only a run shows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import trio
from scripted_server import (
    URL,
    AnswerFunction,
    ReceivedRequest,
    ScriptedAnswer,
    serve_answers,
)

from tus_conformance.runner.run import Run
from tus_conformance.runner.run_plan import RunPlan
from tus_conformance.runner.selection import Selection
from tus_conformance.state.session import RestartableServer
from tus_conformance.targets.profile import Profile
from tus_conformance.targets.program import ProgramRunner, run_program
from tus_conformance.targets.target import Target
from tus_conformance.targets.transport_protocol import Transport
from tus_conformance.transport import Http1Transport
from tus_conformance.transport.memory import Serve, memory_network
from tus_reports import Discovery, Footer, RecordLine, RequirementResult, ScenarioResult
from tus_scenarios import scenarios

WrapRoute = Callable[[Transport], Transport]


@dataclass
class RunLines:
    """The lines of a run."""

    lines: list[RecordLine] = field(default_factory=list)

    @property
    def footer(self) -> Footer:
        """Return the last line."""
        return next(line for line in self.lines if isinstance(line, Footer))

    @property
    def discovery(self) -> Discovery:
        """Return what was discovered."""
        return next(line for line in self.lines if isinstance(line, Discovery))

    @property
    def scenarios(self) -> dict[str, ScenarioResult]:
        """Return the scenarios and invariants by id."""
        return {line.id: line for line in self.lines if isinstance(line, ScenarioResult)}

    @property
    def requirements(self) -> dict[str, RequirementResult]:
        """Return the requirements by id."""
        return {line.id: line for line in self.lines if isinstance(line, RequirementResult)}

    def failed_requirements(self) -> set[str]:
        """Return the rows that are violated."""
        return {name for name, row in self.requirements.items() if row.verdict == "fail"}


def memory_target(
    profile: Profile | None = None,
    patience: float = 5.0,
    run_program: ProgramRunner = run_program,
) -> Target:
    """Return the target that servers in memory are."""
    return Target(URL, profile or Profile(), (), patience, run_program)


async def run_suite_in_memory(
    answering: AnswerFunction | None = None,
    *,
    only: tuple[str, ...] = (),
    profile: Profile | None = None,
    jobs: int = 1,
    time_limit: float = math.inf,
    serve: Serve | None = None,
    wrap_route: WrapRoute = lambda route: route,
    known: RestartableServer | None = None,
    stop: trio.Event | None = None,
    fail_fast: bool = False,
    run_program: ProgramRunner = run_program,
    notify: Callable[[str], None] = lambda _line: None,
) -> RunLines:
    """Run scenarios against a server in memory, to the end or until `stop` is set."""
    found = RunLines()
    told = [
        each
        for each in scenarios()
        if not only or Selection(only).exclusion_reason(each.id, Profile()) is None
    ]
    plan = RunPlan(
        memory_target(profile, run_program=run_program),
        told,
        seed=7,
        jobs=jobs,
        time_limit=time_limit,
        server=known,
        fail_fast=fail_fast,
    )
    async with memory_network(serve or serve_answers(answering or _never)) as backend:
        route = wrap_route(Http1Transport(backend=backend, timeout=plan.target.timeout))
        run = Run(plan, route, found.lines.append, notify=notify)
        async with trio.open_nursery() as nursery:
            if stop is not None:
                nursery.start_soon(_stop_when_set, run, stop)
            await run()
            nursery.cancel_scope.cancel()
    return found


async def _stop_when_set(run: Run, event: trio.Event) -> None:
    await event.wait()
    run.stop()


def _never(asked: ReceivedRequest) -> ScriptedAnswer:
    raise AssertionError(f"nobody serves {asked}")
