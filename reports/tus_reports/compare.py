"""What changed between two runs, and how steady several runs of the same kind are.

A regression is a requirement or a scenario that fails now and did not before, be it new. Fixed is
only what failed and has since been seen to hold: what failed and is now undetermined, left out or
gone has not been fixed, and stands under `unclear`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tus_reports.findings import UNDETERMINED, occurrences_of
from tus_reports.reader import Record, RecordError
from tus_reports.record import Requirement, Scenario, Verdict
from tus_reports.saying import sayings

Kind = Literal["regressed", "unclear", "fixed", "changed", "noted", "added", "removed"]

HEADINGS: dict[Kind, str] = {
    "regressed": "Newly failing",
    "unclear": "No longer known",
    "fixed": "Fixed",
    "changed": "Otherwise changed",
    "noted": "Notes that changed",
    "added": "Added",
    "removed": "Removed",
}
"""The kinds of change in words, the gravest first."""

_HELD: frozenset[Verdict] = frozenset({"pass", "note", "warn"})


class MixedEditionsError(RecordError):
    """Records of different editions of the specification were to be laid side by side."""


@dataclass(frozen=True)
class Change:
    """One thing that differs; `before` or `after` is None where it was or is not there."""

    kind: Kind
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
    changes: tuple[Change, ...]

    def of(self, kind: Kind) -> tuple[Change, ...]:
        """Return the changes of one kind."""
        return tuple(change for change in self.changes if change.kind == kind)

    @property
    def exit_code(self) -> int:
        """Return 1 for a regression, 3 where that cannot be told, 0 otherwise."""
        if self.of("regressed"):
            return 1
        lost = [change for change in self.of("unclear") if change.after in UNDETERMINED]
        return 3 if lost or self.new.footer is None or self.new.footer.problem else 0

    @property
    def sentence(self) -> str:
        """Return what the comparison came to."""
        rows = [change for change in self.changes if change.noun == "requirement"]
        parts = [
            f"{count} {HEADINGS[kind].lower()}"
            for kind in HEADINGS
            if (count := sum(change.kind == kind for change in rows))
        ]
        if not self.changes:
            return "Nothing changed."
        told = f"Requirements: {', '.join(parts)}." if parts else "No requirement changed."
        return f"{'Regression. ' if self.of('regressed') else ''}{told}"


def compare(old: Record, new: Record) -> Comparison:
    """Compare two runs of one edition of the specification.

    Raises `MixedEditionsError` where the editions differ.
    """
    same_edition([old, new])
    changes = _changes(
        "requirement",
        {row.id: row for row in old.requirements},
        {row.id: row for row in new.requirements},
        sayings(new),
    )
    changes += _changes(
        "scenario",
        {each.id: each for each in old.scenarios},
        {each.id: each for each in new.scenarios},
        {each.id: _detail(each) for each in new.scenarios},
    )
    order = list(HEADINGS)
    changes.sort(key=lambda change: order.index(change.kind))
    return Comparison(old, new, tuple(changes))


def same_edition(records: Sequence[Record]) -> None:
    """Raise `MixedEditionsError` unless all records are of one edition of the specification."""
    editions = {record.header.spec_edition: record.header.target for record in records}
    if len(editions) > 1:
        told = "; ".join(f"{edition} ({target})" for edition, target in editions.items())
        raise MixedEditionsError(
            f"These records judge by different editions of the specification: {told}. "
            "Give records of one edition."
        )


@dataclass(frozen=True)
class Stability:
    """How one scenario came out in each of several runs; None where it was not in one."""

    id: str
    verdicts: tuple[Verdict | None, ...]

    @property
    def steady(self) -> bool:
        """Tell whether it came out the same in every run that had it."""
        return len({verdict for verdict in self.verdicts if verdict is not None}) <= 1


def stability(records: Sequence[Record]) -> tuple[Stability, ...]:
    """Return how every scenario came out over several runs, in the order they first appear."""
    same_edition(records)
    found = [{each.id: each.verdict for each in record.scenarios} for record in records]
    names = dict.fromkeys(name for run in found for name in run)
    return tuple(Stability(name, tuple(run.get(name) for run in found)) for name in names)


def _changes(
    noun: Literal["requirement", "scenario"],
    old: Mapping[str, Requirement | Scenario],
    new: Mapping[str, Requirement | Scenario],
    said: Mapping[str, str],
) -> list[Change]:
    changes = []
    for name in dict.fromkeys([*new, *old]):
        before, after = old.get(name), new.get(name)
        kind = _kind(before, after)
        line = after or before
        assert line is not None
        if kind is None:
            continue
        changes.append(
            Change(
                kind=kind,
                noun=noun,
                id=name,
                title=line.title if isinstance(line, Scenario) else line.statement,
                before=before.verdict if before else None,
                after=after.verdict if after else None,
                detail=said.get(name, ""),
            )
        )
    return changes


def _kind(
    before: Requirement | Scenario | None, after: Requirement | Scenario | None
) -> Kind | None:
    was = before.verdict if before else None
    now = after.verdict if after else None
    if "fail" in {was, now}:
        return _kind_of_fail(was, now)
    if was is None or now is None:
        return "added" if was is None else "removed"
    if was != now:
        return "unclear" if now in UNDETERMINED else "changed"
    return "noted" if now == "note" and _detail(before) != _detail(after) else None


def _kind_of_fail(was: Verdict | None, now: Verdict | None) -> Kind | None:
    if now == "fail":
        return None if was == "fail" else "regressed"
    return "fixed" if now in _HELD else "unclear"


def _detail(line: Requirement | Scenario | None) -> str:
    """Return what a scenario says of itself: its first check that did not pass, or its reason."""
    if not isinstance(line, Scenario):
        return line.reason if line else ""
    first = next(iter(occurrences_of(line)), None)
    if first is None:
        return line.reason
    check = first.check
    return check.says or check.actual if first.verdict == "note" else check.actual or check.says
