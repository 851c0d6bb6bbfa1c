"""What a reader of a run must look at, collected so that one cause is reported once.

A `Finding` is a requirement with a verdict worse than a note, and the checks that show it; a
`Blocker` is a reason why scenarios were not evaluated, with all of them; a `Note` is
anything else that is not a pass. Together they speak of every verdict of the record but "pass".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tus_reports.record import (
    VERDICTS,
    Attempt,
    Check,
    DecidingRule,
    RequirementResult,
    ScenarioResult,
    Verdict,
)

UNDETERMINED: frozenset[Verdict] = frozenset({"error", "inconclusive", "blocked"})
SERIOUS: frozenset[Verdict] = frozenset({"fail", "error", "inconclusive", "blocked", "warn"})
_AGGREGATED_LEVELS = frozenset({"MUST", "MUST NOT"})
_RULE_SENTENCES: dict[DecidingRule, str] = {
    "data-loss": "damage to an upload, which is a failure at every level",
    "server-error": "a server error (5xx), which is a failure at every level",
    "unanswered": (
        "a connection closed without a response to a valid request is a failure at every level"
    ),
}


@dataclass(frozen=True)
class Occurrence:
    """One check that did not pass, where it was made; `number` counts attempts from 1."""

    scenario: ScenarioResult
    attempt: Attempt
    number: int
    check: Check
    verdict: Verdict

    @property
    def difference(self) -> tuple[Verdict, str]:
        """Return what two occurrences share that went wrong in the same way."""
        return (self.verdict, self.check.actual or self.check.explanation)

    @property
    def is_known(self) -> bool:
        """Return whether the baseline lists it."""
        return self.check.requirement in self.scenario.known_failures

    @property
    def explanation(self) -> str:
        """Return what that is: in the scenario's words, and by a rule that holds at any level."""
        return "; ".join(filter(None, (self.check.explanation, rule_sentence(self.check))))

    @property
    def actual(self) -> str:
        """Return what came, in a line with the rule that makes it a failure at any level."""
        actual = self.check.actual or self.check.explanation
        return ", ".join(filter(None, (actual, rule_phrase(self.check))))


@dataclass(frozen=True)
class Finding:
    """A requirement that did not hold, and where. The worst occurrence stands first."""

    requirement: RequirementResult
    verdict: Verdict
    occurrences: tuple[Occurrence, ...]

    @property
    def is_known(self) -> bool:
        """Return whether the baseline lists the failure wherever it shows."""
        return self.requirement.is_known

    @property
    def cause(self) -> tuple[Verdict, str, int, int | None]:
        """Return what findings share that one exchange shows: the first place of each."""
        first = self.occurrences[0]
        return (self.verdict, first.scenario.id, first.number, first.check.exchange)

    @property
    def groups(self) -> tuple[tuple[Occurrence, ...], ...]:
        """Return the worst occurrence of each scenario, those with the same result together."""
        worst: dict[str, Occurrence] = {}
        for occurrence in self.occurrences:
            worst.setdefault(occurrence.scenario.id, occurrence)
        alike: dict[tuple[Verdict, str], list[Occurrence]] = {}
        for occurrence in worst.values():
            alike.setdefault(occurrence.difference, []).append(occurrence)
        return tuple(tuple(group) for group in alike.values())


def group_by_cause(findings: Iterable[Finding]) -> tuple[tuple[Finding, ...], ...]:
    """Return findings in groups, each of what one exchange of one scenario shows."""
    groups: dict[object, list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.is_known, *finding.cause), []).append(finding)
    return tuple(tuple(group) for group in groups.values())


@dataclass(frozen=True)
class Blocker:
    """Why scenarios were not evaluated. `requirements` are the ids it leaves without a verdict."""

    verdict: Verdict
    reason: str
    scenarios: tuple[ScenarioResult, ...]
    requirements: tuple[str, ...]


@dataclass(frozen=True)
class Note:
    """What needs no action: ids of scenarios and requirements with the same result."""

    verdict: Verdict
    text: str
    scenarios: tuple[str, ...]
    requirements: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunFindings:
    """All that a record has to say beyond "pass", the worst first."""

    findings: tuple[Finding, ...]
    blockers: tuple[Blocker, ...]
    notes: tuple[Note, ...]


