"""The sums of a run, in numbers and in sentences: by verdict, by extension, by level."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from tus_reports.findings import SERIOUS, UNDETERMINED
from tus_reports.record import VERDICTS, Footer, RequirementResult, ScenarioResult, Verdict
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
    """The verdicts of the requirements of one extension, or of one level.

    `is_absent` says that it is an extension that the server neither lists nor was seen to have.
    """

    name: str
    counts: dict[Verdict, int]
    is_absent: bool = False

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

        A requirement or two may hold for a missing extension: that it is not advertised, say.
        """
        held = sum(self.counts.get(verdict, 0) for verdict in _PASSING)
        serious = sum(self.counts.get(verdict, 0) for verdict in SERIOUS)
        return bool(serious) or not (self.is_absent or self.counts.get("unsupported", 0) > held)

    @property
    def verdict(self) -> Verdict:
        """Return the worst verdict of evaluated requirements, or why none was evaluated."""
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
    """Return the number of each verdict, the worst first, without those that did not occur.

    Requirements that sum up others, and scenarios that the user left out, are not counted.
    """
    counts = Counter(
        line.verdict
        for line in lines
        if not (isinstance(line, RequirementResult) and line.is_aggregate)
        and not (isinstance(line, ScenarioResult) and not line.is_selected)
    )
    return {verdict: counts[verdict] for verdict in VERDICTS if counts[verdict]}


def totals_by_extension(record: Record) -> tuple[GroupTotals, ...]:
    """Return the requirements' sums for each extension, in the order of the record."""
    capabilities = record.discovery.capabilities if record.discovery is not None else ()
    absent = {
        found.name
        for found in capabilities
        if not found.advertised and found.observed != "accepted"
    }
    groups = _group_totals((line.extension, line) for line in record.requirements)
    return tuple(replace(each, is_absent=each.name in absent) for each in groups)


def whole_totals(record: Record) -> GroupTotals:
    """Return the sums over all requirements of a record."""
    return GroupTotals("total", count_verdicts(record.requirements))


def selected_sentence(record: Record) -> str:
    """Return how many scenarios the user selected, or nothing where that is the whole suite."""
    selected = sum(scenario.is_selected for scenario in record.scenarios)
    chosen = {"--only", "--skip"} & {word.partition("=")[0] for word in record.header.arguments}
    if not chosen or selected == len(record.scenarios):
        return ""
    return f"{selected} of {len(record.scenarios)} scenarios" if selected else "no scenario"


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
        unit = "situation" if record.header.side == "client" else "scenario"
        return f"Nothing was tested: no {unit} was selected."
    return _verdict_sentence(record, footer)


def _verdict_sentence(record: Record, footer: Footer) -> str:
    totals = whole_totals(record)
    violated, warned = totals.counts.get("fail", 0), totals.counts.get("warn", 0)
    qualifiers = _qualifiers(totals.counts)
    suffix = f", with {_join_words(qualifiers)}" if qualifiers else ""
    judged = pluralize(totals.evaluated, "requirement")
    fixed = len(footer.fixed_failures)
    if fixed:
        suffix += f"; {pluralize(fixed, 'known failure')} {'passes' if fixed == 1 else 'pass'} now"
    if violated or any(scenario.verdict == "fail" for scenario in record.scenarios):
        lead = f"{_conformance_word(record, 'Not conformant')}: {violated} of {judged} violated"
        return f"{lead}{_known_suffix(record)}{suffix}."
    if record.header.strict and warned and footer.exit_code == 1 and not fixed:
        word = _conformance_word(record, "Conformant")
        return f"{word}, but --strict counts {pluralize(warned, 'warning')} as failures."
    if footer.exit_code == 3:
        count = sum(totals.counts.get(verdict, 0) for verdict in UNDETERMINED)
        return f"Undetermined: {count} of {judged} could not be evaluated."
    word = _conformance_word(record, "Conformant")
    return f"{word} in {'all ' if totals.evaluated > 1 else ''}{judged}{suffix}."


def _conformance_word(record: Record, word: str) -> str:
    """Return "Conformant" or "Not conformant", and of a client whose it is."""
    return f"The client is {word.lower()}" if record.header.side == "client" else word


def _qualifiers(counts: dict[Verdict, int]) -> list[str]:
    """Return what a conclusion says besides: warnings, and what has no verdict."""
    undetermined = sum(counts.get(verdict, 0) for verdict in UNDETERMINED)
    found = [pluralize(counts["warn"], "warning")] if counts.get("warn") else []
    found += [f"{undetermined} undetermined"] if undetermined else []
    return found + ([f"{counts['excluded']} excluded"] if counts.get("excluded") else [])


def _known_suffix(record: Record) -> str:
    """Return how many of the violated requirements the baseline lists, if any."""
    violated = [
        line for line in record.requirements if line.verdict == "fail" and not line.is_aggregate
    ]
    known = sum(line.is_known for line in violated)
    if not known:
        return ""
    return ", as the baseline lists" if known == len(violated) else f" ({known} known)"


def content_sentence(record: Record) -> str:
    """Return how many complete uploads were read back and compared; empty if none was completed."""
    footer = record.footer
    if footer is None or not footer.complete_uploads:
        return ""
    total = pluralize(footer.complete_uploads, "upload")
    return f"contents compared: {footer.compared_uploads} of {total}"


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
        if not requirement.is_aggregate:
            groups.setdefault(name, []).append(requirement)
    return tuple(GroupTotals(name, count_verdicts(rows)) for name, rows in groups.items())


def _totals_sentence(totals: GroupTotals) -> str:
    counts, judged = totals.counts, totals.evaluated
    if not totals.is_offered:
        return "not offered"
    if not judged:
        return "excluded" if counts.get("excluded") else "nothing applies"
    undetermined_count = sum(counts.get(verdict, 0) for verdict in UNDETERMINED)
    qualifiers = _qualifiers(counts)
    outside = totals.total - judged - counts.get("excluded", 0)
    qualifiers += [f"{outside} {'does' if outside == 1 else 'do'} not apply"] if outside else []
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
