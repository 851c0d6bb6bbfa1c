"""A run: discovery, every scenario, the invariants, the requirements, as lines of the record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from importlib.metadata import version

import trio
from msgspec import structs

from tus_conformance.dialogue.discovery import discover
from tus_conformance.dialogue.probing import Unreachable
from tus_conformance.dialogue.session import Session
from tus_conformance.judging import verdict
from tus_conformance.judging.invariants import Watch
from tus_conformance.running import rows
from tus_conformance.running.plan import Plan
from tus_conformance.running.progress import Progress, Unseen
from tus_conformance.running.schedule import in_order
from tus_conformance.running.selection import inapplicable
from tus_conformance.running.trial import Trial
from tus_conformance.target.route import Route
from tus_conformance.target.trace import Traced
from tus_reports import FORMAT, Attempt, Counts, Footer, Header, Line, Verdict
from tus_reports import Scenario as Told
from tus_scenarios import SPEC_EDITION, Scenario


class Run:
    """A run in progress; `emit` is given each line of the record as soon as it is there.

    `told` are the scenarios that have come out, and, in the end, the invariants.
    """

    def __init__(
        self,
        plan: Plan,
        route: Route,
        emit: Callable[[Line], None],
        progress: Progress | None = None,
    ) -> None:
        self.plan = plan
        self._progress = progress or Unseen()
        self._route = Traced(route)
        self._left_behind: list[str] = []
        self._emit = emit
        self.told: list[Told] = []
        self._watch = Watch()
        self._trial = Trial(self._watch, self._route)
        self._exchanges = 0
        self._requirements: Counter[Verdict] = Counter()
        self._failed_fast: str | None = None
        self._scope = trio.CancelScope()

    async def __call__(self) -> Footer:
        """Run it all and return the last line of the record; `stop` makes it come early."""
        began = trio.current_time()
        self._emit(self._header())
        problem = ""
        try:
            with self._scope:
                problem = await self._all()
        except Unreachable as unreachable:
            problem = f"{unreachable} Nothing was tested."
        if self._scope.cancelled_caught:
            problem = f"Interrupted after {len(self.told)} of {len(self.plan.scenarios)} scenarios."
        self._look_back()
        footer = self._footer(problem, trio.current_time() - began)
        self._emit(footer)
        return footer

    def stop(self) -> None:
        """End the run: what is under way is given up, and its uploads are removed."""
        self._scope.cancel()

    async def _all(self) -> str:
        session = await self.open()
        await in_order(
            self.plan.scenarios, self._tell_with(session), self._done, jobs=self.plan.jobs
        )
        await session.sweep()
        return self._trial.lost[:1].upper() + self._trial.lost[1:]

    async def open(self) -> Session:
        """Discover the target and return the session that the scenarios share."""
        discovered = await discover(self.plan.target, self._route, self._left_behind)
        self._exchanges += len(discovered.exchanges)
        self._emit(discovered.record())
        return Session(
            target=self.plan.target,
            wire=self._route,
            discovery=discovered,
            seed=self.plan.seed,
            observe=self._watch.observe,
            server=self.plan.server,
            left_behind=self._left_behind,
        )

    def _tell_with(self, session: Session) -> Callable[[Scenario], Awaitable[Told]]:
        async def tell(scenario: Scenario) -> Told:
            self._progress.begins(scenario.id)
            told = await self.tell(scenario, session)
            self._progress.ends(scenario.id)
            return told

        return tell

    async def tell(self, scenario: Scenario, session: Session) -> Told:
        """Tell a scenario, a second time and alone where it failed; return how it came out."""
        left_out = self.plan.selection.excluded(
            scenario.id, self.plan.target.profile, scenario.needs
        )
        if left_out is None and self._failed_fast:
            left_out = f"not run, since {self._failed_fast} failed (--fail-fast)"
        if left_out is not None:
            return self._line(scenario, (), "excluded", left_out)
        passed_over = inapplicable(scenario, session.discovery, self.plan.target.profile)
        if passed_over is not None:
            return self._line(scenario, (), *passed_over)
        if self._trial.lost:
            return self._line(scenario, (), "error", f"Not run: {self._trial.lost}")
        attempts = await self._trial.attempts(scenario, session)
        told = self._line(scenario, attempts, *verdict.of_scenario(attempts))
        if told.verdict == "fail" and self.plan.fail_fast and not self._known(told):
            self._failed_fast = self._failed_fast or scenario.id
        return told

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

    def _known(self, told: Told) -> bool:
        return self.plan.baseline.knows(told, strict=self.plan.strict)

    def _done(self, told: Told) -> None:
        if self.plan.baseline.entries and self._known(told):
            reason = f"{told.reason} Known: the baseline has it.".strip()
            told = structs.replace(told, reason=reason)
        self.told.append(told)
        self._exchanges += sum(len(attempt.exchanges) for attempt in told.attempts)
        self._emit(told)

    def _look_back(self) -> None:
        """Report what was seen over the whole run: the invariants, then the requirements."""
        if any(told.attempts for told in self.told):
            for told in self.invariants():
                self._done(told)
        judged = rows.judged(self.told)
        for line in judged:
            self._emit(line)
        self._requirements = Counter(line.verdict for line in judged if line.id != rows.AGGREGATE)

    def invariants(self) -> list[Told]:
        """Return what the invariants saw, as scenarios."""
        return [
            invariant.told(self.plan.command)
            for invariant in self._watch.all
            if self.plan.selection.excluded(invariant.id, self.plan.target.profile)
            in {None, "not among --only"}
        ]

    def _header(self) -> Header:
        hidden = self.plan.target.redaction.text
        return Header(
            format=FORMAT,
            suite_version=version("tus-conformance"),
            target=hidden(self.plan.target.url),
            seed=self.plan.seed,
            arguments=tuple(hidden(argument) for argument in self.plan.arguments),
            spec_edition=SPEC_EDITION,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def _footer(self, problem: str, seconds: float) -> Footer:
        known = {told.id for told in self.told if self._known(told)}
        code = verdict.exit_code(self.told, strict=self.plan.strict, known=known)
        if self.plan.baseline.fixed(self.told, strict=self.plan.strict):
            code = verdict.FAILED
        if self._scope.cancelled_caught:
            code = verdict.INTERRUPTED
        elif problem and code != verdict.FAILED:
            code = verdict.UNKNOWN
        return Footer(
            counts=Counts(
                scenarios=dict(Counter(told.verdict for told in self.told)),
                requirements=dict(self._requirements),
            ),
            exit_code=code,
            seconds=round(seconds, 3),
            exchanges=self._exchanges,
            problem=problem,
            left_behind=tuple(map(self.plan.target.redaction.text, self._left_behind)),
        )
