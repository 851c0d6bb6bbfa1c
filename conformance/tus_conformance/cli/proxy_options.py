"""What the commands that run a proxy share: their options, and serving until Ctrl-C."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

import trio

from tus_conformance.cli.output import print_line, usage_error
from tus_conformance.discovery.preflight import ensure_endpoint
from tus_conformance.discovery.prober import NotATusServerError, TargetUnreachable
from tus_conformance.evaluation import exit_codes
from tus_conformance.proxy import ProxyServer, Upstream
from tus_conformance.runner.option_values import parse_integer
from tus_conformance.runner.signals import run_until_signal
from tus_conformance.targets.target import Target, TargetError
from tus_conformance.targets.target_transport import transport_for
from tus_conformance.transport.loopback_listener import ListenError


def add_proxy_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a command that runs a proxy."""
    parser.add_argument(
        "--listen",
        type=partial(parse_integer, lowest=0, highest=65535),
        default=0,
        metavar="PORT",
        help="the port of 127.0.0.1 to listen on (default: a free one)",
    )
    parser.add_argument(
        "--upstream",
        required=True,
        metavar="URL",
        help="the creation URL; the client uses its path with the proxy's port",
    )


def serve_proxy(proxy: ProxyServer, port: int, preface: str) -> int:
    """Serve until Ctrl-C; return 0, 2 if the port cannot be listened on, 3 for no tus server."""

    def ready(found: int) -> None:
        print_line(
            f"{preface}Give the client http://127.0.0.1:{found}{proxy.upstream.path}"
            f" instead of {proxy.upstream.origin}{proxy.upstream.path}; end it with Ctrl-C."
        )

    try:
        trio.run(_ensure_upstream, proxy.upstream)
    except TargetError as wrong:
        return usage_error(str(wrong))
    except TargetUnreachable as unreachable:
        return usage_error(f"{unreachable} Nothing was relayed.", exit_codes.UNDETERMINED)
    port_errors: list[str] = []
    try:
        trio.run(_serve_until_signal, proxy, port, ready)
    except* ListenError as errors:
        port_errors = [str(first_leaf(errors))]
    return usage_error(port_errors[0]) if port_errors else exit_codes.CONFORMANT


async def _ensure_upstream(upstream: Upstream) -> None:
    """Raise TargetUnreachable unless a tus server answers, or something wants a login first.

    Clients send their own credentials.
    """
    target = Target(upstream.url)
    try:
        await ensure_endpoint(target, transport_for(target))
    except NotATusServerError as refused:
        if not refused.needs_login:
            raise


def first_leaf(error: BaseException) -> BaseException:
    """Return the first error of a group, or the error itself."""
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
