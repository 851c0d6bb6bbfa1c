"""A run: discovery, every scenario, the invariants, the requirements, as lines of the record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version

import trio
from msgspec import structs

from tus_conformance.discovery.body_limit import BodyLimit, measure_body_limit
from tus_conformance.discovery.discovery import DiscoveryResult, discover
from tus_conformance.discovery.front_proxy import examine_front_proxy
from tus_conformance.discovery.prober import TargetUnreachable
from tus_conformance.evaluation import requirement_results, verdicts
from tus_conformance.evaluation.applicability import deselected_result, verdict_without_run
from tus_conformance.evaluation.invariant_monitor import InvariantMonitor
from tus_conformance.evaluation.run_exit_code import exit_code_of_run
from tus_conformance.execution.second_read import SECOND_READ, second_read_scenario
from tus_conformance.runner.attempts import AttemptRunner
from tus_conformance.runner.line_redaction import redact_line
from tus_conformance.runner.progress import NoProgress, Progress
from tus_conformance.runner.run_plan import RunPlan
from tus_conformance.runner.schedule import is_harsh, run_in_order
from tus_conformance.runner.selection import NOT_SELECTED
from tus_conformance.runner.server_return import ServerReturn
from tus_conformance.runner.time_use import NOTICE_TIMES, describe_longest, describe_slow_run
from tus_conformance.state.content_tally import ContentTally
from tus_conformance.state.kept_uploads import KeptUploads
from tus_conformance.state.session import Session
from tus_conformance.targets.creation_tracker import LeftBehind
from tus_conformance.targets.trace import TracedTransport
from tus_conformance.targets.transport_protocol import Transport
from tus_reports import (
    FORMAT,
    Attempt,
    Counts,
    Discovery,
    Footer,
    Header,
    RecordLine,
    ScenarioResult,
    Verdict,
)
from tus_reports.totals import count_verdicts
from tus_scenarios import SPEC_EDITION, Scenario


class Run:
    """A run in progress; `emit` is given each line of the record as soon as it is there.

    `notify` is given what the user has to know at once, in sentences. What is gentle runs first, so
    that a server that cannot bear the rest costs few results.

    `result` are the scenarios that have come out, and, in the end, the invariants.
    """

    def __init__(
        self,
        plan: RunPlan,
        route: Transport,
        emit: Callable[[RecordLine], None],
        progress: Progress | None = None,
        notify: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.plan = plan
        self._progress = progress or NoProgress()
        self._show_notice = notify
        self._route = TracedTransport(route)
        self.left_behind = LeftBehind()
        self._emit_line = emit
        self.results: list[ScenarioResult] = []
        self._monitor = InvariantMonitor(is_concurrent=plan.jobs > 1)
        self._attempt_runner = AttemptRunner(
            self._monitor,
            self._route,
            ServerReturn(self._notify, self._progress),
            is_concurrent=plan.jobs > 1,
        )
        self._contents = ContentTally()
        self._exchanges = 0
        self.problem = ""
        self._requirements: Counter[Verdict] = Counter()
        self._first_failure: str | None = None
        self._scope = trio.CancelScope()
        self._began = 0.0
        self._notice_times = list(NOTICE_TIMES)
        self._running: set[str] = set()

    async def __call__(self) -> Footer:
        """Run it all and return the last line of the record; `stop` makes it come early."""
        self._began = began = trio.current_time()
        self._emit(self._header())
        problem = ""
        time_limit = trio.move_on_after(self.plan.time_limit)
        try:
            with self._scope, time_limit:
                problem = await self._run_all()
        except TargetUnreachable as unreachable:
            problem = f"{unreachable} Nothing was tested."
            self._emit(Discovery(exchanges=unreachable.exchanges))
        if time_limit.cancelled_caught:
            problem = self._describe_time_limit()
        if self._scope.cancelled_caught:
            problem = f"Interrupted after {len(self.results)} of {self.scenario_count} scenarios."
        self._evaluate_run()
        self.problem = problem
        footer = self._footer(problem, trio.current_time() - began)
        self._emit(footer)
        return footer

    @property
    def scenario_count(self) -> int:
        """Return how many scenarios are selected, invariants included."""
        selection = self.plan.selection
        invariants = (selection.deselection_reason(each.id) for each in self._monitor.invariants)
        return len(self.plan.scenarios) + sum(reason is None for reason in invariants)

    def _describe_time_limit(self) -> str:
        """Return after how many scenarios the time was over, and which took most of it."""
        sentence = (
            f"The time limit of {self.plan.time_limit:g} s ended the run after {len(self.results)}"
            f" of {self.scenario_count} scenarios."
        )
        return f"{sentence} {describe_longest(self.results)}".strip()

    def _report_time(self) -> None:
        """Say after a minute, and now and then later, where the time of the run goes."""
        seconds = trio.current_time() - self._began
        if not self._notice_times or seconds < self._notice_times[0]:
            return
        self._notice_times = [each for each in self._notice_times if each > seconds]
        self._notify(describe_slow_run(self.results, self.scenario_count, seconds, self._running))

    def _emit(self, line: RecordLine) -> None:
        self._emit_line(redact_line(line, self.plan.target.redaction))

    def _notify(self, text: str) -> None:
        self._show_notice(self.plan.target.redaction.redact_text(text))

    def stop(self) -> None:
        """End the run: what is under way is given up, and its uploads are removed."""
        self._scope.cancel()

    async def _run_all(self) -> str:
        session = await self.open_session()
        session.kept = self.plan.kept_uploads()
        try:
            for group in _split_by_duration(sorted(self.plan.scenarios, key=is_harsh)):
                await run_in_order(
                    group,
                    self._scenario_runner(session),
                    self._add_result,
                    jobs=self.plan.jobs,
                    alongside=lambda scenario: scenario.waits,
                )
            await self._read_again(session, session.kept)
        finally:
            await session.remove_kept()
        await session.remove_left_behind()
        return self._attempt_runner.server_lost[:1].upper() + self._attempt_runner.server_lost[1:]

    async def _read_again(self, session: Session, kept: KeptUploads) -> None:
        """Read the uploads that were kept a second time, now that all scenarios have ended."""
        profile, selection = self.plan.target.profile, self.plan.selection
        excluded = selection.exclusion_reason(SECOND_READ, profile)
        lost = self._attempt_runner.server_lost or self._first_failure
        if not kept.uploads or lost or excluded not in {None, NOT_SELECTED}:
            return
        scenario = second_read_scenario(kept, profile.commands.settle)
        session.kept = None  # they stay as they are
        try:
            attempts = await self._attempt_runner.run_attempts(scenario, session)
        finally:
            session.kept = kept
        self._add_result(self._scenario_result(scenario, attempts, *verdicts.of_scenario(attempts)))

    async def open_session(self) -> Session:
        """Discover the target and return the session that the scenarios share."""
        discovered = await discover(self.plan.target, self._route, self.left_behind)
        self._exchanges += len(discovered.exchanges)
        self._apply_needs(discovered)
        discovered = await self._examine_front_proxy(discovered)
        discovered = await self._measure_body_limit(discovered)
        self._emit(discovered.to_record())
        return Session(
            target=self.plan.target,
            transport=self._route,
            discovery=discovered,
            seed=self.plan.seed,
            on_exchange=self._monitor.observe,
            on_removal=self._monitor.record_removal,
            on_server_error=self._monitor.record_server_error,
            server=self.plan.server,
            left_behind=self.left_behind,
            contents=self._contents,
            on_body_limit=self._record_body_limit,
        )

    def _apply_needs(self, discovered: DiscoveryResult) -> None:
        """Send what creations were found to need with all creations of the run, and say so."""
        needs = discovered.needs
        if needs is not None:
            self.plan = replace(self.plan, target=needs.apply(self.plan.target))
            self._notify(f"{needs.sentence} This run sends it; `init` writes it into a profile.")

    async def _examine_front_proxy(self, discovered: DiscoveryResult) -> DiscoveryResult:
        """Find what a proxy obstructs, and say so before the first scenario."""
        if not self.plan.examines_proxy:
            return discovered
        target = self.plan.target
        front = await examine_front_proxy(target, self._route, discovered, self.left_behind)
        self._exchanges += front.exchange_count
        for notice in front.all_notices:
            self._notify(notice)
        return replace(
            discovered,
            obstructed=front.obstructed,
            obstructed_requests=front.obstructed_requests,
            charged=front.charged,
            hidden=front.hidden,
            proxied_marks=front.marks,
        )

    async def _measure_body_limit(self, discovered: DiscoveryResult) -> DiscoveryResult:
        target = self.plan.target
        known = target.profile.max_body
        if known is not None:
            return replace(discovered, body_limit=BodyLimit(known, known + 1))
        if not (self.plan.large_bodies and discovered.accepts("creation")):
            return discovered
        sizes = (discovered.max_size, target.profile.max_size)
        room = min((size for size in sizes if size is not None), default=None)
        limit, exchanges = await measure_body_limit(target, self._route, room, self.left_behind)
        self._exchanges += exchanges
        self._record_body_limit(limit)
        return replace(discovered, body_limit=limit)

    def _record_body_limit(self, limit: BodyLimit) -> None:
        self._monitor.record_body_limit(limit.accepted, limit.refused, limit.exchange)

    def _scenario_runner(self, session: Session) -> Callable[[Scenario], Awaitable[ScenarioResult]]:
        async def run_scenario(scenario: Scenario) -> ScenarioResult:
            self._report_time()
            self._progress.on_scenario_start(scenario.id)
            self._running.add(scenario.id)
            result = await self.run_scenario(scenario, session)
            self._running.discard(scenario.id)
            self._progress.on_scenario_end(scenario.id)
            return result

        return run_scenario

    async def run_scenario(self, scenario: Scenario, session: Session) -> ScenarioResult:
        """Run a scenario, a second time and alone if it failed; return its result."""
        selection = self.plan.selection
        deselection = selection.deselection_reason(scenario.id)
        exclusion = selection.exclusion_reason(
            scenario.id, self.plan.target.profile, scenario.needs
        )
        if exclusion is None and self._first_failure:
            exclusion = f"not run, because {self._first_failure} failed (--fail-fast)"
        without_run = verdict_without_run(
            scenario,
            session.discovery,
            self.plan.target.profile,
            exclusion=exclusion,
            server_lost=self._attempt_runner.server_lost,
        )
        if without_run is not None:
            result = self._scenario_result(scenario, (), *without_run)
            return structs.replace(result, is_selected=deselection is None)
        attempts = await self._attempt_runner.run_attempts(scenario, session)
        result = self._scenario_result(scenario, attempts, *verdicts.of_scenario(attempts))
        if result.verdict == "fail" and self.plan.fail_fast and not self._is_known(result):
            self._first_failure = self._first_failure or scenario.id
        return result

    def _scenario_result(
        self, scenario: Scenario, attempts: tuple[Attempt, ...], outcome: Verdict, reason: str
    ) -> ScenarioResult:
        result = ScenarioResult(
            id=scenario.id,
            title=scenario.title,
            verdict=outcome,
            section=scenario.section,
            extension=scenario.extension,
            reason=reason,
            steps=scenario.prose,
            requirements=scenario.requirements,
            attempts=attempts,
            command=self.plan.reproduce_command(scenario.id),
        )
        return redact_line(result, self.plan.target.redaction)

    def _is_known(self, result: ScenarioResult) -> bool:
        return self.plan.baseline.covers(result, strict=self.plan.strict)

    def _add_result(self, result: ScenarioResult) -> None:
        known = self.plan.baseline.known_failures(result, strict=self.plan.strict)
        if known:
            result = structs.replace(result, known_failures=known)
        self.results.append(result)
        self._exchanges += sum(len(attempt.exchanges) for attempt in result.attempts)
        self._emit(result)

    def _evaluate_run(self) -> None:
        """Report what was seen over the whole run: the invariants, then the requirements."""
        if any(result.attempts for result in self.results):
            for result in self.invariant_results():
                self._add_result(result)
                self._progress.on_scenario_end(result.id)
        requirement_lines = requirement_results.evaluate_requirements(self.results)
        for line in requirement_lines:
            self._emit(line)
        self._requirements = Counter(
            line.verdict for line in requirement_lines if not line.is_aggregate
        )

    def invariant_results(self) -> list[ScenarioResult]:
        """Return what the invariants saw, as scenarios."""
        return [self._deselect_invariant(result) for result in self._selected_invariants()]

    def _selected_invariants(self) -> list[ScenarioResult]:
        return [
            invariant.result(self.plan.reproduce_command)
            for invariant in self._monitor.invariants
            if self.plan.selection.exclusion_reason(invariant.id, self.plan.target.profile)
            in {None, NOT_SELECTED}
        ]

    def _deselect_invariant(self, result: ScenarioResult) -> ScenarioResult:
        """Return an invariant that --only does not name as left out, unless it was violated."""
        reason = self.plan.selection.deselection_reason(result.id)
        if reason is None or result.verdict not in {"pass", "not-applicable"}:
            return result
        return deselected_result(result, reason)

    def _header(self) -> Header:
        redact = self.plan.target.redaction.redact_text
        return Header(
            format=FORMAT,
            suite_version=version("tus-conformance"),
            target=redact(self.plan.target.url),
            seed=self.plan.seed,
            arguments=tuple(redact(argument) for argument in self.plan.arguments),
            spec_edition=SPEC_EDITION,
            started_at=datetime.now(UTC).isoformat(timespec="seconds"),
            server_name=self.plan.target.name,
            server_version=self.plan.target.version,
            strict=self.plan.strict,
        )

    def _footer(self, problem: str, seconds: float) -> Footer:
        known = {result.id for result in self.results if self._is_known(result)}
        fixed = self.plan.baseline.fixed_entries(self.results, strict=self.plan.strict)
        code = exit_code_of_run(
            self.results,
            strict=self.plan.strict,
            known=known,
            fixed=bool(fixed),
            error=bool(problem),
            interrupted=self._scope.cancelled_caught,
        )
        return Footer(
            counts=Counts(
                scenarios=count_verdicts(self.results),
                requirements=dict(self._requirements),
            ),
            exit_code=code,
            duration=round(seconds, 3),
            exchange_count=self._exchanges,
            error=problem,
            remaining_uploads=tuple(
                map(self.plan.target.redaction.redact_text, self.left_behind.urls)
            ),
            unnamed_creations=tuple(self.left_behind.unnamed),
            fixed_failures=tuple(" ".join(entry.pair) for entry in fixed),
            complete_uploads=self._contents.complete,
            compared_uploads=self._contents.compared,
        )


def _split_by_duration(scenarios: Sequence[Scenario]) -> tuple[list[Scenario], list[Scenario]]:
    """Return the scenarios that wait for minutes apart, so that no other waits for them."""
    slow = [scenario for scenario in scenarios if "slow" in scenario.needs]
    return [scenario for scenario in scenarios if "slow" not in scenario.needs], slow
