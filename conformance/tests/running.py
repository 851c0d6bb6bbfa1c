"""Whole runs against servers in memory, for what only a run shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import trio
from in_memory import URL, Answer, Answering, Asked, Serve, server

from tus_conformance.dialogue.session import Server
from tus_conformance.running.plan import Plan
from tus_conformance.running.run import Run
from tus_conformance.running.selection import Selection
from tus_conformance.target.profile import Profile
from tus_conformance.target.route import Route
from tus_conformance.target.target import Target
from tus_conformance.wire import Wire
from tus_conformance.wire.memory import serving
from tus_reports import Discovery, Footer, Line, Requirement, Scenario
from tus_scenarios import scenarios

Over = Callable[[Route], Route]


@dataclass
class Ran:
    """The lines of a run."""

    lines: list[Line] = field(default_factory=list)

    @property
    def footer(self) -> Footer:
        """Return the last line."""
        return next(line for line in self.lines if isinstance(line, Footer))

    @property
    def discovery(self) -> Discovery:
        """Return what was discovered."""
        return next(line for line in self.lines if isinstance(line, Discovery))

    @property
    def scenarios(self) -> dict[str, Scenario]:
        """Return the scenarios and invariants by id."""
        return {line.id: line for line in self.lines if isinstance(line, Scenario)}

    @property
    def rows(self) -> dict[str, Requirement]:
        """Return the requirements by id."""
        return {line.id: line for line in self.lines if isinstance(line, Requirement)}

    def failing(self) -> set[str]:
        """Return the rows that are violated."""
        return {name for name, row in self.rows.items() if row.verdict == "fail"}


def target(profile: Profile | None = None, patience: float = 5.0) -> Target:
    """Return the target that servers in memory are."""
    return Target(URL, profile or Profile(), (), patience)


async def ran(
    answering: Answering | None = None,
    *,
    only: tuple[str, ...] = (),
    profile: Profile | None = None,
    jobs: int = 1,
    serve: Serve | None = None,
    over: Over = lambda route: route,
    known: Server | None = None,
    stop: trio.Event | None = None,
) -> Ran:
    """Run scenarios against a server in memory, to the end or until `stop` is set."""
    found = Ran()
    told = [
        each
        for each in scenarios()
        if not only or Selection(only).excluded(each.id, Profile()) is None
    ]
    plan = Plan(target(profile), told, seed=7, jobs=jobs, server=known)
    async with serving(serve or server(answering or _never)) as backend:
        route = over(Wire(backend=backend, timeout=plan.target.timeout))
        run = Run(plan, route, found.lines.append)
        async with trio.open_nursery() as nursery:
            if stop is not None:
                nursery.start_soon(_stop, run, stop)
            await run()
            nursery.cancel_scope.cancel()
    return found


async def _stop(run: Run, event: trio.Event) -> None:
    await event.wait()
    run.stop()


def _never(asked: Asked) -> Answer:
    raise AssertionError(f"nobody serves {asked}")
