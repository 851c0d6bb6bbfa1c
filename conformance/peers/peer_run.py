"""A run of the suite against a third-party server, and the summary of several."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tus_reports
from peers.installation import Installation, MissingError, install_peer

RECORD = "run.ndjson"


@dataclass(frozen=True)
class PeerResult:
    """What came of one server: its exit code and counts, or why it was left out.

    `seconds` is the duration of the run, without the installation.
    """

    name: str
    version: str = ""
    missing: str = ""
    exit_code: int | None = None
    seconds: float = 0.0
    violated: int = 0
    warnings: int = 0
    undetermined: int = 0


def run_peer(
    name: str, home: Path, report: Path, arguments: Sequence[str], *, quiet: bool
) -> PeerResult:
    """Install a server, run the suite against it, and return the result; the record is in `report`.

    The output of the suite goes to `output.txt` in `report` if `quiet`.
    """
    try:
        peer = install_peer(name, home)
    except MissingError as missing:
        return PeerResult(name, missing=str(missing))
    report.mkdir(parents=True, exist_ok=True)
    (report / RECORD).unlink(missing_ok=True)
    began = time.monotonic()
    exit_code = _run_suite(peer, report, arguments, quiet=quiet)
    return read_result(peer, report / RECORD, exit_code, time.monotonic() - began)


def suite_arguments(peer: Installation, report: Path, arguments: Sequence[str]) -> list[str]:
    """Return the arguments of `tus-conformance` for a server."""
    return [
        "run",
        *("--server-command", peer.start),
        *("--target", f"http://127.0.0.1:{{port}}{peer.path}"),
        *("--profile", _shown_path(peer.profile)),
        *("--name", peer.title, "--server-version", peer.version),
        *("--report-dir", str(report)),
        *arguments,
    ]


def _shown_path(path: Path) -> str:
    """Return a path as seen from the current folder, where it is below that."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _run_suite(peer: Installation, report: Path, arguments: Sequence[str], *, quiet: bool) -> int:
    command = [sys.executable, "-m", "tus_conformance", *suite_arguments(peer, report, arguments)]
    # `{suite}` in a recipe is "python", so that a record has no path of the machine.
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    environment = {**os.environ, "PATH": path}
    if not quiet:
        return subprocess.run(command, env=environment, check=False).returncode
    with (report / "output.txt").open("wb") as output:
        return subprocess.run(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False
        ).returncode


def read_result(peer: Installation, path: Path, exit_code: int, seconds: float) -> PeerResult:
    """Return a result with the counts of a record; without a record they are 0."""
    counts: dict[tus_reports.Verdict, int] = {}
    if path.exists():
        footer = tus_reports.read(path, allow_truncated=True).footer
        counts = footer.counts.requirements if footer else {}
    return PeerResult(
        peer.name,
        peer.version,
        exit_code=exit_code,
        seconds=seconds,
        violated=counts.get("fail", 0),
        warnings=counts.get("warn", 0),
        undetermined=sum(counts.get(each, 0) for each in ("error", "inconclusive", "blocked")),
    )


def describe_result(result: PeerResult) -> str:
    """Return one line about a server."""
    if result.missing:
        return f"{result.name} is left out: {result.missing}."
    return (
        f"{result.name} {result.version}: {result.violated} violated, {result.warnings} warnings,"
        f" {result.undetermined} undetermined, exit {result.exit_code}, {result.seconds:.0f} s"
    )


def summarize(results: Sequence[PeerResult]) -> str:
    """Return the table of several servers, then those that were left out, each with the reason."""
    tested = [each for each in results if not each.missing]
    width = max((len(each.name) for each in tested), default=0)
    lines = [
        f"{each.name:{width}}  {each.version:>8}  {each.violated:3} violated"
        f"  {each.warnings:3} warnings  {each.undetermined:3} undetermined"
        f"  exit {each.exit_code}  {each.seconds:4.0f} s"
        for each in tested
    ]
    left_out = [describe_result(each) for each in results if each.missing]
    count = f"{len(tested)} servers tested, {len(left_out)} left out."
    return "\n".join([*lines, *left_out, count])


def exit_code_of(results: Sequence[PeerResult]) -> int:
    """Return 0 if every run that took place could tell, also of violations, else 3."""
    return 0 if {each.exit_code for each in results if not each.missing} <= {0, 1} else 3
