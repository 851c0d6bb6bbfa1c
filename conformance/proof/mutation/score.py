"""`Score`: how many mutants of a module were noticed, and which were not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from proof.mutation.mutant import Mutant
from proof.mutation.mutant_run import Outcome


@dataclass
class Score:
    """What came of the mutants of a module, of which it has `total`.

    One that hangs is noticed as well: nobody would take it for the module.
    """

    module: str
    total: int
    outcomes: list[tuple[Mutant, Outcome, str]] = field(default_factory=list)

    def add(self, mutant: Mutant, outcome: Outcome, how: str) -> None:
        """Take note of what came of one."""
        self.outcomes.append((mutant, outcome, how))

    @property
    def run_count(self) -> int:
        """How many were tried."""
        return len(self.outcomes)

    @property
    def survived(self) -> list[tuple[Mutant, str]]:
        """Those that nobody noticed, with what there is to say of each."""
        return [(mutant, how) for mutant, outcome, how in self.outcomes if outcome == "survived"]

    def summary_line(self) -> str:
        """Return the score in a line."""
        killed = self.run_count - len(self.survived)
        stuck = sum(outcome == "timeout" for _, outcome, _ in self.outcomes)
        sampled = "" if self.run_count == self.total else f", a sample of {self.total}"
        hung = f", {stuck} of them hang" if stuck else ""
        return f"{killed:>5} of {self.run_count:<5} {self.module}{sampled}{hung}"


def survivor_report(scores: Iterable[Score]) -> str:
    """Return every mutant that nobody noticed, with what it changes."""
    found = [each for score in scores for each in score.survived]
    return "\n".join(f"\n{mutant.name} {how}\n{mutant.diff()}" for mutant, how in found)


def summary_sentence(scores: Iterable[Score], seed: int) -> str:
    """Return the score of all together."""
    scores = list(scores)
    tried, total = sum(s.run_count for s in scores), sum(s.total for s in scores)
    killed = tried - sum(len(score.survived) for score in scores)
    sampled = "all that there are" if tried == total else f"a sample of {total}, by seed {seed}"
    return f"\n{killed} of {tried} mutants were killed, {sampled}."
