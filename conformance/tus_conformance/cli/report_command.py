"""`tus-conformance report`: a record as a report, or several records as a matrix."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import tus_reports
from tus_conformance.cli.output import print_error, usage_error
from tus_conformance.cli.record_files import find_record
from tus_conformance.cli.report_output import write_report
from tus_reports import MatrixServer, Record, RecordError

RECORD_VIEWS: dict[str, Callable[[Record], str]] = {
    "text": tus_reports.render_terminal,
    "html": tus_reports.html,
    "junit": tus_reports.junit,
    "markdown": tus_reports.markdown,
    "json": tus_reports.json_report,
    "har": tus_reports.har,
    "annotations": tus_reports.github_annotations,
    "issue": tus_reports.issue,
}
"""A view of one record, by format."""

LOAD_VIEWS: dict[str, Callable[[Record], str]] = {
    "text": tus_reports.load_text,
    "html": tus_reports.load_html,
    "markdown": tus_reports.load_markdown,
    "json": tus_reports.load_json,
}
"""A view of the record of a load, by format."""

LOAD_TABLES = {
    "text": tus_reports.load_comparison_text,
    "html": tus_reports.load_comparison_html,
    "markdown": tus_reports.load_comparison_markdown,
}
"""Several loads side by side, by format."""

BADGE_VIEWS = {"badge": tus_reports.badge_svg, "badge-json": tus_reports.badge_json}
MATRIX_VIEWS = {"html": tus_reports.matrix_html, "markdown": tus_reports.matrix_markdown}
REPORT_FORMATS = (*RECORD_VIEWS, *BADGE_VIEWS)
"""The formats of a report."""


DESCRIPTION = f"""\
Render the record of a run as a report. The formats are
{", ".join(REPORT_FORMATS)}.

Several records make a matrix, as html or markdown, with links to an index.html
in the folder of each record. The record of a load is shown as text, html,
markdown or json, and several loads stand side by side."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `report`."""
    parser.add_argument(
        "records",
        nargs="*",
        type=Path,
        default=[Path("report")],
        metavar="RECORD",
        help="a run.ndjson, or the folder that has it (default: report)",
    )
    parser.add_argument(
        "--format",
        metavar="FORMAT",
        choices=REPORT_FORMATS,
        help="the format (default: by the name of --out, else text)",
    )
    parser.add_argument(
        "--extension", metavar="NAME", help="the extension of a badge (default: the whole protocol)"
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="GLOB",
        help="the requirements of --format issue (default: all violated)",
    )
    parser.add_argument(
        "--spec-text",
        type=Path,
        metavar="FILE",
        help="the specification in Markdown, to quote it in the HTML report",
    )
    parser.add_argument(
        "--brief",
        action="store_true",
        help="only the bytes of the findings in the HTML report (the default)",
    )
    parser.add_argument(
        "--full", action="store_true", help="the bytes of every scenario in the HTML report"
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="all scenarios, bytes and notes, as text"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="default: standard output; of issues it may be a folder",
    )


def run(options: argparse.Namespace) -> int:
    """Show one record in a format, or several as a matrix; return 2 for one that cannot be read."""
    try:
        options.format = options.format or _format_of(options.out)
        options.records = [find_record(path) for path in options.records]
        records = [tus_reports.read(path, allow_truncated=True) for path in options.records]
        if options.format == "issue" and options.out is not None and options.out.is_dir():
            return _write_issues(records, options)
        text = _render_records(records, options)
    except (RecordError, KeyError) as wrong:
        return usage_error(str(wrong.args[0]))
    except OSError as error:
        return usage_error(f"{error.filename} cannot be read: {error.strerror}.")
    for path, record in zip(options.records, records, strict=True):
        if record.footer is None:
            print_error(f"{path} has no footer: its run was cut short, and so is this report.")
    return write_report(text, options.out)


def _write_issues(records: list[Record], options: argparse.Namespace) -> int:
    """Write a file for each violated requirement into a folder."""
    if len(records) > 1:
        raise RecordError("Give one record for --format issue.")
    for name, text in tus_reports.issues(records[0], options.only).items():
        code = write_report(text, options.out / f"{name}.md")
        if code:
            return code
    return 0


_SUFFIXES = {
    ".html": "html",
    ".xml": "junit",
    ".md": "markdown",
    ".json": "json",
    ".har": "har",
    ".svg": "badge",
}
"""The format that the name of a file means."""


