"""The arguments of the commands about interruptions: explore, record, fault-proxy."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

AddTarget = Callable[[argparse.ArgumentParser], None]

_EXPLORE = """\
Generate random sequences of valid, invalid and interrupted requests, and
check every response against a small model of the uploads. A disagreement is
shrunk to the shortest sequence that shows it, and written as a scenario file
that `run --scenarios FILE` replays.

Without --target, the reference server is started. The exit code is 0 if
nothing was found, 1 for a disagreement, 2 if the command or the profile is
wrong, and 3 if a sequence could not be completed."""

_RECORD = """\
Relay requests from a client to a server, and save the session, broken
connections included, as a scenario file that `run --scenarios FILE` replays
on any server. The file contains no user data: contents are generated, and
only headers of the protocol are kept. End the recording with Ctrl-C."""

_FAULT_PROXY = """\
Relay requests from a client to a server, and inject network faults by a plan.
Prints a line for each request with the faults injected. End it with Ctrl-C."""


def add_interruption_commands(commands: Any, add_target: AddTarget) -> None:
    """Add the three commands to those of the command line."""
    explore = _add_command(
        commands, "explore", "search for sequences of requests that a server gets wrong", _EXPLORE
    )
    add_target(explore)
    explore.add_argument(
        "--seed",
        type=int,
        default=None,
        metavar="N",
        help="seed of the sequences (default: a random number, which is printed)",
    )
    explore.add_argument(
        "--examples",
        type=_parse_count,
        default=200,
        metavar="N",
        help="number of sequences to run (default: 200)",
    )
    explore.add_argument(
        "--out",
        type=Path,
        default=Path("stories"),
        metavar="DIR",
        help="folder for the scenario files (default: stories)",
    )
    record = _add_command(commands, "record", "save a client session as a scenario file", _RECORD)
    _add_proxy_options(record)
    record.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file to write")
    _add_fault_proxy_options(
        _add_command(
            commands,
            "fault-proxy",
            "inject network faults between a client and a server",
            _FAULT_PROXY,
        )
    )
    # The name of earlier releases; without `help` it is not listed.
    _add_fault_proxy_options(commands.add_parser("unreliable", description=_FAULT_PROXY))


def _add_fault_proxy_options(command: argparse.ArgumentParser) -> None:
    _add_proxy_options(command)
    command.add_argument(
        "--plan", type=Path, required=True, metavar="FILE", help="the faults and their chances"
    )
    command.add_argument(
        "--seed",
        type=int,
        default=None,
        metavar="N",
        help="seed of the faults (default: a random number, which is printed)",
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
        help="the creation URL; the client uses its path with the proxy's port",
    )


def _parse_count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to 1000000, got {text!r}")
    return int(text)


def _parse_port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"must be a port from 0 to 65535, got {text!r}")
    return int(text)
