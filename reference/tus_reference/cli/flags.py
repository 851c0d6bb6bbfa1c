"""The flags and their help, which is the manual; tusd's names where tusd has them."""

from __future__ import annotations

import argparse
import textwrap
from importlib.metadata import version
from pathlib import Path
from typing import Final

from tus_reference.cli.flag_parser import FlagParser, StoreOnce
from tus_reference.cli.flag_types import (
    parse_count,
    parse_number,
    parse_port,
    parse_seconds,
    parse_size,
)
from tus_reference.cli.hook_flags import add_hooks
from tus_reference.cli.storage_flags import add_s3, add_storage
from tus_reference.cli.web_flags import add_cors, add_monitoring
from tus_reference.hooks import HOOK_NAMES

DESCRIPTION: Final = """\
A server for tus 1.0.0, the protocol for resumable uploads, with all of its
extensions.

When it accepts connections it prints one line on standard output,
  Listening on http://HOST:PORT/files/
and everything else on standard error. SIGTERM and SIGINT stop it: what has
arrived is stored, requests in progress are answered, and the exit code is 0.
A second signal stops it at once.
"""

EPILOG: Final = """\
SECONDS may be plain (90, 0.5) or carry units (90s, 1m30s, 500ms, 24h).

--behind-proxy trusts Forwarded and X-Forwarded-Host, -Proto, -Port, -Prefix and
-For from any sender: only a proxy that sets each of them makes that safe.

--monitoring-listen says where health and metrics are: on a port, or with a / in
it on a socket of the file system; "uploads" serves them where clients upload,
as tusd does. By default only this machine reaches them: on --port plus 1000, or
on the socket of --unix-sock with .monitoring after its name.

hook events: {events};
by default all but pre-finish and pre-terminate.

files of the file store:
  ID        the bytes of an upload, in the format of tusd
  ID.info   what is known about it, in the format of tusd

The S3 store keeps uploads as tusd does, too. Credentials, region and endpoint
are found as by every AWS tool: in AWS_ACCESS_KEY_ID and its like, in
AWS_PROFILE and its files, or in the role of the machine. Parts wait in the
folder that TMPDIR names.

exit codes: 0 stopped by a signal, 1 cannot listen, 2 the settings cannot work
"""


def new_parser() -> FlagParser:
    """Return the flags and their help, which is the manual."""
    flags = FlagParser(
        prog="tus-reference",
        description=DESCRIPTION,
        epilog=EPILOG.format(
            events=textwrap.fill(", ".join(HOOK_NAMES), 80, initial_indent=" " * 13)[13:]
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    flags.add_argument(
        "--version", action="version", version=f"tus-reference {version('tus-conformance')}"
    )
    _add_network(flags.add_argument_group("network"))
    add_storage(flags.add_argument_group("storage"))
    add_s3(flags.add_argument_group("storage in S3"))
    _add_protocol(flags.add_argument_group("protocol"))
    _add_timeouts(flags.add_argument_group("timeouts"))
    add_cors(flags.add_argument_group("pages of other origins (CORS)"))
    add_monitoring(flags.add_argument_group("watching it"))
    add_hooks(flags.add_argument_group("hooks, in the format of tusd"))
    _add_client_testing(flags.add_argument_group("trying clients and suites"))
    # A folder that the workers of this start share; none for one process.
    flags.set_defaults(shared=None)
    return flags


def _add_network(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    group.add_argument(
        "--port",
        type=parse_port,
        default=8080,
        help="port to listen on, 0 for a free one (%(default)s)",
    )
    group.add_argument(
        "--base-path",
        default="/files/",
        metavar="PATH",
        help="path of the endpoint, or the URL that clients see (%(default)s)",
    )
    group.add_argument(
        "--behind-proxy",
        action="store_true",
        help="trust Forwarded and X-Forwarded-*, which the proxy must set",
    )
    group.add_argument(
        "--relative-location",
        action="store_true",
        help="send the path alone in Location, which some clients reject",
    )
    group.add_argument(
        "--unix-sock",
        type=Path,
        metavar="PATH",
        help="listen on this socket of the file system, not on host and port",
    )
    group.add_argument(
        "--tls-certificate",
        type=Path,
        metavar="FILE",
        help="chain of certificates for TLS, in PEM; SIGHUP reloads it",
    )
    group.add_argument("--tls-key", type=Path, metavar="FILE", help="key of the certificate")
    group.add_argument(
        "--workers",
        type=parse_count,
        default=1,
        metavar="NUMBER",
        help="processes that share the port and the uploads (%(default)s)",
    )
    group.add_argument(
        "--max-connections",
        type=parse_number,
        default=0,
        metavar="NUMBER",
        help="connections of each process; 0: a fifth of its file limit (%(default)s)",
    )


def _add_protocol(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--max-size",
        type=parse_size,
        default=0,
        metavar="BYTES",
        help="largest upload, 0 for no limit (%(default)s)",
    )
    group.add_argument(
        "--expire-after",
        type=parse_seconds,
        default=0.0,
        metavar="SECONDS",
        help="remove unfinished uploads after this time; 0: never (0)",
    )
    group.add_argument(
        "--expire-from",
        choices=("last-patch", "creation"),
        default="last-patch",
        help="what the time of expiry counts from (%(default)s)",
    )
    for what in ("download", "termination", "concatenation"):
        group.add_argument(
            f"--disable-{what}", action="store_true", help=f"neither offer nor accept {what}"
        )
    group.add_argument(
        "--disable-checksum-trailer",
        action="store_true",
        help="do not offer checksums in trailers, which nginx drops",
    )


def _add_timeouts(group: argparse._ArgumentGroup) -> None:
    for name, default, text in (
        ("--network-timeout", 60.0, "longest wait for a client to send anything"),
        ("--acquire-lock-timeout", 20.0, "longest wait for another request to let go"),
        ("--shutdown-timeout", 10.0, "longest wait for requests when stopping"),
    ):
        group.add_argument(
            name,
            type=parse_seconds,
            default=default,
            metavar="SECONDS",
            help=f"{text} ({default:g})",
        )


def _add_client_testing(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--defect",
        action=StoreOnce,
        metavar="ID",
        help="break one requirement of the protocol; list shows all IDs",
    )
    group.add_argument(
        "--quirk",
        action=StoreOnce,
        metavar="ID",
        help="be unusual but conforming; list shows all IDs",
    )
    # What these flags were called before.
    group.add_argument("--misbehave", dest="defect", help=argparse.SUPPRESS)
    group.add_argument("--eccentric", dest="quirk", help=argparse.SUPPRESS)