def _format_of(out: Path | None) -> str:
    """Return the format that a file name means; raise RecordError if it means none."""
    if out is None or out.suffix.lower() in {"", ".txt", ".log"}:
        return "text"
    if out.suffix.lower() not in _SUFFIXES:
        known = ", ".join((*_SUFFIXES, ".txt"))
        raise RecordError(
            f"{out.name!r} does not name a format: end it with {known}, or give --format."
        )
    return _SUFFIXES[out.suffix.lower()]


def _render_loads(records: list[Record], options: argparse.Namespace) -> str:
    """Return the report of a load, or of several side by side; raise RecordError."""
    tus_reports.ensure_loads(records)
    views = LOAD_VIEWS if len(records) == 1 else LOAD_TABLES
    if options.format not in views:
        raise RecordError(
            f"A load has no report as {options.format}: use {' or '.join(views)} with --format."
        )
    if len(records) == 1:
        return LOAD_VIEWS[options.format](records[0])
    names = _column_names(options.records, records)
    columns = map(tus_reports.LoadColumn, names, records)
    return LOAD_TABLES[options.format](tus_reports.LoadComparison(tuple(columns)))


def _render_records(records: list[Record], options: argparse.Namespace) -> str:
    if any(record.load is not None for record in records):
        return _render_loads(records, options)
    if options.extension is not None and options.format not in BADGE_VIEWS:
        raise RecordError(f"--extension is for badges; it has no effect on {options.format}.")
    if options.only and options.format != "issue":
        raise RecordError(f"--only is for --format issue; it has no effect on {options.format}.")
    return (
        _render_matrix(records, options) if len(records) > 1 else _render_one(records[0], options)
    )


def _render_matrix(records: list[Record], options: argparse.Namespace) -> str:
    if options.format not in MATRIX_VIEWS:
        raise RecordError(
            f"Several records make a matrix, as {' or '.join(MATRIX_VIEWS)};"
            f" give one record for --format {options.format}."
        )
    base = (options.out or Path("matrix")).resolve().parent
    servers = [
        MatrixServer(name, record, _report_link(path, base))
        for path, record, name in zip(
            options.records, records, _column_names(options.records, records), strict=True
        )
    ]
    return MATRIX_VIEWS[options.format](servers)


def _render_one(record: Record, options: argparse.Namespace) -> str:
    if options.format == "html":
        text = options.spec_text.read_text("utf-8") if options.spec_text else ""
        return tus_reports.html(record, spec_text=text, full=options.full)
    if options.spec_text is not None or options.brief or options.full:
        raise RecordError("--spec-text, --brief and --full need --format html and one record.")
    if options.format in BADGE_VIEWS:
        return BADGE_VIEWS[options.format](record, options.extension)
    if options.format == "issue":
        return tus_reports.issue(record, options.only)
    if options.format == "text" and options.verbose:
        return tus_reports.render_terminal(record, detail="full")
    return RECORD_VIEWS[options.format](record)


def _column_names(paths: list[Path], records: list[Record]) -> list[str]:
    """Return what each server goes by; runs of one server are told apart by their folders.

    Raises RecordError for a record that is given twice.
    """
    resolved = [path.resolve() for path in paths]
    twice = next((path for path in resolved if resolved.count(path) > 1), None)
    if twice is not None:
        raise RecordError(f"{twice} is given twice: name each record once.")
    names = [_server_name(path, record) for path, record in zip(paths, records, strict=True)]
    return [
        name if names.count(name) == 1 else f"{name} ({path.parent.name}/{path.name})"
        for name, path in zip(names, resolved, strict=True)
    ]


def _server_name(path: Path, record: Record) -> str:
    """Return what a server or client goes by in the matrix: its name, or its record's folder."""
    if record.header.server_name:
        return tus_reports.server_title(record.header)
    if record.header.side == "client":
        return record.header.target
    name = path.name.removesuffix(".gz").removesuffix(".ndjson")
    return path.resolve().parent.name if name == "run" else name


def _report_link(path: Path, base: Path) -> str:
    """Return where a record's own report is, seen from a folder: index.html beside it, if any."""
    page = path.resolve().with_name("index.html")
    return quote(Path(os.path.relpath(page, base)).as_posix()) if page.exists() else ""
