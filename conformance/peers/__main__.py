"""Install and test third-party servers: `python -m peers COMMAND [NAME]... [ARGUMENTS]`.

NAME is a folder with a recipe, by default each. ARGUMENTS are those of `tus-conformance run`.

run       run the suite; the records go to report/peers
all       the same, with one line for each server; the output goes next to its record
publish   make the published records, the matrix and the table in README.md
benchmark measure the reference and servers, by default three; ARGUMENTS are of the benchmarks
load      load the reference and servers, by default two, with one mix; ARGUMENTS are those of
          `tus-conformance load`, the records and the table go to report/load
"""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from peers.installation import MissingError, install_peer
from peers.load_run import load_servers
from peers.peer_run import (
    RECORD,
    PeerResult,
    describe_result,
    exit_code_of,
    run_peer,
    summarize,
)
from peers.publication import (
    UnfinishedRunError,
    publish_record,
    take_pictures,
    write_matrix,
)
from peers.recipe import RecipeError, choose_peers, peer_names

HOME = Path(".nox/installed-peers")
"""Where servers are installed, for every session."""

REPORTS = Path("report/peers")
PUBLISHED = Path("reports/published")
REFERENCE = "reference"
LOADS = Path("report/load")
BENCHMARKED = ("tusd", "tus-node-server", "tuspyserver")
LOADED = ("tusd", "tus-node-server")
_SEED = ("--seed", "1")


def main(words: Sequence[str]) -> int:
    """Run a command; return the exit code: 0, 2 for a wrong argument, or 3 if a run cannot tell."""
    command = COMMANDS.get(words[0]) if words else None
    if command is None:
        print(__doc__, file=sys.stderr)
        return 2
    names = list(itertools.takewhile(lambda word: not word.startswith("-"), words[1:]))
    given = len(names)
    names = names or list(_USUAL_NAMES.get(words[0], ()))
    try:
        return command(choose_peers(names), words[1 + given :])
    except RecipeError as wrong:
        print(wrong, file=sys.stderr)
        return 2


def run_verbosely(names: Sequence[str], arguments: Sequence[str]) -> int:
    """Run the suite against servers and show all that it prints."""
    return _report(_run_peers(names, REPORTS, arguments, quiet=False))


def run_quietly(names: Sequence[str], arguments: Sequence[str]) -> int:
    """Run the suite against servers and print a line for each."""
    return _report(_run_peers(names, REPORTS, arguments, quiet=True))


def publish(names: Sequence[str], arguments: Sequence[str]) -> int:
    """Test the reference and servers, and publish their records and what all of them make."""
    own = ("--name", REFERENCE, "--server-version", version("tus-conformance"))
    report = ("--report-dir", str(REPORTS / REFERENCE))
    command = [sys.executable, "-m", "tus_conformance", "run", *own, *report, *_SEED, *arguments]
    subprocess.run(command, check=False)
    _publish(REFERENCE, version("tus-conformance"))
    results = _run_peers(names, REPORTS, [*_SEED, *arguments], quiet=True)
    for result in results:
        if not result.missing and (REPORTS / result.name / RECORD).exists():
            _publish(result.name, result.version)
    paths = write_matrix(PUBLISHED, [REFERENCE, *peer_names()], Path("README.md"))
    if take_pictures(PUBLISHED, paths):
        print("The pictures were not made; see above.", file=sys.stderr)
    return _report(results)


def _publish(name: str, version_text: str) -> None:
    try:
        publish_record(PUBLISHED, name, version_text, REPORTS / name)
    except UnfinishedRunError as unfinished:
        print(unfinished, file=sys.stderr)


def benchmark(names: Sequence[str], arguments: Sequence[str]) -> int:
    """Measure the reference and servers; the arguments are those of the benchmarks."""
    options: list[str] = []
    for name in names:
        try:
            start = install_peer(name, HOME.resolve()).start
        except MissingError as missing:
            print(f"{name} is left out: {missing}.", file=sys.stderr)
            continue
        uploads = str(HOME.resolve() / name / "uploads")
        words = start.replace("{port}", "PORT").replace(uploads, "FOLDER")
        options += ["--server", f"{name}={words}"]
    command = [sys.executable, "-m", "benchmarks", *options, *arguments]
    return subprocess.run(command, cwd="reference", check=False).returncode


def load(names: Sequence[str], arguments: Sequence[str]) -> int:
    """Load the reference and servers with one mix, and print them side by side."""
    table, code = load_servers(names, HOME, LOADS, arguments)
    print(f"\n{table}", flush=True)
    return code


COMMANDS: dict[str, Callable[[Sequence[str], Sequence[str]], int]] = {
    "run": run_verbosely,
    "all": run_quietly,
    "publish": publish,
    "benchmark": benchmark,
    "load": load,
}
_USUAL_NAMES = {"benchmark": BENCHMARKED, "load": LOADED}


def _run_peers(
    names: Sequence[str], reports: Path, arguments: Sequence[str], *, quiet: bool
) -> list[PeerResult]:
    results = []
    for number, name in enumerate(names, 1):
        print(f"[{number}/{len(names)}] {name}", flush=True)
        results.append(run_peer(name, HOME, reports / name, arguments, quiet=quiet))
        print(describe_result(results[-1]), flush=True)
    return results


def _report(results: Sequence[PeerResult]) -> int:
    print(summarize(results), flush=True)
    return exit_code_of(results)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
