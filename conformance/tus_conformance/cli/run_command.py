"""`tus-conformance run`: the suite against a server, on the terminal and in the record."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import trio

from tus_conformance.cli.baseline_report import baseline_changes, load_baseline, write_baseline
from tus_conformance.cli.glob_options import unmatched_globs
from tus_conformance.cli.output import escape_terminal, print_error, print_line, usage_error
from tus_conformance.cli.record_files import RECORD
from tus_conformance.cli.report_files import (
    ReportFile,
    add_report_files,
    prepare_report_files,
)
from tus_conformance.cli.target_options import (
    add_seed_option,
    add_target_options,
    read_target_options,
)
from tus_conformance.evaluation import exit_codes
from tus_conformance.evaluation.invariants import invariants
from tus_conformance.runner.baseline import Baseline, BaselineError
from tus_conformance.runner.option_values import parse_integer, parse_seconds, random_seed
from tus_conformance.runner.progress import show_progress
from tus_conformance.runner.run import Run
from tus_conformance.runner.run_plan import RunPlan
from tus_conformance.runner.selection import Selection
from tus_conformance.runner.signals import run_until_signal
from tus_conformance.state.session import RestartableServer
from tus_conformance.targets.open_target import TargetOptions, open_target
from tus_conformance.targets.profile import ProfileError
from tus_conformance.targets.program import ProgramError
from tus_conformance.targets.server_process import ServerError
from tus_conformance.targets.target import Target, TargetError
from tus_conformance.targets.target_transport import transport_for
from tus_reports import Detail, Record, RecordLine, RecordWriter, TerminalView
from tus_scenarios import Scenario, ScenarioError, read_file, scenarios
from tus_scenarios.lint import ensure_valid

DESCRIPTION = """\
Run the suite against a server and print the verdict for each requirement.

Without a URL, here or in a profile, the reference server is started. {port} in
--server-command and in the URL is a free port; the URL of such a server is
http://127.0.0.1:{port}/files/ unless another is given. The profile may also be
the table tool.tus-conformance of ./pyproject.toml.

The exit code is 0 if the server conforms, 1 if a requirement is violated, 2 if
the command or the profile is wrong, 3 if the result is undetermined, and 4 if
no scenario was selected."""

_USAGE_ERRORS = (BaselineError, ProfileError, ProgramError, TargetError, ServerError, ScenarioError)


@dataclass(frozen=True)
class _RunRequest:
    """What the user asked for, with the files read that it names."""

    options: argparse.Namespace
    target_options: TargetOptions
    baseline: Baseline
    scenarios: tuple[Scenario, ...]
    report_files: tuple[ReportFile, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `run`."""
    add_target_options(parser)
    _add_selection_options(parser)
    parser.add_argument(
        "--report-dir", type=Path, metavar="DIR", help="write the record, run.ndjson, into DIR"
    )
    add_report_files(parser)
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument(
        "-q", "--quiet", action="store_true", help="print only what did not pass, and the result"
    )
    amount.add_argument(
        "-v", "--verbose", action="store_true", help="print every scenario, all bytes and the notes"
    )


def _add_selection_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scenarios",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="run the scenarios of this file instead of the suite's; repeatable",
    )
    glob = "a glob of scenario ids; repeatable"
    parser.add_argument(
        "--only", action="append", default=[], metavar="GLOB", help=f"run only these: {glob}"
    )
    parser.add_argument(
        "--skip", action="append", default=[], metavar="GLOB", help=f"do not run these: {glob}"
    )
    parser.add_argument(
        "--baseline",
        type=Path,
        metavar="FILE",
        help="ignore failures listed in FILE; new and fixed ones exit with 1",
    )
    parser.add_argument(
        "--write-baseline",
        type=Path,
        metavar="FILE",
        help="write the failures of this run to FILE and ignore them",
    )
    parser.add_argument(
        "--large",
        action="store_true",
        help="include scenarios that transfer gigabytes (offsets over 4 GiB)",
    )
    parser.add_argument(
        "--slow",
        action="store_true",
        help="include scenarios that wait for 35 to 130 seconds",
    )
    parser.add_argument(
        "--thorough",
        action="store_true",
        help="include every combination of upload, request and value",
    )
    parser.add_argument(
        "--time-limit",
        type=parse_seconds,
        default=7200.0,
        metavar="SECONDS",
        help="end the run in order after this time (default: 7200)",
    )
    parser.add_argument("--fail-fast", action="store_true", help="stop after the first failure")
    parser.add_argument("--strict", action="store_true", help="exit with 1 for warnings too")
    parser.add_argument(
        "--jobs",
        type=partial(parse_integer, lowest=1, highest=64),
        default=1,
        metavar="N",
        help="run N scenarios at once (default: 1)",
    )
    add_seed_option(parser, "the contents of uploads")


