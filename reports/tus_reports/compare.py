"""What changed between two runs, and how steady several runs of the same kind are.

A regression is a requirement or a scenario that fails now and did not before, be it new. Fixed is
only what failed and has since been seen to hold: what failed and is now undetermined, left out or
gone has not been fixed, and stands under `unclear`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tus_reports.findings import UNDETERMINED, find_occurrences
from tus_reports.record import RequirementResult, ScenarioResult, Verdict
from tus_reports.record_reader import Record, RecordError
from tus_reports.requirement_summary import summarize_requirements

ChangeKind = Literal["regressed", "unclear", "fixed", "changed", "noted", "added", "removed"]

CHANGE_HEADINGS: dict[ChangeKind, str] = {
    "regressed": "Newly failing",
    "unclear": "No longer determined",
    "fixed": "Fixed",
    "changed": "Changed",
    "noted": "Changed in notes",
    "added": "Added",
    "removed": "Removed",
}
"""The kinds of change in words, the gravest first."""

_INTERRUPTED = 130
"""The exit code of a run that Ctrl-C ended."""

_PASSING_VERDICTS: frozenset[Verdict] = frozenset({"pass", "note", "warn"})


class MixedEditionsError(RecordError):
    """Records of different editions of the specification were to be laid side by side."""


@dataclass(frozen=True)
class VerdictChange:
    """One difference; `before` or `after` is None for a run that lacks the line."""

    kind: ChangeKind
    noun: Literal["requirement", "scenario"]
    id: str
    title: str
    before: Verdict | None
    after: Verdict | None
    detail: str = ""


@dataclass(frozen=True)
class Comparison:
    """Everything that differs between two runs."""

    old: Record
    new: Record
    changes: tuple[VerdictChange, ...]

    def of_kind(self, kind: ChangeKind) -> tuple[VerdictChange, ...]:
        """Return the changes of one kind."""
        return tuple(change for change in self.changes if change.kind == kind)

    @property
    def exit_code(self) -> int:
        """Return 1 for a regression, 3 if that is undetermined, 0 otherwise.

        A run that crashed, was interrupted or met errors proves nothing, also if the old one did.
        """
        if self.of_kind("regressed"):
            return 1
        unclear = any(change.after in UNDETERMINED for change in self.of_kind("unclear"))
        return 3 if unclear or not _is_complete(self.new) else 0

    @property
    def sentence(self) -> str:
        """Return what the comparison came to."""
        rows = [change for change in self.changes if change.noun == "requirement"]
        parts = [
            f"{count} {CHANGE_HEADINGS[kind].lower()}"
            for kind in CHANGE_HEADINGS
            if (count := sum(change.kind == kind for change in rows))
        ]
        if not self.changes:
            return f"Nothing changed.{self._scope}"
        summary = f"Requirements: {', '.join(parts)}." if parts else "No requirement changed."
        return f"{'Regression. ' if self.of_kind('regressed') else ''}{summary}{self._scope}"

    @property
    def _scope(self) -> str:
        """Return what was compared, where that is not the whole of both runs."""
        left_out = _left_out(self.old) | _left_out(self.new)
        if not left_out:
            return ""
        both = {each.id for each in self.old.scenarios} & {each.id for each in self.new.scenarios}
        count = len(both - left_out)
        return f" Only what both runs selected was compared: {count} of {len(both)} scenarios."


def _is_complete(record: Record) -> bool:
    """Return whether a run came to its end, and without an error of the suite or the network."""
    footer = record.footer
    if footer is None or footer.error or footer.exit_code == _INTERRUPTED:
        return False
    return all(each.verdict != "error" for each in record.scenarios)


def compare(old: Record, new: Record) -> Comparison:
    """Compare two runs of one edition of the specification.

    Raises `MixedEditionsError` where the editions differ.
    """
    ensure_same_edition([old, new])
    left_out = _left_out(old) | _left_out(new)
    partly_run = _partly_run((old, new), left_out)
    changes = _find_changes(
        "requirement",
        {each.id: each for each in old.requirements if each.id not in partly_run},
        {each.id: each for each in new.requirements if each.id not in partly_run},
        summarize_requirements(new),
    )
    changes += _find_changes(
        "scenario",
        {each.id: each for each in old.scenarios if each.id not in left_out},
        {each.id: each for each in new.scenarios if each.id not in left_out},
        {each.id: _describe_result(each) for each in new.scenarios},
    )
    order = list(CHANGE_HEADINGS)
    changes.sort(key=lambda change: order.index(change.kind))
    return Comparison(old, new, tuple(changes))


def _left_out(record: Record) -> set[str]:
    """Return the scenarios that the user left out of a run, by --only or --skip."""
    return {each.id for each in record.scenarios if not each.is_selected}


def _partly_run(records: Sequence[Record], left_out: set[str]) -> set[str]:
    """Return the requirements whose verdict rests on a scenario that one of the runs left out."""
    return {
        line.id
        for record in records
        for line in record.requirements
        if line.is_aggregate or left_out & set(line.scenarios)
    }


def ensure_same_edition(records: Sequence[Record]) -> None:
    """Raise `MixedEditionsError` unless all records are of one edition of the specification."""
    editions = {record.header.spec_edition: record.header.target for record in records}
    if len(editions) > 1:
        summary = "; ".join(f"{edition} ({target})" for edition, target in editions.items())
        raise MixedEditionsError(
            f"These records use different editions of the specification: {summary}. "
            "Compare records of one edition."
        )


@dataclass(frozen=True)
class ScenarioStability:
    """The verdicts of one scenario in several runs; None for a run that lacks it."""

    id: str
    verdicts: tuple[Verdict | None, ...]

    @property
    def is_stable(self) -> bool:
        """Return whether it has the same verdict in every run that contains it."""
        return len({verdict for verdict in self.verdicts if verdict is not None}) <= 1


def compare_stability(records: Sequence[Record]) -> tuple[ScenarioStability, ...]:
    """Return the verdicts of each scenario over several runs, in the order they first appear."""
    ensure_same_edition(records)
    found = [{each.id: each.verdict for each in record.scenarios} for record in records]
    names = dict.fromkeys(name for run in found for name in run)
    return tuple(ScenarioStability(name, tuple(run.get(name) for run in found)) for name in names)


def _find_changes(
    noun: Literal["requirement", "scenario"],
    old: Mapping[str, RequirementResult | ScenarioResult],
    new: Mapping[str, RequirementResult | ScenarioResult],
    descriptions: Mapping[str, str],
) -> list[VerdictChange]:
    changes = []
    for name in dict.fromkeys([*new, *old]):
        before, after = old.get(name), new.get(name)
        kind = _classify_change(before, after)
        line = after or before
        assert line is not None
        if kind is None:
            continue
        changes.append(
            VerdictChange(
                kind=kind,
                noun=noun,
                id=name,
                title=line.title if isinstance(line, ScenarioResult) else line.statement,
                before=before.verdict if before else None,
                after=after.verdict if after else None,
                detail=descriptions.get(name, ""),
            )
        )
    return changes


def _classify_change(
    before: RequirementResult | ScenarioResult | None,
    after: RequirementResult | ScenarioResult | None,
) -> ChangeKind | None:
    verdict_before = before.verdict if before else None
    verdict_after = after.verdict if after else None
    if "fail" in {verdict_before, verdict_after}:
        return _classify_failure(verdict_before, verdict_after)
    if verdict_before is None or verdict_after is None:
        return "added" if verdict_before is None else "removed"
    if verdict_before != verdict_after:
        return "unclear" if verdict_after in UNDETERMINED else "changed"
    return (
        "noted"
        if verdict_after == "note" and _describe_result(before) != _describe_result(after)
        else None
    )


def _classify_failure(
    verdict_before: Verdict | None, verdict_after: Verdict | None
) -> ChangeKind | None:
    if verdict_after == "fail":
        return None if verdict_before == "fail" else "regressed"
    return "fixed" if verdict_after in _PASSING_VERDICTS else "unclear"


def _describe_result(line: RequirementResult | ScenarioResult | None) -> str:
    """Return what a scenario says of itself: its first check that did not pass, or its reason."""
    if not isinstance(line, ScenarioResult):
        return line.reason if line else ""
    first = next(iter(find_occurrences(line)), None)
    if first is None:
        return line.reason
    check = first.check
    return (
        check.explanation or check.actual
        if first.verdict == "note"
        else check.actual or check.explanation
    )
