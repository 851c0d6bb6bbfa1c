"""A run: discovery, every scenario, the invariants, the requirements, as lines of the record."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version

import trio

from tus_conformance import verdict
from tus_conformance.discovery import Unreachable, discover
from tus_conformance.invariants import Watch
from tus_conformance.replay import replay
from tus_conformance.schedule import Quiet, in_order
from tus_conformance.selection import Selection, inapplicable
from tus_conformance.session import Server, Session
from tus_conformance.target import Target
from tus_conformance.wire import Redaction, Wire
from tus_reports import FORMAT, Attempt, Counts, Footer, Header, Line, Requirement, Verdict
from tus_reports import Scenario as Told
from tus_scenarios import SPEC_EDITION, Scenario, ledger
from tus_scenarios import Requirement as Row

Gate = Callable[[], AbstractAsyncContextManager[None]]

AGGREGATE = "core.implemented"
"""The row that is the sum of the core's MUST and MUST NOT rows; there is nothing to send for it."""


@dataclass(frozen=True)
class Plan:
    """What to run: a target, the scenarios, the user's options.

    `reproduce` is the beginning of the command that repeats a scenario; `arguments` are recorded.
    """

    target: Target
    scenarios: Sequence[Scenario]
    selection: Selection = field(default_factory=Selection)
    seed: int = 0
    jobs: int = 1
    strict: bool = False
    fail_fast: bool = False
    arguments: tuple[str, ...] = ()
    reproduce: tuple[str, ...] = ()
    server: Server | None = None

    def command(self, scenario: str) -> str:
        """Return the command that repeats one scenario."""
        return shlex.join([*self.reproduce, "--seed", str(self.seed), "--only", scenario])


def redaction(target: Target) -> Redaction:
    """Return what must not appear in the record of a target."""
    return Redaction.of(
        headers=(*(name for name, _ in target.headers), *target.profile.secret_headers),
        secrets=(value for _, value in target.headers),
        parameters=target.profile.secret_query,
    )