def severity(verdict: Verdict) -> int:
    """Return where a verdict stands, 0 being the worst."""
    return VERDICTS.index(verdict)


def collect_findings(
    scenarios: Sequence[ScenarioResult], requirements: Sequence[RequirementResult]
) -> RunFindings:
    """Gather what a run has to say beyond "pass"."""
    rows = {requirement.id: requirement for requirement in requirements}
    order = {name: place for place, name in enumerate(rows)}
    occurrences: dict[str, list[Occurrence]] = {}
    for scenario in scenarios:
        for occurrence in find_occurrences(scenario):
            occurrences.setdefault(occurrence.check.requirement, []).append(occurrence)
    findings = [_build_finding(rows.get(name), group) for name, group in occurrences.items()]
    serious = [finding for finding in findings if finding.verdict in SERIOUS]
    serious.sort(key=lambda each: (severity(each.verdict), order.get(each.requirement.id, 0)))
    blockers = _collect_blockers(scenarios, requirements, serious)
    return RunFindings(
        findings=tuple(serious),
        blockers=blockers,
        notes=tuple(_collect_notes(scenarios, requirements, findings)),
    )


def find_occurrences(scenario: ScenarioResult) -> Iterator[Occurrence]:
    """Yield the checks of a scenario that did not pass, each way once, the first attempt first."""
    seen = set()
    for number, attempt in enumerate(scenario.attempts, 1):
        for check in attempt.checks:
            verdict = _effective_verdict(check, scenario)
            if verdict is None:
                continue
            occurrence = Occurrence(scenario, attempt, number, check, verdict)
            key = (check.requirement, occurrence.difference)
            if key not in seen:
                seen.add(key)
                yield occurrence


def is_known(scenario: ScenarioResult) -> bool:
    """Return whether the baseline lists every failure of a scenario."""
    bad = {"fail"} if scenario.verdict == "fail" else {"fail", "warn"}
    failed = {each.check.requirement for each in find_occurrences(scenario) if each.verdict in bad}
    return bool(failed) and failed <= set(scenario.known_failures)


def rule_sentence(check: Check) -> str:
    """Return why a check fails whatever the level of its requirement; "" where the level decides.

    Where the scenario explains the outcome itself, data loss alone is named besides.
    """
    if check.explanation and check.rule != "data-loss":
        return ""
    return _RULE_SENTENCES.get(check.rule, "")


def rule_phrase(check: Check) -> str:
    """Return the rule of a check where a phrase about what came can hold it."""
    return rule_sentence(check) if check.rule != "unanswered" else ""


def _effective_verdict(check: Check, scenario: ScenarioResult) -> Verdict | None:
    """Return how a check that was reached and did not pass counts; None for all others."""
    if check.outcome == "not-reached":
        return None
    grade = check.grade or ("fail" if check.outcome == "violated" else "pass")
    if grade == "pass":
        return None
    if grade == "fail" and scenario.verdict in UNDETERMINED and check.rule != "data-loss":
        return scenario.verdict
    return grade


def _build_finding(requirement: RequirementResult | None, group: list[Occurrence]) -> Finding:
    group = sorted(group, key=lambda each: (severity(each.verdict), each.is_known))
    first = group[0]
    if requirement is None:  # a truncated record has no requirements
        requirement = RequirementResult(
            id=first.check.requirement,
            level="",
            section=first.scenario.section,
            extension=first.scenario.extension,
            statement="",
            verdict=first.verdict,
            scenarios=(),
            is_known=all(each.is_known for each in group),
        )
    return Finding(requirement, first.verdict, tuple(group))