def run(options: argparse.Namespace) -> int:
    """Run the suite as the options say; return its exit code."""
    try:
        target_options = read_target_options(options)
        baseline = load_baseline(options.baseline, options.write_baseline)
        if options.report_dir:
            options.report_dir.mkdir(parents=True, exist_ok=True)
        report_files = prepare_report_files(options)
        request = _RunRequest(
            options, target_options, baseline, _load_scenarios(options), report_files
        )
        for sentence in unmatched_globs(options, _known_ids(request.scenarios)):
            print_error(sentence)
        return trio.run(_run, request)
    except _USAGE_ERRORS as wrong:
        return usage_error(str(wrong))
    except BrokenPipeError:
        raise
    except OSError as error:
        place = error.filename or options.report_dir
        return usage_error(f"{place} cannot be written: {error.strerror}.")


def _known_ids(known: Sequence[Scenario]) -> list[str]:
    """Return what --only and --skip can match: the ids of scenarios and invariants."""
    return [*(each.id for each in known), *(each.id for each in invariants())]


async def _run(request: _RunRequest) -> int:
    async with open_target(request.target_options) as (target, server):
        return await _run_against(target, server, request)


async def _run_against(
    target: Target, server: RestartableServer | None, request: _RunRequest
) -> int:
    plan = _plan(target, server, request)
    with ExitStack() as outputs:
        place = request.options.report_dir / RECORD if request.options.report_dir else None
        total = len(plan.scenarios) + len(invariants())
        progress, stream = outputs.enter_context(show_progress(total, sys.stdout))
        lines: list[RecordLine] = []
        view = TerminalView(stream, where=str(place or ""), detail=_detail(request.options, plan))
        emitters = [view.add_line, lines.append]
        if place is not None:
            emitters.append(outputs.enter_context(RecordWriter(place)).write)

        def emit(line: RecordLine) -> None:
            for emitter in emitters:
                emitter(line)

        def notify(text: str) -> None:
            print(escape_terminal(text), file=stream, flush=True)

        suite_run = Run(plan, transport_for(plan.target), emit, progress, notify)
        footer = await run_until_signal(suite_run, suite_run.stop)
    _report_baseline(request.options, suite_run)
    for report_file in request.report_files:
        print_line(report_file.write(Record.from_lines(lines)))
    if footer.exit_code == exit_codes.INTERRUPTED:
        print_error("Interrupted. The results so far are above.")
    if footer.exit_code == exit_codes.NOTHING_SELECTED:
        print_error("No scenario was selected; `tus-conformance list --scenarios` names them all.")
    return footer.exit_code


MAX_NAMED = 20
"""So many scenarios that the user named are shown one by one."""


def _detail(options: argparse.Namespace, plan: RunPlan) -> Detail:
    if options.quiet:
        return "brief"
    selected = sum(plan.selection.deselection_reason(each.id) is None for each in plan.scenarios)
    return "full" if options.verbose or selected <= MAX_NAMED else "normal"


def _plan(target: Target, server: RestartableServer | None, request: _RunRequest) -> RunPlan:
    options = request.options
    return RunPlan(
        target=target,
        scenarios=request.scenarios,
        selection=Selection(
            tuple(options.only), tuple(options.skip), options.large, options.thorough, options.slow
        ),
        seed=random_seed() if options.seed is None else options.seed,
        jobs=options.jobs,
        strict=options.strict,
        fail_fast=options.fail_fast,
        time_limit=options.time_limit,
        arguments=options.words,
        command_prefix=_command_prefix(options),
        server=server,
        baseline=request.baseline,
        large_bodies=True,
        examines_proxy=True,
    )


def _load_scenarios(options: argparse.Namespace) -> tuple[Scenario, ...]:
    """Return the scenarios of the user's files, or the suite's own; raise ScenarioError."""
    if not options.scenarios:
        return scenarios(thorough=options.thorough)
    found = tuple(
        scenario
        for file in options.scenarios
        for scenario in read_file(file, thorough=options.thorough)
    )
    ensure_valid(found)
    return found


def _report_baseline(options: argparse.Namespace, suite_run: Run) -> None:
    """Say what the run found besides the baseline, or write it as one."""
    if options.write_baseline is not None:
        print_line(write_baseline(options.write_baseline, suite_run))
    elif options.baseline is not None:
        print_line("\n".join(baseline_changes(options.baseline, suite_run)))


def _command_prefix(options: argparse.Namespace) -> tuple[str, ...]:
    words = ["tus-conformance", "run"]
    if options.target is not None:
        words += [options.target]
    if options.server_command is not None:
        words += ["--server-command", options.server_command]
    if options.reference:
        words += ["--reference", options.reference]
    for name, _ in options.header:
        words += ["-H", f"{name}: [redacted]"]
    words += [word for origin in options.upload_origin for word in ("--upload-origin", origin)]
    if options.origin is not None:
        words += ["--origin", options.origin]
    words += [f"--{name}" for name in ("large", "slow", "thorough") if getattr(options, name)]
    if options.profile:
        words += ["--profile", str(options.profile)]
    for file in options.scenarios:
        words += ["--scenarios", str(file)]
    return tuple(words)
