"""What came of clients in situations: the counts of one run, and several clients compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import get_args
from urllib.parse import quote

from tus_reports.markdown import code_span
from tus_reports.record import ClientOutcome, ScenarioResult, Verdict
from tus_reports.record_reader import Record
from tus_reports.verdict_style import VERDICT_STYLES

OUTCOMES: tuple[ClientOutcome, ...] = get_args(ClientOutcome)


@dataclass(frozen=True)
class OutcomeCell:
    """What came of one client in one situation; `outcome` is "" where it was not in it.

    `requests` is how many it sent, `verdict` what the outcome weighs, `said` the reason, and `link`
    leads to the exchanges.
    """

    outcome: ClientOutcome | str
    verdict: Verdict | None
    requests: int
    said: str
    link: str


@dataclass(frozen=True)
class SituationRow:
    """A situation with a cell for each client."""

    id: str
    title: str
    cells: tuple[OutcomeCell, ...]

    @property
    def differs(self) -> bool:
        """Return whether not all clients came to the same outcome."""
        return len({cell.outcome for cell in self.cells}) > 1


def count_outcomes(scenarios: Iterable[ScenarioResult]) -> dict[str, int]:
    """Return how many situations came to each outcome, in the order of the outcomes."""
    counts = Counter(each.outcome for each in scenarios if each.outcome is not None)
    return {outcome: counts[outcome] for outcome in OUTCOMES if counts[outcome]}


def outcome_sentence(record: Record) -> str:
    """Return the outcomes of a client's run in a line, or "" for a run against a server."""
    counts = count_outcomes(record.scenarios)
    others = len(record.scenarios) - sum(counts.values())
    parts = [f"{count} {outcome}" for outcome, count in counts.items()]
    if parts and others:
        parts.append(f"{others} without one")
    return ", ".join(parts)


def compare_outcomes(columns: Sequence[tuple[Record, str]]) -> tuple[SituationRow, ...]:
    """Return a line for each situation; a column is a client's record and where its report is."""
    rows: dict[str, ScenarioResult] = {}
    for record, _ in columns:
        rows |= {each.id: each for each in record.scenarios if each.id not in rows}
    found = [({each.id: each for each in record.scenarios}, report) for record, report in columns]
    return tuple(
        SituationRow(name, each.title, tuple(_cell(by_id.get(name), at) for by_id, at in found))
        for name, each in rows.items()
    )


def _cell(result: ScenarioResult | None, report: str) -> OutcomeCell:
    if result is None:
        return OutcomeCell("", None, 0, "The situation was not run.", "")
    link = f"{report}#s:{quote(result.id)}" if report else ""
    requests = sum(len(attempt.exchanges) for attempt in result.attempts[:1])
    return OutcomeCell(result.outcome or "", _weight(result), requests, result.reason, link)


def _weight(result: ScenarioResult) -> Verdict:
    """Return what the outcome weighs, whatever the rules on every request came to."""
    checks = [check for attempt in result.attempts[:1] for check in attempt.checks]
    grades = {check.grade for check in checks if check.rule in {"expectation", "data-loss"}}
    weights: tuple[Verdict, ...] = ("fail", "warn", "note", "pass")
    return next((each for each in weights if each in grades), result.verdict)


def outcomes_markdown(rows: Sequence[SituationRow], names: Sequence[str]) -> str:
    """Return situations by clients as a Markdown table; `names` are already escaped."""
    lines = [f"| Situation | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for row in rows:
        cells = " | ".join(map(_markdown_cell, row.cells))
        lines.append(f"| {code_span(row.id)} | {cells} |")
    return "\n".join(lines) + "\n"


def _markdown_cell(cell: OutcomeCell) -> str:
    if cell.verdict is None:
        return ""
    mark = VERDICT_STYLES[cell.verdict]
    if not cell.outcome:
        return mark.word
    return f"{mark.glyph} {cell.outcome}, {cell.requests}"
