"""One large PATCH, and small requests on 1 and 32 connections: the reference beside other servers.

    python -m benchmarks [--server NAME=COMMAND]...

(from the folder reference/). Runs are interleaved, every server in turn, so that a machine that
grows slow is slow for all; medians are told. A first round warms up and is not counted. Stored
bytes are compared with what was sent. Used folders are renamed, and removed at the end: deleting
thousands of files just before a run would slow down the creation of the next ones.
"""

from __future__ import annotations

import os
import shutil
import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.large_bodies import SOCAT
from benchmarks.load import BLOCK, require, send_big, send_small
from benchmarks.results import Bar, Results
from benchmarks.targets import (
    REFERENCE,
    find_endpoint,
    measure_socat,
    run_target,
    socat_command,
    verify,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.targets import BenchmarkTarget, RunningTarget

MIB = 1024 * 1024


@dataclass
class Measurements:
    """What was measured of one target, in seconds, requests per second and bytes."""

    big: list[float] = field(default_factory=list)
    small: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    memory: int = 0


def measure(
    targets: Sequence[BenchmarkTarget], home: Path, options: argparse.Namespace
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
    figures: dict[str, Measurements],
    targets: Sequence[BenchmarkTarget],
    options: argparse.Namespace,
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


def measure_servers(
    others: Sequence[BenchmarkTarget], home: Path, options: argparse.Namespace
) -> Results:
    """Measure the reference and other servers."""
    targets = [REFERENCE, *others]
    return summarise(measure(targets, home, options), targets, options)
