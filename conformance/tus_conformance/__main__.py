"""The command line: `tus-conformance COMMAND`, or `python -m tus_conformance COMMAND`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from tus_conformance.arguments import parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    options = parser().parse_args(words)
    try:
        return _command(options, words)
    except (KeyboardInterrupt, BrokenPipeError, BaseExceptionGroup) as error:
        # What ends one task of many comes in a group; one interrupt ends them all.
        if _meant(error, KeyboardInterrupt):
            print("Interrupted; the record, if one was asked for, has no footer.", file=sys.stderr)  # noqa: T201
            return 130
        if not _meant(error, BrokenPipeError):
            raise
        # Nobody reads any more. What is left in the buffer would break again at the very end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _meant(error: BaseException, kind: type[BaseException]) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(kind) is not None
    return isinstance(error, kind)


_HOMES = {
    "init": "init",
    "list": "show",
    "report": "report",
    "compare": "report",
    "explore": "explore",
    "record": "unreliable",
    "unreliable": "unreliable",
}
"""The module of each command that is a function of its name; modules are loaded when needed."""

_NAMES = {"list": "listing"}


def _command(options: argparse.Namespace, words: Sequence[str]) -> int:
    if options.command == "run":
        from tus_conformance.commands.run import run

        return run(options, words)
    if options.command == "coverage":
        from tus_conformance.commands.coverage import cover

        return cover(options.spec_text)
    if options.command == "explain":
        from tus_conformance.commands.show import explain

        return explain(options.id)
    home = import_module(f"tus_conformance.commands.{_HOMES[options.command]}")
    code: int = getattr(home, _NAMES.get(options.command, options.command))(options)
    return code


if __name__ == "__main__":
    sys.exit(main())
