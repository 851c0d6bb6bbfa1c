"""`run`: the suite as a function, for programs and test suites of others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tus_conformance.runner.option_values import random_seed
from tus_conformance.runner.run import Run
from tus_conformance.runner.run_plan import RunPlan
from tus_conformance.runner.selection import Selection
from tus_conformance.targets.profile import Profile, read_profile
from tus_conformance.targets.target import resolve_target
from tus_conformance.targets.target_transport import transport_for
from tus_reports import RecordLine, RequirementResult, ScenarioResult
from tus_scenarios import scenarios


@dataclass(frozen=True)
class RunResult:
    """The result of a run of the suite.

    `exit_code` is that of `tus-conformance run`: 0 conformant, 1 violated, 3 undetermined, 4
    nothing selected. `error` says why a run ended early, or is empty. `lines` are those of the
    record; write them with `tus_reports.RecordWriter` to make reports from them.
    """

    exit_code: int
    error: str
    lines: tuple[RecordLine, ...]

    @property
    def scenarios(self) -> tuple[ScenarioResult, ...]:
        """Return the results of the scenarios and the invariants, in the order of completion."""
        return tuple(line for line in self.lines if isinstance(line, ScenarioResult))

    @property
    def requirements(self) -> tuple[RequirementResult, ...]:
        """Return the requirements that were checked, in the order of the specification."""
        return tuple(line for line in self.lines if isinstance(line, RequirementResult))


async def run(
    url: str | None = None,
    *,
    only: Sequence[str] = (),
    skip: Sequence[str] = (),
    profile: Profile | Path | None = None,
    headers: Sequence[tuple[str, str]] = (),
    jobs: int = 1,
    seed: int | None = None,
    timeout: float | None = None,  # noqa: ASYNC109  (of each response, not of this call)
    large: bool = False,
    thorough: bool = False,
    slow: bool = False,
    strict: bool = False,
    fail_fast: bool = False,
    on_result: Callable[[ScenarioResult], None] | None = None,
) -> RunResult:
    """Run the suite against a tus server and return the result.

    Call it in trio: `trio.run(tus_conformance.run, "http://127.0.0.1:1080/files/")`. Cancelling it
    removes the uploads that the run created.

    Parameters:
        url: where the server creates uploads; by default the `url` of the profile.
        only, skip: globs of scenario ids; by default every scenario runs.
        profile: facts about the server, or the TOML file that has them.
        headers: names and values to send with every request; the record omits the values.
        jobs: how many scenarios run at once, from 1.
        seed: makes the contents of uploads; by default a random one, which the record states.
        timeout: seconds to wait for a server that makes no progress; by default that of the
            profile, or 10.
        large: include scenarios that transfer gigabytes.
        thorough: include every combination and value, not a sample that covers each pair.
        slow: include scenarios that wait for half a minute to two minutes.
        strict: count warnings as failures in the exit code.
        fail_fast: stop after the first failure.
        on_result: called with the result of each scenario that is not excluded, when it is known.

    Raises TargetError for a URL that cannot be used, ProfileError for a wrong profile, ProgramError
    if a command of the profile fails. If the server cannot be reached, nothing is raised: the exit
    code is 3, and `error` says why.
    """
    facts = read_profile(profile) if isinstance(profile, Path) else profile or Profile()
    target = await resolve_target(facts, url, tuple(headers), timeout)
    lines: list[RecordLine] = []

    def emit(line: RecordLine) -> None:
        lines.append(line)
        if on_result is None or not isinstance(line, ScenarioResult):
            return
        if line.verdict != "excluded":
            on_result(line)

    plan = RunPlan(
        target=target,
        scenarios=scenarios(thorough=thorough),
        selection=Selection(tuple(only), tuple(skip), large, thorough, slow),
        seed=random_seed() if seed is None else seed,
        jobs=jobs,
        strict=strict,
        fail_fast=fail_fast,
        large_bodies=True,
        examines_proxy=True,
        command_prefix=("tus-conformance", "run", "--target", target.url),
    )
    footer = await Run(plan, transport_for(target), emit)()
    return RunResult(footer.exit_code, footer.error, tuple(lines))
