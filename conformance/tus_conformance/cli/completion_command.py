"""`tus-conformance completion`: shell code that completes commands, options and values."""

from __future__ import annotations

import argparse

from tus_conformance.cli.output import print_line
from tus_conformance.evaluation import exit_codes

DESCRIPTION = """\
Print shell code that completes commands, options and values.

  bash, zsh   eval "$(tus-conformance completion bash)"
  fish        tus-conformance completion fish | source"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `completion`."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def run(options: argparse.Namespace) -> int:
    """Print the code for a shell, for the programs of this distribution."""
    from argcomplete.shell_integration import shellcode

    programs = ["tus-conformance", "tus-reference"]
    print_line(shellcode(programs, shell=options.shell))
    return exit_codes.CONFORMANT
