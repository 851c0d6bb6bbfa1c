"""Servers as processes of their own: the reference, or whatever a command starts.

The suite knows the reference by its command line and by what it answers, as it knows every other
server. Each process leads a group of its own, so that what it starts is stopped with it.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import trio

from tus_conformance.target import s3

STORES = ("file", "memory", "s3-moto", "s3-localstack")
# The largest upload is small enough to go beyond, and uploads expire, so that every row is reached.
_REFERENCE = (
    *("--host", "127.0.0.1", "--port", "0", "--base-path", "/files/"),
    *("--expire-after", "3600"),
)
_LARGEST = 64 * 1024 * 1024
_LARGEST_OF_ALL = 8 * 1024 * 1024 * 1024

PATIENCE = 30.0
"""How long a server may take to start, and again to stop, in seconds."""


class ServerError(Exception):
    """A server cannot be started; the message says why and what to do."""


@asynccontextmanager
async def reference(store: str, *, large: bool = False) -> AsyncIterator[str]:
    """Start the reference server on a free port and yield its URL; stop it in the end.

    Its largest upload has 64 MiB, or 8 GiB where `large` ones are wanted.
    Its storage in S3 is started before it, and stopped after it, too.
    """
    with tempfile.TemporaryDirectory(prefix="tus-reference-", ignore_cleanup_errors=True) as folder:
        async with _storage(store, Path(folder)) as kept:
            limit = ("--max-size", str(_LARGEST_OF_ALL if large else _LARGEST))
            words = [sys.executable, "-m", "tus_reference", *_REFERENCE, *limit, *kept.words]
            log = Path(folder) / "log"
            process = await _open(words, log, stdout=subprocess.PIPE, more=kept.environment)
            try:
                yield await _announced(process, log)
            finally:
                with trio.CancelScope(shield=True):
                    await _stop(process)


@asynccontextmanager
async def _storage(store: str, folder: Path) -> AsyncIterator[s3.Program]:
    """Yield the flags and the environment that let the reference keep its uploads in `store`."""
    simulated = store.removeprefix("s3-")
    if simulated == store:
        yield s3.Program(("--store", store, "--upload-dir", str(folder / "uploads")), {})
        return
    running = None
    if simulated == "localstack":
        running = await trio.to_thread.run_sync(s3.running_localstack)
    if running is not None:
        yield s3.store(running, await _bucket(running))
        return
    if (sentence := s3.missing(simulated)) is not None:
        raise ServerError(sentence)
    port, log = _free_port(), folder / "s3.log"
    program = s3.program(simulated, port, folder)
    process = await _open(program.words, log, stdout=None, more=program.environment)
    try:
        url = f"http://127.0.0.1:{port}"
        await _accepting(url, process, log)
        yield s3.store(url, await _bucket(url))
    finally:
        with trio.CancelScope(shield=True):
            await _stop(process)


async def _bucket(url: str) -> str:
    try:
        return await s3.make_bucket(url)
    except OSError as error:
        raise ServerError(f"The S3 at {url} cannot be used: {error}.") from None


class Commanded:
    """A server that a command started, at `url`."""

    def __init__(self, words: Sequence[str], url: str, log: Path) -> None:
        self.url = url
        self._words = words
        self._log = log
        self._process: trio.Process | None = None

    async def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        self._process = await _open(self._words, self._log, stdout=None)
        await _accepting(self.url, self._process, self._log)

    @property
    def fallen(self) -> bool:
        """Tell whether the server's process has ended."""
        return self._process is not None and self._process.poll() is not None

    async def restart(self) -> str:
        """Start the server again, and return how it ended or that it had to be stopped."""
        if self.fallen and self._process is not None:
            how = f"The server's process ended with {self._process.returncode}: "
            how += await _last_words(self._log)
        else:
            how = "The server no longer answered, and had to be stopped."
        await self.stop()
        await self.start()
        return how

    async def stop(self) -> None:
        """Stop the server and whatever it started."""
        if self._process is not None:
            await _stop(self._process)


@asynccontextmanager
async def commanded(command: str, target: str) -> AsyncIterator[Commanded]:
    """Start a server by a command, wait until it accepts connections, and stop it in the end.

    `{port}` in the command and in the target's URL stands for a free port.
    """
    port = str(_free_port())
    try:
        words = shlex.split(command.replace("{port}", port))
    except ValueError as error:
        raise ServerError(f"--server-command cannot be read: {error}.") from None
    if not words:
        raise ServerError("--server-command is empty; name the command that starts the server.")
    with tempfile.TemporaryDirectory(prefix="tus-server-") as folder:
        server = Commanded(words, target.replace("{port}", port), Path(folder) / "log")
        try:
            await server.start()
            yield server
        finally:
            with trio.CancelScope(shield=True):
                await server.stop()


async def _open(
    words: Sequence[str],
    log: Path,
    *,
    stdout: int | None,
    more: Mapping[str, str] | None = None,
) -> trio.Process:
    """Start a process that leads a group; what it says goes to the log, standard output if None.

    `more` is added to the environment.
    """
    with log.open("ab") as said:
        try:
            return await trio.lowlevel.open_process(
                words,
                stdin=subprocess.DEVNULL,
                stdout=said if stdout is None else stdout,
                stderr=said,
                start_new_session=True,
                env={**os.environ, **(more or {})},
            )
        except OSError as error:
            raise ServerError(f"{words[0]} cannot be started: {error.strerror}.") from None


async def _announced(process: trio.Process, log: Path) -> str:
    """Return the URL from the line in which the reference says where it listens."""
    said = b""
    assert process.stdout is not None
    with trio.move_on_after(PATIENCE):
        while b"\n" not in said:
            piece = await process.stdout.receive_some()
            if not piece:
                break
            said += piece
    first = said.decode(errors="replace").partition("\n")[0]
    if not first.startswith("Listening on "):
        raise ServerError(f"The reference server did not start: {await _last_words(log)}")
    return first.removeprefix("Listening on ").strip()


async def _accepting(url: str, process: trio.Process, log: Path) -> None:
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    with trio.move_on_after(PATIENCE):
        while process.poll() is None:
            with suppress(OSError):
                await (await trio.open_tcp_stream(host, port)).aclose()
                return
            await trio.sleep(0.05)
    ended = process.returncode
    what = f"ended with {ended}" if ended is not None else f"does not accept connections at {url}"
    raise ServerError(f"The server {what}: {await _last_words(log)}")


async def _last_words(log: Path) -> str:
    text = await trio.Path(log).read_text(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "Error" in line or "error" in line]
    return (telling or lines or ["it said nothing."])[-1]


async def _stop(process: trio.Process) -> None:
    _signal(process, signal.SIGTERM)
    with trio.move_on_after(PATIENCE):
        await process.wait()
    _signal(process, signal.SIGKILL)
    await process.wait()


def _signal(process: trio.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
