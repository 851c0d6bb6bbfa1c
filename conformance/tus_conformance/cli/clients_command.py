"""`tus-conformance clients`: the situations against a client's program."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

import trio

from tus_conformance.cli.glob_options import unmatched_globs
from tus_conformance.cli.output import print_error, print_line, usage_error
from tus_conformance.cli.target_options import add_seed_option
from tus_conformance.clients.client_profile import (
    ClientProfile,
    ClientProfileError,
    read_client_profile,
)
from tus_conformance.clients.client_program import (
    ClientCommand,
    ClientCommandError,
    parse_command,
)
from tus_conformance.clients.client_run import ClientRun
from tus_conformance.clients.honest_server import HonestServers
from tus_conformance.clients.listening_run import ListeningRun
from tus_conformance.clients.listening_server import ListeningServer
from tus_conformance.clients.situation_run import SituationRun
from tus_conformance.evaluation import exit_codes
from tus_conformance.runner.baseline import (
    Baseline,
    BaselineError,
    failing_pairs,
    format_baseline,
    read_baseline,
)
from tus_conformance.runner.option_values import parse_integer, random_seed
from tus_conformance.runner.progress import show_progress
from tus_conformance.runner.signals import run_until_signal
from tus_conformance.targets.server_process import ServerError
from tus_conformance.transport.loopback_listener import ListenError
from tus_reports import RecordLine, RecordWriter, TerminalView
from tus_reports.totals import pluralize
from tus_scenarios import ScenarioError, ledger
from tus_scenarios.situation import Situation
from tus_scenarios.situation_registry import read_situations, situations

RECORD = "run.ndjson"

DESCRIPTION = """\
Test a tus client: start its program in every situation, and compare what it
says with what is stored.

The program is started as --run says. It prints `url URL` when it knows the
upload's URL, and ends with the line `done URL` or `error TEXT`. Exit code 64
or 127 means that it cannot do what the options ask for.
The exit code is 0 if the client conforms, 1 if a requirement is violated, 2
if the command or the profile is wrong, 3 if the result is undetermined, and 4
if no situation was selected."""

_USAGE_ERRORS = (
    BaselineError,
    ClientCommandError,
    ClientProfileError,
    ListenError,
    ScenarioError,
    ServerError,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `clients`."""
    parser.add_argument(
        "--run",
        dest="run_client",
        metavar="COMMAND",
        help="the client's program, such as './drive {endpoint} {file} {options}'",
    )
    parser.add_argument(
        "--listen",
        type=partial(parse_integer, lowest=0, highest=65535),
        metavar="PORT",
        help="serve each situation at a URL instead of starting a program",
    )
    parser.add_argument("--profile", type=Path, metavar="FILE", help="facts about the client, TOML")
    parser.add_argument(
        "--situations",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="use the situations of this file instead; repeatable",
    )
    for flag, what in (("--only", "run only these"), ("--skip", "do not run these")):
        parser.add_argument(
            flag,
            action="append",
            default=[],
            metavar="GLOB",
            help=f"{what}: a glob of situation ids; repeatable",
        )
    parser.add_argument(
        "--baseline", type=Path, metavar="FILE", help="ignore failures listed in FILE"
    )
    parser.add_argument(
        "--write-baseline", type=Path, metavar="FILE", help="write the failures to FILE"
    )
    parser.add_argument("--strict", action="store_true", help="exit with 1 for warnings too")
    parser.add_argument(
        "--jobs",
        type=partial(parse_integer, lowest=1, highest=256),
        default=4,
        metavar="N",
        help="run N situations at once (default: 4)",
    )
    add_seed_option(parser, "the contents of files")
    parser.add_argument(
        "--report-dir", type=Path, metavar="DIR", help="write the record, run.ndjson, into DIR"
    )


def run(options: argparse.Namespace) -> int:
    """Run the situations; return the exit code."""
    try:
        return trio.run(_run, _read_request(options))
    except _USAGE_ERRORS as wrong:
        return usage_error(str(wrong))
    except BrokenPipeError:
        raise
    except OSError as error:
        place = error.filename or options.report_dir
        return usage_error(f"{place} cannot be written: {error.strerror}.")
    except BaseExceptionGroup as group:
        wrongs, others = group.split(_USAGE_ERRORS)
        if others is not None or wrongs is None:
            raise
        return usage_error(str(_first_leaf(wrongs)))


@dataclass(frozen=True)
class _ClientRequest:
    """What the user asked for, with the files read that it names."""

    options: argparse.Namespace
    profile: ClientProfile
    command: ClientCommand
    known: tuple[Situation, ...]
    situations: tuple[Situation, ...]
    baseline: Baseline


