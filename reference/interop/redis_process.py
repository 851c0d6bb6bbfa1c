"""A Redis or Valkey as a process, which can be stopped and started again, empty."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any

from interop.s3_servers import free_ports
from interop.server_processes import wait_for_port

if TYPE_CHECKING:
    from collections.abc import Iterator


class RedisProcess:
    """A server at `url`, which keeps nothing on disk."""

    def __init__(self, program: str, folder: str) -> None:
        (self._port,) = free_ports(1)
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self._command = [program, "--port", str(self._port), "--bind", "127.0.0.1"]
        self._command += ["--dir", folder, "--save", "", "--appendonly", "no"]
        self._process: subprocess.Popen[Any] | None = None

    @classmethod
    @contextlib.contextmanager
    def run(cls) -> Iterator[RedisProcess]:
        """Run one until the block ends."""
        program = shutil.which("valkey-server") or shutil.which("redis-server")
        if program is None:
            raise SystemExit("valkey-server or redis-server was not found: install one.")
        with tempfile.TemporaryDirectory(prefix="tus-redis-") as folder:
            redis = cls(program, folder)
            redis.start()
            try:
                yield redis
            finally:
                redis.stop()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        wait_for_port(self._process, self._port)

    def stop(self) -> None:
        """Kill it, as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
