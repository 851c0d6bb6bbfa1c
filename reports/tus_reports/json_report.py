"""The run as one JSON document without its exchanges: for scripts that want the verdicts."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from tus_reports.findings import collect_findings
from tus_reports.record_reader import Record
from tus_reports.totals import (
    GroupTotals,
    conclusion_sentence,
    count_verdicts,
    totals_by_extension,
    totals_by_level,
)


def json_report(record: Record) -> str:
    """Return what the run came to as JSON; the whole of it is the record itself."""
    header, footer = record.header, record.footer
    found = collect_findings(record.scenarios, record.requirements)
    document: dict[str, Any] = {
        "format": header.format,
        "target": header.target,
        "suite_version": header.suite_version,
        "spec_edition": header.spec_edition,
        "started_at": header.started_at,
        "seed": header.seed,
        "complete": footer is not None,
        "exit_code": footer.exit_code if footer else None,
        "conclusion": conclusion_sentence(record),
        "counts": {
            "scenarios": count_verdicts(record.scenarios),
            "requirements": count_verdicts(record.requirements),
        },
        "contents": {
            "complete": footer.complete_uploads if footer else 0,
            "compared": footer.compared_uploads if footer else 0,
        },
        "extensions": [_totals_object(totals) for totals in totals_by_extension(record)],
        "levels": [_totals_object(totals) for totals in totals_by_level(record.requirements)],
        "findings": [
            {
                "requirement": each.requirement.id,
                "verdict": each.verdict,
                "scenarios": [way.scenario.id for ways in each.groups for way in ways],
                "expected": each.occurrences[0].check.expected,
                "actual": each.occurrences[0].check.actual,
                "explanation": each.occurrences[0].explanation,
                "rule": each.occurrences[0].check.rule,
                "command": each.occurrences[0].scenario.command,
            }
            for each in found.findings
        ],
        "requirements": [msgspec.to_builtins(requirement) for requirement in record.requirements],
        "scenarios": [
            {"id": each.id, "title": each.title, "verdict": each.verdict, "reason": each.reason}
            for each in record.scenarios
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _totals_object(totals: GroupTotals) -> dict[str, Any]:
    return {
        "name": totals.name,
        "verdict": totals.verdict,
        "sentence": totals.sentence,
        "evaluated": totals.evaluated,
        "total": totals.total,
        "counts": totals.counts,
    }
