"""What it takes to concatenate uploads: 100 partial uploads of 10 MiB into one, by default.

    python -m benchmarks --concatenate [--server NAME=COMMAND]...

(from the folder reference/). The time is that from the POST of the final upload until HEAD says
that it is complete: a server may join after it has responded. What was joined is compared with
what was sent. Servers take turns, in every round.
"""

from __future__ import annotations

import http.client
import os
import shutil
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from benchmarks.load import BLOCK, METADATA, OFFSET_TYPE, require
from benchmarks.results import Bar, Results
from benchmarks.targets import REFERENCE, cpu_seconds, find_endpoint, run_target, verify
from interop.server_response import ServerResponse, send_request

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.targets import BenchmarkTarget, RunningTarget

PARTIAL_BLOCKS = 10
"""How many blocks of 1 MiB a partial upload has."""

LONGEST = 60.0
"""How long a server may take to join, in seconds."""


class CannotJoinError(Exception):
    """A server does not take partial uploads; it is left out, with this reason."""


@dataclass
class JoinFigures:
    """Of one server, round by round: seconds, and CPU seconds of the server."""

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


class JoiningClient:
    """Sends the requests over one connection."""

    def __init__(self, server: RunningTarget) -> None:
        self._endpoint = find_endpoint(server)
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=LONGEST)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def send(
        self, method: str, path: str, headers: dict[str, str], body: bytes = b""
    ) -> ServerResponse:
        """Send a request over the connection."""
        return send_request(self._connection, method, path, headers, body, keep=True)

    def upload_partial(self, block: bytes) -> str:
        """Upload a partial upload, and return its URL as the server has said it."""
        length = PARTIAL_BLOCKS * len(block)
        made = self.send(
            "POST",
            self._endpoint,
            {"Upload-Length": str(length), "Upload-Concat": "partial"},
        )
        if made.status != 201:
            raise CannotJoinError(f"POST of a partial upload was answered {made.status}")
        location = made.headers["Location"]
        headers = {"Upload-Offset": "0", "Content-Type": OFFSET_TYPE}
        done = self.send("PATCH", urlsplit(location).path, headers, block * PARTIAL_BLOCKS)
        require(done.status == 204, f"PATCH was answered {done.status}")
        return str(location)

    def join(self, urls: Sequence[str]) -> tuple[float, str]:
        """Join uploads; return the seconds until all of it is there, and the path."""
        headers = {"Upload-Concat": f"final;{' '.join(urls)}", "Upload-Metadata": METADATA}
        start = time.perf_counter()
        made = self.send("POST", self._endpoint, headers)
        require(made.status == 201, f"POST of the final upload was answered {made.status}")
        path = urlsplit(made.headers["Location"]).path
        while True:
            head = self.send("HEAD", path, {})
            seconds = time.perf_counter() - start
            length = head.headers["Upload-Length"]
            if head.status == 200 and length and head.headers["Upload-Offset"] == length:
                return seconds, path
            require(seconds < LONGEST, f"{path} is not complete after {LONGEST:g} s")
            time.sleep(0.005)


def measure_round(
    target: BenchmarkTarget, folder: Path, block: bytes, uploads: int
) -> tuple[float, float]:
    """Upload and join; return the seconds, and the CPU seconds of the server."""
    with run_target(target, folder) as server:
        client = JoiningClient(server)
        urls = [client.upload_partial(block) for _ in range(uploads)]
        cpu = cpu_seconds(server.process.pid)
        seconds, path = client.join(urls)
        cpu = cpu_seconds(server.process.pid) - cpu
        client.close()
        verify(folder / path.rpartition("/")[2], block, uploads * PARTIAL_BLOCKS)
    return seconds, cpu


def measure_concatenation(
    others: Sequence[BenchmarkTarget], home: Path, options: argparse.Namespace
) -> Results:
    """Measure the reference and other servers; the first round does not count."""
    uploads = options.partials
    block = os.urandom(BLOCK)
    targets = {target.name: target for target in (REFERENCE, *others)}
    figures = {name: JoinFigures() for name in targets}
    missing = []
    for number in range(options.rounds + 1):
        for target in list(targets.values()):
            parent = home / f"{target.name.replace('/', '-')}-{number}"
            parent.mkdir()
            try:
                seconds, cpu = measure_round(target, parent / "up", block, uploads)
            except CannotJoinError as refused:
                missing.append(f"{target.name} is left out: {refused}.")
                del targets[target.name], figures[target.name]
                continue
            finally:
                shutil.rmtree(parent)
            if number:
                figures[target.name].seconds.append(seconds)
                figures[target.name].cpu.append(cpu)
    title = f"{uploads} partial uploads of {PARTIAL_BLOCKS} MiB are joined"
    table = [f"| {title} | s | least | most | CPU s |", "|---|---|---|---|---|"]
    for name, row in figures.items():
        cells = [f"{pick(row.seconds):.3f}" for pick in (statistics.median, min, max)]
        cells.append(f"{statistics.median(row.cpu):.2f}")
        table.append(f"| {name} | {' | '.join(cells)} |")
    return Results(
        "concatenation",
        title,
        "seconds",
        {name: target.describe() for name, target in targets.items()},
        table,
        [Bar("until it is complete", name, row.seconds) for name, row in figures.items()],
        missing,
    )
