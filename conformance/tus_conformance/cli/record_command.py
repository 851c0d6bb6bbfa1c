"""`tus-conformance record`: a proxy that saves a client session as a scenario file."""

from __future__ import annotations

import argparse
from pathlib import Path

from tus_conformance.cli.output import print_error, print_line, usage_error
from tus_conformance.cli.output_files import ensure_writable
from tus_conformance.cli.proxy_options import add_proxy_options, serve_proxy
from tus_conformance.evaluation import exit_codes
from tus_conformance.proxy import (
    ProxiedRequest,
    ProxyServer,
    SessionRecording,
    Upstream,
    UpstreamError,
)

DESCRIPTION = """\
Relay requests from a client to a server, and save the session, broken
connections included, as a scenario file that `run --scenarios FILE` replays
on any server. The file contains no user data: contents are generated, and
only headers of the protocol are kept. End the recording with Ctrl-C."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `record`."""
    add_proxy_options(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file to write")


def run(options: argparse.Namespace) -> int:
    """Record requests until the user ends it, and write them as a scenario file."""
    try:
        upstream = Upstream(options.upstream)
    except UpstreamError as wrong:
        return usage_error(str(wrong))
    try:
        ensure_writable(options.out)
    except OSError as error:
        return usage_error(f"{options.out} cannot be written: {error.strerror}.")
    recording = SessionRecording(upstream.path)

    def print_request(proxied: ProxiedRequest) -> None:
        print_line(proxied.summary())

    proxy = ProxyServer(upstream, on_request=recording.add, on_end=print_request)
    code = serve_proxy(proxy, options.listen, "")
    return code or _write(recording, options.out)


def _write(recording: SessionRecording, file: Path) -> int:
    text = recording.format_scenario_file(file.stem)
    if text is None:
        return usage_error(
            "No upload was made, so nothing was written.", exit_codes.NOTHING_SELECTED
        )
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        return usage_error(f"{file} cannot be written: {error.strerror}.")
    for note in recording.notes:
        print_error(note)
    print_line(f"Replay it: tus-conformance run --target URL --scenarios {file}")
    return exit_codes.CONFORMANT
