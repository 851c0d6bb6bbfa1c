"""Run the whole suite again and again, and see that no verdict changes with the circumstances.

python verdict_stability.py [ROUNDS] [--at-once N] [--busy N] [--delay S] [--stalls SHARE]
                 [--keep FOLDER] [RUN FLAGS...]

Without other run flags the reference server is the target. `--busy` keeps so many processors
busy meanwhile; `--delay` puts a link between that takes so many seconds either way, on which a
SHARE of what passes stalls for 0.2 to 3 s. Every run has a seed of its own; the first decides
what the verdicts are. `--keep FOLDER` keeps the records of those that came out otherwise.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tus_reports import Record, read

SLOW_LINK = Path(__file__).parents[1] / "tests" / "support" / "slow_link.py"
SERVER = [sys.executable, "-m", "tus_reference", "--port", "0", "--expire-after", "3600"]


class StabilityRound(NamedTuple):
    """What came out of a run, how long it took in seconds, and its record."""

    verdicts: dict[str, str]
    seconds: float
    record: Path


def main() -> int:
    """Run all rounds; return 1 where a verdict is not what it was in the first."""
    options, flags = _parser().parse_known_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for _ in range(options.busy):
            stack.enter_context(_run_process([sys.executable, "-c", "while True: pass"]))

        def run_round(number: int) -> StabilityRound:
            began = time.monotonic()
            record = folder / f"report-{number}" / "run.ndjson"
            with _start_target(folder / str(number), flags, options, number) as target:
                verdicts = _run_suite(target, record, number)
            return StabilityRound(verdicts, time.monotonic() - began, record)

        with ThreadPoolExecutor(options.at_once) as pool:
            changed = _print_changes(
                pool.map(run_round, range(1, options.rounds + 1)), options.keep
            )
    return 1 if changed else 0


def _parser() -> argparse.ArgumentParser:
    flags = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    flags.add_argument("rounds", type=int, nargs="?", default=20)
    flags.add_argument("--at-once", type=int, default=1, help="runs at the same time")
    flags.add_argument("--busy", type=int, default=0, help="processors kept busy")
    flags.add_argument("--delay", type=float, default=0, help="seconds, either way")
    flags.add_argument("--stalls", type=float, default=0, help="share of what passes")
    flags.add_argument("--keep", type=Path, help="folder for the records of what changed")
    return flags


def _print_changes(rounds: Iterator[StabilityRound], keep: Path | None) -> int:
    first: dict[str, str] = {}
    changed, took = 0, []
    for number, (verdicts, seconds, record) in enumerate(rounds, 1):
        first = first or verdicts
        took.append(seconds)
        different = [each for each in first | verdicts if first.get(each) != verdicts.get(each)]
        changed += len(different)
        if different and keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(record, keep / f"round-{number}.ndjson")
        record.unlink()
        print(f"round {number}: {len(verdicts)} verdicts, {seconds:.0f} s, ", end="")
        print(f"{len(different)} changed" if different else "as in the first", flush=True)
        for each in different:
            print(f"    {each}: {first.get(each)}, now {verdicts.get(each)}", flush=True)
    print(f"{len(took)} rounds, {statistics.median(took):.0f} s each (median), {changed} changed")
    return changed


@contextmanager
def _start_target(
    folder: Path, flags: list[str], options: argparse.Namespace, seed: int
) -> Iterator[list[str]]:
    """Yield the flags that aim a run at its target."""
    if not options.delay:
        yield flags or ["--reference", "file"]
        return
    with _run_process([*SERVER, "--upload-dir", str(folder)]) as first_line:
        _, _, port = first_line.removeprefix("Listening on http://").split("/")[0].rpartition(":")
        link = [sys.executable, str(SLOW_LINK), port, str(options.delay), str(options.stalls)]
        with _run_process([*link, str(seed)]) as link_port:
            yield ["--target", f"http://127.0.0.1:{link_port}/files/", *flags]


def _run_suite(target: list[str], path: Path, seed: int) -> dict[str, str]:
    """Return the verdict of every scenario and requirement of one run, recorded in a file."""
    words = [sys.executable, "-m", "tus_conformance", "run", *target]
    words += ["--seed", str(seed), "--report-dir", str(path.parent)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    record = read(path)
    if record.footer is None:
        raise SystemExit(f"A run ended with {done.returncode}: {done.stderr[-500:]}")
    return _record_verdicts(record)


def _record_verdicts(record: Record) -> dict[str, str]:
    found = {f"scenario {each.id}": str(each.verdict) for each in record.scenarios}
    return found | {each.id: str(each.verdict) for each in record.requirements}


@contextmanager
def _run_process(words: list[str]) -> Iterator[str]:
    """Run a process until the block ends; yield its first line, if it is one that speaks."""
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        yield "" if "-c" in words else process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
