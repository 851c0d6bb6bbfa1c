"""What a small request costs: the reference and others in turn, in one run.

    python -m benchmarks --small [--server NAME=COMMAND]...
    python -m benchmarks --creation [--server NAME=COMMAND]...

(from the folder reference/). `--small` sends POST, PATCH of 1 KiB and HEAD for each upload, and
compares with the floor; `--creation` sends it all in the POST. All servers listen the whole time,
and in each round each of them gets the same number of uploads, so that a machine that grows slow is
slow for all. The ratios are those of a round, and their median is printed. The CPU is that of the
server; the generator's share of a request is printed as well, because it is a part of what one
connection can do. Every upload is compared with what was sent.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from benchmarks.load import create_patch_head, create_with_upload, require, send_small
from benchmarks.results import Bar, Results
from benchmarks.targets import (
    FLOOR,
    REFERENCE,
    cpu_seconds,
    find_endpoint,
    run_target,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.load import Script
    from benchmarks.targets import BenchmarkTarget, RunningTarget


@dataclass(frozen=True)
class Workload:
    """Uploads of `size` bytes on so many connections; `script` sends `requests` for each."""

    script: Script
    requests: int
    size: int
    connections: int

    @property
    def title(self) -> str:
        """What a row is called."""
        many = "s" * (self.connections > 1)
        return f"{self.size // 1024} KiB, {self.connections} connection{many}"


SMALL = tuple(Workload(create_patch_head, 3, 1024, connections) for connections in (1, 32))
CREATION = tuple(
    Workload(create_with_upload, 1, size * 1024, connections)
    for size in (1, 4, 64)
    for connections in (1, 32)
)


@dataclass
class SmallFigures:
    """Of one server with one workload, round by round.

    `rates` are requests per second, `costs` CPU seconds of the server per request, `shares` CPU
    seconds of the generator per request.
    """

    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)

    def add(self, rate: float, cost: float, share: float) -> None:
        """Add the figures of one round."""
        self.rates.append(rate)
        self.costs.append(cost)
        self.shares.append(share)


Figures = dict[tuple[str, Workload], SmallFigures]


def run_workload(
    server: RunningTarget, endpoint: str, content: bytes, workload: Workload, uploads: int
) -> tuple[float, float, float]:
    """Return requests per second and CPU seconds per request of server and generator."""
    count = max(uploads // workload.connections, 1)
    cpu, own = cpu_seconds(server.process.pid), time.process_time()
    rate, ids = send_small(
        server.port,
        endpoint,
        content,
        connections=workload.connections,
        count=count,
        script=workload.script,
    )
    cpu, own = cpu_seconds(server.process.pid) - cpu, time.process_time() - own
    require(len(set(ids)) == count * workload.connections, "an upload is missing")
    for upload_id in ids:
        stored = server.folder / upload_id
        require(stored.read_bytes() == content, f"{upload_id} differs")
        # Thousands of files more in each round would be a load of another kind.
        stored.unlink()
        stored.with_suffix(".info").unlink(missing_ok=True)
    requests = workload.requests * count * workload.connections
    return rate, cpu / requests, own / requests


def measure(
    servers: dict[str, RunningTarget], workloads: Sequence[Workload], rounds: int, uploads: int
) -> Figures:
    """Run all rounds, the first of which warms up and is not counted."""
    endpoints = {name: find_endpoint(server) for name, server in servers.items()}
    figures: Figures = {(name, each): SmallFigures() for each in workloads for name in servers}
    for number in range(rounds + 1):
        for workload in workloads:
            content = os.urandom(workload.size)
            for name, server in servers.items():
                found = run_workload(server, endpoints[name], content, workload, uploads)
                if number:
                    figures[name, workload].add(*found)
    return figures


def describe(figures: Figures, anchor: str) -> list[str]:
    """Return a table in Markdown: medians and spread, and the ratio to the server `anchor`."""
    lines = [
        f"| server | uploads | requests/s | least | most | of {anchor} | least | most "
        f"| CPU us/request | of {anchor} | generator us/request |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (name, workload), row in figures.items():
        compared = figures[anchor, workload]
        ratios = [ours / theirs for ours, theirs in zip(row.rates, compared.rates, strict=True)]
        cost, least_cost = statistics.median(row.costs), statistics.median(compared.costs)
        cells = [name, workload.title]
        cells += [f"{pick(row.rates):.0f}" for pick in (statistics.median, min, max)]
        cells += [f"{pick(ratios):.0%}" for pick in (statistics.median, min, max)]
        cells += [f"{cost * 1e6:.0f}", f"{cost / least_cost:.2f}" if least_cost else "too short"]
        cells.append(f"{statistics.median(row.shares) * 1e6:.0f}")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def measure_small(
    others: Sequence[BenchmarkTarget], home: Path, options: argparse.Namespace
) -> Results:
    """Measure POST, PATCH and HEAD on the floor, the reference and other servers."""
    results = _measure([FLOOR, REFERENCE, *others], SMALL, home, options)
    return replace(results, name="small-requests", title="POST, PATCH of 1 KiB and HEAD")


def measure_creation(
    others: Sequence[BenchmarkTarget], home: Path, options: argparse.Namespace
) -> Results:
    """Measure creation-with-upload on the reference and other servers."""
    results = _measure([REFERENCE, *others], CREATION, home, options)
    return replace(results, name="creation-with-upload", title="POST with the whole upload")


def _measure(
    targets: Sequence[BenchmarkTarget],
    workloads: Sequence[Workload],
    home: Path,
    options: argparse.Namespace,
) -> Results:
    """Measure the workloads on all targets, and compare them with the first."""
    with contextlib.ExitStack() as stack:
        servers = {}
        for target in targets:
            folder = home / target.name.replace("/", "-") / "up"
            folder.parent.mkdir()
            servers[target.name] = stack.enter_context(run_target(target, folder))
        figures = measure(servers, workloads, options.rounds, options.cycles)
    return Results(
        "requests",
        "Requests",
        "requests per second",
        {target.name: target.describe() for target in targets},
        describe(figures, targets[0].name),
        [Bar(workload.title, name, row.rates) for (name, workload), row in figures.items()],
    )
