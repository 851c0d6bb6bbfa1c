"""How a folder with many uploads changes the latency of others: starts and sweeps against none.

    python -m benchmarks.many_uploads [UPLOADS] [--seconds N] [--cost]

(from the folder reference/). The folder gets records as the server writes them, one of them past
its time. Then HEAD is sent for one upload and POST for new ones, again and again: with an empty
folder, while the server reads the records of all the others, while it only sweeps, and while it
starts again with the index that it has written. A start is over when the upload that expired is
removed. Latencies are compared within the run; CPU seconds are those of the server. `--cost` sends
no requests and leaves the pauses out: what it prints is the CPU time of a first start, of the next
one, and of a sweep.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import secrets
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from benchmarks.targets import cpu_seconds
from interop.server_processes import run_reference
from tus_reference import Config, FileStore, Handler, StoreComposer
from tus_reference.lockers import MemoryLocker
from tus_reference.model import FileInfo
from tus_reference.stores import info_file, slices

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from interop.server_processes import InteropServer

# The shortest time between sweeps that this allows is 3 s.
FLAGS = ("--expire-after", "30")


def write_uploads(folder: Path, count: int) -> None:
    """Write `count` complete uploads of no bytes."""
    for _ in range(count):
        _write_upload(folder, FileInfo(id=secrets.token_hex(16), size=0, finished=True))


def write_expired_upload(folder: Path) -> Path:
    """Write an upload whose time is over, and return its record."""
    return _write_upload(folder, FileInfo(id=secrets.token_hex(16), size=1, expires=1.0))


def _write_upload(folder: Path, info: FileInfo) -> Path:
    (folder / info.id).touch()
    record = folder / f"{info.id}.info"
    record.write_bytes(info_file.encode(info))
    return record


@dataclass(frozen=True)
class Figures:
    """Latencies in seconds by method, and CPU seconds in so many seconds; memory in bytes."""

    name: str
    latencies: dict[str, list[float]]
    cpu: float
    lasted: float
    memory: int

    @property
    def requests(self) -> int:
        """How many requests there were."""
        return sum(map(len, self.latencies.values()))

    def median(self, method: str) -> float:
        """Return the median of a method."""
        return statistics.median(self.latencies[method])

    def percentile(self, method: str) -> float:
        """Return the 99th percentile of a method."""
        return statistics.quantiles(self.latencies[method], n=100)[98]

    def compare(self, alone: Figures, count: int) -> str:
        """Return lines to print: the figures, and their ratios to those of an empty folder."""
        cost = (self.cpu - alone.cpu / alone.requests * self.requests) / max(count, 1)
        lines = [
            f"{self.name}: {self.lasted:.1f} s, CPU {self.cpu:.2f} s, {max(cost, 0) * 1e6:.1f} us"
            f" of it for each other upload, memory {self.memory / 1e6:.0f} MB"
        ]
        for method in self.latencies:
            median, percentile = self.median(method), self.percentile(method)
            lines.append(
                f"  {method} median {median * 1e3:.2f} ms ({median / alone.median(method):.2f}"
                f" times that of an empty folder), 99 % {percentile * 1e3:.2f} ms"
                f" ({percentile / alone.percentile(method):.2f} times)"
            )
        return "\n".join(lines)


def measure(
    name: str, server: InteropServer, path: str, goes_on: Callable[[float], bool]
) -> Figures:
    """Send HEAD and POST as long as `goes_on` returns true for the seconds since the start."""
    before = cpu_seconds(server.process.pid)
    latencies: dict[str, list[float]] = {"HEAD": [], "POST": []}
    start = time.perf_counter()
    targets = [("HEAD", path, {}, 200), ("POST", server.path, {"Upload-Length": "1"}, 201)]
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection:
        while goes_on(time.perf_counter() - start) or len(latencies["POST"]) < 2:
            for method, target, headers, expected in targets:
                begun = time.perf_counter()
                connection.request(method, target, headers={"Tus-Resumable": "1.0.0", **headers})
                response = connection.getresponse()
                response.read()
                latencies[method].append(time.perf_counter() - begun)
                if response.status != expected:
                    raise AssertionError(f"{method} was answered {response.status}")
                # Not so often that the requests themselves are the load.
                time.sleep(0.005)
    cpu = cpu_seconds(server.process.pid) - before
    lasted = time.perf_counter() - start
    return Figures(name, latencies, cpu, lasted, resident_memory(server.process.pid))


def resident_memory(pid: int) -> int:
    """Return how many bytes of memory a process has resident now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def run_timed(folder: Path) -> Iterator[InteropServer]:
    """Run a server on a folder, and print how long it took until it listened."""
    begun = time.perf_counter()
    with run_reference(folder, *FLAGS) as server:
        print(f"  listens after {time.perf_counter() - begun:.2f} s", flush=True)
        yield server


def measure_start(folder: Path, name: str, alone: Figures, count: int, seconds: float) -> None:
    """Measure a start on a folder with `count` uploads, and then `seconds` of sweeps."""
    expired = write_expired_upload(folder)
    with run_timed(folder) as server:
        path = server.create(0)
        start = measure(name, server, path, lambda _: expired.exists())
        print(start.compare(alone, count), flush=True)
        sweep = measure("sweeps after that", server, path, lambda passed: passed < seconds)
        print(sweep.compare(alone, count), flush=True)


def print_costs(folder: Path, count: int) -> None:
    """Print the CPU time for each of the uploads in the folder."""
    slices.PAUSE = 0.0  # type: ignore[misc]
    for turn in ("first start", "next start"):
        composer = StoreComposer()
        FileStore(folder).use_in(composer)
        MemoryLocker().use_in(composer)
        handler = Handler(Config(store_composer=composer, expire_after=1000.0))
        trio.run(_print_cost, turn, handler.maintenance.find_unfinished_uploads, count)
    trio.run(_print_cost, "leftovers of a sweep", handler.maintenance.remove_leftovers, count)
    trio.run(_print_cost, "expiry of a sweep", handler.maintenance.remove_expired_uploads, count)


async def _print_cost(name: str, work: Callable[[], Awaitable[object]], count: int) -> None:
    begun = time.process_time()
    await work()
    cost = (time.process_time() - begun) / count
    print(f"{count} uploads, {name}: {cost * 1e6:.1f} us of CPU for each", flush=True)


def main() -> int:
    """Measure and print the figures; return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("uploads", type=int, nargs="?", default=100_000)
    arguments.add_argument("--seconds", type=float, default=30.0, help="for each (30)")
    arguments.add_argument("--cost", action="store_true", help="only CPU time, without requests")
    options = arguments.parse_args()
    count, seconds = options.uploads, options.seconds
    with tempfile.TemporaryDirectory(prefix="many-uploads-") as place:
        folder = Path(place)
        if options.cost:
            write_uploads(folder, count)
            print_costs(folder, count)
            return 0
        with run_timed(folder) as server:
            alone = measure("empty", server, server.create(0), lambda passed: passed < seconds)
        print(alone.compare(alone, 0), flush=True)
        write_uploads(folder, count)
        for turn in ("first start", "next start"):
            measure_start(folder, f"{count} others, {turn}", alone, count, seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