def _collect_blockers(
    told: Sequence[ScenarioResult],
    requirements: Sequence[RequirementResult],
    serious: Sequence[Finding],
) -> tuple[Blocker, ...]:
    """Gather the undetermined scenarios, and any serious verdict that no check explains."""
    found = {each.requirement.id for each in serious if each.verdict == each.requirement.verdict}
    groups: dict[tuple[Verdict, str], list[ScenarioResult]] = {}
    for scenario in told:
        explained = {occurrence.verdict for occurrence in find_occurrences(scenario)}
        if scenario.verdict in SERIOUS and scenario.verdict not in explained:
            groups.setdefault((scenario.verdict, _scenario_reason(scenario)), []).append(scenario)
    made = []
    for (verdict, reason), kept in groups.items():
        ids = {scenario.id for scenario in kept}
        unjudged = tuple(
            requirement.id
            for requirement in requirements
            if requirement.verdict == verdict
            and requirement.id not in found
            and ids & set(requirement.scenarios)
        )
        made.append(Blocker(verdict, reason, tuple(kept), unjudged))
    covered = found | {name for blocker in made for name in blocker.requirements}
    made += [
        _explain_by_causes(requirement, _find_causes(requirement, told, serious))
        for requirement in requirements
        if requirement.verdict in SERIOUS
        and requirement.id not in covered
        and not requirement.is_aggregate
    ]
    return tuple(sorted(made, key=lambda each: severity(each.verdict)))


def _find_causes(
    requirement: RequirementResult, told: Sequence[ScenarioResult], serious: Sequence[Finding]
) -> Sequence[Finding]:
    """Return the findings that a verdict without a check of its own may follow from."""
    own = set(requirement.scenarios)
    named = any(requirement.id in scenario.requirements for scenario in told if scenario.id in own)
    if named or not own:
        return [
            finding
            for finding in serious
            if finding.verdict == requirement.verdict
            and any(occurrence.scenario.id in own for occurrence in finding.occurrences)
        ]
    # No scenario names the requirement, so it sums up the strict ones of its extension. What only
    # shares a scenario with those has no part in it.
    return [
        finding
        for finding in serious
        if finding.requirement.verdict == requirement.verdict
        and finding.requirement.extension == requirement.extension
        and finding.requirement.level in _AGGREGATED_LEVELS
    ]


def _explain_by_causes(requirement: RequirementResult, causes: Sequence[Finding]) -> Blocker:
    """Explain a verdict without a check of its own by the findings that it follows from."""
    names = ", ".join(finding.requirement.id for finding in causes)
    why = f"Caused by {names}." if names else ""
    return Blocker(
        requirement.verdict,
        f"{requirement.reason or requirement.statement} {why}".strip(),
        (),
        (requirement.id,),
    )


def _scenario_reason(scenario: ScenarioResult) -> str:
    told = [scenario.reason, *(attempt.reason for attempt in scenario.attempts)]
    not_reached = [check.explanation for attempt in scenario.attempts for check in attempt.checks]
    return next((text for text in [*told, *not_reached] if text), "No reason was recorded.")


def _collect_notes(
    scenarios: Sequence[ScenarioResult],
    requirements: Sequence[RequirementResult],
    findings: Iterable[Finding],
) -> Iterator[Note]:
    """Yield the notes one by one, then what was not evaluated, by reason."""
    for finding in findings:
        if finding.verdict == "note":
            for way in finding.groups:
                check = way[0].check
                ids = tuple(occurrence.scenario.id for occurrence in way)
                text = check.explanation or check.actual
                yield Note("note", text, ids, (finding.requirement.id,))
    groups: dict[tuple[Verdict, str], list[str]] = {}
    for scenario in scenarios:
        noted = any(each.verdict == "note" for each in find_occurrences(scenario))
        has_account = scenario.verdict == "pass" or scenario.verdict in SERIOUS or noted
        if has_account or not scenario.is_selected:
            continue
        groups.setdefault((scenario.verdict, _scenario_reason(scenario)), []).append(scenario.id)
    told = {name for group in groups.values() for name in group}
    for (verdict, reason), names in sorted(groups.items(), key=lambda item: severity(item[0][0])):
        yield Note(verdict, reason, tuple(names))
    for requirement in requirements:
        unremarkable = requirement.verdict not in (SERIOUS | {"pass", "note"})
        if unremarkable and not requirement.is_aggregate and not told & set(requirement.scenarios):
            yield Note(
                requirement.verdict,
                requirement.reason or requirement.statement,
                (),
                (requirement.id,),
            )
