"""The baseline: fails that are known, so that only what changes makes a run fail.

A file of lines, each a scenario and the requirement that it sees violated, with a reason after #:

    core.patch.content-type/octet-stream core.patch.content-type-415  # behind a proxy until 2.1

An entry that no longer fails is to be deleted, so that it cannot hide a fail that comes back.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tus_conformance.evaluation import verdicts
from tus_conformance.evaluation.invariants import invariants
from tus_reports import ScenarioResult, Verdict
from tus_scenarios import scenarios

FailurePair = tuple[str, str]
"""The id of a scenario, and the id of a requirement that it checks."""

_HEADER_COMMENT = """\
# Known failures of the tus conformance suite, one "SCENARIO REQUIREMENT" per line.
# Give a reason after #. When the failure is fixed, the run says so: delete its line then.
"""


class BaselineError(ValueError):
    """The baseline cannot be used; the message says in which line and what to do."""


@dataclass(frozen=True)
class BaselineEntry:
    """A known fail; `line` counts from 1."""

    pair: FailurePair
    line: int
    reason: str = ""


@dataclass(frozen=True)
class Baseline:
    """The known failures of a file; with `accepts_all`, whatever fails is known."""

    entries: tuple[BaselineEntry, ...] = ()
    accepts_all: bool = False

    @property
    def pairs(self) -> frozenset[FailurePair]:
        """Return what is known to fail."""
        return frozenset(entry.pair for entry in self.entries)

    def covers(self, results: ScenarioResult, *, strict: bool) -> bool:
        """Return whether everything that failed in a scenario is known to."""
        pairs = set(failing_pairs([results], strict=strict))
        return bool(pairs) and (self.accepts_all or pairs <= self.pairs)

    def known_failures(self, result: ScenarioResult, *, strict: bool) -> dict[str, str]:
        """Return the requirements whose failure in a scenario is listed, each with its reason."""
        reasons = {entry.pair: entry.reason for entry in self.entries}
        failed = failing_pairs([result], strict=strict)
        return {pair[1]: reasons[pair] for pair in failed if pair in reasons}

    def fixed_entries(
        self, results: Iterable[ScenarioResult], *, strict: bool
    ) -> tuple[BaselineEntry, ...]:
        """Return the entries that were seen to hold; of others nothing is said."""
        scenarios = {scenario.id: scenario for scenario in results}
        passing: set[Verdict] = {"pass", "note"} if strict else {"pass", "note", "warn"}
        return tuple(
            entry
            for entry in self.entries
            if entry.pair[0] in scenarios
            and verdicts.of_requirement(entry.pair[1], [scenarios[entry.pair[0]]]) in passing
        )


def known_checks() -> dict[str, tuple[str, ...]]:
    """Return the requirements that each scenario and each invariant checks, by its id."""
    checks = {each.id: each.requirements for each in scenarios()}
    return checks | {each.id: (each.requirement,) for each in invariants()}


def read_baseline(path: Path, checks: Mapping[str, Collection[str]]) -> Baseline:
    """Read a baseline; raise BaselineError for a line that names nothing in `checks`.

    `checks` are the requirements of each scenario, by its id.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise BaselineError(f"The baseline {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise BaselineError(f"The baseline {path} is not UTF-8 text.") from None
    entries: list[BaselineEntry] = []
    for number, line in enumerate(lines, 1):
        words, _, reason = line.partition("#")
        if not words.strip():
            continue
        try:
            pair = _parse_pair(words.split(), checks)
        except BaselineError as wrong:
            raise BaselineError(f"The baseline {path}, line {number}: {wrong}") from None
        if pair not in {entry.pair for entry in entries}:
            entries.append(BaselineEntry(pair, number, reason.strip()))
    return Baseline(tuple(entries))


def _parse_pair(words: Sequence[str], checks: Mapping[str, Collection[str]]) -> FailurePair:
    if len(words) != 2:
        raise BaselineError("write the id of a scenario and the id of a requirement.")
    scenario, requirement = words
    if scenario not in checks:
        raise BaselineError(f"{scenario!r} is not a scenario.{_suggestion(scenario, checks)}")
    if requirement not in checks[scenario]:
        known = ", ".join(checks[scenario])
        raise BaselineError(f"{scenario} does not check {requirement!r}; it checks {known}.")
    return scenario, requirement


def _suggestion(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {near[0]}?" if near else ""


def failing_pairs(results: Iterable[ScenarioResult], *, strict: bool) -> tuple[FailurePair, ...]:
    """Return what failed, in the order of the run; with `strict` what came out as a warn, too."""
    bad: set[Verdict] = {"fail", "warn"} if strict else {"fail"}
    return tuple(
        (scenario.id, requirement)
        for scenario in results
        if scenario.verdict in bad
        for requirement in scenario.requirements
        if verdicts.of_requirement(requirement, [scenario]) in bad
    )


def format_baseline(pairs: Iterable[FailurePair], before: Baseline) -> str:
    """Return the text of a baseline of these fails; reasons that were given before are kept."""
    reasons = {entry.pair: entry.reason for entry in before.entries}
    lines = [
        f"{scenario} {requirement}" + (f"  # {reason}" if reason else "")
        for scenario, requirement in pairs
        for reason in [reasons.get((scenario, requirement), "")]
    ]
    return _HEADER_COMMENT + "".join(f"{line}\n" for line in lines)
