"""The parser of the command line: an error is one sentence that names the value and the way out."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import NoReturn

from tus_conformance.cli.output import print_error
from tus_conformance.evaluation import exit_codes


class CommandParser(argparse.ArgumentParser):
    """An argument parser that prints errors without the usage of every option."""

    words: Sequence[str] = ()
    """The words of the command line, for `error`."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong, and where the options are explained; exit with 2.

        A misspelled option is named first: its value may have been taken for an argument.
        """
        unknown = next(filter(self._is_unknown, takewhile("--".__ne__, self.words)), None)
        if unknown is not None:
            message = self._describe_unknown(unknown)
        closing = "" if message.endswith((".", "?")) else "."
        sentence = message.removeprefix("argument ")
        print_error(f"{sentence}{closing} `{self.prog} --help` explains the options.")
        raise SystemExit(exit_codes.USAGE)

    def reject_unknown(self, words: Sequence[str]) -> None:
        """Report words that no option or argument of this parser takes; exit with 2."""
        if not words:
            return
        option = next((word for word in words if word.startswith("-")), None)
        if option is None:
            self.error(f"{words[0]!r} is one argument too many")
        self.error(self._describe_unknown(option))

    def _is_unknown(self, word: str) -> bool:
        """Return whether a word is a long option that is neither known nor an abbreviation."""
        name = word.partition("=")[0]
        return name.startswith("--") and not any(
            each.startswith(name) for each in self._option_string_actions
        )

    def _describe_unknown(self, option: str) -> str:
        name = option.partition("=")[0]
        return f"{name} is not an option{suggest(name, self._option_string_actions)}"


def suggest(name: str, known: Iterable[str], *, closing: str = "") -> str:
    """Return a question about names that are like an unknown one, or nothing.

    `closing` is returned if no name is like it.
    """
    matches = list(dict.fromkeys(difflib.get_close_matches(name, list(known), n=6, cutoff=0.65)))[
        :3
    ]
    return f". Did you mean {' or '.join(matches)}?" if matches else closing
