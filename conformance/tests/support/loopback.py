"""Servers on sockets of this machine, for what can only be seen from outside the process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import trio

from tus_conformance.transport.memory import Serve


@contextmanager
def serve_in_thread(serve: Serve) -> Iterator[str]:
    """Serve on a free port, in a thread, and yield the URL of the tus endpoint."""
    started = threading.Event()
    place: list[Any] = []

    async def main() -> None:
        with trio.CancelScope() as scope:
            listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
            port = listeners[0].socket.getsockname()[1]
            place.extend([port, scope, trio.lowlevel.current_trio_token()])
            started.set()
            async with trio.open_nursery() as nursery:
                await trio.serve_listeners(quietly, listeners, handler_nursery=nursery)

    async def quietly(stream: trio.SocketStream) -> None:
        async with stream:
            try:
                await serve(stream)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return

    thread = threading.Thread(target=trio.run, args=(main,))
    thread.start()
    started.wait(10)
    port, scope, token = place
    try:
        yield f"http://127.0.0.1:{port}/files/"
    finally:
        trio.from_thread.run_sync(scope.cancel, trio_token=token)
        thread.join(10)


def closed_port() -> int:
    """Return a port of this machine where nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@dataclass(frozen=True)
class ProcessResult:
    """How a process ended, and what it said."""

    code: int
    out: str
    err: str


def run_module(
    words: Sequence[str], *, cwd: str | None = None, env: Mapping[str, str] | None = None
) -> ProcessResult:
    """Run `python -m WORDS` to its end."""
    done = subprocess.run(
        [sys.executable, "-m", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=cwd,
        env={**os.environ, **(env or {})},
    )
    return ProcessResult(done.returncode, done.stdout, done.stderr)
