"""`tus-conformance load`: many users upload as clients do, and every byte is verified.

Locust runs in a process of its own, because it patches the standard library and trio does not
survive that.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import msgspec
import trio

import tus_reports
from tus_conformance.cli.output import print_error, print_line, usage_error
from tus_conformance.cli.output_files import ensure_writable
from tus_conformance.cli.proxy_options import first_leaf
from tus_conformance.cli.record_files import RECORD
from tus_conformance.cli.target_options import (
    add_seed_option,
    add_target_options,
    read_target_options,
)
from tus_conformance.discovery.preflight import ensure_endpoint
from tus_conformance.discovery.prober import TargetUnreachable
from tus_conformance.evaluation import exit_codes
from tus_conformance.load.mix import Mix, MixError, read_mix
from tus_conformance.load.settings import MAX_ERROR_SHARE, LoadSettings
from tus_conformance.runner.option_values import parse_integer, random_seed
from tus_conformance.targets.open_target import TargetOptions, open_target
from tus_conformance.targets.profile import ProfileError
from tus_conformance.targets.program import ProgramError
from tus_conformance.targets.server_process import ServerError, find_free_port
from tus_conformance.targets.target import Target, TargetError
from tus_conformance.targets.target_transport import transport_for
from tus_reports import RecordError

DESCRIPTION = """\
Upload to a server as many clients do, on Locust, and verify every byte: sizes by
a distribution, chunks, connections cut in mid-body, resumes, parallel uploads
with concatenation, abandoned uploads, downloads. `--mix FILE` changes what users
do. Needs Locust: pip install '.[load]'

The exit code is 0 if every byte that was read back is right and no more requests
failed than --max-error-share says; 1 if bytes are lost or mixed up, or more
requests failed; 2 if the command, the profile or the mix is wrong, or Locust is
not installed; and 3 if the target is not reachable or uploads could not be
verified."""

_USAGE_ERRORS = (MixError, ProfileError, ProgramError, TargetError, ServerError)
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")
_DEFAULT_TIMEOUT = 60.0
_MASTER_PORT = 5557
_MAX_USERS = 1_000_000
_MISSING = "load needs Locust, which is not installed: pip install '.[load]'."
_NO_ORIGIN = "--origin is for run and doctor: users of a load are not pages."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `load`."""
    add_target_options(parser)
    parser.set_defaults(large=True)
    count = partial(parse_integer, lowest=1, highest=_MAX_USERS)
    parser.add_argument(
        "-u", "--users", type=count, default=10, metavar="N", help="users at once (default: 10)"
    )
    parser.add_argument(
        "-r",
        "--spawn-rate",
        type=_parse_rate,
        default=10.0,
        metavar="R",
        help="users that start each second (default: 10)",
    )
    parser.add_argument(
        "-t",
        "--time",
        type=parse_duration,
        default=60,
        metavar="TIME",
        help="how long, such as 30s, 5m or 1h30m (default: 1m)",
    )
    parser.add_argument(
        "--mix", type=Path, metavar="FILE", help="what the users do, in TOML (default: a usual mix)"
    )
    add_seed_option(parser, "contents and of what users do")
    parser.add_argument(
        "--max-error-share",
        type=_parse_share,
        default=MAX_ERROR_SHARE,
        metavar="SHARE",
        help="the share of failed requests that is tolerated (default: 0.01)",
    )
    parser.add_argument(
        "--stop-timeout",
        type=partial(parse_integer, lowest=0, highest=86400),
        default=30,
        metavar="SECONDS",
        help="how long users may finish what they do at the end (default: 30)",
    )
    _add_distribution_options(parser)
    _add_output_options(parser)


def _add_distribution_options(parser: argparse.ArgumentParser) -> None:
    port = partial(parse_integer, lowest=1, highest=65535)
    role = parser.add_mutually_exclusive_group()
    role.add_argument(
        "--processes",
        type=partial(parse_integer, lowest=1, highest=1024),
        metavar="N",
        help="worker processes on this machine (default: none)",
    )
    role.add_argument(
        "--master", action="store_true", help="distribute the users among workers elsewhere"
    )
    role.add_argument("--worker", action="store_true", help="run the users of a master elsewhere")
    parser.add_argument(
        "--expect-workers",
        type=partial(parse_integer, lowest=1, highest=10000),
        default=1,
        metavar="N",
        help="how many workers the master waits for (default: 1)",
    )
    parser.add_argument(
        "--master-host", default="127.0.0.1", metavar="HOST", help="the master (default: 127.0.0.1)"
    )
    parser.add_argument(
        "--master-port",
        type=port,
        metavar="PORT",
        help="its port (default: 5557, with --processes a free one)",
    )


