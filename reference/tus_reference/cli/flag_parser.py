"""The parser of the flags: an error is one sentence that names the value and the way out."""

from __future__ import annotations

import argparse
import difflib
import sys
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence


class FlagParser(argparse.ArgumentParser):
    """An argument parser that prints errors without the usage of every flag."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong, and where the flags are explained; exit with 2."""
        sentence = message.removeprefix("argument ").rstrip(".")
        closing = "" if sentence.endswith("?") else "."
        sys.stderr.write(f"{self.prog}: {sentence}{closing} `{self.prog} --help` explains flags.\n")
        raise SystemExit(2)

    def parse_flags(self, words: Sequence[str] | None) -> argparse.Namespace:
        """Return the flags; exit with 2 for a word that is not one."""
        options, unknown = self.parse_known_args(words)
        if unknown:
            self._reject(unknown)
        return options

    def _reject(self, unknown: Sequence[str]) -> NoReturn:
        flag = next((word for word in unknown if word.startswith("-")), None)
        if flag is None:
            self.error(f"{unknown[0]!r} is not a flag")
        name = flag.partition("=")[0]
        similar = difflib.get_close_matches(name, list(self._option_string_actions), cutoff=0.65)
        hint = f". Did you mean {similar[0]}?" if similar else ""
        self.error(f"{name} is not a flag{hint}")


class StoreOnce(argparse.Action):
    """Store a value; an error if the flag is given twice, because only one can have effect."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Store the value of the flag."""
        if getattr(namespace, self.dest) is not None:
            parser.error(f"{option_string} can be given once, start a server for each ID")
        setattr(namespace, self.dest, values)
