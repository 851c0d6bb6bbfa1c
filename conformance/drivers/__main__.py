"""Test real clients: `python -m drivers HOME [NAME]... [--publish] [-- ARGUMENTS]`.

Packages are installed below HOME. NAME is a folder with a `client.toml`, by default each. ARGUMENTS
are those of `tus-conformance clients`. The records go to report/clients; with --publish they are
copied, packed, to reports/published/clients, and the matrix there is written again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from drivers.installation import DRIVERS, PROFILE, MissingError, driver_names, install_driver
from drivers.publication import publish_record, write_matrix

PUBLISH = "--publish"
PUBLISHED = Path("reports/published/clients")
REPORTS = Path("report/clients")


def main(words: Sequence[str]) -> int:
    """Test the chosen clients; return 2 for an argument that is wrong, else 0."""
    if not words:
        print(__doc__, file=sys.stderr)
        return 2
    home, rest = Path(words[0]).resolve(), list(words[1:])
    split = rest.index("--") if "--" in rest else len(rest)
    names, arguments = rest[:split], rest[split + 1 :]
    publishes = PUBLISH in names
    names = [name for name in names if name != PUBLISH]
    known = driver_names()
    if unknown := [name for name in names if name not in known]:
        print(f"{unknown[0]!r} is not a driver: name one of {', '.join(known)}.", file=sys.stderr)
        return 2
    results = []
    for name in names or known:
        try:
            install_driver(DRIVERS / name, home / name)
        except MissingError as missing:
            print(f"{name} is left out: {missing}.", flush=True)
            continue
        code = run_clients(name, home / name, arguments)
        results.append(f"{name}: exit {code}")
        if publishes and code in {0, 1}:
            publish_record(REPORTS / name, PUBLISHED)
    if publishes:
        write_matrix(PUBLISHED)
    print(", ".join(results))
    return 0


def run_clients(name: str, home: Path, arguments: Sequence[str]) -> int:
    """Run every situation with a driver; return the exit code."""
    environment = {
        "PATH": f"{home}/bin:{home}/venv/bin:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "NODE_PATH": f"{home}/node_modules",
        "CLASSPATH": f"{home}/classes:{home}/lib/*",
        "CHROMIUM": shutil.which("chromium") or "",
    }
    report = str((REPORTS / name).resolve())
    command = [sys.executable, "-m", "tus_conformance", "clients", "--profile", PROFILE]
    command += ["--report-dir", report, *arguments]
    folder = DRIVERS / name
    return subprocess.run(command, cwd=folder, env=os.environ | environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
