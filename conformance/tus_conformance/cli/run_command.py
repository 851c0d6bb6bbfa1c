"""`tus-conformance run`: the suite against a server, on the terminal and in the record."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import trio

from tus_conformance.cli.arguments import random_seed
from tus_conformance.cli.baseline_report import baseline_changes, load_baseline, write_baseline
from tus_conformance.evaluation import exit_codes
from tus_conformance.runner.baseline import Baseline, BaselineError
from tus_conformance.runner.progress import show_progress
from tus_conformance.runner.run import Run
from tus_conformance.runner.run_plan import RunPlan
from tus_conformance.runner.selection import Selection
from tus_conformance.runner.signals import run_until_signal
from tus_conformance.state.session import RestartableServer
from tus_conformance.targets.profile import Profile, ProfileError, read_profile
from tus_conformance.targets.program import ProgramError
from tus_conformance.targets.server_process import (
    ServerError,
    run_reference_server,
    run_server_command,
)
from tus_conformance.targets.target import TargetError, resolve_target
from tus_conformance.targets.target_transport import transport_for
from tus_reports import RecordLine, RecordWriter, TerminalView
from tus_scenarios import Scenario, ScenarioError, read_file, scenarios
from tus_scenarios.lint import ensure_valid

RECORD = "run.ndjson"

_USAGE_ERRORS = (BaselineError, ProfileError, ProgramError, TargetError, ServerError, ScenarioError)


@dataclass(frozen=True)
class _RunRequest:
    """What the user asked for, with the files read that it names."""

    options: argparse.Namespace
    profile: Profile
    baseline: Baseline
    words: tuple[str, ...]
    scenarios: tuple[Scenario, ...]


def run_suite(options: argparse.Namespace, words: Sequence[str]) -> int:
    """Run the suite as the options say; return the exit code of the design's table."""
    try:
        profile = read_profile(options.profile) if options.profile else Profile()
        baseline = load_baseline(options.baseline, options.write_baseline)
        if options.report_dir:
            options.report_dir.mkdir(parents=True, exist_ok=True)
        request = _RunRequest(
            options, profile, baseline, tuple(words), _load_scenarios(options.scenarios)
        )
        return trio.run(_run, request)
    except _USAGE_ERRORS as wrong:
        return _usage_error(str(wrong))
    except BrokenPipeError:
        raise
    except OSError as error:
        return _usage_error(f"{options.report_dir} cannot be written to: {error.strerror}.")


async def _run(request: _RunRequest) -> int:
    options = request.options
    target = options.target or (None if options.reference else request.profile.url)
    if options.server_command is not None:
        if target is None:
            raise ServerError("--server-command needs --target, the URL where it serves.")
        async with run_server_command(options.server_command, target) as server:
            return await _run_against(server.url, request, server)
    if target is not None:
        return await _run_against(target, request)
    async with run_reference_server(options.reference or "file", large=options.large) as url:
        return await _run_against(url, request)


async def _run_against(
    url: str, request: _RunRequest, server: RestartableServer | None = None
) -> int:
    plan = await _plan(url, request, server)
    with ExitStack() as outputs:
        place = request.options.report_dir / RECORD if request.options.report_dir else None
        progress, stream = outputs.enter_context(show_progress(len(plan.scenarios), sys.stdout))
        emitters = [TerminalView(stream, where=str(place or "")).add_line]
        if place is not None:
            emitters.append(outputs.enter_context(RecordWriter(place)).write)

        def emit(line: RecordLine) -> None:
            for emitter in emitters:
                emitter(line)

        suite_run = Run(plan, transport_for(plan.target), emit, progress)
        footer = await run_until_signal(suite_run, suite_run.stop)
    _report_baseline(request.options, suite_run)
    if footer.exit_code == exit_codes.INTERRUPTED:
        print("Interrupted; what was found until then is above.", file=sys.stderr)  # noqa: T201
    if footer.exit_code == exit_codes.NOTHING_SELECTED:
        _print_error("No scenario was selected; `tus-conformance list --scenarios` names them all.")
    return footer.exit_code


async def _plan(url: str, request: _RunRequest, server: RestartableServer | None) -> RunPlan:
    options = request.options
    return RunPlan(
        target=await resolve_target(request.profile, url, tuple(options.header), options.timeout),
        scenarios=request.scenarios,
        selection=Selection(tuple(options.only), tuple(options.skip), options.large),
        seed=random_seed() if options.seed is None else options.seed,
        jobs=options.jobs,
        strict=options.strict,
        fail_fast=options.fail_fast,
        arguments=request.words,
        command_prefix=_command_prefix(options),
        server=server,
        baseline=request.baseline,
    )


def _load_scenarios(files: Sequence[Path]) -> tuple[Scenario, ...]:
    """Return the scenarios of the user's files, or the suite's own; raise ScenarioError."""
    if not files:
        return scenarios()
    found = tuple(scenario for file in files for scenario in read_file(file))
    ensure_valid(found)
    return found


def _report_baseline(options: argparse.Namespace, suite_run: Run) -> None:
    """Say what the run found besides the baseline, or write it as one."""
    if options.write_baseline is not None:
        print(write_baseline(options.write_baseline, suite_run))  # noqa: T201
    elif options.baseline is not None:
        print(*baseline_changes(options.baseline, suite_run), sep="\n")  # noqa: T201


def _command_prefix(options: argparse.Namespace) -> tuple[str, ...]:
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


def _usage_error(sentence: str) -> int:
    _print_error(sentence)
    return exit_codes.USAGE


def _print_error(sentence: str) -> None:
    print(f"tus-conformance: {sentence}", file=sys.stderr)  # noqa: T201
