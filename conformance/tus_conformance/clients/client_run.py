"""A run of the situations against one client, as lines of the record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version

import trio

from tus_conformance.clients.situation_run import SituationRun
from tus_conformance.evaluation.requirement_results import (
    CLIENT_CORE_REQUIREMENT,
    evaluate_client_requirements,
)
from tus_conformance.evaluation.run_exit_code import exit_code_of_run
from tus_conformance.runner.baseline import Baseline
from tus_conformance.runner.progress import NoProgress, Progress
from tus_reports import (
    FORMAT,
    Counts,
    Discovery,
    Footer,
    Header,
    RecordLine,
    RequirementResult,
    ScenarioResult,
)
from tus_scenarios import SPEC_EDITION
from tus_scenarios.situation import Situation

MAX_IDLE = 4
"""How many clients may wait for something for each job, while others take their places."""


class ClientRun:
    """A run in progress; `emit` is given each line of the record as soon as it is there.

    `jobs` situations run at once, besides those whose clients only wait: `MAX_IDLE` for each job.
    """

    def __init__(
        self,
        situation_run: SituationRun,
        situations: Sequence[Situation],
        emit: Callable[[RecordLine], None],
        *,
        jobs: int = 4,
        strict: bool = False,
        arguments: tuple[str, ...] = (),
        baseline: Baseline | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._run = situation_run
        self._situations = situations
        self._emit = emit
        self._jobs = jobs
        self._strict = strict
        self._arguments = arguments
        self._baseline = baseline or Baseline()
        self._progress = progress or NoProgress()
        self._scope = trio.CancelScope()
        self._order = {each.id: place for place, each in enumerate(situations)}
        self._waiting: dict[int, ScenarioResult] = {}
        self.results: list[ScenarioResult] = []

    def stop(self) -> None:
        """End the run early."""
        self._scope.cancel()

    async def __call__(self) -> Footer:
        """Run every situation and return the last line of the record."""
        began = trio.current_time()
        self._emit(make_header(self._target_name(), self._run.seed, self._arguments))
        self._emit(Discovery())
        with self._scope:
            await self._run_all()
        self._emit_results(in_order=False)
        requirements = evaluate_client_requirements(self.results)
        for line in requirements:
            self._emit(line)
        interrupted = self._scope.cancelled_caught
        problem = ""
        if interrupted:
            done, count = len(self.results), len(self._situations)
            problem = f"Interrupted after {done} of {count} situations."
        elif self._tried_nothing():
            problem = f"The client tried nothing. {self.results[0].reason} Check its command."
        footer = make_footer(
            self.results,
            requirements,
            self._exit_code(interrupted=interrupted, error=bool(problem)),
            trio.current_time() - began,
            problem,
        )
        self._emit(footer)
        return footer

    async def _run_all(self) -> None:
        """Run the situations, `jobs` at once; those that may take longest come first."""
        waiting = sorted(self._situations, key=lambda each: -_longest_pause(each))
        places = _Places(self._jobs)
        async with trio.open_nursery() as nursery:
            for situation in waiting:
                await places.take()
                nursery.start_soon(self._run_one, situation, places)

    async def _run_one(self, situation: Situation, places: _Places) -> None:
        with places.hold() as on_idle:
            self._progress.on_scenario_start(situation.id)
            result = await self._run.run(situation, on_idle)
            self._progress.on_scenario_end(situation.id)
            self._waiting[self._order[result.id]] = result
            self._emit_results()

    def _emit_results(self, *, in_order: bool = True) -> None:
        """Emit the results that are there in the order of the situations.

        Unless `in_order` is false, one that is not there yet keeps those after it waiting.
        """
        for place in sorted(self._waiting):
            if in_order and place != len(self.results):
                return
            result = self._waiting.pop(place)
            self.results.append(result)
            self._emit(result)

    def _tried_nothing(self) -> bool:
        """Return whether the client said of every situation that it cannot do what was asked.

        Of one without options that is not to be believed: the command may name what is not there.
        """
        plain = any(not each.options for each in self._situations)
        return plain and all(each.verdict == "not-applicable" for each in self.results)

    def _exit_code(self, *, interrupted: bool, error: bool) -> int:
        known = {e.id for e in self.results if self._baseline.covers(e, strict=self._strict)}
        return exit_code_of_run(
            self.results,
            strict=self._strict,
            known=known,
            fixed=bool(self._baseline.fixed_entries(self.results, strict=self._strict)),
            error=error,
            interrupted=interrupted,
        )

    def _target_name(self) -> str:
        profile = self._run.profile
        named = f"{profile.name} {profile.version}".strip()
        return named or " ".join(self._run.command.words)


class _Places:
    """The places of situations that run at once; one that only waits makes room for another."""

    def __init__(self, jobs: int) -> None:
        self._busy = trio.Semaphore(jobs)
        self._all = trio.Semaphore(jobs * (1 + MAX_IDLE))

    async def take(self) -> None:
        """Wait for a place."""
        await self._all.acquire()
        await self._busy.acquire()

    @contextmanager
    def hold(self) -> Iterator[Callable[[], None]]:
        """Give the place back in the end; the yielded function does so early."""
        released = False

        def release() -> None:
            nonlocal released
            if not released:
                released = True
                self._busy.release()

        try:
            yield release
        finally:
            release()
            self._all.release()


def make_header(target: str, seed: int, arguments: tuple[str, ...]) -> Header:
    """Return the first line of the record of a client."""
    return Header(
        format=FORMAT,
        suite_version=version("tus-conformance"),
        target=target,
        seed=seed,
        arguments=arguments,
        spec_edition=SPEC_EDITION,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        side="client",
    )


def make_footer(
    results: Sequence[ScenarioResult],
    requirements: Sequence[RequirementResult],
    exit_code: int,
    seconds: float,
    problem: str = "",
) -> Footer:
    """Return the last line of the record of a client."""
    return Footer(
        counts=Counts(
            scenarios=dict(Counter(each.verdict for each in results)),
            requirements=dict(
                Counter(e.verdict for e in requirements if e.id != CLIENT_CORE_REQUIREMENT)
            ),
        ),
        exit_code=exit_code,
        duration=round(seconds, 3),
        exchange_count=sum(len(a.exchanges) for each in results for a in each.attempts),
        error=problem,
    )


def _longest_pause(situation: Situation) -> float:
    return max((rule.pause for rule in situation.rules), default=0.0)
