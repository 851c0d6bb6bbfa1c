"""The search: hypothesis generates sequences, the engine runs them, and failures are shrunk.

Once a disagreement is found, the kind of move that it takes is left out, and the search goes on for
others. A disagreement counts only if it recurs on every repetition.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import trio

from tus_conformance.evaluation.applicability import inapplicable
from tus_conformance.evaluation.invariant import server_exit_check
from tus_conformance.evaluation.invariant_monitor import InvariantMonitor
from tus_conformance.evaluation.verdicts import UNDETERMINED
from tus_conformance.execution.steps import execute_scenario
from tus_conformance.explorer.disagreement import Disagreement, scenario_from_moves
from tus_conformance.explorer.move import Move, MoveKind
from tus_conformance.explorer.sequence import MOVE_KINDS
from tus_conformance.state.session import CURE, Session
from tus_conformance.targets.server_process import ServerError
from tus_reports import Attempt, Check

MAX_MOVES = 20
"""The largest number of moves in a sequence."""

REPEATS = 3
"""How often a disagreement is repeated before it counts."""

SHRINK_SECONDS = 60.0
"""How long a disagreement is shrunk, in seconds."""

_PLAIN_WEIGHT = 4


class MissingError(Exception):
    """Hypothesis is not installed; the message says how to get it."""


class ServerLostError(Exception):
    """The server does not answer any more."""


class _DisagreementError(Exception):
    """Raised to report a failed sequence to hypothesis."""


@dataclass
class SearchResult:
    """The result of a search; `undetermined` sequences could not be completed."""

    disagreements: list[Disagreement] = field(default_factory=list)
    flaky: list[Disagreement] = field(default_factory=list)
    undetermined: list[str] = field(default_factory=list)
    sequences: int = 0
    exchanges: int = 0
    server_lost: str = ""


class Search:
    """A search on one server; `on_disagreement` is called with each disagreement found."""

    def __init__(
        self,
        session: Session,
        *,
        seed: int,
        examples: int,
        on_disagreement: Callable[[Disagreement], None] = lambda _finding: None,
    ) -> None:
        self.found = SearchResult()
        self._session = session
        self._seed = seed
        self._examples = examples
        self._on_disagreement = on_disagreement
        self._kinds = [kind for kind in MOVE_KINDS.values() if self._is_possible(kind)]
        self._shortest: Disagreement | None = None
        self._until = 0.0

    async def __call__(self) -> SearchResult:
        """Search until every sequence has run, or nothing is left to try."""
        try:
            while self._kinds and self.found.sequences < self._examples:
                disagreement = await trio.to_thread.run_sync(self._search_once)
                if disagreement is None:
                    break
                await self._confirm(disagreement)
        except ServerLostError as server_lost:
            self.found.server_lost = str(server_lost)
        await self._session.remove_left_behind()
        return self.found

    async def _confirm(self, disagreement: Disagreement) -> None:
        """Count a finding if it shows itself again, and go on without its kind."""
        disagreement = await self._shrink_moves(disagreement)
        again = [await self._run_moves(disagreement.moves) for _ in range(REPEATS)]
        # How soon a server ends after what ends it is a matter of chance, so once more is enough.
        shown = any(again) if disagreement.server_exited else all(again)
        if shown:
            self.found.disagreements.append(disagreement)
            self._on_disagreement(disagreement)
        else:
            self.found.flaky.append(disagreement)
        spent = disagreement.blamed_kind
        # Where plain moves go wrong there is nothing to be learnt from the others.
        self._kinds = [kind for kind in self._kinds if spent and kind.name != spent]

    async def _shrink_moves(self, disagreement: Disagreement) -> Disagreement:
        """Leave out one move after the other, as long as the same requirement comes out wrong."""
        at = 0
        while at < len(disagreement.moves):
            fewer = await self._run_moves(disagreement.moves[:at] + disagreement.moves[at + 1 :])
            if fewer is not None and fewer.check.requirement == disagreement.check.requirement:
                disagreement = fewer
            else:
                at += 1
        return disagreement

    def _is_possible(self, kind: MoveKind) -> bool:
        probe_scenario = replace(scenario_from_moves(()), needs=kind.needs)
        session = self._session
        return inapplicable(probe_scenario, session.discovery, session.target.profile) is None

    def _search_once(self) -> Disagreement | None:
        """Let hypothesis look for one disagreement, and shrink it; runs in a thread of its own."""
        self._shortest = None
        hypothesis, sequences = _hypothesis(self._kinds)
        agree = hypothesis.given(sequences)(self._check_moves)
        agree = hypothesis.seed(f"{self._seed} {len(self._kinds)}")(agree)
        quietly = hypothesis.settings(
            max_examples=self._examples - self.found.sequences,
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

    def _check_moves(self, moves: Sequence[Move]) -> None:
        """Run a sequence from hypothesis' thread; raise if it fails."""
        if (
            self._shortest is not None
            and trio.from_thread.run_sync(trio.current_time) > self._until
        ):
            return  # long enough; the shortest so far will do
        disagreement = trio.from_thread.run(self._run_moves, tuple(moves))
        if self._shortest is None:
            self.found.sequences += 1
        if disagreement is None:
            return
        if self._shortest is None:
            self._until = trio.from_thread.run_sync(trio.current_time) + SHRINK_SECONDS
        if self._shortest is None or len(disagreement.steps) <= len(self._shortest.steps):
            self._shortest = disagreement
        raise _DisagreementError

    async def _run_moves(self, moves: tuple[Move, ...]) -> Disagreement | None:
        """Run a sequence; return a disagreement if it failed."""
        scenario = scenario_from_moves(moves)
        if not scenario.steps:
            return None
        monitor = InvariantMonitor()
        session = replace(self._session, on_exchange=monitor.observe)
        attempt = await execute_scenario(scenario, session)
        self.found.exchanges += len(attempt.exchanges)
        passed = attempt.verdict in {"pass", "note"} and not session.server_exited
        exit_description = "" if passed else await self._restart_server()
        check = _first_failure(attempt, monitor)
        if check is None and exit_description:
            check = server_exit_check(exit_description.rstrip("."))
        if attempt.verdict in UNDETERMINED and check is None:
            self.found.undetermined.append(attempt.reason)
        return None if check is None else Disagreement(moves, attempt, check, self._seed)

    async def _restart_server(self) -> str:
        """Start a server again that went away, and return how it ended; raise LostError."""
        session = self._session
        if not session.server_exited and await session.wait_until_responsive():
            return ""
        if session.server is None:
            raise ServerLostError(f"The server stopped responding. {CURE}")
        try:
            return await session.server.restart()
        except ServerError as failed:
            raise ServerLostError(str(failed)) from None


def _first_failure(attempt: Attempt, monitor: InvariantMonitor) -> Check | None:
    """Return the first check that failed, or else what an invariant alone sees."""
    failed = next((check for check in attempt.checks if check.grade == "fail"), None)
    return failed or monitor.find_failure()


def _hypothesis(kinds: Sequence[MoveKind]) -> tuple[Any, Any]:
    """Return hypothesis and the strategy for sequences; raise MissingError without it."""
    try:
        import hypothesis
        import hypothesis.strategies as some
    except ImportError:
        raise MissingError("The explorer needs hypothesis: pip install hypothesis.") from None
    often = [kind.name for kind in kinds for _ in range(_PLAIN_WEIGHT if kind.plain else 1)]
    move = some.builds(
        Move,
        kind=some.sampled_from(often),
        who=some.integers(0, 2),
        size=some.integers(0, 40),
        shape=some.integers(0, 11),
    )
    # Lists are short on average; two of them make a sequence in which something can happen.
    half = some.lists(move, max_size=MAX_MOVES // 2)
    return hypothesis, some.builds(operator.add, half, half)
