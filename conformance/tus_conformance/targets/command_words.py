"""The words of a command in the profile, without a shell; nothing here runs one."""

from __future__ import annotations

import os
import shlex


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
