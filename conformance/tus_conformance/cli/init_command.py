"""`tus-conformance init`: a profile to begin with, from what can be found out about a server."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any

import trio

from tus_conformance.cli.output import print_error, print_line, usage_error
from tus_conformance.cli.output_files import ensure_writable
from tus_conformance.cli.target_options import add_request_options
from tus_conformance.discovery.body_limit import measure_body_limit
from tus_conformance.discovery.discovery import DiscoveryResult, discover
from tus_conformance.discovery.prober import NotATusServerError, TargetUnreachable
from tus_conformance.discovery.profile_writer import MAX_EXPIRY_WAIT, format_profile
from tus_conformance.evaluation import exit_codes
from tus_conformance.runner.signals import run_until_signal
from tus_conformance.targets.creation_tracker import LeftBehind
from tus_conformance.targets.profile import PROFILE_NAME, Profile
from tus_conformance.targets.target import TargetError, resolve_target
from tus_conformance.targets.target_transport import transport_for


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `init`."""
    parser.add_argument("url", metavar="URL", help="the creation URL of the server")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: standard output")
    add_request_options(parser)


def run(options: argparse.Namespace) -> int:
    """Write a commented profile; 2 for a file that is there already, 3 without a server."""
    out: Path | None = options.out
    if out is not None and out.exists():
        return usage_error(
            f"{out} already exists. Name another file, or remove it.", exit_codes.USAGE
        )
    try:
        if out is not None:
            ensure_writable(out)
    except OSError as error:
        return usage_error(f"{out} cannot be written: {error.strerror}.")
    try:
        text = trio.run(_discover_until_signal, options)
    except TargetError as wrong:
        return usage_error(str(wrong), exit_codes.USAGE)
    except TargetUnreachable as unreachable:
        return usage_error(f"{unreachable} No profile was written.", exit_codes.UNDETERMINED)
    if text is None:
        return usage_error("Interrupted; no profile was written.", exit_codes.INTERRUPTED)
    return _write_profile(text, out)


def _write_profile(text: str, out: Path | None) -> int:
    if out is None:
        sys.stdout.write(text)
        return exit_codes.CONFORMANT
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        return usage_error(f"{out} cannot be written: {error.strerror}.", exit_codes.USAGE)
    if out == Path(PROFILE_NAME):
        print_line(f"Written to {out}. `tus-conformance run` in this folder uses it.")
    else:
        print_line(f"Written to {out}. Use it with `tus-conformance run --profile {out}`.")
    return exit_codes.CONFORMANT


async def _discover_until_signal(options: argparse.Namespace) -> str | None:
    """Return the text of the profile; None after Ctrl-C, once what was created is removed."""
    scope = trio.CancelScope()

    async def discover_profile() -> str | None:
        with scope:
            return await _discover_profile(options)
        return None

    return await run_until_signal(discover_profile, scope.cancel)


async def _discover_profile(options: argparse.Namespace) -> str:
    """Discover the server, at the path where it creates uploads; return its profile."""
    url = options.url
    try:
        found = await _discover(options, url)
    except NotATusServerError as elsewhere:
        if not elsewhere.endpoint:
            raise
        url = elsewhere.endpoint
        found = await _discover(options, url)
        print_error(f"{elsewhere} The profile has that URL.")
    known: dict[str, Any] = {"url": url, "max_body": found.body_limit.accepted}
    if found.body_limit.refused is None:
        known["max_body"] = None  # none was found
    if found.needs is not None:
        known["metadata"] = found.needs.metadata
        known["creation_headers"] = found.needs.plain_headers or None
    if found.expires_in is not None and 0 < found.expires_in <= MAX_EXPIRY_WAIT:
        known["expiration"] = float(ceil(found.expires_in))
    return format_profile(found, known)


async def _discover(options: argparse.Namespace, url: str) -> DiscoveryResult:
    """Return what a server offers, what creations need, and the largest body that it takes."""
    target = await resolve_target(Profile(), url, tuple(options.header), options.timeout)
    target.named_origins.update(options.upload_origin)
    left_behind = LeftBehind()
    try:
        transport = transport_for(target)
        found = await discover(target, transport, left_behind)
        if found.needs is not None:
            target = found.needs.apply(target)
        if not found.accepts("creation"):
            return found
        limit, _ = await measure_body_limit(target, transport, found.max_size, left_behind)
        return replace(found, body_limit=limit)
    finally:
        for line in left_behind.lines(target.redaction):
            print(line, file=sys.stderr)  # noqa: T201
