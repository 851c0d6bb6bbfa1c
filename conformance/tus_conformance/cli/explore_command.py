"""`tus-conformance explore`: random request sequences, to find responses that break the model."""

from __future__ import annotations

import argparse
import re
from functools import partial
from pathlib import Path

import trio

from tus_conformance.cli.output import print_error, print_line, usage_error
from tus_conformance.cli.target_options import (
    add_seed_option,
    add_target_options,
    read_target_options,
)
from tus_conformance.discovery.discovery import discover
from tus_conformance.discovery.prober import TargetUnreachable
from tus_conformance.evaluation import exit_codes
from tus_conformance.explorer import Disagreement, MissingError, Search, format_disagreement
from tus_conformance.explorer.search import SearchResult
from tus_conformance.runner.option_values import parse_integer, random_seed
from tus_conformance.runner.signals import run_until_signal
from tus_conformance.state.session import RestartableServer, Session
from tus_conformance.targets.creation_tracker import LeftBehind
from tus_conformance.targets.open_target import TargetOptions, open_target
from tus_conformance.targets.profile import ProfileError
from tus_conformance.targets.program import ProgramError
from tus_conformance.targets.server_process import ServerError
from tus_conformance.targets.target import Target, TargetError
from tus_conformance.targets.target_transport import transport_for
from tus_reports.totals import pluralize

_USAGE_ERRORS = (ProfileError, ProgramError, TargetError, ServerError, MissingError)


DESCRIPTION = """\
Generate random sequences of valid, invalid and interrupted requests, and
check every response against a small model of the uploads. A disagreement is
shrunk to the shortest sequence that shows it, and written as a scenario file
that `run --scenarios FILE` replays.

Without --target, the reference server is started. The exit code is 0 if
nothing was found, 1 for a disagreement, 2 if the command or the profile is
wrong, and 3 if a sequence could not be completed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `explore`."""
    add_target_options(parser)
    add_seed_option(parser, "the sequences")
    parser.add_argument(
        "--examples",
        type=partial(parse_integer, lowest=1, highest=1_000_000),
        default=200,
        metavar="N",
        help="number of sequences to run (default: 200)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("sequences"),
        metavar="DIR",
        help="folder for the scenario files (default: sequences)",
    )


def run(options: argparse.Namespace) -> int:
    """Search as the options say; return 0, 1 for a disagreement, 2 or 3 as `run` does."""
    try:
        return trio.run(_explore, options, read_target_options(options))
    except _USAGE_ERRORS as wrong:
        return usage_error(str(wrong))
    except BrokenPipeError:
        raise
    except OSError as error:
        return usage_error(f"{options.out} cannot be written to: {error.strerror}.")


async def _explore(options: argparse.Namespace, target_options: TargetOptions) -> int:
    async with open_target(target_options) as (target, server):
        return await _search(target, server, options)


async def _search(
    target: Target, server: RestartableServer | None, options: argparse.Namespace
) -> int:
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
            shown = target.redaction.redact_text(target.url)
            print_line(f"Running {options.examples} sequences against {shown}, seed {seed}.")
            explorer = Search(
                session,
                seed=seed,
                examples=options.examples,
                on_disagreement=_ScenarioFolder(options.out).write_scenario,
            )
            found = explorer.found
            await explorer()

    try:
        await run_until_signal(search, scope.cancel)
    except TargetUnreachable as unreachable:
        print_error(f"{unreachable} Nothing was tested.")
        _print_left_behind(left_behind, target)
        return exit_codes.UNDETERMINED
    if scope.cancelled_caught:
        print_error("Interrupted. The results so far are above.")
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
        print_line(f"\n{disagreement.summary}")
        for move in disagreement.moves:
            print_line(f"  - {move.kind}")
        print_line(f"  {len(disagreement.steps)} steps: {file}")


def _print_summary(found: SearchResult, seconds: float) -> None:
    print_line("")
    for reason in list(dict.fromkeys(found.undetermined))[:5]:
        print_line(f"Could not complete: {reason}")
    for summary in dict.fromkeys(disagreement.summary for disagreement in found.flaky):
        print_line(f"Did not recur: {summary}")
    if found.server_lost:
        print_line(found.server_lost)
    totals = ", ".join(
        (
            pluralize(found.sequences, "sequence"),
            pluralize(found.exchanges, "exchange"),
            f"{seconds:.1f} s",
        )
    )
    number = len(found.disagreements)
    heading = pluralize(number, "disagreement") if number else "No disagreements"
    print_line(f"{heading}: {totals}.")


def _print_left_behind(left_behind: LeftBehind, target: Target) -> None:
    for line in left_behind.lines(target.redaction):
        print_line(line)


def _exit_code(found: SearchResult) -> int:
    if any(not disagreement.server_exited for disagreement in found.disagreements):
        return exit_codes.FAILED
    uncertain = found.flaky or found.undetermined or found.server_lost
    return exit_codes.UNDETERMINED if uncertain else exit_codes.CONFORMANT
