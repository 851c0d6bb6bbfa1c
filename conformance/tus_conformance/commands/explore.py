"""`tus-conformance explore`: look for stories that a server gets wrong."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import trio

from tus_conformance.arguments import fresh_seed
from tus_conformance.dialogue.discovery import discover
from tus_conformance.dialogue.probing import Unreachable
from tus_conformance.dialogue.session import Server, Session
from tus_conformance.explorer import Finding, MissingError, Search, file_of
from tus_conformance.explorer.search import Found
from tus_conformance.judging import verdict
from tus_conformance.running.signals import interruptible
from tus_conformance.target.profile import Profile, ProfileError, read_profile
from tus_conformance.target.program import ProgramError
from tus_conformance.target.route import route
from tus_conformance.target.server import ServerError, commanded, reference
from tus_conformance.target.target import TargetError, aimed

_MISTAKES = (ProfileError, ProgramError, TargetError, ServerError, MissingError)


def explore(options: argparse.Namespace) -> int:
    """Search as the options say; return 0, 1 for a disagreement, 2 or 3 as `run` does."""
    try:
        profile = read_profile(options.profile) if options.profile else Profile()
        return trio.run(_explore, options, profile)
    except _MISTAKES as wrong:
        return _refuse(str(wrong))
    except BrokenPipeError:
        raise
    except OSError as error:
        return _refuse(f"{options.out} cannot be written to: {error.strerror}.")


async def _explore(options: argparse.Namespace, profile: Profile) -> int:
    target = options.target or (None if options.reference else profile.url)
    if options.server_command is not None:
        if target is None:
            raise ServerError("--server-command needs --target, the URL where it serves.")
        async with commanded(options.server_command, target) as server:
            return await _search(server.url, options, profile, server)
    if target is not None:
        return await _search(target, options, profile)
    async with reference(options.reference or "file") as url:
        return await _search(url, options, profile)


async def _search(
    url: str, options: argparse.Namespace, profile: Profile, server: Server | None = None
) -> int:
    target = await aimed(profile, url, tuple(options.header), options.timeout)
    seed = fresh_seed() if options.seed is None else options.seed
    way = route(target)
    left: list[str] = []
    began = trio.current_time()
    try:
        discovered = await discover(target, way, left)
    except Unreachable as unreachable:
        _warn(f"{unreachable} Nothing was told.")
        return verdict.UNKNOWN
    session = Session(
        target=target, wire=way, discovery=discovered, seed=seed, server=server, left_behind=left
    )
    _say(f"Telling {options.examples} stories to {target.redaction.text(url)}, seed {seed}.")
    shelf = _Shelf(options.out)
    search = Search(session, seed=seed, examples=options.examples, tell=shelf.keep)
    scope = trio.CancelScope()

    async def searched() -> None:
        with scope:
            await search()

    await interruptible(searched, scope.cancel)
    if scope.cancelled_caught:
        _warn("Interrupted; what was found until then is above.")
    _conclude(search.found, trio.current_time() - began)
    return verdict.INTERRUPTED if scope.cancelled_caught else _code(search.found)


class _Shelf:
    """Where findings are written, each in a file of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def keep(self, finding: Finding) -> None:
        """Write a finding and say so; raise OSError where that cannot be done."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._count += 1
        name = re.sub(r"[^a-z0-9.-]+", "-", finding.check.requirement)
        file = self._folder / f"{self._count:02}-{name}.toml"
        file.write_text(file_of(finding), "utf-8")
        _say(f"\n{finding.sentence}")
        for move in finding.moves:
            _say(f"  - {move.kind}")
        _say(f"  {len(finding.steps)} steps: {file}")


def _conclude(found: Found, seconds: float) -> None:
    _say("")
    for reason in list(dict.fromkeys(found.undetermined))[:5]:
        _say(f"Could not be told to its end: {reason}")
    for sentence in dict.fromkeys(finding.sentence for finding in found.unsteady):
        _say(f"Did not show itself again: {sentence}")
    if found.lost:
        _say(found.lost)
    told = f"{found.stories} stories, {found.exchanges} exchanges, {seconds:.1f} s"
    number = len(found.findings)
    _say(f"{number or 'No'} disagreement{'' if number == 1 else 's'}: {told}.")


def _code(found: Found) -> int:
    if any(not finding.fell for finding in found.findings):
        return verdict.FAILED
    uncertain = found.unsteady or found.undetermined or found.lost
    return verdict.UNKNOWN if uncertain else verdict.CONFORMANT


def _refuse(sentence: str) -> int:
    _warn(sentence)
    return verdict.USAGE


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _warn(sentence: str) -> None:
    print(f"tus-conformance: {sentence}", file=sys.stderr)  # noqa: T201
