"""From the flags to running processes: sockets, signals, and one line when it listens."""

from __future__ import annotations

import logging
import os
import resource
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from tus_reference.commandline.flags import parser
from tus_reference.commandline.making import new_handler, new_metrics, new_service
from tus_reference.handler import ConfigError, Handler
from tus_reference.server import Certificate, Limits, TLSListener, serve
from tus_reference.server.listening import tcp_sockets, unix_socket
from tus_reference.server.workers import Supervisor, let_signals_in, severed

if TYPE_CHECKING:
    import argparse
    import socket
    from collections.abc import AsyncIterator, Callable, Sequence

    Listener = trio.abc.Listener[trio.abc.Stream]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server until SIGTERM or SIGINT; return the exit code."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    options = parser().parse_args(arguments)
    options.store = options.store or ("s3" if options.s3_bucket else "file")
    if listed := _listed(options):
        sys.stdout.write(listed)
        return 0
    if options.workers <= 1:
        return _start(options)
    with tempfile.TemporaryDirectory(prefix="tus-workers-") as folder:
        options.shared = Path(folder)
        return _start(options)


def _start(options: argparse.Namespace) -> int:
    """Check what is wanted, listen, and serve; return the exit code."""
    try:
        handler = new_handler(options)
        new_service(options, handler)
        certificate = _certificate(options)
    except (ConfigError, OSError) as problem:
        _say(problem)
        return 2
    try:
        sockets = _sockets(options)
    except OSError as problem:
        where = options.unix_sock or f"{options.host} port {options.port}"
        _say(f"cannot listen on {where}: {problem.strerror or problem}")
        return 1
    try:
        return _serve(options, handler, sockets, certificate)
    finally:
        if options.unix_sock is not None:
            options.unix_sock.unlink(missing_ok=True)


def _listed(options: argparse.Namespace) -> str:
    """Return the faults or oddities, if that is what is asked for."""
    if "list" not in {options.misbehave, options.eccentric}:
        return ""
    from tus_reference.eccentrics import choosing, eccentrics
    from tus_reference.faults import faults

    return choosing.listing(faults() if options.misbehave == "list" else eccentrics())


def _certificate(options: argparse.Namespace) -> Certificate | None:
    if (options.tls_certificate is None) != (options.tls_key is None):
        raise ConfigError("TLS needs both --tls-certificate and --tls-key.")
    if options.tls_certificate is None:
        return None
    try:
        return Certificate(options.tls_certificate, options.tls_key)
    except OSError as problem:
        raise ConfigError(f"The certificate or its key is of no use: {problem}.") from None


def _sockets(options: argparse.Namespace) -> list[socket.socket]:
    if options.unix_sock is not None:
        return [unix_socket(options.unix_sock)]
    return tcp_sockets(options.host, options.port)


def _announce(
    options: argparse.Namespace, handler: Handler, sockets: Sequence[socket.socket]
) -> None:
    """Say what this is and where; whoever reads that may send signals already."""
    config = handler.config
    limit = f"{config.max_size} bytes" if config.max_size else "none"
    expiry = f"{config.expire_after:g} s" if config.expire_after else "never"
    _say(f"tus 1.0.0 with {', '.join(handler.extensions)}")
    _say(
        f"store: {type(config.composer.core).__name__}, "
        f"locker: {type(config.composer.locker).__name__}, "
        f"maximum size: {limit}, uploads expire: {expiry}"
    )
    scheme = "http" if options.tls_certificate is None else "https"
    if options.unix_sock is not None:
        place = f"unix:{options.unix_sock}:"
    else:
        host, port = sockets[0].getsockname()[:2]
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    sys.stdout.write(f"Listening on {scheme}://{place}{handler.locator.path}\n")
    sys.stdout.flush()


def _serve(
    options: argparse.Namespace,
    handler: Handler,
    sockets: Sequence[socket.socket],
    certificate: Certificate | None,
) -> int:
    """Serve in this process, or in several; return the exit code."""
    if options.workers <= 1:
        trio.run(_run, options, handler, sockets, certificate)
        return 0

    def work(lifeline: int) -> int:
        trio.run(_run, options, new_handler(options), sockets, certificate, lifeline)
        return 0

    buried = _adding_up(options) if options.expose_metrics else None
    supervisor = Supervisor(work, options.workers, _say, buried=buried)
    return supervisor.run(lambda: _announce(options, handler, sockets))


