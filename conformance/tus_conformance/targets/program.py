"""Programs that the profile names: run without a shell, for what they print."""

from __future__ import annotations

import shlex
import subprocess
from typing import Protocol

import trio

from tus_conformance.targets.command_words import ProgramError, split_command

__all__ = ["PROGRAM_TIMEOUT", "ProgramError", "ProgramRunner", "run_program", "split_command"]

PROGRAM_TIMEOUT = 60.0
"""How long a program may take, in seconds."""


class ProgramRunner(Protocol):
    """Runs the command of a profile, with its values filled in: `run_program`, unless replaced."""

    async def __call__(self, command: str, **values: str) -> bytes:
        """Return what it prints; raise ProgramError where it fails."""
        ...


async def run_program(command: str, **values: str) -> bytes:
    """Run a program and return what it prints; raise ProgramError where it fails or hangs."""
    words = split_command(command, **values)
    shown = f"The command {shlex.join(words)!r}"
    with trio.move_on_after(PROGRAM_TIMEOUT):
        try:
            done = await trio.run_process(
                words,
                stdin=subprocess.DEVNULL,
                capture_stdout=True,
                capture_stderr=True,
                check=False,
            )
        except OSError as error:
            raise ProgramError(f"{shown} cannot be started: {error.strerror}.") from None
        if done.returncode == 0:
            return bytes(done.stdout)
        said = done.stderr.decode(errors="replace").strip().splitlines()
        why = f": {said[-1]}" if said else " and printed nothing."
        raise ProgramError(f"{shown} exited with {done.returncode}{why}")
    raise ProgramError(f"{shown} did not exit within {PROGRAM_TIMEOUT:g} seconds.")
