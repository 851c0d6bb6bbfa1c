"""`tus-conformance report` and `compare`: views of records that exist already."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import tus_reports
from tus_conformance.evaluation import exit_codes
from tus_reports import MatrixServer, Record, RecordError

RECORD_VIEWS: dict[str, Callable[[Record], str]] = {
    "text": tus_reports.render_terminal,
    "html": tus_reports.html,
    "junit": tus_reports.junit,
    "markdown": tus_reports.markdown,
    "json": tus_reports.json_report,
    "har": tus_reports.har,
    "annotations": tus_reports.github_annotations,
}
"""A view of one record, by format."""

BADGE_VIEWS = {"badge": tus_reports.badge_svg, "badge-json": tus_reports.badge_json}
MATRIX_VIEWS = {"html": tus_reports.matrix_html, "markdown": tus_reports.matrix_markdown}
COMPARISON_VIEWS = {
    "text": tus_reports.comparison_text,
    "markdown": tus_reports.comparison_markdown,
    "html": tus_reports.comparison_html,
}

STABILITY_VIEWS = {"text": tus_reports.stability_text, "markdown": tus_reports.stability_markdown}


def report(options: argparse.Namespace) -> int:
    """Show one record in a format, or several as a matrix; return 2 for one that cannot be read."""
    try:
        records = [tus_reports.read(path, allow_truncated=True) for path in options.records]
        text = _render_records(records, options)
    except (RecordError, KeyError) as wrong:
        return _usage_error(str(wrong.args[0]))
    except OSError as error:
        return _usage_error(f"{error.filename} cannot be read: {error.strerror}.")
    for path, record in zip(options.records, records, strict=True):
        if record.footer is None:
            _print_error(f"{path} has no footer: its run was cut short, and so is this report.")
    return _write_output(text, options.out)


def compare(options: argparse.Namespace) -> int:
    """Tell what changed from one record to another; return 1 for a regression, 2 for bad records.

    More than two records are runs of the same thing: how stable each scenario was is told instead.
    """
    try:
        records = [tus_reports.read(path) for path in options.records]
        if len(records) > 2:
            return _write_output(_render_stability(records, options.format), options.out)
        if len(records) < 2:
            return _usage_error("compare needs two records: the older one and the newer one.")
        found = tus_reports.compare(*records)
    except RecordError as wrong:
        return _usage_error(str(wrong))
    except OSError as error:
        return _usage_error(f"{error.filename} cannot be read: {error.strerror}.")
    return _write_output(COMPARISON_VIEWS[options.format](found), options.out) or found.exit_code


def _render_stability(records: list[Record], kind: str) -> str:
    found = tus_reports.compare_stability(records)
    if kind == "html":
        return tus_reports.stability_html(found, records)
    return STABILITY_VIEWS[kind](found)


def _render_records(records: list[Record], options: argparse.Namespace) -> str:
    if len(records) > 1:
        if options.format not in MATRIX_VIEWS:
            raise RecordError(
                f"Several records make a matrix, as {' or '.join(MATRIX_VIEWS)};"
                f" give one record for --format {options.format}."
            )
        base = (options.out or Path("matrix")).resolve().parent
        servers = [
            MatrixServer(_server_name(path), record, _report_link(path, base))
            for path, record in zip(options.records, records, strict=True)
        ]
        return MATRIX_VIEWS[options.format](servers)
    if options.format == "html":
        text = options.spec_text.read_text("utf-8") if options.spec_text else ""
        return tus_reports.html(records[0], spec_text=text, brief=options.brief)
    if options.spec_text is not None or options.brief:
        raise RecordError("--spec-text and --brief go with --format html, of one record.")
    if options.format in BADGE_VIEWS:
        return BADGE_VIEWS[options.format](records[0], options.extension)
    return RECORD_VIEWS[options.format](records[0])


def _server_name(path: Path) -> str:
    """Return what a server goes by in the matrix: the folder of its record."""
    name = path.name.removesuffix(".gz").removesuffix(".ndjson")
    return path.resolve().parent.name if name == "run" else name


def _report_link(path: Path, base: Path) -> str:
    """Return where a record's own report is, seen from a folder: index.html beside it, if any."""
    page = path.resolve().with_name("index.html")
    return quote(Path(os.path.relpath(page, base)).as_posix()) if page.exists() else ""


def _write_output(text: str, out: Path | None) -> int:
    if out is None:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
        return exit_codes.CONFORMANT
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        return _usage_error(f"{out} cannot be written: {error.strerror}.")
    return exit_codes.CONFORMANT


def _usage_error(sentence: str) -> int:
    _print_error(sentence)
    return exit_codes.USAGE


def _print_error(sentence: str) -> None:
    print(f"tus-conformance: {sentence}", file=sys.stderr)  # noqa: T201
