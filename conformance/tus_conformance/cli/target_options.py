"""The options that say what the target is and how to send requests to it."""

from __future__ import annotations

import argparse
from pathlib import Path

from tus_conformance.runner.option_values import parse_header, parse_seconds
from tus_conformance.targets.open_target import TargetOptions
from tus_conformance.targets.profile import Profile, read_profile
from tus_conformance.targets.server_process import STORES


def read_target_options(options: argparse.Namespace) -> TargetOptions:
    """Return what the options say about the target; raise ProfileError for a wrong profile."""
    return TargetOptions(
        url=options.target,
        profile=read_profile(options.profile) if options.profile else Profile(),
        headers=tuple(options.header),
        timeout=options.timeout,
        server_command=options.server_command,
        reference=options.reference,
        large=getattr(options, "large", False),
    )


def add_seed_option(parser: argparse.ArgumentParser, what: str) -> None:
    """Add `--seed`; `what` is made from it."""
    parser.add_argument(
        "--seed",
        type=int,
        default=None,
        metavar="N",
        help=f"seed of {what} (default: random, printed)",
    )


def add_target_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a command that runs against a target."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--target", metavar="URL", help="the creation URL of the server")
    where.add_argument(
        "--reference",
        choices=STORES,
        metavar="STORE",
        help="the store of the reference server that is started without --target: "
        f"{', '.join(STORES)} (default: file)",
    )
    parser.add_argument(
        "--server-command",
        metavar="'CMD {port}'",
        help="start the server with this command and stop it afterwards; {port} is replaced by a"
        " free port, here and in --target",
    )
    add_request_options(parser)
    parser.add_argument(
        "--profile", type=Path, metavar="FILE", help="facts about the server, in TOML"
    )


def add_request_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of every command that sends requests."""
    parser.add_argument(
        "-H",
        "--header",
        action="append",
        default=[],
        type=parse_header,
        metavar="'Name: value'",
        help="send this header with every request; its value is kept out of the record",
    )
    parser.add_argument(
        "--timeout",
        type=parse_seconds,
        metavar="SECONDS",
        help="how long to wait for a server that makes no progress (default: 10)",
    )
