"""What a large body costs: PATCH with a length, in chunks, with a checksum, and GET.

    python -m benchmarks --large [--size MIB]

(from the folder reference/). The anchors are programs that do nothing else: `socat -u` from a
socket into a file, and nginx for the same file. All of them run in turn, in every round, and each
is verified byte by byte. CPU is that of the server alone, in seconds. A row whose program is
missing is named.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import shutil
import socket
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.load import BLOCK, METADATA, OFFSET_TYPE, receive, request, require
from benchmarks.results import Bar, Results
from benchmarks.targets import (
    REFERENCE,
    RunningTarget,
    cpu_seconds,
    find_endpoint,
    free_port,
    measure_socat,
    run_target,
    socat_command,
    verify,
    wait_listening,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from benchmarks.targets import BenchmarkTarget

CHUNK = 64 * 1024
"""The size of a chunk, as streams of browsers and of Node send it."""

SOCAT = "socat -u into a file"
NGINX_ROW = "GET from nginx"
NGINX = """\
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off; sendfile on; tcp_nopush on;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    server {{ listen 127.0.0.1:{port}; location / {{ root {root}; }} }}
}}
"""


@dataclass
class LargeFigures:
    """Of one row, round by round: seconds, CPU seconds of the server; the most memory in bytes."""

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: int = 0

    def add(self, seconds: float, cpu: float, memory: int = 0) -> None:
        """Add the figures of a round."""
        self.seconds.append(seconds)
        self.cpu.append(cpu)
        self.memory = max(self.memory, memory)


def pieces_sized(block: bytes, blocks: int) -> Iterator[list[bytes]]:
    """Yield a body with a length, in what is sent at once."""
    for _ in range(blocks):
        yield [block]


def pieces_chunked(block: bytes, blocks: int) -> Iterator[list[bytes]]:
    """Yield a body in chunks, in what is sent at once."""
    view = memoryview(block)
    size = f"{CHUNK:x}\r\n".encode()
    for _ in range(blocks):
        for start in range(0, len(block), CHUNK):
            yield [size, bytes(view[start : start + CHUNK]), b"\r\n"]
    yield [b"0\r\n\r\n"]


def upload(server: RunningTarget, endpoint: str, block: bytes, blocks: int, kind: str) -> str:
    """Send one PATCH and return the id of its upload."""
    size = len(block) * blocks
    fields: dict[str, str | int] = {"Upload-Offset": 0, "Content-Type": OFFSET_TYPE}
    pieces = pieces_sized
    if kind == "in chunks":
        fields["Transfer-Encoding"] = "chunked"
        pieces = pieces_chunked
    else:
        fields["Content-Length"] = size
    if kind == "with sha256":
        digest = hashlib.sha256()
        for _ in range(blocks):
            digest.update(block)
        fields["Upload-Checksum"] = f"sha256 {base64.b64encode(digest.digest()).decode()}"
    with socket.create_connection(("127.0.0.1", server.port), timeout=120) as connection:
        creation: dict[str, str | int] = {"Upload-Length": size, "Upload-Metadata": METADATA}
        connection.sendall(request("POST", endpoint, {**creation, "Content-Length": 0}))
        status, answer = receive(connection)
        require(status == 201, f"POST was answered {status}")
        path = "/" + answer["location"].partition("://")[2].partition("/")[2]
        server.started = time.perf_counter()
        connection.sendall(request("PATCH", path, fields))
        for piece in pieces(block, blocks):
            send_all(connection, piece)
        status, answer = receive(connection)
        server.ended = time.perf_counter()
    require(status == 204, f"PATCH was answered {status}")
    require(answer["upload-offset"] == str(size), "PATCH told another offset")
    return path.rpartition("/")[2]


def send_all(connection: socket.socket, pieces: list[bytes]) -> None:
    """Send pieces with as few calls as possible."""
    total = sum(map(len, pieces))
    sent = connection.sendmsg(pieces)
    if sent < total:
        connection.sendall(b"".join(pieces)[sent:])


def download(port: int, path: str, block: bytes, blocks: int) -> float:
    """Get `path`, compare it with what was uploaded, and return the seconds."""
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        started = time.perf_counter()
        connection.sendall(request("GET", path, {"Connection": "close"}))
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        head, _, rest = data.partition(b"\r\n\r\n")
        require(head.startswith(b"HTTP/1.1 200"), f"GET was answered {head[:40]!r}")
        buffer = bytearray(len(block))
        view, expected = memoryview(buffer), memoryview(block)
        buffer[: len(rest)] = rest
        filled = len(rest)
        for _ in range(blocks):
            while filled < len(block):
                count = connection.recv_into(view[filled:])
                require(count > 0, "the server closed the connection")
                filled += count
            require(view == expected, "GET returned other bytes")
            filled = 0
        return time.perf_counter() - started


@contextlib.contextmanager
def run_nginx(home: Path, root: Path) -> Iterator[RunningTarget]:
    """Run nginx for the files in `root` until the block ends."""
    folder, port = home / "nginx", free_port()
    folder.mkdir()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, root=root, port=port))
    # Tests may run as root, whose nginx would give up its rights to read the folder.
    command = ["nginx", "-p", str(folder), "-c", str(config), "-g", "user root;"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_listening(process, port, "nginx")
            yield RunningTarget(process, port, root)
        finally:
            process.terminate()


def measure_round(
    home: Path, number: int, block: bytes, size: int, add: Callable[..., None]
) -> None:
    """Measure each row once."""
    if shutil.which("socat") is not None:
        add(SOCAT, *measure_socat(home, block, size))
    folder = home / f"reference-{number}" / "up"
    folder.parent.mkdir()
    with run_target(REFERENCE, folder) as server:
        endpoint = find_endpoint(server)
        for kind in ("with a length", "in chunks", "with sha256"):
            cpu = cpu_seconds(server.process.pid)
            upload_id = upload(server, endpoint, block, size, kind)
            cpu = cpu_seconds(server.process.pid) - cpu
            verify(folder / upload_id, block, size)
            add(f"PATCH {kind}", server.ended - server.started, cpu, server.peak_memory())
            if kind != "with a length":
                (folder / upload_id).unlink()
            else:
                kept = upload_id
        cpu = cpu_seconds(server.process.pid)
        seconds = download(server.port, f"/files/{kept}", block, size)
        add("GET", seconds, cpu_seconds(server.process.pid) - cpu, server.peak_memory())
        if shutil.which("nginx") is not None:
            with run_nginx(home / f"reference-{number}", folder) as nginx:
                cpu = cpu_seconds(nginx.process.pid)
                seconds = download(nginx.port, f"/{kept}", block, size)
                add(NGINX_ROW, seconds, cpu_seconds(nginx.process.pid) - cpu)
    shutil.rmtree(folder.parent)


ANCHORS = {
    "PATCH with a length": SOCAT,
    "PATCH in chunks": "PATCH with a length",
    "PATCH with sha256": "PATCH with a length",
    "GET": NGINX_ROW,
}
"""What each row is compared with."""


def describe(figures: dict[str, LargeFigures], size: int) -> list[str]:
    """Return a table in Markdown: medians and spread, and the ratios to the anchors."""
    lines = [
        f"| {size} MiB | s | least | most | CPU s | of | s | CPU | peak RSS MiB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, row in figures.items():
        cells = [name, *(f"{pick(row.seconds):.2f}" for pick in (statistics.median, min, max))]
        cells.append(f"{statistics.median(row.cpu):.2f}")
        anchor = figures.get(ANCHORS.get(name, ""))
        if anchor is None:
            cells += ["", "", ""]
        else:
            wall = [a / b for a, b in zip(row.seconds, anchor.seconds, strict=True)]
            cpu = [a / max(b, 0.01) for a, b in zip(row.cpu, anchor.cpu, strict=True)]
            cells += [ANCHORS[name], *(f"{statistics.median(each):.2f}" for each in (wall, cpu))]
        cells.append(f"{row.memory / 1024 / 1024:.0f}" if row.memory else "")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def measure_large(
    _others: Sequence[BenchmarkTarget], home: Path, options: argparse.Namespace
) -> Results:
    """Measure all rows of the reference and its anchors, the first round without counting."""
    size = options.size
    figures: dict[str, LargeFigures] = {}
    block = hashlib.shake_256(b"large bodies").digest(BLOCK)
    for number in range(options.rounds + 1):

        def add(name: str, seconds: float, cpu: float, memory: int = 0) -> None:
            if number:  # noqa: B023 - called in this round only
                figures.setdefault(name, LargeFigures()).add(seconds, cpu, memory)

        measure_round(home, number, block, size, add)
    commands = dict.fromkeys(figures, REFERENCE.describe())
    commands |= {SOCAT: " ".join(socat_command("PORT", "FILE")), NGINX_ROW: "nginx, sendfile on"}
    return Results(
        "large-bodies",
        f"Bodies of {size} MiB",
        "seconds",
        {name: commands[name] for name in figures},
        describe(figures, size),
        [
            Bar(name.partition(" ")[0].replace("socat", "PATCH"), name, row.seconds)
            for name, row in figures.items()
        ],
        [
            f"{program} is missing: install its package to compare with it."
            for program in ("socat", "nginx")
            if shutil.which(program) is None
        ],
    )
