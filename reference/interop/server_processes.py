"""Servers as processes, and the few tus requests that the trials need."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from interop.server_response import ServerResponse, send_request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

OFFSET_TYPE = "application/offset+octet-stream"


@dataclass(frozen=True)
class InteropServer:
    """A server that listens; `url` is where uploads are created."""

    process: subprocess.Popen[str]
    url: str

    @property
    def port(self) -> int:
        """The port it listens on."""
        return urlsplit(self.url).port or 80

    @property
    def path(self) -> str:
        """The path of the endpoint."""
        return urlsplit(self.url).path

    def kill(self) -> None:
        """Kill the process, as a crash does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> ServerResponse:
        """Send a request over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        return send_request(connection, method, path, headers, body)

    def create(self, length: int, **headers: str) -> str:
        """Create an upload and return its path."""
        fields = {k.replace("_", "-"): v for k, v in headers.items()}
        answer = self.request("POST", self.path, {"Upload-Length": str(length), **fields})
        if answer.status != 201:
            raise AssertionError(f"POST was answered {answer.status}")
        return urlsplit(answer.headers["Location"]).path

    def offset(self, path: str) -> int:
        """Return the offset of a HEAD."""
        answer = self.request("HEAD", path, {})
        if answer.status not in {200, 204}:
            raise AssertionError(f"HEAD was answered {answer.status}")
        return int(answer.headers["Upload-Offset"])

    def patch(self, path: str, offset: int, body: bytes, **headers: str) -> int:
        """Send a PATCH and return the new offset."""
        fields = {k.replace("_", "-"): v for k, v in headers.items()}
        answer = self.request(
            "PATCH",
            path,
            {"Upload-Offset": str(offset), "Content-Type": OFFSET_TYPE, **fields},
            body,
        )
        if answer.status != 204:
            raise AssertionError(f"PATCH was answered {answer.status}")
        return int(answer.headers["Upload-Offset"])

    def begin_patch(self, path: str, offset: int, length: int, extra: str = "") -> socket.socket:
        """Send the head of a PATCH and return the connection."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        connection.sendall(
            f"PATCH {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nTus-Resumable: 1.0.0\r\n"
            f"Upload-Offset: {offset}\r\nContent-Type: {OFFSET_TYPE}\r\n{extra}"
            f"Content-Length: {length}\r\n\r\n".encode()
        )
        return connection


@contextlib.contextmanager
def run_server(
    command: Sequence[str | Path],
    url: str,
    *,
    env: Mapping[str, str] | None = None,
    log: Path = Path(os.devnull),
) -> Iterator[InteropServer]:
    """Run a server until the block ends; PORT in command and url is a free port.

    What it says on standard error goes to `log`.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    arguments = [str(part).replace("PORT", port) for part in command]
    with log.open("ab") as told:
        process = subprocess.Popen(
            arguments,
            stdout=subprocess.DEVNULL,
            stderr=told,
            text=True,
            env={**os.environ, **(env or {})},
        )
    try:
        wait_for_port(process, int(port))
        yield InteropServer(process, url.replace("PORT", port))
    finally:
        process.kill()
        process.wait()


def wait_for_port(process: subprocess.Popen[Any], port: int) -> None:
    """Wait until a process listens; raise `AssertionError` if it ends or takes too long."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the server ended at once with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise AssertionError("the server does not listen")


def run_reference(
    folder: Path, *flags: str, log: Path = Path(os.devnull)
) -> contextlib.AbstractContextManager[InteropServer]:
    """Run the reference server on `folder`."""
    command: list[str | Path] = [sys.executable, "-m", "tus_reference", "--port", "PORT"]
    command += ["--upload-dir", folder]
    return run_server([*command, *flags], "http://127.0.0.1:PORT/files/", log=log)


def run_tusd(binary: Path, folder: Path) -> contextlib.AbstractContextManager[InteropServer]:
    """Run tusd on `folder`."""
    command: list[str | Path] = [binary, "-host", "127.0.0.1", "-port", "PORT"]
    command += ["-upload-dir", folder]
    return run_server(command, "http://127.0.0.1:PORT/files/")


def peak_memory(pid: int) -> int:
    """Return the most memory that a process had resident, in bytes."""
    with open(f"/proc/{pid}/status") as status:  # noqa: PTH123
        match = re.search(r"VmHWM:\s+(\d+) kB", status.read())
    return int(match[1]) * 1024 if match else 0
