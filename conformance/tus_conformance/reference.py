"""The reference server as a process of its own, for runs without a target.

The suite knows it by its command line and by what it answers, as it knows every other server.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

STORES = ("file", "memory", "s3-moto", "s3-localstack")
_LATER = {
    "memory": "The reference server has no memory store yet; use --reference file.",
    "s3-moto": "The reference server has no S3 store yet; use --reference file.",
    "s3-localstack": "The reference server has no S3 store yet; use --reference file.",
}
_OPTIONS = ("--host", "127.0.0.1", "--port", "0", "--base-path", "/files/")
MAX_SIZE = 64 * 1024 * 1024
"""The largest upload that the reference is started with, in bytes: small enough to go beyond."""

_PATIENCE = 30.0


class ReferenceFailedError(Exception):
    """The reference server cannot be had; the message says why."""


@asynccontextmanager
async def reference(store: str) -> AsyncIterator[str]:
    """Start the reference server on a free port and yield its URL; stop it in the end."""
    if store in _LATER:
        raise ReferenceFailedError(_LATER[store])
    with tempfile.TemporaryDirectory(prefix="tus-reference-") as folder:
        log = Path(folder) / "log"
        command = [
            *(sys.executable, "-m", "tus_reference", *_OPTIONS),
            *("--upload-dir", str(Path(folder) / "uploads"), "--max-size", str(MAX_SIZE)),
        ]
        with log.open("wb") as errors:
            process = await trio.lowlevel.open_process(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors
            )
        try:
            yield await _listening(process, log)
        finally:
            await _stop(process)


async def _listening(process: trio.Process, log: Path) -> str:
    said = b""
    assert process.stdout is not None
    with trio.move_on_after(_PATIENCE):
        while b"\n" not in said:
            piece = await process.stdout.receive_some()
            if not piece:
                break
            said += piece
    first = said.decode(errors="replace").partition("\n")[0]
    if not first.startswith("Listening on "):
        last = (await trio.Path(log).read_text(errors="replace")).strip().splitlines()[-1:]
        raise ReferenceFailedError(
            f"The reference server did not start: {' '.join(last) or 'it said nothing'}."
        )
    return first.removeprefix("Listening on ").strip()


async def _stop(process: trio.Process) -> None:
    with trio.CancelScope(shield=True):
        process.terminate()
        with trio.move_on_after(_PATIENCE):
            await process.wait()
            return
        process.kill()
        await process.wait()