class Run:
    """A run in progress; `emit` is given each line of the record as soon as it is there."""

    def __init__(self, plan: Plan, wire: Wire, emit: Callable[[Line], None]) -> None:
        self.plan = plan
        self._wire = wire
        self._emit = emit
        self._told: list[Told] = []
        self._quiet = Quiet()
        self._watch = Watch()
        self._exchanges = 0
        self._requirements: Counter[Verdict] = Counter()
        self._failed_fast: str | None = None
        self._lost = ""
        self._latest = ""

    async def __call__(self) -> Footer:
        """Run it all and return the last line of the record."""
        began = trio.current_time()
        self._emit(self._header())
        problem = ""
        left_behind: tuple[str, ...] = ()
        try:
            session = await self.open()
        except Unreachable as unreachable:
            problem = f"{unreachable} Nothing was tested."
        else:
            await in_order(
                self.plan.scenarios, self._tell_with(session), self._done, jobs=self.plan.jobs
            )
            self._look_back()
            left_behind = tuple(session.left_behind)
            problem = self._lost.replace("Not run: t", "T")
        footer = self._footer(problem, trio.current_time() - began, left_behind)
        self._emit(footer)
        return footer

    async def open(self) -> Session:
        """Discover the target and return the session that the scenarios share."""
        discovered = await discover(self.plan.target, self._wire)
        self._exchanges += len(discovered.exchanges)
        self._emit(discovered.record())
        return Session(
            target=self.plan.target,
            wire=self._wire,
            discovery=discovered,
            seed=self.plan.seed,
            observe=self._watch.observe,
            server=self.plan.server,
        )

    def _tell_with(self, session: Session) -> Callable[[Scenario], Awaitable[Told]]:
        async def tell(scenario: Scenario) -> Told:
            return await self.tell(scenario, session)

        return tell

    async def tell(self, scenario: Scenario, session: Session) -> Told:
        """Tell a scenario, a second time and alone where it failed; return how it came out."""
        left_out = self.plan.selection.excluded(scenario.id, self.plan.target.profile)
        if left_out is None and self._failed_fast:
            left_out = f"not run, since {self._failed_fast} failed (--fail-fast)"
        if left_out is not None:
            return self._line(scenario, (), "excluded", left_out)
        passed_over = inapplicable(scenario, session.discovery, self.plan.target.profile)
        if passed_over is not None:
            return self._line(scenario, (), *passed_over)
        if self._lost:
            return self._line(scenario, (), "error", self._lost)
        gate = self._quiet.alone if scenario.serial else self._quiet.shared
        attempts = [await self._attempt(scenario, session, 1, gate)]
        if attempts[0].verdict == "fail":
            attempts.append(await self._attempt(scenario, session, 2, self._quiet.alone))
        self._latest = scenario.id
        told = self._line(scenario, tuple(attempts), *verdict.of_scenario(attempts))
        if told.verdict == "fail" and self.plan.fail_fast:
            self._failed_fast = self._failed_fast or scenario.id
        return told

    async def _attempt(
        self, scenario: Scenario, session: Session, number: int, gate: Gate
    ) -> Attempt:
        """Tell a scenario once; again, after picking up the server, where that went away."""
        async with gate():
            attempt = await replay(scenario, session, number)
        for again in (number + 2, number + 4):
            if not await self._stumbled(attempt, session):
                break
            async with self._quiet.alone():
                if await self._picked_up(scenario, session):
                    attempt = await replay(scenario, session, again)
        return attempt

    async def _stumbled(self, attempt: Attempt, session: Session) -> bool:
        """Tell whether the server has gone away."""
        if self._lost:
            return False
        if attempt.verdict in {"error", "blocked", "inconclusive"}:
            return not await session.answers()
        return session.fallen

    async def _picked_up(self, scenario: Scenario, session: Session) -> bool:
        """Start a server again that went away; tell whether there is one to go on with."""
        if session.server is not None:
            how = await session.server.restart()
            self._watch.fell([name for name in (self._latest, scenario.id) if name], how)
            return True
        self._lost = f"Not run: the server stopped answering in {scenario.id}."
        return False

    def _line(
        self, scenario: Scenario, attempts: tuple[Attempt, ...], outcome: Verdict, reason: str
    ) -> Told:
        return Told(
            id=scenario.id,
            title=scenario.title,
            verdict=outcome,
            section=scenario.section,
            extension=scenario.extension,
            reason=reason,
            steps=scenario.prose,
            requirements=scenario.requirements,
            attempts=attempts,
            reproduce=self.plan.command(scenario.id),
        )

    def _done(self, told: Told) -> None:
        self._told.append(told)
        self._exchanges += sum(len(attempt.exchanges) for attempt in told.attempts)
        self._emit(told)

    def _look_back(self) -> None:
        """Report what was seen over the whole run: the invariants, then the requirements."""
        if any(told.attempts for told in self._told):
            for told in self.invariants():
                self._done(told)
        rows = [row for row in ledger().values() if row.side == "server"]
        judged = {row.id: self._requirement(row) for row in rows if row.id != AGGREGATE}
        lines = [line for line in judged.values() if line is not None]
        for line in [self._aggregate(lines), *lines] if lines else []:
            self._emit(line)
        self._requirements = Counter(line.verdict for line in lines)

    def invariants(self) -> list[Told]:
        """Return what the invariants saw, as scenarios."""
        return [
            invariant.told(self.plan.command)
            for invariant in self._watch.all
            if self.plan.selection.excluded(invariant.id, self.plan.target.profile)
            in {None, "not among --only"}
        ]

    def _requirement(self, row: Row) -> Requirement | None:
        scenarios = tuple(told.id for told in self._told if row.id in told.requirements)
        if not scenarios:
            return None
        return _judged(row, verdict.of_requirement(row.id, self._told), scenarios)

    def _aggregate(self, lines: list[Requirement]) -> Requirement:
        parts = [
            line
            for line in lines
            if line.extension == "core" and line.level in {"MUST", "MUST NOT"}
        ]
        scenarios = tuple(dict.fromkeys(name for line in parts for name in line.scenarios))
        return _judged(
            ledger()[AGGREGATE], verdict.worst(line.verdict for line in parts), scenarios
        )

    def _header(self) -> Header:
        hidden = redaction(self.plan.target).text
        return Header(
            format=FORMAT,
            suite_version=version("tus-conformance"),
            target=hidden(self.plan.target.url),
            seed=self.plan.seed,
            arguments=tuple(hidden(argument) for argument in self.plan.arguments),
            spec_edition=SPEC_EDITION,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def _footer(self, problem: str, seconds: float, left_behind: tuple[str, ...]) -> Footer:
        untested = bool(problem) and not self._told
        code = verdict.exit_code(self._told, strict=self.plan.strict)
        return Footer(
            counts=Counts(
                scenarios=dict(Counter(told.verdict for told in self._told)),
                requirements=dict(self._requirements),
            ),
            exit_code=verdict.UNKNOWN if untested else code,
            seconds=round(seconds, 3),
            exchanges=self._exchanges,
            problem=problem,
            left_behind=left_behind,
        )


def _judged(row: Row, outcome: Verdict, scenarios: tuple[str, ...]) -> Requirement:
    return Requirement(
        id=row.id,
        level=row.level,
        section=row.section,
        extension=row.extension,
        statement=row.statement,
        verdict=outcome,
        scenarios=scenarios,
        link=row.link,
        ambiguity=row.ambiguity,
    )
