"""The arguments of the commands about interruptions: explore, record, unreliable."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

AddTarget = Callable[[argparse.ArgumentParser], None]

_EXPLORE = """\
Make up stories of legal moves, bad input and interruptions, tell them to a
server, and hold every answer against what a small model of the uploads
allows. A disagreement is shrunk to the shortest story that shows it, and
written as a scenario file, which `run --scenarios FILE` replays.

Without --target the reference server is started for the purpose. The exit
code is 0 when nothing was found, 1 when there is a disagreement, 2 when the
command or the profile is wrong, and 3 when a story could not be told to its
end."""

_RECORD = """\
Stand between a client and a server, and write what the client did, its broken
connections included, as a scenario file that `run --scenarios FILE` replays
on any server. Nothing of the user's goes into the file: contents are
generated anew, and of the headers only those of the protocol are kept. End
the recording with Ctrl-C."""

_FAULT_PROXY = """\
Stand between a client and a server, and break requests as a plan says. What
was done is printed, a line to a request. End it with Ctrl-C."""


def add_interruption_commands(commands: Any, add_target: AddTarget) -> None:
    """Add the three commands to those of the command line."""
    explore = _add_command(
        commands, "explore", "look for a story that a server gets wrong", _EXPLORE
    )
    add_target(explore)
    explore.add_argument(
        "--seed",
        type=int,
        default=None,
        metavar="N",
        help="make the stories from N (default: a new number, which is printed)",
    )
    explore.add_argument(
        "--examples",
        type=_parse_count,
        default=200,
        metavar="N",
        help="how many stories to tell (default: 200)",
    )
    explore.add_argument(
        "--out",
        type=Path,
        default=Path("stories"),
        metavar="DIR",
        help="where scenario files are written (default: stories)",
    )
    record = _add_command(
        commands, "record", "turn what a client does into a scenario file", _RECORD
    )
    _add_proxy_options(record)
    record.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file to write")
    fault_proxy = _add_command(
        commands, "unreliable", "break connections between a client and a server", _FAULT_PROXY
    )
    _add_proxy_options(fault_proxy)
    fault_proxy.add_argument(
        "--plan", type=Path, required=True, metavar="FILE", help="the faults and their chances"
    )
    fault_proxy.add_argument(
        "--seed",
        type=int,
        default=None,
        metavar="N",
        help="draw the faults from N (default: a new number, which is printed)",
    )


def _add_command(commands: Any, name: str, what: str, description: str) -> argparse.ArgumentParser:
    found: argparse.ArgumentParser = commands.add_parser(
        name,
        help=what,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return found


def _add_proxy_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--listen",
        type=_parse_port,
        default=0,
        metavar="PORT",
        help="the port of 127.0.0.1 to listen on (default: a free one, which is printed)",
    )
    command.add_argument(
        "--upstream",
        required=True,
        metavar="URL",
        help="the URL where the server creates uploads; use its path with the proxy's port",
    )


def _parse_count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1000000")
    return int(text)


def _parse_port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)