def _add_output_options(parser: argparse.ArgumentParser) -> None:
    port = partial(parse_integer, lowest=1, highest=65535)
    parser.add_argument(
        "--report-dir",
        type=Path,
        metavar="DIR",
        help="write the record, run.ndjson, and its report, index.html",
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="write Locust's page with charts")
    parser.add_argument("--csv", metavar="PREFIX", help="write Locust's CSV files")
    parser.add_argument(
        "--web", action="store_true", help="serve Locust's web page until Ctrl-C, and start"
    )
    parser.add_argument(
        "--web-port", type=port, default=8089, metavar="PORT", help="its port (default: 8089)"
    )
    parser.add_argument(
        "--progress", action="store_true", help="print Locust's figures every few seconds"
    )
    parser.add_argument(
        "--locust",
        default="",
        metavar="'OPTIONS'",
        help="further options of Locust, such as '--loglevel DEBUG'",
    )


def parse_duration(text: str) -> int:
    """Return the seconds of a duration such as 90, 30s, 5m or 1h30m; raise ArgumentTypeError."""
    found = _DURATION.fullmatch(text)
    hours, minutes, seconds = (int(each or 0) for each in found.groups()) if found else (0, 0, 0)
    total = hours * 3600 + minutes * 60 + seconds
    if not total:
        raise argparse.ArgumentTypeError(f"must be a time such as 30s, 5m or 1h30m, got {text!r}")
    return total


def _parse_rate(text: str) -> float:
    return _parse_number(text, "a number above 0", lambda number: number > 0)


def _parse_share(text: str) -> float:
    return _parse_number(text, "a share from 0 to 1, such as 0.01", lambda number: 0 <= number <= 1)


def _parse_number(text: str, what: str, accepts: Callable[[float], bool]) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or not accepts(number):
        raise argparse.ArgumentTypeError(f"must be {what}, got {text!r}")
    return number


def run(options: argparse.Namespace) -> int:
    """Load the target; return the exit code."""
    if find_spec("locust") is None or options.origin is not None:
        return usage_error(_NO_ORIGIN if options.origin else _MISSING)
    try:
        _prepare_files(options)
        shlex.split(options.locust)
        mix = read_mix(options.mix) if options.mix else Mix()
        if options.worker:
            return _run_worker(options, mix)
        target_options = read_target_options(options)
    except _USAGE_ERRORS as error:
        return usage_error(str(error))
    except ValueError as error:
        return usage_error(f"--locust cannot be read: {error}.")
    except OSError as error:
        return usage_error(f"{error.filename} cannot be written: {error.strerror}.")
    code, sentences = exit_codes.USAGE, []
    try:
        code = trio.run(_run, options, target_options, mix)
    except* _USAGE_ERRORS as errors:
        sentences.append(str(first_leaf(errors)))
    return usage_error(sentences[0]) if sentences else code


def _prepare_files(options: argparse.Namespace) -> None:
    """Raise OSError for a file that cannot be written when the load ends."""
    folder = options.report_dir
    for path in (options.html, folder and folder / RECORD, options.csv and Path(options.csv)):
        if path:
            ensure_writable(path)


async def _run(options: argparse.Namespace, target_options: TargetOptions, mix: Mix) -> int:
    async with open_target(target_options) as (target, _):
        try:
            await ensure_endpoint(target, transport_for(target))
        except TargetUnreachable as unreachable:
            return usage_error(str(unreachable), exit_codes.UNDETERMINED)
        if target.profile.http2:
            print_error("load uses HTTP/1.1: `http2` of the profile has no effect here.")
        with tempfile.TemporaryDirectory(prefix="tus-load-") as folder:
            record = (options.report_dir or Path(folder)) / RECORD
            record.unlink(missing_ok=True)
            settings = _make_settings(options, target, mix)
            words = build_arguments(options, mix, record)
            code = await _run_locust(words, settings.to_environment())
            return _report(record, options, code)


