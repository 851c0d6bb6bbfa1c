"""What is measured: servers as processes, each on a folder of its own."""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.load import require, send_small
from interop.server_processes import peak_memory

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class BenchmarkTarget:
    """A server; in its command PORT and FOLDER stand for what they say."""

    name: str
    command: tuple[str, ...]

    def describe(self) -> str:
        """Return the command as a reader would type it: programs by name, wherever they are."""
        return shlex.join(
            "python"
            if word == sys.executable
            else Path(word).name
            if Path(word).is_file()
            else word
            for word in self.command
        )


@dataclass
class RunningTarget:
    """A server that listens."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path
    started: float = 0.0
    ended: float = 0.0

    def peak_memory(self) -> int:
        """Return the most memory that the process had resident, in bytes."""
        return peak_memory(self.process.pid)


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def run_target(target: BenchmarkTarget, folder: Path) -> Iterator[RunningTarget]:
    """Run a server on an empty folder until the block ends."""
    folder.mkdir(parents=True)
    port = free_port()
    words = {"PORT": str(port), "FOLDER": str(folder)}
    command = [words.get(word, word) for word in target.command]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder.parent
    )
    try:
        wait_listening(process, port, target.name)
        yield RunningTarget(process, port, folder)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.kill()
        process.wait()


def wait_listening(process: subprocess.Popen[bytes], port: int, name: str) -> None:
    """Wait until a server listens on `port`; raise `AssertionError` if it ends, or takes 30 s."""
    deadline = time.monotonic() + 30
    while True:
        require(process.poll() is None, f"{name} ended at once")
        require(time.monotonic() < deadline, f"{name} does not listen")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)


def find_endpoint(server: RunningTarget) -> str:
    """Return the endpoint with or without its last slash, whichever creates uploads."""
    try:
        send_small(server.port, "/files/", b"x", connections=1, count=1)
    except AssertionError:
        return "/files"
    return "/files/"


def cpu_seconds(pid: int) -> float:
    """Return what a process and the workers that it has started have used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(cpu_seconds(int(worker)) for worker in workers)


def socat_command(port: str, file: str) -> list[str]:
    """Return the command that receives into a file."""
    listen = f"TCP-LISTEN:{port},bind=127.0.0.1"
    return ["socat", "-u", "-b", "1048576", listen, f"CREATE:{file}"]


def measure_socat(folder: Path, block: bytes, blocks: int) -> tuple[float, float]:
    """Send the same bytes through `socat -u` into a file; return the seconds, and those of CPU."""
    port = free_port()
    file = folder / "socat"
    with subprocess.Popen(socat_command(str(port), str(file))) as process:
        connection = connect(port)
        with connection:
            start = time.perf_counter()
            for _ in range(blocks):
                connection.sendall(block)
            connection.shutdown(socket.SHUT_WR)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
    verify(file, block, blocks)
    file.unlink()
    return seconds, usage.ru_utime + usage.ru_stime


def connect(port: int) -> socket.socket:
    """Return a connection to `port` as soon as somebody listens there."""
    for _ in range(200):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=60)
        except OSError:
            time.sleep(0.02)
    raise AssertionError("socat does not listen")


def verify(file: Path, block: bytes, blocks: int) -> None:
    """Raise `AssertionError` unless the file is `blocks` times `block`."""
    with file.open("rb", buffering=0) as stored:
        for _ in range(blocks):
            require(stored.read(len(block)) == block, f"{file} differs from what was sent")
        require(stored.read(1) == b"", f"{file} is too long")


def parse_server(text: str) -> BenchmarkTarget:
    """Return the target that NAME=COMMAND describes; raise `ValueError` if it does not."""
    name, equals, command = text.partition("=")
    words = tuple(shlex.split(command))
    if not equals or "PORT" not in words or not {"FOLDER", "ENDPOINT"} & set(words):
        raise ValueError(f"write NAME='command PORT FOLDER' (of --s3 ENDPOINT), not {text!r}")
    return BenchmarkTarget(name, words)


REFERENCE = BenchmarkTarget(
    "tus_reference",
    (sys.executable, "-m", "tus_reference", "--port", "PORT", "--upload-dir", "FOLDER"),
)

FLOOR = BenchmarkTarget(
    "bare trio and h11", (sys.executable, "-m", "benchmarks.floor", "PORT", "FOLDER")
)
