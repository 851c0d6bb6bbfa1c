"""The search: hypothesis makes up stories, the engine tells them, and what is wrong is shrunk.

Once a disagreement is found, the kind of move that it takes is left out, and the search goes on for
others. A finding counts only if it shows itself again each time it is told.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import trio

from tus_conformance.dialogue.session import Session
from tus_conformance.explorer.finding import Finding, scenario_of
from tus_conformance.explorer.move import Kind, Move
from tus_conformance.explorer.story import KINDS
from tus_conformance.judging.invariants import Watch
from tus_conformance.judging.verdict import UNDETERMINED
from tus_conformance.running.selection import inapplicable
from tus_conformance.target.server import ServerError
from tus_conformance.telling.replay import replay
from tus_reports import Attempt, Check
from tus_scenarios import Scenario

LONGEST = 20
"""The most moves of a story."""

AGAIN = 3
"""How often a finding is told again before it counts."""

SHRINKING = 60.0
"""How long a disagreement is shrunk, in seconds."""

_WEIGHT = 4


class MissingError(Exception):
    """Hypothesis is not installed; the message says how to get it."""


class LostError(Exception):
    """The server does not answer any more."""


class _DisagreementError(Exception):
    """What tells hypothesis that a story came out wrong."""


@dataclass
class Found:
    """What a search has found; `undetermined` stories could not be told to their end."""

    findings: list[Finding] = field(default_factory=list)
    unsteady: list[Finding] = field(default_factory=list)
    undetermined: list[str] = field(default_factory=list)
    stories: int = 0
    exchanges: int = 0
    lost: str = ""


class Search:
    """A search on one server; `tell` is told of each finding as soon as it is there."""

    def __init__(
        self,
        session: Session,
        *,
        seed: int,
        examples: int,
        tell: Callable[[Finding], None] = lambda _finding: None,
    ) -> None:
        self.found = Found()
        self._session = session
        self._seed = seed
        self._examples = examples
        self._tell = tell
        self._kinds = [kind for kind in KINDS.values() if self._possible(kind)]
        self._shortest: Finding | None = None
        self._until = 0.0

    async def __call__(self) -> Found:
        """Search until every story has been told, or nothing is left that could be tried."""
        try:
            while self._kinds and self.found.stories < self._examples:
                finding = await trio.to_thread.run_sync(self._hunt)
                if finding is None:
                    break
                await self._settle(finding)
        except LostError as lost:
            self.found.lost = str(lost)
        await self._session.sweep()
        return self.found

    async def _settle(self, finding: Finding) -> None:
        """Count a finding if it shows itself again, and go on without its kind."""
        finding = await self._trimmed(finding)
        again = [await self._told(finding.moves) for _ in range(AGAIN)]
        # How soon a server ends after what ends it is a matter of chance, so once more is enough.
        shown = any(again) if finding.fell else all(again)
        if shown:
            self.found.findings.append(finding)
            self._tell(finding)
        else:
            self.found.unsteady.append(finding)
        spent = finding.remarkable
        # Where plain moves go wrong there is nothing to be learnt from the others.
        self._kinds = [kind for kind in self._kinds if spent and kind.name != spent]

    async def _trimmed(self, finding: Finding) -> Finding:
        """Leave out one move after the other, as long as the same requirement comes out wrong."""
        at = 0
        while at < len(finding.moves):
            fewer = await self._told(finding.moves[:at] + finding.moves[at + 1 :])
            if fewer is not None and fewer.check.requirement == finding.check.requirement:
                finding = fewer
            else:
                at += 1
        return finding

    def _possible(self, kind: Kind) -> bool:
        story = replace(scenario_of(()), needs=kind.needs)
        session = self._session
        return inapplicable(story, session.discovery, session.target.profile) is None

    def _hunt(self) -> Finding | None:
        """Let hypothesis look for one disagreement, and shrink it; runs in a thread of its own."""
        self._shortest = None
        hypothesis, stories = _hypothesis(self._kinds)
        agree = hypothesis.given(stories)(self._agrees)
        agree = hypothesis.seed(f"{self._seed} {len(self._kinds)}")(agree)
        quietly = hypothesis.settings(
            max_examples=self._examples - self.found.stories,
            database=None,
            deadline=None,
            phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
            suppress_health_check=list(hypothesis.HealthCheck),
            report_multiple_bugs=False,
            print_blob=False,
            verbosity=hypothesis.Verbosity.quiet,
        )
        with suppress(_DisagreementError, hypothesis.errors.Flaky):
            quietly(agree)()
        return self._shortest

    def _agrees(self, moves: Sequence[Move]) -> None:
        """Tell a story from hypothesis' thread; raise where it comes out wrong."""
        if (
            self._shortest is not None
            and trio.from_thread.run_sync(trio.current_time) > self._until
        ):
            return  # long enough; the shortest so far will do
        finding = trio.from_thread.run(self._told, tuple(moves))
        if self._shortest is None:
            self.found.stories += 1
        if finding is None:
            return
        if self._shortest is None:
            self._until = trio.from_thread.run_sync(trio.current_time) + SHRINKING
        if self._shortest is None or len(finding.steps) <= len(self._shortest.steps):
            self._shortest = finding
        raise _DisagreementError

    async def _told(self, moves: tuple[Move, ...]) -> Finding | None:
        """Tell a story; return a finding where it came out wrong."""
        scenario = scenario_of(moves)
        if not scenario.steps:
            return None
        watch = Watch()
        session = replace(self._session, observe=watch.observe)
        attempt = await replay(scenario, session)
        self.found.exchanges += len(attempt.exchanges)
        sound = attempt.verdict in {"pass", "note"} and not session.fallen
        how = "" if sound else await self._pick_up()
        check = _wrong(attempt, watch, scenario) or (_fallen(how) if how else None)
        if attempt.verdict in UNDETERMINED and check is None:
            self.found.undetermined.append(attempt.reason)
        return None if check is None else Finding(moves, attempt, check, self._seed)

    async def _pick_up(self) -> str:
        """Start a server again that went away, and return how it ended; raise LostError."""
        session = self._session
        if not session.fallen and await session.answers():
            return ""
        if session.server is None:
            raise LostError("The server stopped answering.")
        try:
            return await session.server.restart()
        except ServerError as failed:
            raise LostError(str(failed)) from None