def _read_request(options: argparse.Namespace) -> _ClientRequest:
    profile = read_client_profile(options.profile) if options.profile else ClientProfile()
    text = options.run_client or profile.run
    if options.listen is not None and options.run_client:
        raise ClientCommandError("Give either --run or --listen.")
    if options.listen is not None:
        text = "{endpoint} {file}"  # no program is started
    if not text:
        raise ClientCommandError(
            "Name the client's program: --run './drive {endpoint} {file} {options}'."
        )
    if options.report_dir:
        options.report_dir.mkdir(parents=True, exist_ok=True)
    known = _load_situations(options.situations)
    return _ClientRequest(
        options,
        profile,
        parse_command(text, profile.environment),
        known,
        select_situations(known, options.only, (*options.skip, *_excluded(profile))),
        _load_baseline(options.baseline, options.write_baseline, known),
    )


def _excluded(profile: ClientProfile) -> tuple[str, ...]:
    return tuple(each.situation for each in profile.exclude)


def _load_situations(files: Sequence[Path]) -> tuple[Situation, ...]:
    """Return the situations of the user's files, or the suite's own; raise ScenarioError."""
    return tuple(each for file in files for each in read_situations(file)) or situations()


def select_situations(
    known: Sequence[Situation], only: Sequence[str], skip: Sequence[str]
) -> tuple[Situation, ...]:
    """Return the situations that the globs leave, in their order."""
    return tuple(
        each
        for each in known
        if (not only or any(fnmatchcase(each.id, glob) for glob in only))
        and not any(fnmatchcase(each.id, glob) for glob in skip)
    )


def _load_baseline(
    file: Path | None, to_write: Path | None, known: Sequence[Situation]
) -> Baseline:
    rows = tuple(row.id for row in ledger().values() if row.side == "client")
    checks = dict.fromkeys((each.id for each in known), rows)
    if to_write is None:
        return Baseline() if file is None else read_baseline(file, checks)
    before = file or (to_write if to_write.exists() else None)
    entries = Baseline() if before is None else read_baseline(before, checks)
    return replace(entries, accepts_all=True)


async def _run(request: _ClientRequest) -> int:
    options = request.options
    for sentence in unmatched_globs(options, [each.id for each in request.known]):
        print_error(sentence)
    if not request.situations:
        print_error("No situation was selected; `tus-conformance list --situations` names them.")
        return exit_codes.NOTHING_SELECTED
    listens = options.listen is not None
    async with HonestServers() as servers:
        with ExitStack() as outputs:
            place = options.report_dir / RECORD if options.report_dir else None
            progress, stream = outputs.enter_context(
                show_progress(0 if listens else len(request.situations), sys.stdout)
            )
            emitters = [TerminalView(stream, where=str(place or "")).add_line]
            if place is not None:
                emitters.append(outputs.enter_context(RecordWriter(place)).write)

            def emit(line: RecordLine) -> None:
                for emitter in emitters:
                    emitter(line)

            if listens:
                listening_run = _make_listening_run(request, servers, emit)
                return (await run_until_signal(listening_run, listening_run.stop)).exit_code
            client_run = ClientRun(
                SituationRun(
                    command=request.command,
                    profile=request.profile,
                    servers=servers,
                    seed=random_seed() if options.seed is None else options.seed,
                    command_prefix=_command_prefix(options),
                ),
                request.situations,
                emit,
                jobs=options.jobs,
                strict=options.strict,
                arguments=options.words,
                baseline=request.baseline,
                progress=progress,
            )
            footer = await run_until_signal(client_run, client_run.stop)
    _write_baseline(request, client_run)
    if footer.exit_code == exit_codes.INTERRUPTED:
        print_error("Interrupted. The results so far are above.")
    return footer.exit_code


def _make_listening_run(
    request: _ClientRequest, servers: HonestServers, emit: Callable[[RecordLine], None]
) -> ListeningRun:
    options, profile = request.options, request.profile
    seed = random_seed() if options.seed is None else options.seed
    return ListeningRun(
        ListeningServer(request.situations, servers, profile, seed),
        options.listen,
        emit,
        lambda origin: print_line(f"{origin}/ lists the situations; end with Ctrl-C"),
        target=f"{profile.name} {profile.version}".strip() or "clients that came by themselves",
        seed=seed,
        strict=options.strict,
        arguments=options.words,
    )


def _write_baseline(request: _ClientRequest, client_run: ClientRun) -> None:
    file: Path | None = request.options.write_baseline
    if file is None:
        return
    pairs = failing_pairs(client_run.results, strict=request.options.strict)
    try:
        file.write_text(format_baseline(pairs, request.baseline), "utf-8")
    except OSError as error:
        raise BaselineError(f"{file} cannot be written: {error.strerror}.") from None
    print_line(f"baseline     {pluralize(len(pairs), 'failure')} written to {file}")


def _command_prefix(options: argparse.Namespace) -> tuple[str, ...]:
    words = ["tus-conformance", "clients"]
    if options.run_client:
        words += ["--run", shlex.quote(options.run_client)]
    if options.profile:
        words += ["--profile", str(options.profile)]
    for file in options.situations:
        words += ["--situations", str(file)]
    return tuple(words)


def _first_leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
