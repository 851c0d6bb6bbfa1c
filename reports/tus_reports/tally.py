"""The sums of a run, in numbers and in sentences: by verdict, by extension, by level."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tus_reports.findings import SERIOUS, UNDETERMINED
from tus_reports.reader import Record
from tus_reports.record import VERDICTS, Requirement, Scenario, Verdict

_LEVELS = (
    "MUST",
    "MUST NOT",
    "SHALL NOT",
    "IMPLIED",
    "SHOULD",
    "SHOULD NOT",
    "should (lowercase)",
    "MAY",
    "UNSPECIFIED",
)
_HELD: frozenset[Verdict] = frozenset({"pass", "note"})
_ABSENT: frozenset[Verdict] = frozenset({"unsupported", "not-applicable", "excluded"})


@dataclass(frozen=True)
class Share:
    """How the requirements of one extension, or of one level, came out."""

    name: str
    counts: dict[Verdict, int]

    @property
    def total(self) -> int:
        """Return how many requirements there are."""
        return sum(self.counts.values())

    @property
    def judged(self) -> int:
        """Return how many requirements applied here and were looked at."""
        return sum(count for verdict, count in self.counts.items() if verdict not in _ABSENT)

    @property
    def offered(self) -> bool:
        """Tell whether the server has what this is about.

        A row or two may hold where an extension is missing: that it is not advertised, say.
        """
        held = sum(self.counts.get(verdict, 0) for verdict in _HELD)
        serious = sum(self.counts.get(verdict, 0) for verdict in SERIOUS)
        return bool(serious) or self.counts.get("unsupported", 0) <= held

    @property
    def verdict(self) -> Verdict:
        """Return the worst verdict that says something, or why there is none."""
        if not self.offered:
            return "unsupported"
        told = [verdict for verdict in VERDICTS if self.counts.get(verdict)]
        spoken = [verdict for verdict in told if verdict not in _ABSENT]
        worst = (spoken or told or ["not-applicable"])[0]
        return "pass" if worst == "note" else worst

    @property
    def sentence(self) -> str:
        """Return the verdict as a sentence."""
        return _sentence(self)


def counted(lines: Iterable[Scenario | Requirement]) -> dict[Verdict, int]:
    """Return how many lines came out how, the worst first, without the verdicts that none had."""
    counts = Counter(line.verdict for line in lines)
    return {verdict: counts[verdict] for verdict in VERDICTS if counts[verdict]}


def by_extension(requirements: Iterable[Requirement]) -> tuple[Share, ...]:
    """Return the requirements' sums for each extension, in the order of the record."""
    return _shares((row.extension, row) for row in requirements)


def by_level(requirements: Iterable[Requirement]) -> tuple[Share, ...]:
    """Return the requirements' sums for each level, the strictest first."""
    shares = _shares((row.level, row) for row in requirements)
    return tuple(sorted(shares, key=lambda share: _strictness(share.name)))


def conclusion(record: Record) -> str:
    """Return what the run came to, in a sentence."""
    footer = record.footer
    if footer is None:
        return "The run was cut short; this is what it knew by then."
    if footer.problem:
        return footer.problem
    if footer.exit_code == 4:
        return "Nothing was tested: no scenario was selected."
    counts = counted(record.requirements)
    violated = counts.get("fail", 0)
    warned = counts.get("warn", 0)
    doubtful = sum(counts.get(verdict, 0) for verdict in UNDETERMINED)
    asides = []
    if warned:
        asides.append(f"{plural(warned, 'warning')}")
    if doubtful:
        asides.append(f"{plural(doubtful, 'requirement')} undetermined")
    if counts.get("excluded"):
        asides.append(f"{plural(counts['excluded'], 'requirement')} left out")
    also = f", with {_joined(asides)}" if asides else ""
    if violated or any(scenario.verdict == "fail" for scenario in record.scenarios):
        return f"Not conformant: {plural(violated, 'requirement')} violated{also}."
    if footer.exit_code == 1:
        return f"Conformant, but --strict counts {plural(warned, 'warning')} as failures."
    undetermined = f"Undetermined: {plural(doubtful, 'requirement')} could not be judged."
    return undetermined if footer.exit_code == 3 else f"Conformant{also}."


def _strictness(level: str) -> int:
    return _LEVELS.index(level) if level in _LEVELS else len(_LEVELS)


def _joined(parts: list[str]) -> str:
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last


def plural(count: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _shares(named: Iterable[tuple[str, Requirement]]) -> tuple[Share, ...]:
    groups: dict[str, list[Requirement]] = {}
    for name, row in named:
        groups.setdefault(name, []).append(row)
    return tuple(Share(name, counted(rows)) for name, rows in groups.items())


def _sentence(share: Share) -> str:
    counts, judged = share.counts, share.judged
    if not share.offered:
        return "not offered"
    if not judged:
        return "left out" if counts.get("excluded") else "nothing here that applies"
    doubtful = sum(counts.get(verdict, 0) for verdict in UNDETERMINED)
    asides = []
    if counts.get("warn"):
        asides.append(plural(counts["warn"], "warning"))
    if doubtful:
        asides.append(f"{doubtful} undetermined")
    if counts.get("excluded"):
        asides.append(f"{counts['excluded']} left out")
    also = f"; {', '.join(asides)}" if asides else ""
    if counts.get("fail"):
        return f"violates {counts['fail']} of {plural(judged, 'requirement')}{also}"
    if doubtful:
        none = doubtful == judged
        few = "none of" if none else f"{doubtful} of"
        could = "could" if none else "could not"
        return f"undetermined: {few} {plural(judged, 'requirement')} {could} be judged"
    if judged == 1:
        return f"conformant in its one requirement{also}"
    return f"conformant in all {judged} requirements{also}"
