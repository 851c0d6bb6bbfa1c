"""The client under test as a program: started for a situation, watched, and stopped."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import trio

from tus_conformance.targets.command_words import split_words
from tus_conformance.targets.process_group import stop_process_group

CANNOT_DO = frozenset({64, 127})
"""Exit codes of a program that cannot do what it was asked for."""

STOP_SECONDS = 2.0
"""How long a program may take to end after SIGTERM, in seconds."""

_MAX_OUTPUT = 1 << 20
_MAX_SHOWN = 300
"""How many characters of the output of a program are quoted."""

Said = Literal["done", "error", "nothing"]


class ClientCommandError(ValueError):
    """A command cannot start a client; the message says what to do."""


@dataclass(frozen=True)
class ClientCommand:
    """The command line of a client's program, with {endpoint}, {file} and {options}."""

    words: tuple[str, ...]
    environment: Mapping[str, str]

    def arguments(self, endpoint: str, file: Path, options: Sequence[str]) -> list[str]:
        """Return the words to start it with."""
        found: list[str] = []
        for word in self.words:
            if word == "{options}":
                found += options
            else:
                found.append(word.replace("{endpoint}", endpoint).replace("{file}", str(file)))
        return found

    @property
    def takes_options(self) -> bool:
        """Return whether options can be passed on."""
        return "{options}" in self.words


def parse_command(text: str, environment: Mapping[str, str] | None = None) -> ClientCommand:
    """Read the command line of a client; raise ClientCommandError."""
    try:
        words = tuple(split_words(text))
    except ValueError as error:
        raise ClientCommandError(f"--run {text!r} cannot be read: {error}.") from None
    if not words:
        raise ClientCommandError("--run is empty; name the command that starts the client.")
    for needed in ("{endpoint}", "{file}"):
        if not any(needed in word for word in words):
            raise ClientCommandError(
                f"--run {text!r} lacks {needed}. Write a command such as"
                " './drive {endpoint} {file} {options}'."
            )
    if any("{options}" in word and word != "{options}" for word in words):
        raise ClientCommandError("--run: {options} has to be a word of its own.")
    return ClientCommand(words, dict(environment or {}))


@dataclass(frozen=True)
class ClientReport:
    """How a client's program ended and what it said.

    `exit_code` is None where it had to be stopped; a negative one names the signal that ended it.
    `url` is the upload that it named last, or "".
    """

    exit_code: int | None
    said: Said
    url: str = ""
    text: str = ""
    output: str = ""
    seconds: float = 0.0

    @property
    def stopped(self) -> bool:
        """Return whether the program was still running when its time was over."""
        return self.exit_code is None

    @property
    def cannot(self) -> bool:
        """Return whether the program says that it cannot do what it was asked for."""
        return self.exit_code in CANNOT_DO

    def sentence(self) -> str:
        """Return how it ended in words."""
        said = {
            "done": "It said that it was done",
            "error": f"It reported: {self.text[:_MAX_SHOWN]}",
        }.get(self.said, "It said neither success nor failure")
        if self.exit_code is None:
            ended = "it was stopped when its time was over"
        elif self.exit_code < 0:
            ended = f"signal {-self.exit_code} ended it"
        else:
            ended = f"its exit code was {self.exit_code}"
        return f"{said.rstrip('.')}; {ended}."

    @property
    def last_output(self) -> str:
        """Return a sentence with the last line that it printed, if that is not its report."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        lines = [line for line in lines if not line.startswith("url ")]
        if self.said != "nothing" or not lines:
            return ""
        return f"Its last output was {lines[-1][:_MAX_SHOWN]!r}."


async def run_client(
    command: ClientCommand,
    arguments: Sequence[str],
    folder: Path,
    time_is_over: Callable[[], bool],
) -> ClientReport:
    """Run a client's program until it ends or `time_is_over` says so; return what it reported.

    Raises ClientCommandError if it cannot be started.
    """
    began = trio.current_time()
    output = folder / "output"
    errors = folder / "errors"
    with output.open("wb") as stdout, errors.open("wb") as stderr:
        try:
            process = await trio.lowlevel.open_process(
                list(arguments),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
                env={**os.environ, **command.environment},
            )
        except OSError as error:
            raise ClientCommandError(
                f"{arguments[0]} cannot be started: {error.strerror}."
            ) from None
    code: int | None = None
    try:
        while code is None and not time_is_over():
            with trio.move_on_after(0.1):
                code = await process.wait()
    finally:
        with trio.CancelScope(shield=True):
            await stop_process_group(process, STOP_SECONDS)
    seconds = trio.current_time() - began
    return read_report(code, _tail(output), _tail(errors), seconds)


def read_report(code: int | None, output: str, errors: str, seconds: float) -> ClientReport:
    """Return what a program reported by its exit code and its output.

    A line `url URL` names the upload; the last line `done URL` or `error TEXT` is the result.
    """
    said: Said = "nothing"
    url = text = ""
    for line in output.splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "url":
            url = rest.strip() or url
        elif word == "done":
            said, text, url = "done", "", rest.strip() or url
        elif word == "error":
            said, text = "error", rest.strip()
    shown = "\n".join(part.strip() for part in (output, errors) if part.strip())
    return ClientReport(code, said, url, text, shown[-4000:], round(seconds, 3))


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - _MAX_OUTPUT))
        return file.read().decode("utf-8", "replace")
