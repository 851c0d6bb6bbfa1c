"""The run as one JSON document without its exchanges: for scripts that want the verdicts."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from tus_reports.findings import digest
from tus_reports.reader import Record
from tus_reports.tally import Share, by_extension, by_level, conclusion, counted


def as_json(record: Record) -> str:
    """Return what the run came to as JSON; the whole of it is the record itself."""
    header, footer = record.header, record.footer
    found = digest(record.scenarios, record.requirements)
    document: dict[str, Any] = {
        "format": header.format,
        "target": header.target,
        "suite_version": header.suite_version,
        "spec_edition": header.spec_edition,
        "started": header.started,
        "seed": header.seed,
        "complete": footer is not None,
        "exit_code": footer.exit_code if footer else None,
        "conclusion": conclusion(record),
        "counts": {
            "scenarios": counted(record.scenarios),
            "requirements": counted(record.requirements),
        },
        "extensions": [_share(share) for share in by_extension(record.requirements)],
        "levels": [_share(share) for share in by_level(record.requirements)],
        "findings": [
            {
                "requirement": each.requirement.id,
                "verdict": each.verdict,
                "scenarios": [way.scenario.id for ways in each.ways for way in ways],
                "expected": each.occurrences[0].check.expected,
                "actual": each.occurrences[0].check.actual,
                "says": each.occurrences[0].says,
                "reproduce": each.occurrences[0].scenario.reproduce,
            }
            for each in found.findings
        ],
        "requirements": [msgspec.to_builtins(row) for row in record.requirements],
        "scenarios": [
            {"id": each.id, "title": each.title, "verdict": each.verdict, "reason": each.reason}
            for each in record.scenarios
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _share(share: Share) -> dict[str, Any]:
    return {
        "name": share.name,
        "verdict": share.verdict,
        "sentence": share.sentence,
        "judged": share.judged,
        "total": share.total,
        "counts": share.counts,
    }
