"""How a folder with many uploads changes the latency of one: start-up and sweeps against none.

    python -m benchmarks.many_uploads [UPLOADS] [--seconds N]

(from the folder reference/). The folder gets records as the server writes them, one of them past
its time. Then HEAD is sent for one upload, again and again: with that upload alone, while the
server reads the records of all the others, and after that, when it has removed the one that
expired and only sweeps. Latencies are compared within the run; CPU seconds are those of the server.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import secrets
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.targets import cpu_seconds
from interop.server_processes import run_reference
from tus_reference.model import FileInfo
from tus_reference.stores import info_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from interop.server_processes import InteropServer

# The shortest time between sweeps that this allows is 3 s.
FLAGS = ("--expire-after", "30")


def write_uploads(folder: Path, count: int) -> Path:
    """Write `count` complete uploads of no bytes, and return the record of one that has expired."""
    for _ in range(count):
        _write_upload(folder, FileInfo(id=secrets.token_hex(16), size=0, finished=True))
    return _write_upload(folder, FileInfo(id=secrets.token_hex(16), size=1, expires=1.0))


def _write_upload(folder: Path, info: FileInfo) -> Path:
    (folder / info.id).touch()
    record = folder / f"{info.id}.info"
    record.write_bytes(info_file.encode(info))
    return record


@dataclass(frozen=True)
class Figures:
    """Median and 99th percentile of HEAD in seconds, and CPU seconds in so many seconds."""

    name: str
    median: float
    percentile: float
    cpu: float
    lasted: float

    def __str__(self) -> str:
        """Return a line to print."""
        return (
            f"{self.name}: HEAD median {self.median * 1e3:.2f} ms, 99 % {self.percentile * 1e3:.2f}"
            f" ms, CPU {self.cpu:.2f} s of {self.lasted:.1f} s"
        )


def measure(
    name: str, server: InteropServer, path: str, goes_on: Callable[[float], bool]
) -> Figures:
    """Send HEAD as long as `goes_on` returns true for the seconds since the start."""
    before = cpu_seconds(server.process.pid)
    latencies = []
    start = time.perf_counter()
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection:
        while goes_on(time.perf_counter() - start):
            begun = time.perf_counter()
            connection.request("HEAD", path, headers={"Tus-Resumable": "1.0.0"})
            response = connection.getresponse()
            response.read()
            latencies.append(time.perf_counter() - begun)
            if response.status != 200:
                raise AssertionError(f"HEAD was answered {response.status}")
            # Not so often that the requests themselves are the load.
            time.sleep(0.005)
    percentile = statistics.quantiles(latencies, n=100)[98]
    cpu = cpu_seconds(server.process.pid) - before
    return Figures(name, statistics.median(latencies), percentile, cpu, time.perf_counter() - start)


def main() -> int:
    """Measure all three and print the figures; return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("uploads", type=int, nargs="?", default=100_000)
    arguments.add_argument("--seconds", type=float, default=30.0, help="for each (30)")
    options = arguments.parse_args()
    count, seconds = options.uploads, options.seconds
    with tempfile.TemporaryDirectory(prefix="many-uploads-") as name:
        with run_reference(Path(name), *FLAGS) as server:
            alone = measure("alone", server, server.create(0), lambda passed: passed < seconds)
        expired = write_uploads(Path(name), count)
        with run_reference(Path(name), *FLAGS) as server:
            path = server.create(0)
            start = measure(f"{count} others, start-up", server, path, lambda _: expired.exists())
            sweep = measure(
                f"{count} others, sweeps", server, path, lambda passed: passed < seconds
            )
    per_head = alone.cpu / alone.lasted
    print(alone, start, sweep, sep="\n")
    for figures in (start, sweep):
        cost = (figures.cpu - per_head * figures.lasted) / count
        print(
            f"{figures.name}: {figures.median / alone.median:.2f} times the median,"
            f" {figures.percentile / alone.percentile:.2f} times the 99th percentile;"
            f" {max(cost, 0) * 1e6:.0f} us of CPU for each upload"
            + (f" in {seconds:g} s" if figures is sweep else "")
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