def _wrong(attempt: Attempt, watch: Watch, scenario: Scenario) -> Check | None:
    """Return the first check that failed, or else the damage that an invariant saw."""
    failed = next((check for check in attempt.checks if check.grade == "fail"), None)
    if failed is not None:
        return failed
    seen = [each.told(lambda _: scenario.id) for each in watch.all]
    return next(
        (
            check
            for told in seen
            for attempt in told.attempts
            for check in attempt.checks
            if check.damage
        ),
        None,
    )


def _fallen(how: str) -> Check:
    """Return that a server ended; as everywhere in the suite, this weighs a warn."""
    return Check(
        requirement="core.net.detect-errors",
        outcome="violated",
        grade="warn",
        expected="the server goes on running, whatever clients do",
        actual=how.rstrip("."),
    )


def _hypothesis(kinds: Sequence[Kind]) -> tuple[Any, Any]:
    """Return the library, and the strategy for stories; raise MissingError without it."""
    try:
        import hypothesis
        import hypothesis.strategies as some
    except ImportError:
        raise MissingError(
            "The explorer needs hypothesis: pip install 'tus-conformance[explore]'."
        ) from None
    often = [kind.name for kind in kinds for _ in range(_WEIGHT if kind.plain else 1)]
    move = some.builds(
        Move,
        kind=some.sampled_from(often),
        who=some.integers(0, 2),
        size=some.integers(0, 40),
        shape=some.integers(0, 11),
    )
    # Lists are short on the average; two of them make a story in which something can happen.
    half = some.lists(move, max_size=LONGEST // 2)
    return hypothesis, some.builds(operator.add, half, half)
