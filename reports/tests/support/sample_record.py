"""One run in which every verdict occurs, as a maintainer might be shown it."""

from __future__ import annotations

from sample_parts import TARGET
from sample_requirements import sample_requirements
from sample_scenarios import sample_scenarios

from tus_reports import (
    FORMAT,
    Capability,
    Counts,
    Discovery,
    Footer,
    Header,
    Record,
    RecordLine,
    RequirementResult,
    ScenarioResult,
    Verdict,
)


def sample_record() -> Record:
    """Make the whole record."""
    scenarios, requirements = sample_scenarios(), sample_requirements()
    footer = Footer(
        counts=Counts(scenarios=count_slowly(scenarios), requirements=count_slowly(requirements)),
        exit_code=1,
        duration=12.345,
        exchange_count=803,
        remaining_uploads=(TARGET + "24e533e02ec3bc40c387f1a0e460e216",),
    )
    header = Header(
        format=FORMAT,
        suite_version="0.1.0",
        target=TARGET,
        seed=4711,
        arguments=("--target", TARGET, "-H", "Authorization: [redacted]", "--seed", "4711"),
        spec_edition="tus 1.0.0",
        started_at="2016-11-17T10:00:00+00:00",
    )
    discovery = Discovery(
        versions=("1.0.0",),
        extensions=("creation", "creation-with-upload", "termination", "concatenation"),
        capabilities=(
            Capability(name="creation", advertised=True, observed="accepted"),
            Capability(
                name="concatenation",
                advertised=True,
                observed="refused",
                reason="POST of a partial upload answered 400",
            ),
            Capability(name="checksum", advertised=False, observed="refused"),
            Capability(name="download", advertised=False, observed="accepted"),
        ),
    )
    return Record(header, discovery, scenarios, requirements, footer)


def count_slowly(
    lines: tuple[ScenarioResult, ...] | tuple[RequirementResult, ...],
) -> dict[Verdict, int]:
    """Count verdicts the slow and obvious way, as a check on the quick one."""
    counts: dict[Verdict, int] = {}
    for line in lines:
        counts[line.verdict] = counts.get(line.verdict, 0) + 1
    return counts


def record_lines(record: Record) -> tuple[RecordLine, ...]:
    """Return the lines of a record in their order."""
    discovery = (record.discovery,) if record.discovery else ()
    footer = (record.footer,) if record.footer else ()
    return (record.header, *discovery, *record.scenarios, *record.requirements, *footer)
