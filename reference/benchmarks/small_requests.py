"""What a small request costs: the reference, the floor and others in turn, in one run.

    python -m benchmarks --small [--server NAME=COMMAND]...

(from the folder reference/). A cycle is POST, PATCH of 1 KiB and HEAD. All servers listen the whole
time, and in each round each of them serves the same number of cycles, so that a machine that
grows slow is slow for all. The ratios are those of a round, and their median is printed. The CPU
is that of the server; the generator's share of a request is printed as well, because it is
a part of what one connection can do. Every upload is compared with what was sent.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.load import require, send_small
from benchmarks.results import Bar, Results
from benchmarks.targets import (
    FLOOR,
    REFERENCE,
    cpu_seconds,
    find_endpoint,
    run_target,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.targets import BenchmarkTarget, RunningTarget

CONNECTIONS = (1, 32)


@dataclass
class SmallFigures:
    """Of one server with one number of connections, round by round.

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


Figures = dict[tuple[str, int], SmallFigures]


def run_cycles(
    server: RunningTarget, endpoint: str, content: bytes, connections: int, cycles: int
) -> tuple[float, float, float]:
    """Return requests per second and CPU seconds per request of server and generator."""
    count = max(cycles // connections, 1)
    cpu, own = cpu_seconds(server.process.pid), time.process_time()
    rate, ids = send_small(server.port, endpoint, content, connections=connections, count=count)
    cpu, own = cpu_seconds(server.process.pid) - cpu, time.process_time() - own
    require(len(set(ids)) == count * connections, "an upload is missing")
    for upload_id in ids:
        stored = server.folder / upload_id
        require(stored.read_bytes() == content, f"{upload_id} differs")
        # Thousands of files more in each round would be a load of another kind.
        stored.unlink()
        stored.with_suffix(".info").unlink(missing_ok=True)
    requests = 3 * count * connections
    return rate, cpu / requests, own / requests


def measure(servers: dict[str, RunningTarget], rounds: int, cycles: int) -> Figures:
    """Run all rounds, the first of which warms up and is not counted."""
    content = os.urandom(1024)
    endpoints = {name: find_endpoint(server) for name, server in servers.items()}
    figures: Figures = {(name, n): SmallFigures() for name in servers for n in CONNECTIONS}
    for number in range(rounds + 1):
        for connections in CONNECTIONS:
            for name, server in servers.items():
                found = run_cycles(server, endpoints[name], content, connections, cycles)
                if number:
                    figures[name, connections].add(*found)
    return figures


def describe(figures: Figures, names: list[str]) -> list[str]:
    """Return a table in Markdown: medians and spread, and the ratio to the floor."""
    lines = [
        "| server | connections | requests/s | least | most | of the floor | least | most "
        "| CPU us/request | of the floor's | generator us/request |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for connections in CONNECTIONS:
        floor = figures[FLOOR.name, connections]
        for name in names:
            row = figures[name, connections]
            ratios = [ours / least for ours, least in zip(row.rates, floor.rates, strict=True)]
            cost, least_cost = statistics.median(row.costs), statistics.median(floor.costs)
            cells = [name, str(connections)]
            cells += [f"{pick(row.rates):.0f}" for pick in (statistics.median, min, max)]
            cells += [f"{pick(ratios):.0%}" for pick in (statistics.median, min, max)]
            cells += [f"{cost * 1e6:.0f}", f"{cost / least_cost:.2f}"]
            cells.append(f"{statistics.median(row.shares) * 1e6:.0f}")
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def measure_small(
    others: Sequence[BenchmarkTarget], home: Path, rounds: int, cycles: int
) -> Results:
    """Measure the floor, the reference and other servers."""
    load = os.getloadavg()[0]
    targets = [FLOOR, REFERENCE, *others]
    with contextlib.ExitStack() as stack:
        servers = {}
        for target in targets:
            folder = home / target.name.replace("/", "-") / "up"
            folder.parent.mkdir()
            servers[target.name] = stack.enter_context(run_target(target, folder))
        figures = measure(servers, rounds, cycles)
    return Results(
        "small-requests",
        "POST, PATCH of 1 KiB and HEAD",
        "requests per second",
        {target.name: target.describe() for target in targets},
        describe(figures, list(servers)),
        [
            Bar(f"{n} connection{'s' * (n > 1)}", name, row.rates)
            for (name, n), row in sorted(figures.items(), key=lambda item: item[0][1])
        ],
        load=load,
    )
