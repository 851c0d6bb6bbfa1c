"""`tus-conformance explore`: look for stories that a server gets wrong."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import trio

from tus_conformance.cli.arguments import random_seed
from tus_conformance.discovery.discovery import discover
from tus_conformance.discovery.probes import TargetUnreachable
from tus_conformance.evaluation import exit_codes
from tus_conformance.explorer import Disagreement, MissingError, Search, format_disagreement
from tus_conformance.explorer.search import SearchResult
from tus_conformance.runner.signals import run_until_signal
from tus_conformance.state.session import RestartableServer, Session
from tus_conformance.targets.creation_tracker import LeftBehind
from tus_conformance.targets.profile import Profile, ProfileError, read_profile
from tus_conformance.targets.program import ProgramError
from tus_conformance.targets.server_process import (
    ServerError,
    run_reference_server,
    run_server_command,
)
from tus_conformance.targets.target import Target, TargetError, resolve_target
from tus_conformance.targets.target_transport import transport_for

_USAGE_ERRORS = (ProfileError, ProgramError, TargetError, ServerError, MissingError)


def explore(options: argparse.Namespace) -> int:
    """Search as the options say; return 0, 1 for a disagreement, 2 or 3 as `run` does."""
    try:
        profile = read_profile(options.profile) if options.profile else Profile()
        return trio.run(_explore, options, profile)
    except _USAGE_ERRORS as wrong:
        return _usage_error(str(wrong))
    except BrokenPipeError:
        raise
    except OSError as error:
        return _usage_error(f"{options.out} cannot be written to: {error.strerror}.")


async def _explore(options: argparse.Namespace, profile: Profile) -> int:
    target = options.target or (None if options.reference else profile.url)
    if options.server_command is not None:
        if target is None:
            raise ServerError("--server-command needs --target, the URL where it serves.")
        async with run_server_command(options.server_command, target) as server:
            return await _search(server.url, options, profile, server)
    if target is not None:
        return await _search(target, options, profile)
    async with run_reference_server(options.reference or "file") as url:
        return await _search(url, options, profile)


async def _search(
    url: str, options: argparse.Namespace, profile: Profile, server: RestartableServer | None = None
) -> int:
    target = await resolve_target(profile, url, tuple(options.header), options.timeout)
    seed = random_seed() if options.seed is None else options.seed
    left_behind = LeftBehind()
    scope = trio.CancelScope()
    found = SearchResult()
    began = trio.current_time()

    async def search() -> None:
        nonlocal found
        with scope:
            transport = transport_for(target)
            discovered = await discover(target, transport, left_behind)
            session = Session(
                target=target,
                transport=transport,
                discovery=discovered,
                seed=seed,
                server=server,
                left_behind=left_behind,
            )
            shown = target.redaction.redact_text(url)
            _print(f"Telling {options.examples} stories to {shown}, seed {seed}.")
            run = Search(
                session,
                seed=seed,
                examples=options.examples,
                on_disagreement=_ScenarioFolder(options.out).write_scenario,
            )
            found = run.found
            await run()

    try:
        await run_until_signal(search, scope.cancel)
    except TargetUnreachable as unreachable:
        _warn(f"{unreachable} Nothing was told.")
        _print_left_behind(left_behind, target)
        return exit_codes.UNDETERMINED
    if scope.cancelled_caught:
        _warn("Interrupted; what was found until then is above.")
    _print_summary(found, trio.current_time() - began)
    _print_left_behind(left_behind, target)
    return exit_codes.INTERRUPTED if scope.cancelled_caught else _exit_code(found)


class _ScenarioFolder:
    """Where findings are written, each in a file of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def write_scenario(self, disagreement: Disagreement) -> None:
        """Write a finding and say so; raise OSError where that cannot be done."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._count += 1
        name = re.sub(r"[^a-z0-9.-]+", "-", disagreement.check.requirement)
        file = self._folder / f"{self._count:02}-{name}.toml"
        file.write_text(format_disagreement(disagreement), "utf-8")
        _print(f"\n{disagreement.summary}")
        for move in disagreement.moves:
            _print(f"  - {move.kind}")
        _print(f"  {len(disagreement.steps)} steps: {file}")


def _print_summary(found: SearchResult, seconds: float) -> None:
    _print("")
    for reason in list(dict.fromkeys(found.undetermined))[:5]:
        _print(f"Could not be told to its end: {reason}")
    for summary in dict.fromkeys(disagreement.summary for disagreement in found.flaky):
        _print(f"Did not show itself again: {summary}")
    if found.server_lost:
        _print(found.server_lost)
    totals = f"{found.sequences} stories, {found.exchanges} exchanges, {seconds:.1f} s"
    number = len(found.disagreements)
    _print(f"{number or 'No'} disagreement{'' if number == 1 else 's'}: {totals}.")


def _print_left_behind(left_behind: LeftBehind, target: Target) -> None:
    for line in left_behind.lines(target.redaction):
        _print(line)


def _exit_code(found: SearchResult) -> int:
    if any(not disagreement.server_exited for disagreement in found.disagreements):
        return exit_codes.FAILED
    uncertain = found.flaky or found.undetermined or found.server_lost
    return exit_codes.UNDETERMINED if uncertain else exit_codes.CONFORMANT


def _usage_error(summary: str) -> int:
    _warn(summary)
    return exit_codes.USAGE


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _warn(summary: str) -> None:
    print(f"tus-conformance: {summary}", file=sys.stderr)  # noqa: T201
