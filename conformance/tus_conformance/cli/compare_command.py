"""`tus-conformance compare`: what changed between two records, or the stability of more."""

from __future__ import annotations

import argparse
from pathlib import Path

import tus_reports
from tus_conformance.cli.output import usage_error
from tus_conformance.cli.record_files import read_record
from tus_conformance.cli.report_output import write_report
from tus_reports import Record, RecordError

COMPARISON_VIEWS = {
    "text": tus_reports.comparison_text,
    "markdown": tus_reports.comparison_markdown,
    "html": tus_reports.comparison_html,
}
LOAD_VIEWS = {
    "text": tus_reports.load_comparison_text,
    "markdown": tus_reports.load_comparison_markdown,
    "html": tus_reports.load_comparison_html,
}
STABILITY_VIEWS = {"text": tus_reports.stability_text, "markdown": tus_reports.stability_markdown}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `compare`."""
    parser.add_argument(
        "records",
        nargs="+",
        type=Path,
        metavar="RECORD",
        help="a run.ndjson, or the folder that has it",
    )
    parser.add_argument(
        "--format",
        choices=tuple(COMPARISON_VIEWS),
        default="text",
        help="the format of the comparison (default: text)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: standard output")


def run(options: argparse.Namespace) -> int:
    """Print what changed between two records; return 1 for a regression, 2 for bad records.

    More than two records are repeated runs: prints how stable each scenario was. Two loads are
    compared in their figures; only lost or mixed bytes and errors are regressions.
    """
    try:
        records = [read_record(path) for path in options.records]
        if any(record.load is not None for record in records):
            return _compare_loads(records, options)
        if len(records) > 2:
            return write_report(_render_stability(records, options.format), options.out)
        if len(records) < 2:
            return usage_error("compare needs two records: the older one and the newer one.")
        found = tus_reports.compare(*records)
    except RecordError as wrong:
        return usage_error(str(wrong))
    except OSError as error:
        return usage_error(f"{error.filename} cannot be read: {error.strerror}.")
    return write_report(COMPARISON_VIEWS[options.format](found), options.out) or found.exit_code


def _compare_loads(records: list[Record], options: argparse.Namespace) -> int:
    if len(records) != 2:
        return usage_error("compare needs two loads; `report` shows several side by side.")
    found = tus_reports.compare_loads(*records)
    return write_report(LOAD_VIEWS[options.format](found), options.out) or found.exit_code


def _render_stability(records: list[Record], kind: str) -> str:
    found = tus_reports.compare_stability(records)
    if kind == "html":
        return tus_reports.stability_html(found, records)
    return STABILITY_VIEWS[kind](found)
