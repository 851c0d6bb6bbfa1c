"""The items of the pytest plugin: one for each scenario and, after them, for each invariant."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trio

from tus_conformance.arguments import fresh_seed, header, seconds
from tus_conformance.dialogue.probing import Unreachable
from tus_conformance.dialogue.session import Session
from tus_conformance.judging.invariants import invariants
from tus_conformance.running.plan import Plan
from tus_conformance.running.run import Run
from tus_conformance.running.selection import Selection
from tus_conformance.target.profile import Profile, ProfileError, read_profile
from tus_conformance.target.program import ProgramError
from tus_conformance.target.route import route
from tus_conformance.target.target import TargetError, aimed
from tus_reports import Scenario as Told
from tus_reports import Verdict, finding
from tus_scenarios import Scenario, ScenarioError, scenarios

_SKIPPED: frozenset[Verdict] = frozenset({"not-applicable", "unsupported", "excluded"})
_MISTAKES = (ArgumentTypeError, ProfileError, ProgramError, TargetError, ScenarioError)
_FAILED: frozenset[Verdict] = frozenset({"fail", "error", "inconclusive", "blocked"})


class Suite:
    """The run behind the items of one pytest session; the target is discovered once."""

    def __init__(self, config: pytest.Config) -> None:
        self.strict = bool(config.getoption("--tus-strict"))
        self._plan = _plan(config)
        target = self._plan.target
        self._run = Run(self._plan, route(target), lambda _line: None)
        self._session: Session | None = None
        self._elsewhere: Mapping[str, Told | None] | None = None

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """Return the scenarios of the run."""
        return tuple(self._plan.scenarios)

    def tell(self, scenario: Scenario) -> Told:
        """Tell a scenario as a run would, and return how it came out."""
        return trio.run(self._tell, scenario)

    async def _tell(self, scenario: Scenario) -> Told:
        if self._session is None:
            self._session = await self._run.open()
        return await self._run.tell(scenario, self._session)

    def watched(self, name: str) -> Told | None:
        """Return what an invariant saw in the scenarios told so far; None if it was left out."""
        if self._elsewhere is not None:
            return self._elsewhere[name]
        return next((told for told in self._run.invariants() if told.id == name), None)

    def put_together(self, told: Mapping[str, Told | None]) -> None:
        """Take what the invariants of other processes saw for what was seen."""
        self._elsewhere = told


SUITE = pytest.StashKey[Suite]()


def prepare(config: pytest.Config) -> None:
    """Prepare the run of a session; a mistake in its options is an error of usage."""
    try:
        config.stash[SUITE] = Suite(config)
    except _MISTAKES as wrong:
        raise pytest.UsageError(str(wrong)) from None


class ScenarioFile(pytest.File):
    """Stands for every scenario of the suite."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the scenarios in the order of the specification, then the invariants."""
        suite = self.config.stash[SUITE]
        for scenario in suite.scenarios:
            yield ScenarioItem.from_parent(self, name=scenario.id, suite=suite, scenario=scenario)
        for invariant in invariants():
            yield InvariantItem.from_parent(self, name=invariant.id, suite=suite)


class _Item(pytest.Item):
    """An item that fails, skips or passes as a verdict says."""

    def __init__(self, *, suite: Suite, **known: Any) -> None:
        super().__init__(**known)
        self.suite = suite

    def conclude(self, told: Told) -> None:
        """Turn a verdict into the outcome of the item."""
        self.user_properties.append(("tus_verdict", told.verdict))
        if told.verdict in _SKIPPED:
            pytest.skip(f"{told.verdict}: {told.reason}")
        text = finding(told)
        if told.verdict in _FAILED or (told.verdict == "warn" and self.suite.strict):
            pytest.fail(text, pytrace=False)
        if told.verdict in {"warn", "note"}:
            self.add_report_section("call", told.verdict, text)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Return what pytest shows as the place of the item."""
        return self.path, None, self.name


class ScenarioItem(_Item):
    """A scenario."""

    def __init__(self, *, scenario: Scenario, **known: Any) -> None:
        super().__init__(**known)
        self.scenario = scenario

    def runtest(self) -> None:
        """Tell the scenario."""
        try:
            told = self.suite.tell(self.scenario)
        except Unreachable as unreachable:
            pytest.exit(f"{unreachable} Nothing was tested.", returncode=3)
        self.conclude(told)


class InvariantItem(_Item):
    """An invariant, over the scenarios that were told before it."""

    def runtest(self) -> None:
        """Conclude from what the invariant saw."""
        told = self.suite.watched(self.name)
        if told is None:
            pytest.skip("excluded: left out by --tus-skip or the profile")
        self.conclude(told)


def _plan(config: pytest.Config) -> Plan:
    option = config.getoption
    profile = read_profile(Path(option("--tus-profile"))) if option("--tus-profile") else Profile()
    given = tuple(header(text) for text in option("--tus-header"))
    patience = option("--tus-timeout")
    target = trio.run(
        aimed, profile, option("--tus-target"), given, seconds(patience) if patience else None
    )
    seed = option("--tus-seed")
    return Plan(
        target=target,
        scenarios=scenarios(),
        selection=Selection(
            tuple(option("--tus-only")), tuple(option("--tus-skip")), option("--tus-large")
        ),
        seed=fresh_seed() if seed is None else seed,
        reproduce=("tus-conformance", "run", "--target", option("--tus-target")),
    )
