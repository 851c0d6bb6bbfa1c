"""The arguments of the command line, shared by `tus-conformance run` and the nox session."""

from __future__ import annotations

import argparse
import secrets
from pathlib import Path
from typing import Any

from tus_conformance.cli import interruption_arguments
from tus_conformance.targets.server_process import STORES

_RUN = """\
Run the suite against a server and print the verdict for each requirement.

Without --target, the reference server is started. The exit code is 0 if the
server conforms, 1 if a requirement is violated, 2 if the command or the
profile is wrong, 3 if the result is undetermined, and 4 if no scenario was
selected."""


REPORT_FORMATS = (
    *("text", "html", "junit", "markdown", "json", "har", "annotations"),
    *("badge", "badge-json"),
)
"""The formats of a report."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="tus-conformance",
        description="Check a tus server against every normative sentence of the specification.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser(
        "run",
        help="run the suite against a server",
        description=_RUN,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_target_options(run)
    _add_selection_options(run)
    run.add_argument(
        "--report-dir", type=Path, metavar="DIR", help="write the record, run.ndjson, into DIR"
    )
    listing = commands.add_parser("list", help="list the requirements: id, level, statement")
    listing.add_argument(
        "--scenarios", action="store_true", help="list the scenarios instead: id and title"
    )
    coverage = commands.add_parser(
        "coverage", help="show which scenarios exercise each requirement"
    )
    coverage.add_argument(
        "--spec-text",
        type=Path,
        metavar="FILE",
        help="the specification in Markdown, to compare the ledger with",
    )
    explain = commands.add_parser("explain", help="explain a scenario or a requirement")
    explain.add_argument("id", metavar="ID", help="the id of a scenario or a requirement")
    _add_init_command(commands)
    _add_report_commands(commands)
    interruption_arguments.add_interruption_commands(commands, _add_target_options)
    return top


def _add_init_command(commands: Any) -> None:
    init = commands.add_parser("init", help="probe a server and write a commented profile")
    init.add_argument("url", metavar="URL", help="the creation URL of the server")
    init.add_argument("--out", type=Path, metavar="FILE", help="default: standard output")
    _add_request_options(init)


def _add_report_commands(commands: Any) -> None:
    report = commands.add_parser(
        "report", help="render a record as a report, or several as a matrix"
    )
    report.add_argument("records", nargs="+", type=Path, metavar="RUN.ndjson")
    report.add_argument(
        "--format",
        choices=REPORT_FORMATS,
        default="text",
        metavar="FORMAT",
        help=f"{', '.join(REPORT_FORMATS)} (default: text); several records make a matrix, as html"
        " or markdown, with links to an index.html in the folder of each record",
    )
    report.add_argument(
        "--extension", metavar="NAME", help="the extension of a badge (default: the whole protocol)"
    )
    report.add_argument(
        "--spec-text",
        type=Path,
        metavar="FILE",
        help="the specification in Markdown, to quote it in the HTML report",
    )
    report.add_argument(
        "--brief",
        action="store_true",
        help="omit the bytes of passed scenarios from the HTML report",
    )
    compare = commands.add_parser(
        "compare",
        help="show what changed between two records, or the stability of more",
    )
    compare.add_argument("records", nargs="+", type=Path, metavar="RUN.ndjson")
    compare.add_argument("--format", choices=("text", "markdown", "html"), default="text")
    for command in (report, compare):
        command.add_argument("--out", type=Path, metavar="FILE", help="default: standard output")


def _add_target_options(run: argparse.ArgumentParser) -> None:
    where = run.add_mutually_exclusive_group()
    where.add_argument("--target", metavar="URL", help="the creation URL of the server")
    where.add_argument(
        "--reference",
        choices=STORES,
        metavar="STORE",
        help="the store of the reference server that is started without --target: "
        f"{', '.join(STORES)} (default: file)",
    )
    run.add_argument(
        "--server-command",
        metavar="'CMD {port}'",
        help="start the server with this command and stop it afterwards; {port} is replaced by a"
        " free port, here and in --target",
    )
    _add_request_options(run)
    run.add_argument("--profile", type=Path, metavar="FILE", help="facts about the server, in TOML")


def _add_request_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "-H",
        "--header",
        action="append",
        default=[],
        type=parse_header,
        metavar="'Name: value'",
        help="send this header with every request; its value is kept out of the record",
    )
    command.add_argument(
        "--timeout",
        type=parse_seconds,
        metavar="SECONDS",
        help="how long to wait for a server that makes no progress (default: 10)",
    )


def _add_selection_options(run: argparse.ArgumentParser) -> None:
    run.add_argument(
        "--scenarios",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="run the scenarios of this file instead of the suite's; repeatable",
    )
    glob = "a glob of scenario ids; repeatable"
    run.add_argument(
        "--only", action="append", default=[], metavar="GLOB", help=f"run only these: {glob}"
    )
    run.add_argument(
        "--skip", action="append", default=[], metavar="GLOB", help=f"do not run these: {glob}"
    )
    run.add_argument(
        "--baseline",
        type=Path,
        metavar="FILE",
        help="ignore failures listed in FILE; new and fixed ones exit with 1",
    )
    run.add_argument(
        "--write-baseline",
        type=Path,
        metavar="FILE",
        help="write the failures of this run to FILE and ignore them",
    )
    run.add_argument(
        "--large",
        action="store_true",
        help="include scenarios that transfer gigabytes (offsets over 4 GiB)",
    )
    run.add_argument("--fail-fast", action="store_true", help="stop after the first failure")
    run.add_argument("--strict", action="store_true", help="exit with 1 for warnings too")
    run.add_argument(
        "--jobs",
        type=_parse_jobs,
        default=1,
        metavar="N",
        help="run N scenarios at once (default: 1)",
    )
    run.add_argument(
        "--seed",
        type=int,
        default=None,
        metavar="N",
        help="seed of the contents of uploads (default: random, printed)",
    )


def random_seed() -> int:
    """Return a random seed."""
    return secrets.randbelow(2**31)


def parse_header(text: str) -> tuple[str, str]:
    """Return the name and the value of a header written as 'Name: value'."""
    name, colon, value = text.partition(":")
    token = name.strip()
    if not colon or not token or any(character.isspace() for character in token):
        raise argparse.ArgumentTypeError(f"{text!r} is not a header; write it as 'Name: value'")
    if any(character in value for character in "\r\n\0"):
        raise argparse.ArgumentTypeError(f"the value of {token} contains a line break; remove it")
    return token, value.strip()


def parse_seconds(text: str) -> float:
    """Return a number of seconds above 0."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 86400:
        raise argparse.ArgumentTypeError(f"must be a number of seconds above 0, got {text!r}")
    return seconds


def _parse_jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to 64, got {text!r}")
    return int(text)
