"""The flags for browsers and for operators."""

from __future__ import annotations

import argparse

from tus_reference.cli.flag_types import (
    parse_monitoring,
    parse_names,
    parse_number,
    parse_path,
)
from tus_reference.middleware import Cors


def add_cors(group: argparse._ArgumentGroup) -> None:
    """Add what pages of other origins may do."""
    group.add_argument("--disable-cors", action="store_true", help="do not send CORS headers")
    group.add_argument(
        "--cors-allow-origin",
        default=Cors.allow_origin,
        metavar="REGEX",
        help="pattern that all of an origin has to match (any origin: %(default)s)",
    )
    for what, text in (
        ("credentials", "let pages send cookies along; needs --cors-allow-origin"),
        ("private-network", "let pages of public sites reach this server in a private network"),
    ):
        group.add_argument(f"--cors-allow-{what}", action="store_true", help=text)
    for what, text in (
        ("allow-methods", "further methods that pages may use"),
        ("allow-headers", "further headers that pages may send"),
        ("expose-headers", "further headers that pages may read"),
    ):
        group.add_argument(
            f"--cors-{what}",
            type=parse_names,
            default=(),
            metavar="NAMES",
            help=f"{text}, separated by commas",
        )
    group.add_argument(
        "--cors-max-age",
        type=parse_number,
        default=Cors.max_age,
        metavar="SECONDS",
        help="how long browsers may remember the answer to a preflight (%(default)s)",
    )


def add_monitoring(group: argparse._ArgumentGroup) -> None:
    """Add what operators want to see."""
    group.add_argument(
        "--health-path",
        type=parse_path,
        default="/healthz",
        metavar="PATH",
        help="path that returns 200, or 503 if storage fails (%(default)s)",
    )
    group.add_argument("--expose-metrics", action="store_true", help="serve metrics for Prometheus")
    group.add_argument(
        "--metrics-path",
        type=parse_path,
        default="/metrics",
        metavar="PATH",
        help="path of the metrics (%(default)s)",
    )
    group.add_argument(
        "--monitoring-listen",
        type=parse_monitoring,
        metavar="WHERE",
        help="[HOST:]PORT, PATH or uploads (127.0.0.1, --port plus 1000)",
    )
    group.add_argument(
        "--access-log",
        choices=("json", "logfmt"),
        help="write a line about each request to standard error (no)",
    )
