"""The options that say what the target is and how to send requests to it."""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec

from tus_conformance.cli.output import print_error
from tus_conformance.runner.option_values import (
    parse_header,
    parse_integer,
    parse_origin,
    parse_seconds,
)
from tus_conformance.targets.open_target import TargetOptions
from tus_conformance.targets.profile import PROFILE_NAME, Profile, find_profile, read_profile
from tus_conformance.targets.server_process import STORES
from tus_conformance.transport.header_values import origin_of

MAX_SEED = 2**63 - 1


def read_target_options(options: argparse.Namespace) -> TargetOptions:
    """Return what the options say about the target; raise ProfileError for a wrong profile.

    Without --profile, a profile in the current folder is used. `options` learns the place of the
    profile and the URL, wherever they were given.
    """
    if options.target is None:
        options.target = options.url
    profile = _read_profile(options)
    if options.origin is not None:
        profile = msgspec.structs.replace(profile, origin=options.origin)
    return TargetOptions(
        url=options.target,
        profile=profile,
        headers=tuple(options.header),
        timeout=options.timeout,
        server_command=options.server_command,
        reference=options.reference,
        large=getattr(options, "large", False),
        name=options.name,
        version=options.server_version,
        origins=tuple(options.upload_origin),
    )


def _read_profile(options: argparse.Namespace) -> Profile:
    if options.profile is not None:
        return read_profile(options.profile)
    found = None if options.no_profile or options.reference else find_profile(Path())
    if found is None:
        return Profile()
    profile = read_profile(found)
    if _is_of_another_server(profile, options.target):
        print_error(f"{found} is not used: its `url` is of another server. --profile uses it.")
        return Profile()
    options.profile = found
    return profile


def _is_of_another_server(profile: Profile, url: str | None) -> bool:
    """Return whether the URL of a profile is at another server, which must not get its headers."""
    if profile.url is None or url is None:
        return False
    try:
        return origin_of(profile.url) != origin_of(url)
    except ValueError:
        return True


def add_seed_option(parser: argparse.ArgumentParser, what: str) -> None:
    """Add `--seed`; `what` is made from it."""
    parser.add_argument(
        "--seed",
        type=parse_seed,
        default=None,
        metavar="N",
        help=f"seed of {what} (default: random, printed)",
    )


def parse_seed(text: str) -> int:
    """Return a seed; raise ArgumentTypeError for anything but a whole number."""
    return parse_integer(text, lowest=0, highest=MAX_SEED)


def add_target_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a command that runs against a target."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("url", nargs="?", metavar="URL", help="the creation URL of the server")
    where.add_argument("--target", metavar="URL", help="the same as an option")
    where.add_argument(
        "--reference",
        choices=STORES,
        metavar="STORE",
        help=f"test the reference server on {', '.join(STORES)}",
    )
    parser.add_argument(
        "--server-command",
        metavar="'CMD {port}'",
        help="start the server on a free {port}, and stop it afterwards",
    )
    add_request_options(parser)
    profile = parser.add_mutually_exclusive_group()
    profile.add_argument(
        "--profile",
        type=Path,
        metavar="FILE",
        help=f"facts about the server, in TOML (default: ./{PROFILE_NAME})",
    )
    profile.add_argument(
        "--no-profile", action="store_true", help="do not look for a profile in this folder"
    )
    parser.add_argument("--name", metavar="NAME", help="what reports call the server")
    parser.add_argument("--server-version", metavar="VERSION", help="its version, for reports")


def add_request_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of every command that sends requests."""
    parser.add_argument(
        "-H",
        "--header",
        action="append",
        default=[],
        type=parse_header,
        metavar="'Name: value'",
        help="send this header with every request; not recorded; repeatable",
    )
    parser.add_argument(
        "--upload-origin",
        action="append",
        default=[],
        type=parse_origin,
        metavar="ORIGIN",
        help="send requests to this origin too if Location names it; repeatable",
    )
    parser.add_argument(
        "--origin",
        type=parse_origin,
        metavar="ORIGIN",
        help="check what pages of this origin need to upload (CORS)",
    )
    parser.add_argument(
        "--timeout",
        type=parse_seconds,
        metavar="SECONDS",
        help="how long to wait for a server that makes no progress (default: 10)",
    )
