"""What an upload to S3 costs: one PATCH beside boto3's `upload_file`, and HEAD of many parts.

    python -m benchmarks --s3 [--storage moto] [--server NAME=COMMAND]...

(from the folder reference/). In a server's command ENDPOINT is replaced by the URL of the S3, and
BUCKET by its bucket. The programs take turns, in every round, on one S3; each stored object is
compared with what was sent. For HEAD an upload gets parts of 1 KiB that are written to the S3
directly: it is the number of parts that costs time, not their size. The temporary space is that of
files that the server has open and that have no name, or one in the folder for temporary files.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from benchmarks.load import BLOCK, require, send_big
from benchmarks.results import Bar, Results
from benchmarks.targets import BenchmarkTarget
from interop.s3_servers import BUCKET, SERVERS
from interop.server_processes import peak_memory, run_server

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from interop.s3_servers import S3
    from interop.server_processes import InteropServer

BOTO3 = "boto3 upload_file"
REFERENCE = BenchmarkTarget(
    "tus_reference",
    (
        *(sys.executable, "-m", "tus_reference", "--port", "PORT"),
        *("--s3-bucket", "BUCKET", "--s3-endpoint", "ENDPOINT"),
    ),
)
HEADS = 20
"""How many HEADs are measured."""

PART = 1024
"""The size of a part of the upload that HEAD asks for, in bytes."""

MIB = 1024 * 1024
BODY_PART = 50 * MIB
"""The size of a part of a body, in bytes: that of the reference and of tusd, boto3's set to it."""

CONCURRENCY = 10
"""How many parts are sent at once; the same."""


@dataclass
class S3Figures:
    """Of one program: seconds of bodies and of HEADs; most memory and temporary space in bytes."""

    bodies: list[float] = field(default_factory=list)
    heads: list[float] = field(default_factory=list)
    memory: int = 0
    space: int = 0


@contextmanager
def measure_temporary_space(pid: int) -> Iterator[list[int]]:
    """Yield a list of one number: the most bytes that a process had in temporary files."""
    most, done = [0], threading.Event()

    def look() -> None:
        folder = Path(f"/proc/{pid}/fd")
        while not done.wait(0.05):
            total = 0
            for entry in list(folder.iterdir()):
                try:
                    if str(entry.readlink()).startswith(tempfile.gettempdir()):
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


class S3Bench:
    """Uploads `blocks` blocks to an S3 by different programs."""

    def __init__(self, s3: S3, home: Path, blocks: int) -> None:
        self._s3 = s3
        self._client: Any = s3.new_client()
        self._block = os.urandom(BLOCK)
        self._blocks = blocks
        self._file = home / "body"
        with self._file.open("wb") as body:
            for _ in range(blocks):
                body.write(self._block)

    def _run(self, target: BenchmarkTarget) -> AbstractContextManager[InteropServer]:
        words = {"ENDPOINT": self._s3.endpoint, "BUCKET": BUCKET}
        command = [words.get(word, word) for word in target.command]
        return run_server(command, "http://127.0.0.1:PORT/files/", env=self._s3.environment)

    def _verify(self, key: str) -> None:
        """Compare an object with what was sent, and remove it."""
        body = self._client.get_object(Bucket=BUCKET, Key=key)["Body"]
        for _ in range(self._blocks):
            require(body.read(BLOCK) == self._block, f"{key} differs from what was sent")
        require(body.read(1) == b"", f"{key} is too long")
        self._client.delete_object(Bucket=BUCKET, Key=key)

    def upload_by_boto3(self) -> float:
        """Upload the file without a server; return the seconds."""
        from boto3.s3.transfer import TransferConfig

        settings = TransferConfig(
            multipart_threshold=BODY_PART,
            multipart_chunksize=BODY_PART,
            max_concurrency=CONCURRENCY,
        )
        start = time.perf_counter()
        self._client.upload_file(str(self._file), BUCKET, self._file.name, Config=settings)
        seconds = time.perf_counter() - start
        self._verify(self._file.name)
        return seconds

    def upload_by(self, target: BenchmarkTarget, row: S3Figures) -> float:
        """Send one PATCH; return the seconds, and note memory and temporary space in `row`."""
        with self._run(target) as server:
            with measure_temporary_space(server.process.pid) as most:
                seconds, upload_id = send_big(server.port, server.path, self._block, self._blocks)
            row.memory = max(row.memory, peak_memory(server.process.pid))
            row.space = max(row.space, most[0])
        self._verify(unquote(upload_id).rpartition("+")[0])
        return seconds

    def measure_heads(self, target: BenchmarkTarget, parts: int) -> list[float]:
        """Return the seconds of HEADs of an upload in so many parts."""
        with self._run(target) as server:
            path = server.create(parts * PART * 2)
            key, _, multipart_id = unquote(path.rpartition("/")[2]).rpartition("+")
            for number in range(1, parts + 1):
                self._client.upload_part(
                    Bucket=BUCKET,
                    Key=key,
                    UploadId=multipart_id,
                    PartNumber=number,
                    Body=bytes(PART),
                )
            seconds = []
            for _ in range(HEADS):
                start = time.perf_counter()
                offset = server.offset(path)
                seconds.append(time.perf_counter() - start)
                require(offset == parts * PART, f"HEAD told {offset}")
        return seconds


def measure_s3(
    others: Sequence[BenchmarkTarget], home: Path, options: argparse.Namespace
) -> Results:
    """Measure boto3, the reference and other servers; the first round of bodies does not count."""
    targets = [REFERENCE, *others]
    figures = {name: S3Figures() for name in (BOTO3, *(target.name for target in targets))}
    with SERVERS[options.storage]() as s3:
        bench = S3Bench(s3, home, options.size)
        for number in range(options.rounds + 1):
            seconds = bench.upload_by_boto3()
            if number:
                figures[BOTO3].bodies.append(seconds)
            for target in targets:
                seconds = bench.upload_by(target, figures[target.name])
                if number:
                    figures[target.name].bodies.append(seconds)
        for target in targets:
            figures[target.name].heads = bench.measure_heads(target, options.parts)
    body, heads = f"{options.size} MiB", f"HEAD of {options.parts} parts"
    bars = [Bar(body, name, row.bodies) for name, row in figures.items()]
    bars += [Bar(heads, name, row.heads) for name, row in figures.items() if row.heads]
    return Results(
        "s3",
        f"{body} to S3 ({options.storage}), and {heads}",
        "seconds",
        {BOTO3: "client.upload_file(...)"} | {each.name: each.describe() for each in targets},
        describe(figures, body, heads),
        bars,
    )


def describe(figures: dict[str, S3Figures], body: str, heads: str) -> list[str]:
    """Return a table in Markdown: medians and spread, and the ratio to boto3."""
    lines = [
        f"| {body} | s | least | most | of boto3 | peak RSS MiB | temporary MiB "
        f"| {heads} ms | least | most |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    anchor = figures[BOTO3].bodies
    for name, row in figures.items():
        ratios = [ours / theirs for ours, theirs in zip(row.bodies, anchor, strict=True)]
        cells = [name, *(f"{pick(row.bodies):.2f}" for pick in (statistics.median, min, max))]
        cells.append(f"{statistics.median(ratios):.2f}")
        cells += [f"{row.memory // MIB}", f"{row.space // MIB}"] if row.memory else ["", ""]
        for pick in (statistics.median, min, max):
            cells.append(f"{pick(row.heads) * 1e3:.1f}" if row.heads else "")
        lines.append(f"| {' | '.join(cells)} |")
    return lines
