"""`tus-conformance init`: a profile to begin with, from what can be found out about a server."""

from __future__ import annotations

import argparse
import sys
from math import ceil
from pathlib import Path
from typing import Any

import trio

from tus_conformance.dialogue.discovery import Discovered, discover
from tus_conformance.dialogue.probing import Unreachable
from tus_conformance.dialogue.profile_writer import SOON, profile_text
from tus_conformance.judging import verdict
from tus_conformance.target.profile import Profile
from tus_conformance.target.route import route
from tus_conformance.target.target import TargetError, aimed

METADATA = "filename dXBsb2FkLmJpbg==,filetype YXBwbGljYXRpb24vb2N0ZXQtc3RyZWFt"
"""What servers that want metadata most often want: a name and a media type."""


def init(options: argparse.Namespace) -> int:
    """Write a commented profile; 2 for a file that is there already, 3 without a server."""
    out: Path | None = options.out
    if out is not None and out.exists():
        return _refuse(f"{out} is there already; name another file, or remove it.", verdict.USAGE)
    try:
        text = trio.run(_written, options)
    except TargetError as wrong:
        return _refuse(str(wrong), verdict.USAGE)
    except Unreachable as unreachable:
        return _refuse(f"{unreachable} No profile was written.", verdict.UNKNOWN)
    if out is None:
        sys.stdout.write(text)
        return verdict.CONFORMANT
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        return _refuse(f"{out} cannot be written: {error.strerror}.", verdict.USAGE)
    print(f"Written to {out}; use it by `tus-conformance run --profile {out}`.")  # noqa: T201
    return verdict.CONFORMANT


async def _written(options: argparse.Namespace) -> str:
    found, metadata = await _found(options)
    known: dict[str, Any] = {"url": options.url, "metadata": metadata}
    if found.expires_in is not None and 0 < found.expires_in <= SOON:
        known["expiration"] = float(ceil(found.expires_in))
    return profile_text(found, known)


async def _found(options: argparse.Namespace) -> tuple[Discovered, str | None]:
    """Discover the server; once more with metadata, where it creates nothing without."""
    found = await _discovered(options, Profile())
    if found.observed("creation"):
        return found, None
    again = await _discovered(options, Profile(metadata=METADATA))
    return (again, METADATA) if again.observed("creation") else (found, None)


async def _discovered(options: argparse.Namespace, profile: Profile) -> Discovered:
    target = await aimed(profile, options.url, tuple(options.header), options.timeout)
    return await discover(target, route(target))


def _refuse(sentence: str, code: int) -> int:
    print(f"tus-conformance: {sentence}", file=sys.stderr)  # noqa: T201
    return code