def _make_settings(options: argparse.Namespace, target: Target, mix: Mix) -> LoadSettings:
    profile = msgspec.structs.replace(
        target.profile, origins=(*target.profile.origins, *options.upload_origin), headers={}
    )
    return LoadSettings(
        target=target.url,
        shown_target=target.redaction.redact_text(target.url),
        profile=profile,
        headers=target.headers,
        timeout=options.timeout or profile.timeout or _DEFAULT_TIMEOUT,
        mix=mix,
        name=target.name,
        version=target.version,
    )


def build_arguments(options: argparse.Namespace, mix: Mix, record: Path) -> list[str]:
    """Return the words that start Locust as a master, or alone."""
    users = f"{options.users}", f"{options.spawn_rate:g}"
    seed = random_seed() if options.seed is None else options.seed
    words = [
        *("--users", users[0], "--spawn-rate", users[1], "--run-time", f"{options.time}s"),
        *("--stop-timeout", str(options.stop_timeout)),
        *("--tus-mix", msgspec.json.encode(mix).decode(), "--tus-seed", str(seed)),
        *("--tus-record", str(record)),
        *("--tus-max-error-share", str(options.max_error_share)),
    ]
    if options.web:
        words += ["--autostart", "--web-host", "127.0.0.1", "--web-port", str(options.web_port)]
    else:
        words += ["--headless"]
    if options.processes:
        words += ["--processes", str(options.processes)]
    if options.master:
        words += ["--master", "--expect-workers", str(options.expect_workers)]
    if options.processes:
        # Workers of this machine alone: on its loopback interface, and on a port of their own.
        port = str(options.master_port or find_free_port())
        words += ["--master-bind-host", "127.0.0.1", "--master-bind-port", port]
        words += ["--master-port", port]
    elif options.master:
        words += ["--master-bind-port", str(options.master_port or _MASTER_PORT)]
    words += ["--html", str(options.html)] if options.html else []
    words += ["--csv", options.csv] if options.csv else []
    return [*words, *_common_arguments(options)]


def _common_arguments(options: argparse.Namespace) -> Iterator[str]:
    if not options.progress:
        yield "--only-summary"
    if "--loglevel" not in options.locust and not options.web:
        yield from ("--loglevel", "WARNING")
    yield from shlex.split(options.locust)


def _command(words: list[str]) -> list[str]:
    return [sys.executable, "-m", "tus_conformance.load.start_locust", *words]


async def _run_locust(words: list[str], variables: Mapping[str, str]) -> int:
    """Run Locust to its end; a signal to this process ends it in order, a second one at once."""
    process = await trio.lowlevel.open_process(
        _command(words),
        stdin=subprocess.DEVNULL,
        env={**os.environ, **variables},
        start_new_session=os.name != "nt",
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_forward_signals, process)
        code = await process.wait()
        nursery.cancel_scope.cancel()
    return code


async def _forward_signals(process: trio.Process) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for number in signals:
            process.send_signal(number)
            break
        async for _ in signals:
            if os.name == "nt":
                process.kill()
            else:  # its worker processes too
                os.killpg(process.pid, signal.SIGKILL)


def _report(record: Path, options: argparse.Namespace, code: int) -> int:
    """Print what the record says; return its exit code."""
    try:
        found = tus_reports.read(record)
    except (OSError, RecordError):
        print_error(f"Locust ended with {code} before users had sent a request; see above.")
        return exit_codes.UNDETERMINED
    print_line(tus_reports.load_text(found).rstrip())
    if options.report_dir is not None:
        page = options.report_dir / "index.html"
        page.write_text(tus_reports.load_html(found), "utf-8")
        print_line(f"\nrecord  {record}\nreport  {page}")
    assert found.footer is not None
    return found.footer.exit_code


def _run_worker(options: argparse.Namespace, mix: Mix) -> int:
    """Run the users of a master; the target, the mix and the seed are the master's."""
    return trio.run(_run_worker_process, options, read_target_options(options), mix)


async def _run_worker_process(
    options: argparse.Namespace, target_options: TargetOptions, mix: Mix
) -> int:
    if not (target_options.url or target_options.profile.url):
        return usage_error("--worker needs the target too: give the URL that the master has.")
    async with open_target(target_options) as (target, _):
        words = [
            *("--worker", "--master-host", options.master_host),
            *("--master-port", str(options.master_port or _MASTER_PORT)),
            *_common_arguments(options),
        ]
        settings = _make_settings(options, target, mix)
        return await _run_locust(words, settings.to_environment())
