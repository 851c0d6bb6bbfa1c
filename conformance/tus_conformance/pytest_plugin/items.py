"""The items of the pytest plugin: one for each scenario and, after them, for each invariant."""

from __future__ import annotations

import threading
from argparse import ArgumentTypeError
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trio

from tus_conformance.discovery.prober import TargetUnreachable
from tus_conformance.evaluation.invariants import invariants
from tus_conformance.pytest_plugin.background_server import DEFAULT_URL, BackgroundServer
from tus_conformance.runner.baseline import Baseline, BaselineError, known_checks, read_baseline
from tus_conformance.runner.option_values import parse_header, parse_seconds, random_seed
from tus_conformance.runner.run import Run
from tus_conformance.runner.run_plan import RunPlan
from tus_conformance.runner.selection import Selection
from tus_conformance.runner.signals import run_until_signal
from tus_conformance.state.session import Session
from tus_conformance.targets.creation_tracker import LeftBehind
from tus_conformance.targets.profile import Profile, ProfileError, read_profile
from tus_conformance.targets.program import ProgramError
from tus_conformance.targets.server_process import ServerError
from tus_conformance.targets.target import TargetError, resolve_target
from tus_conformance.targets.target_transport import transport_for
from tus_reports import ScenarioResult, Verdict, finding_text
from tus_scenarios import Scenario, ScenarioError, scenarios

_SKIPPED: frozenset[Verdict] = frozenset({"not-applicable", "unsupported", "excluded"})
_USAGE_ERRORS = (
    ArgumentTypeError,
    BaselineError,
    ProfileError,
    ProgramError,
    TargetError,
    ScenarioError,
    ServerError,
)
_FAILED: frozenset[Verdict] = frozenset({"fail", "error", "inconclusive", "blocked"})


class PluginRun:
    """The run behind the items of one pytest session; the target is discovered once."""

    def __init__(self, config: pytest.Config) -> None:
        self.strict = bool(config.getoption("--tus-strict"))
        self._server = _start_server(config)
        self._plan = _build_plan(config, self._server)
        self.baseline = self._plan.baseline
        target = self._plan.target
        self._run = Run(self._plan, transport_for(target), lambda _line: None)
        self._session: Session | None = None
        self._worker_results: Mapping[str, ScenarioResult | None] | None = None

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """Return the scenarios of the run."""
        return tuple(self._plan.scenarios)

    def run_scenario(self, scenario: Scenario) -> ScenarioResult:
        """Run a scenario as `tus-conformance run` does and return its result.

        Raises KeyboardInterrupt after Ctrl-C, once the uploads of the scenario are removed.
        """
        result = trio.run(self._run_until_signal, scenario)
        if result is None:
            raise KeyboardInterrupt
        return result

    async def _run_until_signal(self, scenario: Scenario) -> ScenarioResult | None:
        if threading.current_thread() is not threading.main_thread():
            return await self._run_scenario(scenario)  # only the main thread receives signals
        scope = trio.CancelScope()

        async def run_scenario() -> ScenarioResult | None:
            with scope:
                return await self._run_scenario(scenario)
            return None

        return await run_until_signal(run_scenario, scope.cancel)

    async def _run_scenario(self, scenario: Scenario) -> ScenarioResult:
        if self._session is None:
            self._session = await self._run.open_session()
        return await self._run.run_scenario(scenario, self._session)

    def stop_server(self) -> None:
        """Stop the server that --tus-server-command started, if any."""
        if self._server is not None:
            self._server.stop()

    @property
    def left_behind(self) -> LeftBehind:
        """Return what the scenarios run so far left on the server."""
        return self._run.left_behind

    def remove_left_behind(self) -> None:
        """Try once more to remove the uploads that could not be removed at first."""
        if self._session is not None:
            trio.run(self._session.remove_left_behind)

    def format_left_behind(self) -> tuple[str, ...]:
        """Return lines of text about what the session left on the server."""
        return self.left_behind.lines(self._plan.target.redaction)

    def invariant_result(self, name: str) -> ScenarioResult | None:
        """Return the result of an invariant over the scenarios run so far; None if excluded."""
        if self._worker_results is not None:
            return self._worker_results[name]
        return next((result for result in self._run.invariant_results() if result.id == name), None)

    def use_worker_results(self, result: Mapping[str, ScenarioResult | None]) -> None:
        """Take what the invariants of other processes saw for what was seen."""
        self._worker_results = result


PLUGIN_RUN = pytest.StashKey[PluginRun]()


