"""Programs that the profile names: run without a shell, for what they print."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import Protocol

import trio

PROGRAM_TIMEOUT = 60.0
"""How long a program may take, in seconds."""


class ProgramRunner(Protocol):
    """Runs the command of a profile, with its values filled in: `run_program`, unless replaced."""

    async def __call__(self, command: str, **values: str) -> bytes:
        """Return what it prints; raise ProgramError where it fails."""
        ...


class ProgramError(Exception):
    """A program did not do what it was asked; the message names it and says what came of it."""


def split_words(command: str) -> list[str]:
    """Return the words of a command line, on Windows with its backslashes; raise ValueError."""
    if os.name != "nt":
        return shlex.split(command)
    return [word.strip('"') for word in shlex.split(command, posix=False)]


def split_command(command: str, **values: str) -> list[str]:
    """Return a command as words, with `{name}` replaced in each; raise ProgramError.

    The values come from servers, so they are filled in after the words were told apart.
    """
    try:
        words = split_words(command)
    except ValueError as error:
        raise ProgramError(f"The command {command!r} cannot be read: {error}.") from None
    if not words:
        raise ProgramError("A command in the profile is empty: remove the key, or give a command.")
    for name, value in values.items():
        words = [word.replace("{" + name + "}", value) for word in words]
    return words


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
