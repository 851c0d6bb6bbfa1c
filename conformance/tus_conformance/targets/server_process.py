"""Servers as processes of their own: the reference, or whatever a command starts.

The suite knows the reference by its command line and by what it answers, as it knows every other
server. Each process leads a group of its own, so that what it starts is stopped with it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import trio

from tus_conformance.targets import simulated_s3
from tus_conformance.targets.command_words import split_words
from tus_conformance.targets.process_group import stop_process_group

STORES = ("file", "memory", "s3-moto", "s3-localstack")
# The largest upload is small enough to go beyond, and uploads expire, so that every row is reached.
_REFERENCE_OPTIONS = (
    *("--host", "127.0.0.1", "--port", "0", "--base-path", "/files/"),
    *("--expire-after", "3600"),
)
_MAX_SIZE = 64 * 1024 * 1024
_LARGE_MAX_SIZE = 8 * 1024 * 1024 * 1024

START_TIMEOUT = 30.0
"""How long a server may take to start, and again to stop, in seconds."""


class ServerError(Exception):
    """A server cannot be started; the message says why and what to do."""


@asynccontextmanager
async def run_reference_server(
    store: str, *, large: bool = False, flags: Sequence[str] = ()
) -> AsyncIterator[str]:
    """Start the reference server on a free port and yield its URL; stop it in the end.

    Its largest upload has 64 MiB, or 8 GiB where `large` ones are wanted. `flags` are added.
    Its storage in S3 is started before it, and stopped after it, too.
    """
    with tempfile.TemporaryDirectory(prefix="tus-reference-", ignore_cleanup_errors=True) as folder:
        async with _start_storage(store, Path(folder)) as kept:
            limit = ("--max-size", str(_LARGE_MAX_SIZE if large else _MAX_SIZE))
            words = [
                sys.executable,
                "-m",
                "tus_reference",
                *_REFERENCE_OPTIONS,
                *limit,
                *kept.words,
                *flags,
            ]
            log = Path(folder) / "log"
            process = await _start_process(
                words, log, stdout=subprocess.PIPE, extra_environment=kept.environment
            )
            try:
                yield await _read_listening_url(process, log)
            finally:
                with trio.CancelScope(shield=True):
                    await stop_process_group(process, START_TIMEOUT)


@asynccontextmanager
async def _start_storage(store: str, folder: Path) -> AsyncIterator[simulated_s3.CommandSpec]:
    """Yield the flags and the environment that let the reference keep its uploads in `store`."""
    simulated = store.removeprefix("s3-")
    if simulated == store:
        yield simulated_s3.CommandSpec(
            ("--store", store, "--upload-dir", str(folder / "uploads")), {}
        )
        return
    if simulated == "localstack" and await trio.to_thread.run_sync(
        simulated_s3.is_localstack_running
    ):
        running = simulated_s3.running_s3(simulated, None)
        yield simulated_s3.s3_store_options(running, await _create_bucket(running))
        return
    if (sentence := simulated_s3.missing_requirement(simulated)) is not None:
        raise ServerError(sentence)
    port, log = find_free_port(), folder / "s3.log"
    program = simulated_s3.s3_command(simulated, port, folder)
    process = await _start_process(
        program.words, log, stdout=None, extra_environment=program.environment
    )
    try:
        await _wait_until_accepting(f"http://127.0.0.1:{port}", process, log)
        started = simulated_s3.running_s3(simulated, port)
        yield simulated_s3.s3_store_options(started, await _create_bucket(started))
    finally:
        with trio.CancelScope(shield=True):
            await stop_process_group(process, START_TIMEOUT)


async def _create_bucket(s3: simulated_s3.RunningS3) -> str:
    try:
        return await trio.to_thread.run_sync(simulated_s3.create_bucket, s3)
    except OSError as error:
        raise ServerError(f"Cannot use the S3 at {s3.url}: {error}.") from None


class ServerProcess:
    """A server that a command started, at `url`."""

    def __init__(self, words: Sequence[str], url: str, log: Path) -> None:
        self.url = url
        self._words = words
        self._log = log
        self._process: trio.Process | None = None

    async def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        self._process = await _start_process(self._words, self._log, stdout=None)
        await _wait_until_accepting(self.url, self._process, self._log)

    @property
    def has_exited(self) -> bool:
        """Return whether the server's process has ended."""
        return self._process is not None and self._process.poll() is not None

    async def restart(self) -> str:
        """Start the server again, and return how it ended or that it had to be stopped."""
        if self.has_exited and self._process is not None:
            how = f"The server's process exited with {self._process.returncode}: "
            how += await _last_log_line(self._log)
        else:
            how = "The server stopped responding and was stopped."
        await self.stop()
        await self.start()
        return how

    async def stop(self) -> None:
        """Stop the server and whatever it started."""
        if self._process is not None:
            await stop_process_group(self._process, START_TIMEOUT)


