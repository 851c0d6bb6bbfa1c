"""The reference as a process, as an operator starts it."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from interop.server_processes import peak_memory
from interop.server_response import ServerResponse, send_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OFFSET_CONTENT_TYPE = {"Content-Type": "application/offset+octet-stream"}


class UnixHTTPConnection(http.client.HTTPConnection):
    """A connection to a socket of the file system."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(str(self._path))


class ReferenceProcess:
    """A running server; `url` is what it says it listens on."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url
        self.scheme = url.partition(":")[0]
        port = re.search(r"127\.0\.0\.1:(\d+)/", url)
        self.port = 0 if port is None else int(port[1])
        self.trust: ssl.SSLContext | None = None
        self._monitoring_port = 0

    def open_connection(self) -> http.client.HTTPConnection:
        """Return a connection, encrypted if the server says so."""
        if self.scheme == "https":
            return http.client.HTTPSConnection(
                "127.0.0.1", self.port, timeout=10, context=self.trust
            )
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def request(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> ServerResponse:
        """Send a request over a connection of its own."""
        return send_request(self.open_connection(), method, path, headers, body)

    def request_monitoring(
        self, path: str, headers: dict[str, str] | None = None
    ) -> ServerResponse:
        """Send GET to the listener for health and metrics, which is printed on standard error."""
        if not self._monitoring_port:
            line = self.wait_for_line("monitoring on")
            self._monitoring_port = int(line.rpartition(":")[2].rstrip("/\n"))
        connection = http.client.HTTPConnection("127.0.0.1", self._monitoring_port, timeout=10)
        return send_request(connection, "GET", path, headers)

    def create(self, length: int) -> str:
        """Create an upload and return its path."""
        answer = self.request("POST", "/files/", {"Upload-Length": str(length)})
        assert answer.status == 201
        return "/files/" + (answer.headers["Location"] or "").rpartition("/")[2]

    def patch(self, path: str, offset: int, body: bytes) -> int:
        """Append `body` and return the status."""
        return self.request(
            "PATCH", path, {**OFFSET_CONTENT_TYPE, "Upload-Offset": str(offset)}, body
        ).status

    def begin_patch(self, path: str, length: int) -> socket.socket:
        """Send the head of a PATCH at 0 and return the connection."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        connection.sendall(
            f"PATCH {path} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
            "Content-Type: application/offset+octet-stream\r\n"
            f"Content-Length: {length}\r\n\r\n".encode()
        )
        return connection

    def peak_memory(self) -> int:
        """Return the most memory that was resident, in bytes."""
        return peak_memory(self.process.pid)

    def worker_pids(self) -> list[int]:
        """Return the process ids of the workers."""
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children") as file:  # noqa: PTH123
            return [int(child) for child in file.read().split()]

    def wait_for_line(self, sentence: str) -> str:
        """Return the next line on standard error that has `sentence` in it, waiting for it."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if sentence in line:
                return line
        raise AssertionError(f"it never said {sentence!r}")

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; return the exit code and what else was said."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        assert out == ""
        return self.process.returncode, err


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tus_reference", "--port", "0", *arguments]


def run_failing_server(*arguments: str) -> tuple[int, str]:
    """Run a server that cannot start; return the exit code and what it says of that."""
    done = subprocess.run(
        _command(*arguments), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


@contextmanager
def run_server(*arguments: str) -> Iterator[ReferenceProcess]:
    """Run the server on a free port until the block ends."""
    with subprocess.Popen(
        _command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            match = re.fullmatch(r"Listening on (https?://\S+)\n", line)
            assert match is not None, line + (process.stderr.read() if process.stderr else "")
            yield ReferenceProcess(process, match[1])
        finally:
            process.kill()


def wait_until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until something holds; fails if it does not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def has_exited(pid: int) -> bool:
    """Return whether a process has ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
        return file.read().rpartition(")")[2].split()[0] == "Z"
