"""A load on the reference and on third-party servers, one after the other, with one mix."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import tus_reports
from peers.installation import Installation, MissingError, install_peer

RECORD = "run.ndjson"
TABLES = {
    "table.txt": tus_reports.load_comparison_text,
    "table.html": tus_reports.load_comparison_html,
}
USUAL = ("--users", "20", "--spawn-rate", "20", "--time", "30s", "--seed", "1")
"""The options of each load, unless others are given after them."""


def load_servers(
    names: Sequence[str], home: Path, reports: Path, arguments: Sequence[str]
) -> tuple[str, int]:
    """Load the reference and the named servers; return a table and the worst exit code.

    The records go to folders of `reports`, and the table to files there. A server that cannot be
    had here is left out, with a line on standard error.
    """
    codes = [run_load("reference", ("--reference", "file"), reports, arguments)]
    for name in names:
        try:
            peer = install_peer(name, home)
        except MissingError as missing:
            print(f"{name} is left out: {missing}.", file=sys.stderr, flush=True)
            continue
        codes.append(run_load(name, peer_options(peer), reports, arguments))
    columns = [
        tus_reports.LoadColumn(name, tus_reports.read(reports / name / RECORD))
        for name in ("reference", *names)
        if (reports / name / RECORD).exists()
    ]
    if not columns:
        return "No load left a record; see above.", max(codes)
    comparison = tus_reports.LoadComparison(tuple(columns))
    for file, view in TABLES.items():
        (reports / file).write_text(view(comparison), "utf-8")
    return tus_reports.load_comparison_text(comparison), max(codes)


def peer_options(peer: Installation) -> tuple[str, ...]:
    """Return the options of `tus-conformance load` for an installed server."""
    return (
        *("--server-command", peer.start),
        *("--target", f"http://127.0.0.1:{{port}}{peer.path}"),
        *("--profile", str(peer.profile)),
        *("--name", peer.title, "--server-version", peer.version),
    )


def run_load(name: str, options: Sequence[str], reports: Path, arguments: Sequence[str]) -> int:
    """Load one server; return the exit code."""
    folder = reports / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).unlink(missing_ok=True)
    print(f"{name}:", flush=True)
    words = ["load", *options, *USUAL, "--report-dir", str(folder), *arguments]
    command = [sys.executable, "-m", "tus_conformance", *words]
    return subprocess.run(command, check=False).returncode
