"""The command line: `tus-conformance COMMAND`, or `python -m tus_conformance COMMAND`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from tus_conformance.cli.arguments import build_parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    options = build_parser().parse_args(words)
    try:
        return _run_command(options, words)
    except (KeyboardInterrupt, BrokenPipeError, BaseExceptionGroup) as error:
        # What ends one task of many comes in a group; one interrupt ends them all.
        if _contains(error, KeyboardInterrupt):
            print("Interrupted. If a record was being written, it has no footer.", file=sys.stderr)  # noqa: T201
            return 130
        if not _contains(error, BrokenPipeError):
            raise
        # Nobody reads any more. What is left in the buffer would break again at the very end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _contains(error: BaseException, kind: type[BaseException]) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(kind) is not None
    return isinstance(error, kind)


_MODULES = {
    "init": "init_command",
    "list": "ledger_commands",
    "report": "report_commands",
    "compare": "report_commands",
    "explore": "explore_command",
    "record": "proxy_commands",
    "fault-proxy": "proxy_commands",
    "unreliable": "proxy_commands",
}
"""The module of each command that is a function of its name; modules are loaded when needed."""

_FUNCTIONS = {
    "list": "list_ledger",
    "record": "record_session",
    "fault-proxy": "run_fault_proxy",
    "unreliable": "run_fault_proxy",
}


def _run_command(options: argparse.Namespace, words: Sequence[str]) -> int:
    if options.command == "run":
        from tus_conformance.cli.run_command import run_suite

        return run_suite(options, words)
    if options.command == "coverage":
        from tus_conformance.cli.coverage_command import print_coverage

        return print_coverage(options.spec_text)
    if options.command == "explain":
        from tus_conformance.cli.ledger_commands import explain_id

        return explain_id(options.id)
    module = import_module(f"tus_conformance.cli.{_MODULES[options.command]}")
    code: int = getattr(module, _FUNCTIONS.get(options.command, options.command))(options)
    return code


if __name__ == "__main__":
    sys.exit(main())
