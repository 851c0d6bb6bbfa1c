"""The sample run with a requirement, or a scenario, that has no check of its own."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from tus_reports import Record, ScenarioResult


def add_sum(record: Record) -> Record:
    """Add a requirement that is the sum of others to a record."""
    failed = tuple(each.id for each in record.scenarios if each.verdict == "fail")
    total = msgspec.structs.replace(record.requirements[0], id="core.all", scenarios=failed)
    return replace(record, requirements=(*record.requirements, total))


def remove_evidence(record: Record) -> Record:
    """Leave a single scenario, which fails without a check."""
    bare = ScenarioResult(
        id="odd.one", title="An odd one", verdict="fail", section="Odd", extension="core"
    )
    return replace(record, scenarios=(bare,), requirements=())
