"""`tus-conformance report` and `compare`: views of records that exist already."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import tus_reports
from tus_conformance.judging import verdict
from tus_reports import Record, RecordError, Server

ONE: dict[str, Callable[[Record], str]] = {
    "text": tus_reports.render,
    "html": tus_reports.html,
    "junit": tus_reports.junit,
    "markdown": tus_reports.markdown,
    "json": tus_reports.as_json,
    "har": tus_reports.har,
    "annotations": tus_reports.github_annotations,
}
"""A view of one record, by format."""

BADGES = {"badge": tus_reports.badge_svg, "badge-json": tus_reports.badge_json}
SEVERAL = {"html": tus_reports.matrix_html, "markdown": tus_reports.matrix_markdown}
COMPARED = {
    "text": tus_reports.comparison_text,
    "markdown": tus_reports.comparison_markdown,
    "html": tus_reports.comparison_html,
}

STABILITY = {"text": tus_reports.stability_text, "markdown": tus_reports.stability_markdown}


def report(options: argparse.Namespace) -> int:
    """Show one record in a format, or several as a matrix; return 2 for one that cannot be read."""
    try:
        records = [tus_reports.read(path, allow_truncated=True) for path in options.records]
        text = _shown(records, options)
    except (RecordError, KeyError) as wrong:
        return _refuse(str(wrong.args[0]))
    except OSError as error:
        return _refuse(f"{error.filename} cannot be read: {error.strerror}.")
    for path, record in zip(options.records, records, strict=True):
        if record.footer is None:
            _say(f"{path} has no footer: its run was cut short, and so is this report.")
    return _hand_over(text, options.out)


def compare(options: argparse.Namespace) -> int:
    """Tell what changed from one record to another; return 1 for a regression, 2 for bad records.

    More than two records are runs of the same thing: how stable each scenario was is told instead.
    """
    try:
        records = [tus_reports.read(path) for path in options.records]
        if len(records) > 2:
            return _hand_over(_steadiness(records, options.format), options.out)
        if len(records) < 2:
            return _refuse("compare needs two records: the older one and the newer one.")
        found = tus_reports.compare(*records)
    except RecordError as wrong:
        return _refuse(str(wrong))
    except OSError as error:
        return _refuse(f"{error.filename} cannot be read: {error.strerror}.")
    return _hand_over(COMPARED[options.format](found), options.out) or found.exit_code


def _steadiness(records: list[Record], kind: str) -> str:
    found = tus_reports.stability(records)
    if kind == "html":
        return tus_reports.stability_html(found, records)
    return STABILITY[kind](found)


def _shown(records: list[Record], options: argparse.Namespace) -> str:
    if len(records) > 1:
        if options.format not in SEVERAL:
            raise RecordError(
                f"Several records make a matrix, as {' or '.join(SEVERAL)};"
                f" give one record for --format {options.format}."
            )
        base = (options.out or Path("matrix")).resolve().parent
        servers = [
            Server(_name(path), record, _beside(path, base))
            for path, record in zip(options.records, records, strict=True)
        ]
        return SEVERAL[options.format](servers)
    if options.format == "html":
        text = options.spec_text.read_text("utf-8") if options.spec_text else ""
        return tus_reports.html(records[0], spec_text=text, brief=options.brief)
    if options.spec_text is not None or options.brief:
        raise RecordError("--spec-text and --brief go with --format html, of one record.")
    if options.format in BADGES:
        return BADGES[options.format](records[0], options.extension)
    return ONE[options.format](records[0])


def _name(path: Path) -> str:
    """Return what a server goes by in the matrix: the folder of its record."""
    name = path.name.removesuffix(".gz").removesuffix(".ndjson")
    return path.resolve().parent.name if name == "run" else name


def _beside(path: Path, base: Path) -> str:
    """Return where a record's own report is, seen from a folder: index.html beside it, if any."""
    page = path.resolve().with_name("index.html")
    return quote(Path(os.path.relpath(page, base)).as_posix()) if page.exists() else ""


def _hand_over(text: str, out: Path | None) -> int:
    if out is None:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
        return verdict.CONFORMANT
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        return _refuse(f"{out} cannot be written: {error.strerror}.")
    return verdict.CONFORMANT


def _refuse(sentence: str) -> int:
    _say(sentence)
    return verdict.USAGE


def _say(sentence: str) -> None:
    print(f"tus-conformance: {sentence}", file=sys.stderr)  # noqa: T201
