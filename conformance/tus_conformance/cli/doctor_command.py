"""`tus-conformance doctor`: find what between client and server breaks resumable uploads."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import trio

from tus_conformance.cli.output import escape_terminal, print_error, print_line, usage_error
from tus_conformance.cli.proxy_options import first_leaf
from tus_conformance.cli.report_output import write_report
from tus_conformance.cli.target_options import add_target_options, read_target_options
from tus_conformance.doctor.annotations_report import format_annotations
from tus_conformance.doctor.diagnosis import UNDETERMINED, Diagnosis, diagnose
from tus_conformance.doctor.examination import DoctorSettings, Examination
from tus_conformance.doctor.html_report import format_html
from tus_conformance.doctor.markdown_report import format_markdown
from tus_conformance.doctor.mirror import Mirror, open_mirror
from tus_conformance.doctor.stage import StageResult
from tus_conformance.doctor.text_report import format_diagnosis, format_stage
from tus_conformance.evaluation import exit_codes
from tus_conformance.runner.option_values import parse_integer
from tus_conformance.runner.signals import run_until_signal
from tus_conformance.targets.creation_tracker import LeftBehind
from tus_conformance.targets.open_target import TargetOptions, open_target
from tus_conformance.targets.origin_guard import same_origin
from tus_conformance.targets.profile import ProfileError
from tus_conformance.targets.program import ProgramError
from tus_conformance.targets.server_process import ServerError
from tus_conformance.targets.target import Target, TargetError
from tus_conformance.targets.target_transport import transport_for
from tus_conformance.transport.loopback_listener import ListenError

_USAGE_ERRORS = (ProfileError, ProgramError, TargetError, ServerError, ListenError)

DESCRIPTION = """\
Examine what is between a client and a tus server: Location, methods, headers,
buffering, limits, caches, several servers, time-outs. Each finding says who
does it, shows the bytes, what clients make of it, and how to correct it.

--direct compares with the server itself, so that its own behavior is not
blamed on the proxy; headers are sent there only if --upload-origin names it.
--mirror starts a tus server on a port of 127.0.0.1 to which the proxy must
lead, so that both ends are seen.

The exit code is 0 if the target is fit for resumable uploads, 1 if resuming
breaks, 2 if the command or the profile is wrong, and 3 if that could not be
determined."""

_FORMATS: dict[str, Callable[[Diagnosis], str]] = {
    "json": lambda diagnosis: msgspec.json.format(
        msgspec.json.encode(diagnosis), indent=2
    ).decode(),
    "markdown": format_markdown,
    "html": format_html,
    "annotations": format_annotations,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `doctor`."""
    add_target_options(parser)
    other_end = parser.add_mutually_exclusive_group()
    other_end.add_argument(
        "--direct",
        metavar="URL",
        help="the creation URL of the server itself, to compare with",
    )
    other_end.add_argument(
        "--mirror",
        type=partial(parse_integer, lowest=1, highest=65535),
        metavar="PORT",
        help="serve uploads on this port, as the server behind the proxy",
    )
    parser.add_argument(
        "--mirror-path", metavar="PATH", help="the path of its uploads (default: the target's)"
    )
    parser.add_argument(
        "--slow", action="store_true", help="also look for time-outs of minutes (3 minutes)"
    )
    parser.add_argument(
        "--large", action="store_true", help="also look for limits on bodies up to 1 GiB"
    )
    formats = parser.add_mutually_exclusive_group()
    for name in _FORMATS:
        formats.add_argument(
            f"--{name}",
            dest="format",
            action="store_const",
            const=name,
            help=f"print {'annotations of a GitHub job' if name == 'annotations' else name}",
        )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write the report to a file (default: print it)"
    )


def run(options: argparse.Namespace) -> int:
    """Examine the target; return the exit code."""
    code = exit_codes.USAGE
    sentences: list[str] = []
    try:
        code = trio.run(_run, options, read_target_options(options))
    except* _USAGE_ERRORS as errors:  # in a group where the mirror runs, in its nursery
        sentences.append(str(first_leaf(errors)))
    return usage_error(sentences[0]) if sentences else code


async def _run(options: argparse.Namespace, target_options: TargetOptions) -> int:
    async with (
        open_target(target_options) as (target, _),
        _open_mirror(options, target) as mirror,
    ):
        return await _examine(options, target, mirror)


@asynccontextmanager
async def _open_mirror(options: argparse.Namespace, target: Target) -> AsyncIterator[Mirror | None]:
    if options.mirror is None:
        yield None
        return
    path = options.mirror_path or urlsplit(target.url).path or "/"
    async with open_mirror(options.mirror, path) as mirror:
        yield mirror


async def _examine(options: argparse.Namespace, target: Target, mirror: Mirror | None) -> int:
    settings = DoctorSettings(slow=options.slow, large=options.large, origin=options.origin)
    examination = Examination(target, transport_for(target), settings, mirror)
    direct = _direct_examination(options, target, settings)
    left_behind = LeftBehind()
    scope = trio.CancelScope()
    diagnosis: Diagnosis | None = None
    show = print_stage if options.format is None and options.out is None else _ignore

    async def examine() -> None:
        nonlocal diagnosis
        with scope:
            diagnosis = await diagnose(examination, left_behind, direct, show)

    await run_until_signal(examine, scope.cancel)
    for line in left_behind.lines(target.redaction):
        print_error(line)
    if diagnosis is None:
        print_error("Interrupted.")
        return exit_codes.INTERRUPTED
    if mirror is not None and not mirror.count and not diagnosis.problem:
        print_error(f"Nothing arrived at the mirror: lead the proxy to port {options.mirror}.")
        return UNDETERMINED
    return _write(diagnosis, options) or diagnosis.exit_code


def print_stage(result: StageResult) -> None:
    """Print a stage as soon as it has ended."""
    print_line(format_stage(result))


def _ignore(_result: StageResult) -> None:
    """Print nothing: the report has it all."""


def _direct_examination(
    options: argparse.Namespace, target: Target, settings: DoctorSettings
) -> Examination | None:
    if options.direct is None:
        return None
    named = any(same_origin(options.direct, each) for each in (target.url, *target.named_origins))
    direct = replace(target, url=options.direct, headers=target.headers if named else ())
    return Examination(direct, transport_for(direct), replace(settings, is_direct=True))


def _write(diagnosis: Diagnosis, options: argparse.Namespace) -> int:
    if options.format is None:
        text = format_diagnosis(diagnosis)
        if options.out is not None and not diagnosis.problem:
            text = "\n".join([*map(format_stage, diagnosis.stages), text])
        return write_report(escape_terminal(text), options.out)
    return write_report(_FORMATS[options.format](diagnosis), options.out)
