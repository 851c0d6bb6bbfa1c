"""How a folder with many uploads changes the latency of one: start-up and sweep against none.

    python -m benchmarks.many_uploads [UPLOADS]

(from the folder reference/). The folder gets records as the server writes them. Then HEAD is
sent for one upload, again and again, first with that upload alone and then among all of them,
while the server reads the others; latencies are compared within the run. CPU seconds are those
of the server.
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
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.targets import cpu_seconds
from interop.server_processes import run_reference
from tus_reference.model import FileInfo
from tus_reference.stores import info_file

if TYPE_CHECKING:
    from interop.server_processes import InteropServer

SECONDS = 20.0
FLAGS = ("--expire-after", "30")


def write_uploads(folder: Path, count: int) -> None:
    """Write `count` complete uploads of no bytes, which never expire."""
    for _ in range(count):
        upload_id = secrets.token_hex(16)
        (folder / f"{upload_id}.info").write_bytes(
            info_file.encode(FileInfo(id=upload_id, size=0, finished=True))
        )
        (folder / upload_id).touch()


def measure(server: InteropServer) -> tuple[float, float, float]:
    """Return the median and the 99th percentile of HEAD, and CPU seconds, over SECONDS."""
    path = server.create(10)
    before = cpu_seconds(server.process.pid)
    latencies = []
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection:
        end = time.perf_counter() + SECONDS
        while time.perf_counter() < end:
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
    return statistics.median(latencies), percentile, cpu_seconds(server.process.pid) - before


def main() -> int:
    """Measure both and print the figures; return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("uploads", type=int, nargs="?", default=100_000)
    count = arguments.parse_args().uploads
    figures = {}
    for number in (0, count):
        with tempfile.TemporaryDirectory(prefix="many-uploads-") as name:
            write_uploads(Path(name), number)
            with run_reference(Path(name), *FLAGS) as server:
                figures[number] = measure(server)
    for number, (median, percentile, cpu) in figures.items():
        print(
            f"{number} other uploads: HEAD median {median * 1e3:.2f} ms, "
            f"99 % {percentile * 1e3:.2f} ms, CPU {cpu:.2f} s of {SECONDS:g} s"
        )
    ratio = figures[count][0] / figures[0][0], figures[count][1] / figures[0][1]
    cost = (figures[count][2] - figures[0][2]) / max(count, 1)
    print(f"ratios: median {ratio[0]:.2f}, 99 % {ratio[1]:.2f}; at most {cost * 1e6:.0f} us each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
