"""What a reader of a run must look at, gathered so that one cause is told once.

A `Finding` is a requirement that came out worse than a note, with every check that says so; an
`Obstacle` is a reason that kept scenarios from saying anything, with all of them; a `Remark` is
anything else that is not a pass. Together they speak of every verdict of the record but "pass".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tus_reports.record import VERDICTS, Attempt, Check, Requirement, Scenario, Verdict

UNDETERMINED: frozenset[Verdict] = frozenset({"error", "inconclusive", "blocked"})
SERIOUS: frozenset[Verdict] = frozenset({"fail", "error", "inconclusive", "blocked", "warn"})
_SUMMED_UP = frozenset({"MUST", "MUST NOT"})


@dataclass(frozen=True)
class Occurrence:
    """One check that did not pass, where it was made; `number` counts attempts from 1."""

    scenario: Scenario
    attempt: Attempt
    number: int
    check: Check
    verdict: Verdict

    @property
    def way(self) -> tuple[Verdict, str]:
        """Return what two occurrences share that went wrong in the same way."""
        return (self.verdict, self.check.actual or self.check.says)

    @property
    def says(self) -> str:
        """Return what that is: in the scenario's words, and by a rule that holds in any row."""
        return "; ".join(filter(None, (self.check.says, regardless(self.check, self.attempt))))

    @property
    def came(self) -> str:
        """Return what came, in a line with the rule that makes it a fail in any row."""
        rule = regardless(self.check, self.attempt)
        return ", ".join(filter(None, (self.check.actual or self.check.says, rule)))


@dataclass(frozen=True)
class Finding:
    """A requirement that did not hold, and where. The worst occurrence stands first."""

    requirement: Requirement
    verdict: Verdict
    occurrences: tuple[Occurrence, ...]

    @property
    def ways(self) -> tuple[tuple[Occurrence, ...], ...]:
        """Return the worst occurrence of each scenario, those together that came out alike."""
        worst: dict[str, Occurrence] = {}
        for occurrence in self.occurrences:
            worst.setdefault(occurrence.scenario.id, occurrence)
        alike: dict[tuple[Verdict, str], list[Occurrence]] = {}
        for occurrence in worst.values():
            alike.setdefault(occurrence.way, []).append(occurrence)
        return tuple(tuple(group) for group in alike.values())


@dataclass(frozen=True)
class Obstacle:
    """Why scenarios could not be judged. `requirements` are the ids it leaves without a verdict."""

    verdict: Verdict
    reason: str
    scenarios: tuple[Scenario, ...]
    requirements: tuple[str, ...]


@dataclass(frozen=True)
class Remark:
    """What needs no action: ids of scenarios and requirements that came out in one way."""

    verdict: Verdict
    text: str
    scenarios: tuple[str, ...]
    requirements: tuple[str, ...] = ()


@dataclass(frozen=True)
class Digest:
    """All that a record has to say beyond "pass", the worst first."""

    findings: tuple[Finding, ...]
    obstacles: tuple[Obstacle, ...]
    remarks: tuple[Remark, ...]


def rank(verdict: Verdict) -> int:
    """Return where a verdict stands, 0 being the worst."""
    return VERDICTS.index(verdict)


def digest(scenarios: Sequence[Scenario], requirements: Sequence[Requirement]) -> Digest:
    """Gather what a run has to say beyond "pass"."""
    rows = {row.id: row for row in requirements}
    order = {name: place for place, name in enumerate(rows)}
    occurrences: dict[str, list[Occurrence]] = {}
    for scenario in scenarios:
        for occurrence in occurrences_of(scenario):
            occurrences.setdefault(occurrence.check.requirement, []).append(occurrence)
    findings = [_finding(rows.get(name), group) for name, group in occurrences.items()]
    serious = [finding for finding in findings if finding.verdict in SERIOUS]
    serious.sort(key=lambda each: (rank(each.verdict), order.get(each.requirement.id, 0)))
    obstacles = _obstacles(scenarios, requirements, serious)
    return Digest(
        findings=tuple(serious),
        obstacles=obstacles,
        remarks=tuple(_remarks(scenarios, requirements, findings)),
    )


def occurrences_of(scenario: Scenario) -> Iterator[Occurrence]:
    """Yield the checks of a scenario that did not pass, each way once, the first attempt first."""
    seen = set()
    for number, attempt in enumerate(scenario.attempts, 1):
        for check in attempt.checks:
            verdict = _weighed(check, scenario)
            if verdict is None:
                continue
            occurrence = Occurrence(scenario, attempt, number, check, verdict)
            key = (check.requirement, occurrence.way)
            if key not in seen:
                seen.add(key)
                yield occurrence


def regardless(check: Check, attempt: Attempt) -> str:
    """Return what makes a check a fail whatever the level of its row; "" where the level does."""
    if check.grade != "fail":
        return ""
    if check.damage:
        return "damage to an upload, which is a fail in any row"
    kept, number = attempt.exchanges, check.exchange
    response = kept[number].response if number is not None and 0 <= number < len(kept) else None
    status = response.status if response else 0
    # Of a 5xx that a scenario foresees it has something to say, and a check that does not name the
    # status is about something else in the answer.
    unforeseen = not check.says and re.search(rf"\b(status|got) {status}\b", check.actual)
    broken = status >= 500 and status != 501 and unforeseen
    return "a server error (5xx), which is a fail in any row" if broken else ""


