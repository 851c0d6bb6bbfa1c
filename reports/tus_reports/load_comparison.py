"""Loads next to each other: several servers under one mix, or one server before and now.

Losing or mixing bytes, and too many errors, are regressions; latencies and throughput are shown
with their ratio and never decide, since they depend on the machine and on what else it does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tus_reports.html import template_environment
from tus_reports.load_result import LoadResult, RequestTimes
from tus_reports.load_views import (
    format_bytes,
    format_seconds,
    load_of,
    load_sentence,
    markdown_table,
    text_table,
)
from tus_reports.markdown import escape_markdown
from tus_reports.record import Verdict
from tus_reports.record_reader import Record, RecordError
from tus_reports.text_layout import PLAIN_WIDTH, wrap_text
from tus_reports.transcript import escape_controls


class MixedRecordsError(RecordError):
    """Records of loads and of other runs were to be laid side by side."""


@dataclass(frozen=True)
class LoadColumn:
    """A load and what its column is called."""

    name: str
    record: Record


@dataclass(frozen=True)
class LoadComparison:
    """Loads side by side; `has_ratio` adds how the last one compares with the first one."""

    columns: tuple[LoadColumn, ...]
    has_ratio: bool = False

    @property
    def results(self) -> tuple[LoadResult, ...]:
        """Return what came of each load."""
        return tuple(load_of(each.record) for each in self.columns)

    @property
    def exit_code(self) -> int:
        """Return 1 if a load lost or mixed bytes or had errors, 3 if one is undetermined, else 0.

        With a ratio, only the last load counts, and not if the first one was as bad.
        """
        codes = [each.record.footer.exit_code if each.record.footer else 3 for each in self.columns]
        if not self.has_ratio:
            return 1 if 1 in codes else max(codes)
        old, new = codes[0], codes[-1]
        return 0 if new == old == 1 else new

    @property
    def sentence(self) -> str:
        """Return what the comparison came to."""
        found = [f"{each.name}: {load_sentence(each.record)}" for each in self.columns]
        notes = []
        if len({each.mix for each in self.results}) > 1:
            notes.append("The mixes differ, so the figures do not compare.")
        if len({(each.users, each.workers) for each in self.results}) > 1:
            notes.append("The numbers of users or processes differ.")
        return " ".join([*found, *notes])

    def names(self) -> list[str]:
        """Return the names of the columns."""
        return [
            *(each.name for each in self.columns),
            *(["now / before"] if self.has_ratio else []),
        ]

    def rows(self) -> list[tuple[str, list[str]]]:
        """Return the rows: what was counted, and the latencies of each kind of request."""
        rows = [
            self._row(name, [read(each) for each in self.results], show)
            for name, read, show in _MEASURES
        ]
        kinds = sorted({times.name for each in self.results for times in each.requests})
        for kind in kinds:
            found = [_find(each, kind) for each in self.results]
            for name in ("p50", "p99"):
                values = [getattr(each, name) if each else None for each in found]
                rows.append(self._row(f"{kind}, {name}", values, format_seconds))
        return rows

    def _row(
        self, name: str, values: Sequence[float | None], show: Callable[[float], str]
    ) -> tuple[str, list[str]]:
        cells = ["" if value is None else show(value) for value in values]
        if self.has_ratio:
            first, last = values[0], values[-1]
            cells.append(f"{last / first:.2f}" if first and last is not None else "")
        return name, cells


_Measure = tuple[str, Callable[[LoadResult], float], Callable[[float], str]]


def _count(value: float) -> str:
    return f"{value:.0f}"


_MEASURES: tuple[_Measure, ...] = (
    ("requests per second", lambda each: each.total.per_second, lambda value: f"{value:.1f}"),
    ("requests", lambda each: each.total.count, _count),
    ("failed requests", lambda each: each.total.failures, _count),
    ("completed uploads", lambda each: each.counts.uploads_completed, _count),
    ("stored per second", lambda each: each.acknowledged_per_second, format_bytes),
    ("connections cut", lambda each: each.counts.cuts, _count),
    ("resumes", lambda each: each.counts.resumes, _count),
    ("bytes verified", lambda each: each.counts.bytes_verified, format_bytes),
    ("bytes lost", lambda each: each.counts.bytes_lost, format_bytes),
    ("bytes mixed up", lambda each: each.counts.bytes_mixed, format_bytes),
    ("bytes not verified", lambda each: each.counts.bytes_unverified, format_bytes),
    ("all requests, p50", lambda each: each.total.p50, format_seconds),
    ("all requests, p95", lambda each: each.total.p95, format_seconds),
    ("all requests, p99", lambda each: each.total.p99, format_seconds),
)
"""What the columns show of the whole of a load: the name, the value, and how it is written."""


def compare_loads(old: Record, new: Record) -> LoadComparison:
    """Compare a load with an earlier one; raise MixedRecordsError unless both are loads."""
    ensure_loads([old, new])
    return LoadComparison((LoadColumn("before", old), LoadColumn("now", new)), has_ratio=True)


def ensure_loads(records: Sequence[Record]) -> None:
    """Raise MixedRecordsError unless all records are of loads."""
    if any(record.load is None for record in records):
        raise MixedRecordsError(
            "Some of these records are of loads and others are not: compare those of one command."
        )


def load_comparison_text(found: LoadComparison) -> str:
    """Return loads side by side as plain text."""
    lines = wrap_text(escape_controls(found.sentence), PLAIN_WIDTH)
    return "\n".join([*lines, "", *text_table("", found.names(), found.rows())]) + "\n"


def load_comparison_markdown(found: LoadComparison) -> str:
    """Return loads side by side as Markdown."""
    table = markdown_table("", found.names(), found.rows())
    return f"**{escape_markdown(found.sentence)}**\n\n{table}\n"


def load_comparison_html(found: LoadComparison) -> str:
    """Return loads side by side as one HTML file."""
    worst: Verdict = "pass" if found.exit_code == 0 else "fail" if found.exit_code == 1 else "error"
    template = template_environment().get_template("load.html.j2")
    facts = [(each.name, f"{each.record.header.target}") for each in found.columns]
    return template.render(
        title="Loads side by side",
        verdict=worst,
        sentence=found.sentence,
        facts=facts,
        corner="",
        columns=found.names(),
        rows=found.rows(),
        lists=[],
    )


def _find(result: LoadResult, kind: str) -> RequestTimes | None:
    return next((each for each in result.requests if each.name == kind), None)