def prepare(config: pytest.Config) -> None:
    """Prepare the run of a session; a mistake in its options is an error of usage."""
    try:
        config.stash[PLUGIN_RUN] = PluginRun(config)
    except _USAGE_ERRORS as wrong:
        raise pytest.UsageError(str(wrong)) from None


class SuiteFile(pytest.File):
    """Represent every scenario of the suite."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the scenarios in the order of the specification, then the invariants."""
        plugin_run = self.config.stash[PLUGIN_RUN]
        for scenario in plugin_run.scenarios:
            yield ScenarioItem.from_parent(
                self, name=scenario.id, plugin_run=plugin_run, scenario=scenario
            )
        for invariant in invariants():
            yield InvariantItem.from_parent(self, name=invariant.id, plugin_run=plugin_run)


class _Item(pytest.Item):
    """An item that fails, skips or passes as a verdict says."""

    def __init__(self, *, plugin_run: PluginRun, **known: Any) -> None:
        super().__init__(**known)
        self.plugin_run = plugin_run

    def apply_verdict(self, result: ScenarioResult) -> None:
        """Turn a verdict into the outcome of the item."""
        self.user_properties.append(("tus_verdict", result.verdict))
        if result.verdict in _SKIPPED:
            pytest.skip(f"{result.verdict}: {result.reason}")
        text = finding_text(result)
        baseline, strict = self.plugin_run.baseline, self.plugin_run.strict
        if baseline.covers(result, strict=strict):
            pytest.xfail(f"known failure, listed in the baseline\n{text}")
        fixed = baseline.fixed_entries([result], strict=strict)
        if fixed:
            entries = ", ".join(f"line {entry.line} ({' '.join(entry.pair)})" for entry in fixed)
            pytest.fail(f"A known failure passes now: delete {entries} of the baseline.", False)
        if result.verdict in _FAILED or (result.verdict == "warn" and self.plugin_run.strict):
            pytest.fail(text, pytrace=False)
        if result.verdict in {"warn", "note"}:
            self.add_report_section("call", result.verdict, text)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Return what pytest shows as the place of the item."""
        return self.path, None, self.name


class ScenarioItem(_Item):
    """A scenario."""

    def __init__(self, *, scenario: Scenario, **known: Any) -> None:
        super().__init__(**known)
        self.scenario = scenario

    def runtest(self) -> None:
        """Run the scenario."""
        try:
            result = self.plugin_run.run_scenario(self.scenario)
        except TargetUnreachable as unreachable:
            pytest.exit(f"{unreachable} Nothing was tested.", returncode=3)
        self.apply_verdict(result)


class InvariantItem(_Item):
    """An invariant, over the scenarios that ran before it."""

    def runtest(self) -> None:
        """Conclude from what the invariant saw."""
        result = self.plugin_run.invariant_result(self.name)
        if result is None:
            pytest.skip("excluded: by --tus-skip or the profile")
        self.apply_verdict(result)


def _start_server(config: pytest.Config) -> BackgroundServer | None:
    """Start the server of --tus-server-command, except where only workers of xdist run tests."""
    command = config.getoption("--tus-server-command")
    distributes = config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput")
    if not command or distributes:
        return None
    server = BackgroundServer(command, config.getoption("--tus-target"))
    server.start()
    return server


def _target_url(config: pytest.Config, server: BackgroundServer | None) -> str | None:
    if server is not None:
        return server.url
    url: str | None = config.getoption("--tus-target")
    command = config.getoption("--tus-server-command")
    # The main process of xdist sends no requests: any port will do for its target.
    return (url or DEFAULT_URL).replace("{port}", "0") if command else url


def _build_plan(config: pytest.Config, server: BackgroundServer | None) -> RunPlan:
    option = config.getoption
    profile = read_profile(Path(option("--tus-profile"))) if option("--tus-profile") else Profile()
    extra_headers = tuple(parse_header(text) for text in option("--tus-header"))
    patience = option("--tus-timeout")
    target = trio.run(
        resolve_target,
        profile,
        _target_url(config, server),
        extra_headers,
        parse_seconds(patience) if patience else None,
    )
    known = option("--tus-baseline")
    seed = option("--tus-seed")
    return RunPlan(
        target=target,
        scenarios=scenarios(thorough=option("--tus-thorough")),
        selection=Selection(
            tuple(option("--tus-only")),
            tuple(option("--tus-skip")),
            option("--tus-large"),
            option("--tus-thorough"),
            option("--tus-slow"),
        ),
        seed=random_seed() if seed is None else seed,
        strict=bool(option("--tus-strict")),
        baseline=read_baseline(Path(known), known_checks()) if known else Baseline(),
        command_prefix=("tus-conformance", "run", target.url),
        large_bodies=True,
        examines_proxy=True,
    )
