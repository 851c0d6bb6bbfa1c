# PYTHON_ARGCOMPLETE_OK
"""The commands, and the command line: `tus-conformance COMMAND`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

from tus_conformance.cli.command_parser import CommandParser, suggest
from tus_conformance.cli.output import print_line


@dataclass(frozen=True)
class Command:
    """A command: its name, a line of help, and the module in this package that implements it.

    The module has `add_arguments(parser)`, `run(options)`, which returns the exit code, and
    perhaps a DESCRIPTION. It is imported only when its command is used.
    """

    name: str
    module: str
    help: str = ""
    alias_of: str = ""


COMMANDS = (
    Command("run", "run_command", "run the suite against a server"),
    Command("doctor", "doctor_command", "find what in front of a server breaks uploads"),
    Command("clients", "clients_command", "test a client in every situation"),
    Command("load", "load_command", "upload as many clients do, and verify every byte"),
    Command("list", "list_command", "list the requirements: id, level, statement"),
    Command("coverage", "coverage_command", "show which scenarios exercise each requirement"),
    Command("explain", "explain_command", "explain a scenario or a requirement"),
    Command("init", "init_command", "probe a server and write a commented profile"),
    Command("report", "report_command", "render a record as a report, or several as a matrix"),
    Command("compare", "compare_command", "show what changed between records"),
    Command("explore", "explore_command", "search for sequences of requests that go wrong"),
    Command("record", "record_command", "save a client session as a scenario file"),
    Command("fault-proxy", "fault_proxy_command", "inject network faults into requests"),
    Command("completion", "completion_command", "print the shell code that completes commands"),
    Command("unreliable", "fault_proxy_command", alias_of="fault-proxy"),
)
"""Every command, in the order of the help. An alias is a name of earlier releases: not listed."""


class ShowVersion(argparse.Action):
    """Prints the version, which takes a while to find, only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        """Print the version and exit."""
        from tus_conformance import __version__

        print_line(f"tus-conformance {__version__}")
        parser.exit()


def build_parser(words: Sequence[str]) -> CommandParser:
    """Return the parser of the command line, with the options of the commands that it names."""
    top = CommandParser(
        prog="tus-conformance",
        description="Check a tus server against every normative sentence of the specification.",
    )
    top.add_argument("--version", action=ShowVersion, nargs=0, help="show the version and exit")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        if command.alias_of:
            parser = commands.add_parser(command.name)
        else:
            parser = commands.add_parser(command.name, help=command.help)
        if command.name in words:
            parser.words = words
            module = import_module(f"tus_conformance.cli.{command.module}")
            parser.formatter_class = argparse.RawDescriptionHelpFormatter
            parser.description = getattr(module, "DESCRIPTION", None)
            parser.set_defaults(run_command=module.run, command_parser=parser)
            module.add_arguments(parser)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if "_ARGCOMPLETE" in os.environ:
        _complete_words()
    options = _parse(words)
    try:
        code: int = options.run_command(options)
    except (KeyboardInterrupt, BrokenPipeError, BaseExceptionGroup) as error:
        # Concurrent tasks raise their errors in a group; one interrupt ends them all.
        if _contains(error, KeyboardInterrupt):
            print("Interrupted. If a record was being written, it has no footer.", file=sys.stderr)  # noqa: T201
            return 130
        if not _contains(error, BrokenPipeError):
            raise
        # Nothing reads the output. The rest of the buffer would raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code


def _parse(words: Sequence[str]) -> argparse.Namespace:
    """Return the options of a command; exit with 2 for what is not a command or an option."""
    top = build_parser(words)
    names = [command.name for command in COMMANDS if not command.alias_of]
    first = next((word for word in words if not word.startswith("-")), None)
    if first is not None and first not in {command.name for command in COMMANDS}:
        every = f". The commands are {', '.join(names)}"
        top.error(f"{first!r} is not a command{suggest(first, names, closing=every)}")
    options, unknown = top.parse_known_args(words, argparse.Namespace(words=tuple(words)))
    options.command_parser.reject_unknown(unknown)
    return options


def _complete_words() -> None:
    """Print what a shell may complete, and exit; the shell has the words in its environment."""
    import argcomplete

    words = os.environ.get("COMP_LINE", "").split()
    argcomplete.autocomplete(build_parser(words))


def _contains(error: BaseException, kind: type[BaseException]) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(kind) is not None
    return isinstance(error, kind)
