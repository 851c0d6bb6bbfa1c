"""Time 1 GiB into SeaweedFS: the reference, tusd, and boto3's own upload_file.

    python -m interop.s3_timing [ROUNDS] [--size BYTES] [--tusd PATH] [--s3 seaweedfs|localstack]

(from the folder reference/). The three take turns with the same part size, after a round that
is not counted. For the servers the most memory and the most temporary space that they had are
told as well; upload_file reads the bytes from a file and receives nothing.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interop.crashes import require
from interop.s3_servers import BUCKET, SERVERS
from interop.server_processes import peak_memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interop.server_processes import InteropServer

MIB = 1024 * 1024
PART = 50 * MIB


def upload(server: InteropServer, file: Path) -> float:
    """Upload a file in one PATCH and return the seconds that took."""
    size = file.stat().st_size
    path = server.create(size)
    begun = time.perf_counter()
    with server.begin_patch(path, 0, size) as connection, file.open("rb") as source:
        connection.settimeout(300)
        connection.sendfile(source)
        answer = connection.recv(65536)
    took = time.perf_counter() - begun
    require(answer.startswith(b"HTTP/1.1 204"), f"PATCH was answered {answer[:60]!r}")
    server.request("DELETE", path, {})
    return took


def upload_file(client: Any, file: Path) -> float:
    """Upload a file with boto3 and return the seconds that took."""
    from boto3.s3.transfer import TransferConfig

    config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=10)
    begun = time.perf_counter()
    client.upload_file(str(file), BUCKET, "plain", Config=config)
    took = time.perf_counter() - begun
    client.delete_object(Bucket=BUCKET, Key="plain")
    return took


@contextmanager
def measure_temporary_space(process_id: int) -> Iterator[list[int]]:
    """Yield a list of one number: the most bytes in unlinked or temporary files."""
    most = [0]
    done = threading.Event()

    def look() -> None:
        folder = Path(f"/proc/{process_id}/fd")
        while not done.wait(0.05):
            total = 0
            for entry in list(folder.iterdir()) if folder.exists() else ():
                try:
                    if "/tmp" in os.readlink(entry):  # noqa: PTH115
                        total += entry.stat().st_blocks * 512
                except OSError:
                    continue
            most[0] = max(most[0], total)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield most
    finally:
        done.set()
        watcher.join()


def main() -> int:
    """Take the times and print their medians."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("rounds", type=int, nargs="?", default=5)
    arguments.add_argument("--size", type=int, default=1024 * MIB)
    arguments.add_argument("--tusd", type=Path)
    arguments.add_argument("--s3", choices=SERVERS, default="seaweedfs")
    options = arguments.parse_args()
    times: dict[str, list[float]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm")))
        file = folder / "file"
        chance = random.Random(1)
        with file.open("wb") as target:
            for _ in range(options.size // (16 * MIB)):
                target.write(chance.randbytes(16 * MIB))
        s3 = stack.enter_context(SERVERS[options.s3]())
        servers = {"reference": stack.enter_context(s3.run_reference())}
        if options.tusd:
            servers["tusd"] = stack.enter_context(s3.run_tusd(options.tusd))
        spaces = {
            name: stack.enter_context(measure_temporary_space(server.process.pid))
            for name, server in servers.items()
        }
        client = s3.new_client()
        for number in range(options.rounds + 1):
            for name, server in servers.items():
                times.setdefault(name, []).append(upload(server, file))
            times.setdefault("upload_file", []).append(upload_file(client, file))
            print(f"round {number}: " + ", ".join(f"{n} {t[-1]:.2f} s" for n, t in times.items()))
        base = statistics.median(times["upload_file"][1:])
        for name, taken in times.items():
            median = statistics.median(taken[1:])
            line = f"{name}: {median:.2f} s, {median / base:.2f} of upload_file"
            if name in servers:
                memory = peak_memory(servers[name].process) // MIB
                line += f", memory {memory} MiB, temporary space {spaces[name][0] // MIB} MiB"
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
