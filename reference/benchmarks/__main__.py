"""Measure the reference beside other servers: python -m benchmarks (from the folder reference/).

Runs are interleaved, every server in turn, so that a machine that grows slow is slow for all;
medians are told. A first round warms up and is not counted. Stored bytes are compared with
what was sent. Used folders are renamed, and removed at the end: deleting thousands of files
just before a run would slow down the creation of the next ones.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.large_bodies import SOCAT, measure_large
from benchmarks.load import BLOCK, require, send_big, send_small
from benchmarks.results import Bar, Results, write_results
from benchmarks.slow_clients import measure_slow
from benchmarks.small_requests import measure_small
from benchmarks.targets import (
    REFERENCE,
    BenchmarkTarget,
    RunningTarget,
    find_endpoint,
    measure_socat,
    parse_server,
    run_target,
    socat_command,
    verify,
)

MIB = 1024 * 1024


@dataclass
class Measurements:
    """What was measured of one target, in seconds, requests per second and bytes."""

    big: list[float] = field(default_factory=list)
    small: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    memory: int = 0


def measure(
    targets: list[BenchmarkTarget], home: Path, options: argparse.Namespace
) -> dict[str, Measurements]:
    """Run all rounds and return what was measured."""
    block = os.urandom(BLOCK)
    figures: dict[str, Measurements] = defaultdict(Measurements)
    with_socat = shutil.which("socat") is not None
    for number in range(options.rounds + 1):
        counts = number > 0
        if with_socat:
            seconds, _ = measure_socat(home, block, options.size)
            if counts:
                figures[SOCAT].big.append(seconds)
        for target in targets:
            for connections in (0, 1, 32):
                folder = home / f"{target.name.replace('/', '-')}-{number}-{connections}" / "up"
                folder.parent.mkdir(parents=True)
                with run_target(target, folder) as server:
                    figure = run(server, folder, block, options, connections)
                    if counts and connections:
                        figures[target.name].small[connections].append(figure)
                    elif counts:
                        figures[target.name].big.append(figure)
                        memory = max(figures[target.name].memory, server.peak_memory())
                        figures[target.name].memory = memory
                if not connections:
                    shutil.rmtree(folder)
        print(f"round {number} of {options.rounds}{'' if counts else ' (warm-up)'}", flush=True)
    return figures


def run(
    server: RunningTarget, folder: Path, block: bytes, options: argparse.Namespace, connections: int
) -> float:
    """Run one measurement: the big PATCH for 0 connections, else the small cycles."""
    endpoint = find_endpoint(server)
    if not connections:
        seconds, upload_id = send_big(server.port, endpoint, block, options.size)
        verify(folder / upload_id, block, options.size)
        return seconds
    content = block[:1024]
    count = max(options.cycles // connections, 1)
    send_small(server.port, endpoint, content, connections=1, count=20)
    rate, ids = send_small(server.port, endpoint, content, connections=connections, count=count)
    require(len(set(ids)) == count * connections, "an upload is missing")
    for upload_id in ids:
        require((folder / upload_id).read_bytes() == content, f"{upload_id} differs")
    return rate


def summarise(
    figures: dict[str, Measurements], targets: list[BenchmarkTarget], options: argparse.Namespace
) -> Results:
    """Return the medians, and the spread of what they are medians of."""
    body = f"one PATCH of {options.size} MiB"
    table = [f"| {body} | s | least | most | peak RSS MiB |", "|---|---|---|---|---|"]
    for name, figure in figures.items():
        memory = f"{figure.memory / MIB:.0f}" if figure.memory else ""
        spread = " | ".join(f"{pick(figure.big):.2f}" for pick in (statistics.median, min, max))
        table.append(f"| {name} | {spread} | {memory} |")
    table += [
        "",
        "| requests/s of POST, PATCH of 1 KiB and HEAD | connections | median | least | most |",
    ]
    table.append("|---|---|---|---|---|")
    for connections in (1, 32):
        for name, figure in figures.items():
            if rates := figure.small[connections]:
                spread = " | ".join(f"{pick(rates):.0f}" for pick in (statistics.median, min, max))
                table.append(f"| {name} | {connections} | {spread} |")
    commands = {target.name: target.describe() for target in targets}
    if SOCAT in figures:
        commands = {SOCAT: " ".join(socat_command("PORT", "FILE")), **commands}
    missing = [] if SOCAT in figures else ["socat is missing: install its package to compare."]
    bars = [Bar(body, name, figure.big) for name, figure in figures.items()]
    return Results("servers", "Servers side by side", "seconds", commands, table, bars, missing)


def main() -> int:
    """Measure and report; return the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument(
        "--server",
        action="append",
        default=[],
        metavar="NAME=COMMAND",
        help="another server; in its command the words PORT and FOLDER are replaced",
    )
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds (%(default)s)")
    parser.add_argument("--size", type=int, default=1024, help="of the PATCH in MiB (%(default)s)")
    parser.add_argument("--cycles", type=int, default=3200, help="small cycles (%(default)s)")
    parser.add_argument(
        "--home", type=Path, default=Path("/dev/shm"), help="where to store (%(default)s)"
    )
    parser.add_argument(
        "--small",
        action="store_true",
        help="only small requests, against a bare loop on trio and h11 with the same disk work",
    )
    parser.add_argument(
        "--large",
        action="store_true",
        help="only large bodies, sized, in chunks and with a checksum, and GET, against nginx",
    )
    parser.add_argument(
        "--slow", action="store_true", help="only many uploads in flight from slow clients"
    )
    parser.add_argument("--uploads", type=int, default=1000, help="of --slow (%(default)s)")
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="write the table and a plot there, too"
    )
    options = parser.parse_args()
    try:
        others = [parse_server(text) for text in options.server]
    except ValueError as mistake:
        parser.error(str(mistake))
    with tempfile.TemporaryDirectory(dir=options.home) as home:
        if options.small:
            results = measure_small(others, Path(home), options.rounds, options.cycles)
        elif options.slow:
            results = measure_slow(others, Path(home), options.uploads)
        elif options.large:
            results = measure_large(Path(home), options.rounds, options.size)
        else:
            load, targets = os.getloadavg()[0], [REFERENCE, *others]
            results = summarise(measure(targets, Path(home), options), targets, options)
            results.load = load
    print("", *results.lines(), sep="\n")
    if options.output is not None:
        write_results(results, options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