def _weighed(check: Check, scenario: Scenario) -> Verdict | None:
    """Return how a check that was reached and did not pass counts; None for all others."""
    if check.outcome == "not-reached":
        return None
    grade = check.grade or ("fail" if check.outcome == "violated" else "pass")
    if grade == "pass":
        return None
    if grade == "fail" and scenario.verdict in UNDETERMINED and not check.damage:
        return scenario.verdict
    return grade


def _finding(row: Requirement | None, group: list[Occurrence]) -> Finding:
    group = sorted(group, key=lambda each: rank(each.verdict))
    first = group[0]
    if row is None:  # a truncated record has no requirements
        row = Requirement(
            id=first.check.requirement,
            level="",
            section=first.scenario.section,
            extension=first.scenario.extension,
            statement="",
            verdict=first.verdict,
            scenarios=(),
        )
    return Finding(row, first.verdict, tuple(group))


def _obstacles(
    told: Sequence[Scenario], requirements: Sequence[Requirement], serious: Sequence[Finding]
) -> tuple[Obstacle, ...]:
    """Gather the undetermined scenarios, and any serious verdict that no check explains."""
    found = {each.requirement.id for each in serious if each.verdict == each.requirement.verdict}
    groups: dict[tuple[Verdict, str], list[Scenario]] = {}
    for scenario in told:
        explained = {occurrence.verdict for occurrence in occurrences_of(scenario)}
        if scenario.verdict in SERIOUS and scenario.verdict not in explained:
            groups.setdefault((scenario.verdict, _reason(scenario)), []).append(scenario)
    made = []
    for (verdict, reason), kept in groups.items():
        ids = {scenario.id for scenario in kept}
        touched = tuple(
            row.id
            for row in requirements
            if row.verdict == verdict and row.id not in found and ids & set(row.scenarios)
        )
        made.append(Obstacle(verdict, reason, tuple(kept), touched))
    covered = found | {name for obstacle in made for name in obstacle.requirements}
    made += [
        _following(row, _causes(row, told, serious))
        for row in requirements
        if row.verdict in SERIOUS and row.id not in covered
    ]
    return tuple(sorted(made, key=lambda each: rank(each.verdict)))


def _causes(
    row: Requirement, told: Sequence[Scenario], serious: Sequence[Finding]
) -> Sequence[Finding]:
    """Return the findings that a verdict without a check of its own may follow from."""
    own = set(row.scenarios)
    named = any(row.id in scenario.requirements for scenario in told if scenario.id in own)
    if named or not own:
        return [
            finding
            for finding in serious
            if finding.verdict == row.verdict
            and any(occurrence.scenario.id in own for occurrence in finding.occurrences)
        ]
    # No scenario names the row, so it is the sum of the strict ones of its extension. What only
    # shares a scenario with those has no part in it.
    return [
        finding
        for finding in serious
        if finding.requirement.verdict == row.verdict
        and finding.requirement.extension == row.extension
        and finding.requirement.level in _SUMMED_UP
    ]


def _following(row: Requirement, causes: Sequence[Finding]) -> Obstacle:
    """Explain a verdict without a check of its own by the findings that it follows from."""
    names = ", ".join(finding.requirement.id for finding in causes)
    why = f"It follows from {names}." if names else ""
    return Obstacle(row.verdict, f"{row.reason or row.statement} {why}".strip(), (), (row.id,))


def _reason(scenario: Scenario) -> str:
    told = [scenario.reason, *(attempt.reason for attempt in scenario.attempts)]
    unreached = [check.says for attempt in scenario.attempts for check in attempt.checks]
    return next((text for text in [*told, *unreached] if text), "No reason was recorded.")


def _remarks(
    scenarios: Sequence[Scenario], requirements: Sequence[Requirement], findings: Iterable[Finding]
) -> Iterator[Remark]:
    """Yield the notes one by one, then what was not judged, by reason."""
    for finding in findings:
        if finding.verdict == "note":
            for way in finding.ways:
                check = way[0].check
                ids = tuple(occurrence.scenario.id for occurrence in way)
                text = check.says or check.actual
                yield Remark("note", text, ids, (finding.requirement.id,))
    groups: dict[tuple[Verdict, str], list[str]] = {}
    for scenario in scenarios:
        noted = any(each.verdict == "note" for each in occurrences_of(scenario))
        if scenario.verdict == "pass" or scenario.verdict in SERIOUS or noted:
            continue
        groups.setdefault((scenario.verdict, _reason(scenario)), []).append(scenario.id)
    told = {name for group in groups.values() for name in group}
    for (verdict, reason), names in sorted(groups.items(), key=lambda item: rank(item[0][0])):
        yield Remark(verdict, reason, tuple(names))
    for row in requirements:
        quiet = row.verdict not in SERIOUS and row.verdict not in {"pass", "note"}
        if quiet and not told & set(row.scenarios):
            yield Remark(row.verdict, row.reason or row.statement, (), (row.id,))