@asynccontextmanager
async def run_server_command(command: str, target: str) -> AsyncIterator[ServerProcess]:
    """Start a server by a command, wait until it accepts connections, and stop it in the end.

    `{port}` in the command and in the target's URL stands for a free port.
    """
    port = str(find_free_port())
    try:
        words = split_words(command.replace("{port}", port))
    except ValueError as error:
        raise ServerError(f"--server-command cannot be read: {error}.") from None
    if not words:
        raise ServerError("--server-command is empty; name the command that starts the server.")
    with tempfile.TemporaryDirectory(prefix="tus-server-") as folder:
        server = ServerProcess(words, target.replace("{port}", port), Path(folder) / "log")
        try:
            await server.start()
            yield server
        finally:
            with trio.CancelScope(shield=True):
                await server.stop()


async def _start_process(
    words: Sequence[str],
    log: Path,
    *,
    stdout: int | None,
    extra_environment: Mapping[str, str] | None = None,
) -> trio.Process:
    """Start a process that leads a group; what it says goes to the log, standard output if None.

    `extra_environment` is added to the environment.
    """
    with log.open("ab") as said:
        try:
            return await trio.lowlevel.open_process(
                words,
                stdin=subprocess.DEVNULL,
                stdout=said if stdout is None else stdout,
                stderr=said,
                start_new_session=True,
                env={**os.environ, **(extra_environment or {})},
            )
        except OSError as error:
            raise ServerError(f"{words[0]} cannot be started: {error.strerror}.") from None


async def _read_listening_url(process: trio.Process, log: Path) -> str:
    """Return the URL from the line in which the reference says where it listens."""
    said = b""
    assert process.stdout is not None
    with trio.move_on_after(START_TIMEOUT):
        while b"\n" not in said:
            piece = await process.stdout.receive_some()
            if not piece:
                break
            said += piece
    first = said.decode(errors="replace").partition("\n")[0]
    if not first.startswith("Listening on "):
        raise ServerError(f"The reference server did not start: {await _last_log_line(log)}")
    return first.removeprefix("Listening on ").strip()


async def _wait_until_accepting(url: str, process: trio.Process, log: Path) -> None:
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    with trio.move_on_after(START_TIMEOUT):
        while process.poll() is None:
            with suppress(OSError):
                await (await trio.open_tcp_stream(host, port)).aclose()
                return
            await trio.sleep(0.05)
    ended = process.returncode
    what = f"exited with {ended}" if ended is not None else f"does not accept connections at {url}"
    raise ServerError(f"The server {what}: {await _last_log_line(log)}")


async def _last_log_line(log: Path) -> str:
    text = await trio.Path(log).read_text(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    error_lines = [line for line in lines if "Error" in line or "error" in line]
    return (error_lines or lines or ["it printed nothing."])[-1]


def find_free_port() -> int:
    """Return a port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
