"""Many uploads in flight from slow clients: memory, failures, and the latency of another request.

    python -m benchmarks --slow [--uploads N] [--server NAME=COMMAND]...

(from the folder reference/). Each client sends 10 KiB a second; every other one in chunks, where a
server takes those. Meanwhile HEAD is sent for another upload, again and again. In the end every
upload is compared with what was sent. The generator is a process of its own with one thread.
"""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from benchmarks.load import METADATA, OFFSET_TYPE, parse, request, require
from benchmarks.results import Bar, Results
from benchmarks.targets import REFERENCE, find_endpoint, run_target

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.targets import BenchmarkTarget, RunningTarget

PIECE = 10 * 1024
"""What a client sends each second, in bytes."""

SECONDS = 15
HEAD_PAUSE = 0.02


@dataclass
class SlowFigures:
    """Of one server: its most memory in bytes, failures, and seconds of each HEAD."""

    memory: int = 0
    failures: list[str] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)


async def ask(stream: trio.SocketStream, data: bytes) -> dict[str, str]:
    """Send a request and return the headers of the response; raise `AssertionError` for errors."""
    await stream.send_all(data)
    received = b""
    while (answer := parse(received, to_head=data.startswith(b"HEAD "))) is None:
        piece = await stream.receive_some()
        require(piece != b"", "the server closed the connection")
        received += piece
    require(answer[0] < 300, f"{data[:20]!r} was answered {answer[0]}")
    return answer[1]


async def create(stream: trio.SocketStream, endpoint: str, length: int) -> str:
    """Create an upload and return its path."""
    fields: dict[str, str | int] = {"Upload-Length": length, "Upload-Metadata": METADATA}
    headers = await ask(stream, request("POST", endpoint, {**fields, "Content-Length": 0}))
    location = headers["location"]
    return "/" + location.partition("://")[2].partition("/")[2] if "://" in location else location


async def upload_slowly(
    server: RunningTarget, endpoint: str, content: bytes, *, chunked: bool, delay: float
) -> str:
    """Upload `content` over SECONDS, and return its path."""
    await trio.sleep(delay)
    async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
        path = await create(stream, endpoint, len(content))
        fields: dict[str, str | int] = {"Upload-Offset": 0, "Content-Type": OFFSET_TYPE}
        framing: dict[str, str | int] = {"Content-Length": len(content)}
        if chunked:
            framing = {"Transfer-Encoding": "chunked"}
        await stream.send_all(request("PATCH", path, {**fields, **framing}))
        start = trio.current_time()
        for number in range(SECONDS):
            piece = content[number * PIECE :][:PIECE]
            await stream.send_all(b"%x\r\n%b\r\n" % (PIECE, piece) if chunked else piece)
            await trio.sleep_until(start + number + 1)
        headers = await ask(stream, b"0\r\n\r\n" if chunked else b"")
        require(headers["upload-offset"] == str(len(content)), "PATCH told another offset")
        return path


async def measure_heads(server: RunningTarget, endpoint: str, latencies: list[float]) -> None:
    """Send HEAD for an upload of its own until cancelled."""
    async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
        path = await create(stream, endpoint, 10)
        while True:
            begun = time.perf_counter()
            await ask(stream, request("HEAD", path, {}))
            latencies.append(time.perf_counter() - begun)
            await trio.sleep(HEAD_PAUSE)


async def run_clients(server: RunningTarget, uploads: int, figures: SlowFigures) -> None:
    """Run all clients; what fails is counted."""
    endpoint = find_endpoint(server)
    content = os.urandom(SECONDS * PIECE)

    async def run_one(number: int) -> None:
        try:
            path = await upload_slowly(
                server, endpoint, content, chunked=number % 2 == 1, delay=number / uploads
            )
            stored = await trio.Path(server.folder / path.rpartition("/")[2]).read_bytes()
            require(stored == content, f"{path} differs")
        except (AssertionError, OSError, trio.BrokenResourceError) as failure:
            figures.failures.append(str(failure))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(measure_heads, server, endpoint, figures.latencies)
        async with trio.open_nursery() as clients:
            for number in range(uploads):
                clients.start_soon(run_one, number)
        figures.memory = server.peak_memory()
        nursery.cancel_scope.cancel()


def measure_slow(
    others: Sequence[BenchmarkTarget], home: Path, options: argparse.Namespace
) -> Results:
    """Measure the reference and other servers, one after the other."""
    uploads = options.uploads
    targets, rows = [REFERENCE, *others], {}
    for target in targets:
        folder = home / target.name.replace("/", "-") / "up"
        folder.parent.mkdir()
        rows[target.name] = SlowFigures()
        with run_target(target, folder) as server:
            trio.run(run_clients, server, uploads, rows[target.name])
    table = [
        f"| {uploads} uploads of {PIECE // 1024} KiB/s | failures | peak RSS MiB | HEAD median ms "
        "| 99 % ms | most ms |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        percentile = statistics.quantiles(row.latencies, n=100)[98]
        times = (statistics.median(row.latencies), percentile, max(row.latencies))
        cells = [name, str(len(row.failures)), f"{row.memory / 1024 / 1024:.0f}"]
        table.append(f"| {' | '.join([*cells, *(f'{each * 1e3:.1f}' for each in times)])} |")
        table += [f"| {failure} |" for failure in sorted(set(row.failures))]
    return Results(
        "slow-clients",
        f"{uploads} uploads in flight",
        "seconds of HEAD",
        {target.name: target.describe() for target in targets},
        table,
        [Bar("HEAD meanwhile", name, row.latencies) for name, row in rows.items()],
    )
