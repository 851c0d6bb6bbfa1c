"""`tus-conformance fault-proxy` and `record`: a proxy between a client and a server."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import trio

from tus_conformance.cli.arguments import random_seed
from tus_conformance.evaluation import exit_codes
from tus_conformance.proxy import (
    FaultPlanError,
    ListenError,
    ProxiedRequest,
    ProxyServer,
    SessionRecording,
    Upstream,
    UpstreamError,
    read_fault_plan,
)
from tus_conformance.runner.signals import run_until_signal


def run_fault_proxy(options: argparse.Namespace) -> int:
    """Break what passes, by a plan, until the user ends it."""
    seed = random_seed() if options.seed is None else options.seed
    try:
        rules = read_fault_plan(options.plan, seed)
        upstream = Upstream(options.upstream)
    except (FaultPlanError, UpstreamError) as wrong:
        return _usage_error(str(wrong))
    tally: Counter[str] = Counter()

    def print_request(proxied: ProxiedRequest) -> None:
        tally["requests"] += 1
        tally["broken"] += bool(proxied.faults_done)
        _print(proxied.summary())

    for rule in rules.plan.rule:
        _print(f"{rule.chance:.0%} of {', '.join(rule.methods)}: {rule.description}")
    proxy = ProxyServer(upstream, choose=rules.choose, on_end=print_request)
    code = _serve(proxy, options.listen, f"Seed {seed}. ")
    _print(f"{tally['requests']} requests, something was done to {tally['broken']} of them.")
    return code


def record_session(options: argparse.Namespace) -> int:
    """Take down what passes until the user ends it, and write it as a scenario file."""
    try:
        upstream = Upstream(options.upstream)
    except UpstreamError as wrong:
        return _usage_error(str(wrong))
    recording = SessionRecording(upstream.path)

    def print_request(proxied: ProxiedRequest) -> None:
        _print(proxied.summary())

    proxy = ProxyServer(upstream, on_request=recording.add, on_end=print_request)
    code = _serve(proxy, options.listen, "")
    return code or _write(recording, options.out)


def _write(recording: SessionRecording, file: Path) -> int:
    text = recording.format_scenario_file(file.stem)
    if text is None:
        return _usage_error(
            "No upload was made, so nothing was written.", exit_codes.NOTHING_SELECTED
        )
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        return _usage_error(f"{file} cannot be written to: {error.strerror}.")
    for note in recording.notes:
        _warn(note)
    _print(f"Replay it: tus-conformance run --target URL --scenarios {file}")
    return exit_codes.CONFORMANT


def _serve(proxy: ProxyServer, port: int, preface: str) -> int:
    def ready(found: int) -> None:
        _print(
            f"{preface}Give the client http://127.0.0.1:{found}{proxy.upstream.path}"
            f" instead of {proxy.upstream.origin}{proxy.upstream.path}; end it with Ctrl-C."
        )

    port_errors: list[str] = []
    try:
        trio.run(_serve_until_signal, proxy, port, ready)
    except* ListenError as errors:
        port_errors = [str(_first_leaf(errors))]
    return _usage_error(port_errors[0]) if port_errors else exit_codes.CONFORMANT


def _first_leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _serve_until_signal(proxy: ProxyServer, port: int, ready: Callable[[int], None]) -> None:
    scope = trio.CancelScope()

    async def serve_in_scope() -> None:
        with scope:
            async with trio.open_nursery() as nursery:
                ready(await nursery.start(proxy.serve, port))

    await run_until_signal(serve_in_scope, scope.cancel)


def _usage_error(sentence: str, code: int = exit_codes.USAGE) -> int:
    _warn(sentence)
    return code


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _warn(sentence: str) -> None:
    print(f"tus-conformance: {sentence}", file=sys.stderr)  # noqa: T201
