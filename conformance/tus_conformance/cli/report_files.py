"""The reports that `run` writes besides the record: `--html FILE` and its like."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import tus_reports
from tus_reports import Record

_VIEWS: dict[str, tuple[Callable[[Record], str], str]] = {
    "html": (tus_reports.html, "the report as a page"),
    "junit": (tus_reports.junit, "the report as JUnit XML"),
    "markdown": (tus_reports.markdown, "the report as Markdown, for a summary"),
    "json": (tus_reports.json_report, "the verdicts as JSON"),
    "badge": (tus_reports.badge_svg, "a badge, as SVG"),
}


@dataclass(frozen=True)
class ReportFile:
    """A report that the user wants, and the file for it."""

    kind: str
    path: Path

    def write(self, record: Record) -> str:
        """Write the report; return a line about it. Raises OSError."""
        self.path.write_text(_VIEWS[self.kind][0](record), "utf-8")
        return f"{self.kind:<12} {self.path}"


def add_report_files(parser: argparse.ArgumentParser) -> None:
    """Add an option for each report."""
    for kind, (_, what) in _VIEWS.items():
        parser.add_argument(f"--{kind}", type=Path, metavar="FILE", help=f"write {what}")


def prepare_report_files(options: argparse.Namespace) -> tuple[ReportFile, ...]:
    """Return the wanted reports, their folders made; raise OSError for a file not writable.

    A run of some minutes must not end with a report that cannot be written.
    """
    files = tuple(
        ReportFile(kind, path) for kind in _VIEWS if (path := getattr(options, kind)) is not None
    )
    for file in files:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        with file.path.open("ab"):
            pass
    return files
