"""The sums of a run, in numbers and in sentences: by verdict, by extension, by level."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tus_reports.findings import SERIOUS, UNDETERMINED
from tus_reports.record import VERDICTS, RequirementResult, ScenarioResult, Verdict
from tus_reports.record_reader import Record

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
_PASSING: frozenset[Verdict] = frozenset({"pass", "note"})
_NOT_EVALUATED: frozenset[Verdict] = frozenset({"unsupported", "not-applicable", "excluded"})


@dataclass(frozen=True)
class GroupTotals:
    """How the requirements of one extension, or of one level, came out."""

    name: str
    counts: dict[Verdict, int]

    @property
    def total(self) -> int:
        """Return how many requirements there are."""
        return sum(self.counts.values())

    @property
    def evaluated(self) -> int:
        """Return how many requirements applied here and were looked at."""
        return sum(count for verdict, count in self.counts.items() if verdict not in _NOT_EVALUATED)

    @property
    def is_offered(self) -> bool:
        """Return whether the server has what this is about.

        A row or two may hold where an extension is missing: that it is not advertised, say.
        """
        held = sum(self.counts.get(verdict, 0) for verdict in _PASSING)
        serious = sum(self.counts.get(verdict, 0) for verdict in SERIOUS)
        return bool(serious) or self.counts.get("unsupported", 0) <= held

    @property
    def verdict(self) -> Verdict:
        """Return the worst verdict that says something, or why there is none."""
        if not self.is_offered:
            return "unsupported"
        present = [verdict for verdict in VERDICTS if self.counts.get(verdict)]
        evaluated = [verdict for verdict in present if verdict not in _NOT_EVALUATED]
        worst = (evaluated or present or ["not-applicable"])[0]
        return "pass" if worst == "note" else worst

    @property
    def sentence(self) -> str:
        """Return the verdict as a sentence."""
        return _totals_sentence(self)


def count_verdicts(lines: Iterable[ScenarioResult | RequirementResult]) -> dict[Verdict, int]:
    """Return how many lines came out how, the worst first, without the verdicts that none had."""
    counts = Counter(line.verdict for line in lines)
    return {verdict: counts[verdict] for verdict in VERDICTS if counts[verdict]}


def totals_by_extension(requirements: Iterable[RequirementResult]) -> tuple[GroupTotals, ...]:
    """Return the requirements' sums for each extension, in the order of the record."""
    return _group_totals((requirement.extension, requirement) for requirement in requirements)


def totals_by_level(requirements: Iterable[RequirementResult]) -> tuple[GroupTotals, ...]:
    """Return the requirements' sums for each level, the strictest first."""
    shares = _group_totals((requirement.level, requirement) for requirement in requirements)
    return tuple(sorted(shares, key=lambda totals: _level_rank(totals.name)))


def conclusion_sentence(record: Record) -> str:
    """Return what the run came to, in a sentence."""
    footer = record.footer
    if footer is None:
        return "The run was cut short; these are its results until then."
    if footer.error:
        return footer.error
    if footer.exit_code == 4:
        return "Nothing was tested: no scenario was selected."
    counts = count_verdicts(record.requirements)
    violated = counts.get("fail", 0)
    warned = counts.get("warn", 0)
    undetermined_count = sum(counts.get(verdict, 0) for verdict in UNDETERMINED)
    qualifiers = []
    if warned:
        qualifiers.append(f"{pluralize(warned, 'warning')}")
    if undetermined_count:
        qualifiers.append(f"{pluralize(undetermined_count, 'requirement')} undetermined")
    if counts.get("excluded"):
        qualifiers.append(f"{pluralize(counts['excluded'], 'requirement')} excluded")
    suffix = f", with {_join_words(qualifiers)}" if qualifiers else ""
    if violated or any(scenario.verdict == "fail" for scenario in record.scenarios):
        return f"Not conformant: {pluralize(violated, 'requirement')} violated{suffix}."
    if footer.exit_code == 1:
        return f"Conformant, but --strict counts {pluralize(warned, 'warning')} as failures."
    undetermined = (
        f"Undetermined: {pluralize(undetermined_count, 'requirement')} could not be evaluated."
    )
    return undetermined if footer.exit_code == 3 else f"Conformant{suffix}."


def _level_rank(level: str) -> int:
    return _LEVELS.index(level) if level in _LEVELS else len(_LEVELS)


def _join_words(parts: list[str]) -> str:
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last


def pluralize(count: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _group_totals(named: Iterable[tuple[str, RequirementResult]]) -> tuple[GroupTotals, ...]:
    groups: dict[str, list[RequirementResult]] = {}
    for name, requirement in named:
        groups.setdefault(name, []).append(requirement)
    return tuple(GroupTotals(name, count_verdicts(rows)) for name, rows in groups.items())


def _totals_sentence(totals: GroupTotals) -> str:
    counts, judged = totals.counts, totals.evaluated
    if not totals.is_offered:
        return "not offered"
    if not judged:
        return "excluded" if counts.get("excluded") else "nothing applies"
    undetermined_count = sum(counts.get(verdict, 0) for verdict in UNDETERMINED)
    qualifiers = []
    if counts.get("warn"):
        qualifiers.append(pluralize(counts["warn"], "warning"))
    if undetermined_count:
        qualifiers.append(f"{undetermined_count} undetermined")
    if counts.get("excluded"):
        qualifiers.append(f"{counts['excluded']} excluded")
    suffix = f"; {', '.join(qualifiers)}" if qualifiers else ""
    if counts.get("fail"):
        return f"violates {counts['fail']} of {pluralize(judged, 'requirement')}{suffix}"
    if undetermined_count:
        none = undetermined_count == judged
        few = "none of" if none else f"{undetermined_count} of"
        could = "could" if none else "could not"
        return f"undetermined: {few} {pluralize(judged, 'requirement')} {could} be evaluated"
    if judged == 1:
        return f"conformant in its one requirement{suffix}"
    return f"conformant in all {judged} requirements{suffix}"
