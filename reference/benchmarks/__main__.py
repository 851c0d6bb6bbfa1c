"""Measure the reference beside other servers: python -m benchmarks (from the folder reference/).

Without a mode it is one large PATCH and small requests, every server in turn; the modules of the
modes say what each measures. Stored bytes are always compared with what was sent.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.concatenation import measure_concatenation
from benchmarks.large_bodies import measure_large
from benchmarks.results import Results, measure_busy, write_results
from benchmarks.s3_bodies import measure_s3
from benchmarks.side_by_side import measure_servers
from benchmarks.slow_clients import measure_slow
from benchmarks.small_requests import measure_creation, measure_small
from benchmarks.targets import BenchmarkTarget, parse_server
from interop.s3_servers import SERVERS

Measure = Callable[[Sequence[BenchmarkTarget], Path, argparse.Namespace], Results]

MODES: dict[str, tuple[Measure, str]] = {
    "small": (
        measure_small,
        "only small requests, against a bare loop on trio and h11 with the same disk work",
    ),
    "creation": (measure_creation, "only POST with the whole upload, of 1, 4 and 64 KiB"),
    "large": (
        measure_large,
        "only large bodies, sized, in chunks and with a checksum, and GET, against nginx",
    ),
    "slow": (measure_slow, "only many uploads in flight from slow clients"),
    "concatenate": (measure_concatenation, "only joining partial uploads of 10 MiB"),
    "s3": (
        measure_s3,
        "only an upload to S3, against boto3, and HEAD of an upload in many parts",
    ),
}


def parse_options(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options; exit with 2 for what is none."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    modes = parser.add_mutually_exclusive_group()
    for name, (_, text) in MODES.items():
        modes.add_argument(f"--{name}", dest="mode", action="store_const", const=name, help=text)
    parser.add_argument(
        "--server",
        action="append",
        default=[],
        metavar="NAME=COMMAND",
        help="another server; in its command the words PORT and FOLDER (of --s3 PORT,"
        " ENDPOINT and BUCKET) are replaced",
    )
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds (%(default)s)")
    parser.add_argument("--size", type=int, default=1024, help="of bodies in MiB (%(default)s)")
    parser.add_argument("--cycles", type=int, default=3200, help="small uploads (%(default)s)")
    parser.add_argument("--uploads", type=int, default=1000, help="of --slow (%(default)s)")
    parser.add_argument("--partials", type=int, default=100, help="of --concatenate (%(default)s)")
    parser.add_argument("--parts", type=int, default=10_000, help="of --s3 (%(default)s)")
    parser.add_argument(
        "--storage", choices=sorted(SERVERS), default="moto", help="of --s3 (%(default)s)"
    )
    parser.add_argument(
        "--home", type=Path, default=Path("/dev/shm"), help="where to store (%(default)s)"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="write the table and a plot there, too"
    )
    options = parser.parse_args(words)
    try:
        options.server = [parse_server(text) for text in options.server]
    except ValueError as mistake:
        parser.error(str(mistake))
    return options


def main() -> int:
    """Measure and report; return the exit code."""
    options = parse_options()
    busy = measure_busy()
    with tempfile.TemporaryDirectory(dir=options.home) as home:
        measure = MODES[options.mode][0] if options.mode else measure_servers
        results = measure(options.server, Path(home), options)
    results.busy = busy
    print("", *results.lines(), sep="\n")
    if options.output is not None:
        write_results(results, options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