def _adding_up(options: argparse.Namespace) -> Callable[[int], object]:
    """Let the workers add up their numbers; return what is to be done when one of them dies."""
    # The client library looks for this when it is imported.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(options.shared)
    from prometheus_client.multiprocess import mark_process_dead

    return mark_process_dead


async def _run(
    options: argparse.Namespace,
    handler: Handler,
    sockets: Sequence[socket.socket],
    certificate: Certificate | None,
    lifeline: int | None = None,
) -> None:
    metrics = new_metrics(options, handler)
    service = new_service(options, handler, metrics)
    stop = trio.Event()
    heard = [signal.SIGTERM, signal.SIGINT]
    if certificate is not None or lifeline is not None:
        heard.append(signal.SIGHUP)
    with trio.open_signal_receiver(*heard) as signals:
        async with trio.open_nursery() as nursery:
            heed = _heed if lifeline is None else _obey
            nursery.start_soon(heed, signals, stop, certificate)
            if lifeline is None:
                _announce(options, handler, sockets)
            else:
                nursery.start_soon(_stop_when_severed, lifeline, stop)
                let_signals_in()
            await serve(
                service,
                _carried(handler, _listeners(sockets, certificate)),
                stop=stop,
                scheme="http" if certificate is None else "https",
                limits=_limits(options),
                connections=None if metrics is None else metrics.connections,
            )
            nursery.cancel_scope.cancel()


def _listeners(
    sockets: Sequence[socket.socket], certificate: Certificate | None
) -> Sequence[Listener]:
    plain = [trio.SocketListener(trio.socket.from_stdlib_socket(each)) for each in sockets]
    if certificate is None:
        return plain
    return [TLSListener(listener, certificate) for listener in plain]


def _carried(handler: Handler, listeners: Sequence[Listener]) -> Sequence[Listener]:
    """Return the listeners, whose connections an odd handler changes."""
    if type(handler) is Handler:
        return listeners
    from tus_reference.eccentrics.choosing import Listening
    from tus_reference.faults import Behaving

    return [Listening(each, handler) for each in listeners if isinstance(handler, Behaving)]


def _limits(options: argparse.Namespace) -> Limits:
    patience = options.network_timeout
    connections = options.max_connections
    if not connections:
        # Each may need its own descriptor, one of a file, and one of a lock.
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        connections = 0 if files == resource.RLIM_INFINITY else max(files // 3, 1)
    return Limits(
        keep_alive=patience, head_time=patience, send_idle=patience, connections=connections
    )


async def _heed(
    signals: AsyncIterator[int], stop: trio.Event, certificate: Certificate | None
) -> None:
    """Stop when told to, and at once when told again."""
    async for number in signals:
        if number == signal.SIGHUP:
            _renew(certificate)
            continue
        if stop.is_set():
            # Threads that wait for a disk would keep an orderly exit waiting as well.
            os._exit(1)
        _say(f"stopping on {signal.Signals(number).name}")
        stop.set()


async def _obey(
    signals: AsyncIterator[int], stop: trio.Event, certificate: Certificate | None
) -> None:
    """Stop when told to; a terminal tells workers what it tells their supervisor, who insists."""
    async for number in signals:
        if number == signal.SIGHUP:
            _renew(certificate)
        else:
            stop.set()


def _renew(certificate: Certificate | None) -> None:
    if certificate is None:
        return
    try:
        certificate.renew()
    except OSError as problem:
        _say(f"the old certificate stays, the new one is of no use: {problem}")
    else:
        _say("the certificate was read again")


async def _stop_when_severed(lifeline: int, stop: trio.Event) -> None:
    await severed(lifeline)
    stop.set()


def _say(text: object) -> None:
    sys.stderr.write(f"tus-reference: {text}\n")
    sys.stderr.flush()
