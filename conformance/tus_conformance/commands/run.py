"""`tus-conformance run`: the suite against a server, on the terminal and in the record."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import trio

from tus_conformance.arguments import fresh_seed
from tus_conformance.commands.baseline import baseline_of, compared, write
from tus_conformance.dialogue.session import Server
from tus_conformance.judging import verdict
from tus_conformance.judging.baseline import Baseline, BaselineError
from tus_conformance.running.plan import Plan
from tus_conformance.running.progress import shown
from tus_conformance.running.run import Run
from tus_conformance.running.selection import Selection
from tus_conformance.running.signals import interruptible
from tus_conformance.target.profile import Profile, ProfileError, read_profile
from tus_conformance.target.program import ProgramError
from tus_conformance.target.route import route
from tus_conformance.target.server import ServerError, commanded, reference
from tus_conformance.target.target import TargetError, aimed
from tus_reports import Line, RecordWriter, TerminalView
from tus_scenarios import Scenario, ScenarioError, read_file, scenarios
from tus_scenarios.lint import ensure_sound

RECORD = "run.ndjson"

_MISTAKES = (BaselineError, ProfileError, ProgramError, TargetError, ServerError, ScenarioError)


@dataclass(frozen=True)
class _Wish:
    """What the user asked for, with the files read that it names."""

    options: argparse.Namespace
    profile: Profile
    baseline: Baseline
    words: tuple[str, ...]
    scenarios: tuple[Scenario, ...]


def run(options: argparse.Namespace, words: Sequence[str]) -> int:
    """Run the suite as the options say; return the exit code of the design's table."""
    try:
        profile = read_profile(options.profile) if options.profile else Profile()
        baseline = baseline_of(options.baseline, options.write_baseline)
        if options.report_dir:
            options.report_dir.mkdir(parents=True, exist_ok=True)
        wish = _Wish(options, profile, baseline, tuple(words), _scenarios(options.scenarios))
        return trio.run(_run, wish)
    except _MISTAKES as wrong:
        return _refuse(str(wrong))
    except BrokenPipeError:
        raise
    except OSError as error:
        return _refuse(f"{options.report_dir} cannot be written to: {error.strerror}.")


async def _run(wish: _Wish) -> int:
    options = wish.options
    target = options.target or (None if options.reference else wish.profile.url)
    if options.server_command is not None:
        if target is None:
            raise ServerError("--server-command needs --target, the URL where it serves.")
        async with commanded(options.server_command, target) as server:
            return await _against(server.url, wish, server)
    if target is not None:
        return await _against(target, wish)
    async with reference(options.reference or "file", large=options.large) as url:
        return await _against(url, wish)


async def _against(url: str, wish: _Wish, server: Server | None = None) -> int:
    plan = await _plan(url, wish, server)
    with ExitStack() as outputs:
        place = wish.options.report_dir / RECORD if wish.options.report_dir else None
        progress, stream = outputs.enter_context(shown(len(plan.scenarios), sys.stdout))
        emitters = [TerminalView(stream, where=str(place or "")).line]
        if place is not None:
            emitters.append(outputs.enter_context(RecordWriter(place)).write)

        def emit(line: Line) -> None:
            for emitter in emitters:
                emitter(line)

        told = Run(plan, route(plan.target), emit, progress)
        footer = await interruptible(told, told.stop)
    _conclude(wish.options, told)
    if footer.exit_code == verdict.INTERRUPTED:
        print("Interrupted; what was found until then is above.", file=sys.stderr)  # noqa: T201
    if footer.exit_code == verdict.NOTHING:
        _say("No scenario was selected; `tus-conformance list --scenarios` names them all.")
    return footer.exit_code


async def _plan(url: str, wish: _Wish, server: Server | None) -> Plan:
    options = wish.options
    return Plan(
        target=await aimed(wish.profile, url, tuple(options.header), options.timeout),
        scenarios=wish.scenarios,
        selection=Selection(tuple(options.only), tuple(options.skip), options.large),
        seed=fresh_seed() if options.seed is None else options.seed,
        jobs=options.jobs,
        strict=options.strict,
        fail_fast=options.fail_fast,
        arguments=wish.words,
        reproduce=_reproduce(options),
        server=server,
        baseline=wish.baseline,
    )


def _scenarios(files: Sequence[Path]) -> tuple[Scenario, ...]:
    """Return the scenarios of the user's files, or the suite's own; raise ScenarioError."""
    if not files:
        return scenarios()
    found = tuple(scenario for file in files for scenario in read_file(file))
    ensure_sound(found)
    return found


def _conclude(options: argparse.Namespace, told: Run) -> None:
    """Say what the run found besides the baseline, or write it as one."""
    if options.write_baseline is not None:
        print(write(options.write_baseline, told))  # noqa: T201
    elif options.baseline is not None:
        print(*compared(options.baseline, told), sep="\n")  # noqa: T201


def _reproduce(options: argparse.Namespace) -> tuple[str, ...]:
    words = ["tus-conformance", "run"]
    if options.target is not None:
        words += ["--target", options.target]
    if options.server_command is not None:
        words += ["--server-command", options.server_command]
    if options.reference:
        words += ["--reference", options.reference]
    for name, _ in options.header:
        words += ["-H", f"{name}: [redacted]"]
    if options.large:
        words += ["--large"]
    if options.profile:
        words += ["--profile", str(options.profile)]
    for file in options.scenarios:
        words += ["--scenarios", str(file)]
    return tuple(words)


def _refuse(sentence: str) -> int:
    _say(sentence)
    return verdict.USAGE


def _say(sentence: str) -> None:
    print(f"tus-conformance: {sentence}", file=sys.stderr)  # noqa: T201
