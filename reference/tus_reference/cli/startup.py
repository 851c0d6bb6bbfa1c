"""From the flags to running processes: sockets, signals, and one line when it listens."""

from __future__ import annotations

import errno
import logging
import os
import re
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING, Final

import trio

from tus_reference.cli.changes import list_defects_or_quirks, wrap_listeners
from tus_reference.cli.factories import (
    new_handler,
    new_metrics,
    new_monitoring_service,
    new_service,
)
from tus_reference.cli.flags import new_parser
from tus_reference.cli.folder_lock import lock_folder
from tus_reference.cli.monitoring_sockets import (
    describe_place,
    describe_socket,
    open_monitoring_sockets,
)
from tus_reference.cli.worker_folder import open_worker_folder
from tus_reference.handler import ConfigError, Handler
from tus_reference.server import Certificate, Limits, TLSListener, serve
from tus_reference.server.sockets import listen_tcp, listen_unix, remove_files_afterwards
from tus_reference.server.supervisor import Supervisor, unblock_signals, wait_parent_exit

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator, Callable, Sequence

    from tus_reference.middleware.metrics import Metrics

    Listener = trio.abc.Listener[trio.abc.Stream]


EXIT_GRACE: Final = 2.0
MONITORING_CONNECTIONS: Final = 16

_RELOAD_SIGNAL = getattr(signal, "SIGHUP", None)
"""The signal that reloads the certificate; Windows has none."""


_SETTING = re.compile(
    r"\b(network_timeout|acquire_lock_timeout|shutdown_timeout|max_size|expire_after|base_path)\b"
)
"""A setting of `Config` in a message; here it is a flag."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server until SIGTERM or SIGINT; return the exit code."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    options = new_parser().parse_flags(arguments)
    options.store = options.store or ("s3" if options.s3_bucket else "file")
    if listing_text := list_defects_or_quirks(options):
        sys.stdout.write(listing_text)
        return 0
    if options.workers <= 1:
        return _check_and_serve(options)
    with open_worker_folder() as folder:
        options.shared = folder
        return _check_and_serve(options)


def _check_and_serve(options: argparse.Namespace) -> int:
    """Check the settings, listen, and serve; return the exit code."""
    try:
        _ensure_system(options)
        handler = new_handler(options)
        new_service(options, handler)
        certificate = _load_certificate(options)
        _ensure_bucket(options)
    except ConfigError as problem:
        _print_status(_SETTING.sub(lambda found: f"--{found[0].replace('_', '-')}", str(problem)))
        return 2
    except OSError as problem:
        _print_status(f"cannot use {problem.filename}: {problem.strerror}; see --upload-dir")
        return 2
    try:
        sockets = _open_sockets(options)
    except OSError as problem:
        where = options.unix_sock or f"{options.host} port {options.port}"
        _print_status(f"cannot listen on {where}: {_explain_listen_error(problem)}")
        return 1
    with remove_files_afterwards(sockets):
        try:
            lock_folder(options)
        except ConfigError as problem:
            _print_status(problem)
            return 2
        return _serve_with_monitoring(options, handler, sockets, certificate)


def _serve_with_monitoring(
    options: argparse.Namespace,
    handler: Handler,
    sockets: Sequence[socket.socket],
    certificate: Certificate | None,
) -> int:
    """Listen for those who ask for health and metrics, too, and serve; return the exit code."""
    try:
        options.monitoring_sockets = open_monitoring_sockets(options, _print_status)
    except OSError as problem:
        reason = problem.strerror or problem
        _print_status(f"cannot listen on {describe_place(options)} for monitoring: {reason}")
        return 1
    with remove_files_afterwards(options.monitoring_sockets):
        return _serve_in_processes(options, handler, sockets, certificate)


def _explain_listen_error(problem: OSError) -> str:
    """Return why the system does not listen, and for a port in use what to do."""
    if problem.errno == errno.EADDRINUSE:
        return f"{os.strerror(errno.EADDRINUSE)}. Stop the other server, or give another --port."
    return str(problem.strerror or problem)


def _ensure_system(options: argparse.Namespace) -> None:
    """Raise `ConfigError` for what this system cannot do."""
    if options.workers > 1 and not hasattr(os, "fork"):
        raise ConfigError("--workers needs a system with fork, such as Linux or macOS.")
    if options.unix_sock is not None and not hasattr(socket, "AF_UNIX"):
        raise ConfigError("--unix-sock needs a system with Unix sockets, such as Linux or macOS.")
    if options.store == "file" and not hasattr(os, "pwrite"):
        raise ConfigError("--store file needs Linux or macOS; --store memory works everywhere.")


def _ensure_bucket(options: argparse.Namespace) -> None:
    """Raise `ConfigError` if the bucket does not exist, before anything says that it listens."""
    if options.store == "s3":
        from tus_reference.stores.s3 import connect, ensure_bucket

        ensure_bucket(connect(options.s3_endpoint, max_attempts=1), options.s3_bucket)


def _load_certificate(options: argparse.Namespace) -> Certificate | None:
    if (options.tls_certificate is None) != (options.tls_key is None):
        raise ConfigError("TLS needs both --tls-certificate and --tls-key.")
    if options.tls_certificate is None:
        return None
    try:
        return Certificate(options.tls_certificate, options.tls_key)
    except OSError as problem:
        raise ConfigError(
            f"Cannot load the TLS certificate {options.tls_certificate} with the key"
            f" {options.tls_key}: {problem}. Both must be PEM files, and belong together."
        ) from None


def _open_sockets(options: argparse.Namespace) -> list[socket.socket]:
    if options.unix_sock is not None:
        return [listen_unix(options.unix_sock)]
    return listen_tcp(options.host, options.port)


def _announce(
    options: argparse.Namespace, handler: Handler, sockets: Sequence[socket.socket]
) -> None:
    """Print the settings and the address; from then on signals are handled."""
    config = handler.config
    limit = f"{config.max_size} bytes" if config.max_size else "none"
    expiry = f"{config.expire_after:g} s" if config.expire_after else "never"
    _print_status(f"tus 1.0.0 with {', '.join(handler.extensions)}")
    _print_status(
        f"store: {type(config.composer.core).__name__}, "
        f"locker: {type(config.composer.locker).__name__}, "
        f"maximum size: {limit}, uploads expire: {expiry}"
    )
    for each in options.monitoring_sockets:
        _print_status(f"monitoring on {describe_socket(each)}")
    scheme = "http" if options.tls_certificate is None else "https"
    if options.unix_sock is not None:
        place = f"unix:{options.unix_sock}:"
    else:
        host, port = sockets[0].getsockname()[:2]
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    sys.stdout.write(f"Listening on {scheme}://{place}{handler.upload_urls.path}\n")
    sys.stdout.flush()


def _serve_in_processes(
    options: argparse.Namespace,
    handler: Handler,
    sockets: Sequence[socket.socket],
    certificate: Certificate | None,
) -> int:
    """Serve in this process, or in several; return the exit code."""
    if options.workers <= 1:
        trio.run(_serve_until_stopped, options, handler, sockets, certificate)
        return 0

    def run_worker(parent_pipe: int) -> int:
        trio.run(
            _serve_until_stopped, options, new_handler(options), sockets, certificate, parent_pipe
        )
        return 0

    on_worker_exit = _enable_shared_metrics(options) if options.expose_metrics else None
    supervisor = Supervisor(
        run_worker, options.workers, _print_status, on_worker_exit=on_worker_exit
    )
    return supervisor.run(lambda: _announce(options, handler, sockets))


def _enable_shared_metrics(options: argparse.Namespace) -> Callable[[int], object]:
    """Let the workers add up their numbers; return what is to be done when one of them dies."""
    # The client library looks for this when it is imported.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(options.shared)
    from prometheus_client.multiprocess import mark_process_dead

    return mark_process_dead


async def _serve_until_stopped(
    options: argparse.Namespace,
    handler: Handler,
    sockets: Sequence[socket.socket],
    certificate: Certificate | None,
    parent_pipe: int | None = None,
) -> None:
    metrics = new_metrics(options, handler)
    service = new_service(options, handler, metrics)
    stop = trio.Event()
    handled_signals = [signal.SIGTERM, signal.SIGINT]
    if _RELOAD_SIGNAL is not None and (certificate is not None or parent_pipe is not None):
        handled_signals.append(_RELOAD_SIGNAL)
    with trio.open_signal_receiver(*handled_signals) as signals:
        async with trio.open_nursery() as nursery:
            if options.hooks is not None:
                nursery.start_soon(options.hooks.run, handler)
            handle_signals = _handle_signals if parent_pipe is None else _handle_worker_signals
            nursery.start_soon(handle_signals, signals, stop, certificate)
            nursery.start_soon(_end_after_stop, stop, handler.config.shutdown_timeout)
            if options.monitoring_sockets:
                nursery.start_soon(_serve_monitoring, options, handler, metrics, stop)
            if parent_pipe is None:
                _announce(options, handler, sockets)
            else:
                nursery.start_soon(_stop_on_parent_exit, parent_pipe, stop)
                unblock_signals()
            await serve(
                service,
                wrap_listeners(options, handler.config, _new_listeners(sockets, certificate)),
                stop=stop,
                scheme="http" if certificate is None else "https",
                limits=_connection_limits(options),
                on_connections_change=None if metrics is None else metrics.add_connections,
            )
            nursery.cancel_scope.cancel()


async def _serve_monitoring(
    options: argparse.Namespace, handler: Handler, metrics: Metrics | None, stop: trio.Event
) -> None:
    service = new_monitoring_service(options, handler, metrics)
    listeners = _new_listeners(options.monitoring_sockets, None)
    await serve(service, listeners, stop=stop, limits=Limits(connections=MONITORING_CONNECTIONS))


async def _end_after_stop(stop: trio.Event, shutdown_timeout: float) -> None:
    """End the process some time after `stop`: a thread that waits for a disk may never return."""
    await stop.wait()
    timer = threading.Timer(shutdown_timeout + EXIT_GRACE, _exit_at_once)
    timer.daemon = True
    timer.start()
    try:
        await trio.sleep_forever()
    finally:
        timer.cancel()


def _exit_at_once() -> None:
    _print_status("exiting without waiting for storage that does not answer")
    os._exit(1)


def _new_listeners(
    sockets: Sequence[socket.socket], certificate: Certificate | None
) -> Sequence[Listener]:
    plain = [trio.SocketListener(trio.socket.from_stdlib_socket(each)) for each in sockets]
    if certificate is None:
        return plain
    return [TLSListener(listener, certificate) for listener in plain]


# A connection may need its own descriptor, those of the upload, of its lock and of the request to
# let go of it, and that of a body which is kept aside.
_FILES_PER_CONNECTION: Final = 5
# Listeners, the event loop, the log, and what threads open for a moment.
_RESERVED_FILES: Final = 32


def _connection_limits(options: argparse.Namespace) -> Limits:
    timeout = options.network_timeout
    connections = options.max_connections
    if not connections:
        files = _max_open_files()
        usable = max(files - _RESERVED_FILES, 0) // _FILES_PER_CONNECTION
        connections = max(usable, 1) if files else 0
    return Limits(keep_alive=timeout, head_time=timeout, send_idle=timeout, connections=connections)


def _max_open_files() -> int:
    """Return how many files the process may have open; 0 where the system sets no such limit."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 0 if files == resource.RLIM_INFINITY else files


async def _handle_signals(
    signals: AsyncIterator[int], stop: trio.Event, certificate: Certificate | None
) -> None:
    """Stop at the first signal, and at once at the second."""
    async for number in signals:
        if number == _RELOAD_SIGNAL:
            _reload_certificate(certificate)
            continue
        if stop.is_set():
            # Threads that wait for a disk would keep an orderly exit waiting as well.
            os._exit(1)
        _print_status(f"stopping on {signal.Signals(number).name}")
        stop.set()


async def _handle_worker_signals(
    signals: AsyncIterator[int], stop: trio.Event, certificate: Certificate | None
) -> None:
    """Stop at a signal; a terminal sends Ctrl-C to the workers and to their supervisor."""
    async for number in signals:
        if number == _RELOAD_SIGNAL:
            _reload_certificate(certificate)
        else:
            stop.set()


def _reload_certificate(certificate: Certificate | None) -> None:
    if certificate is None:
        return
    try:
        certificate.reload()
    except OSError as problem:
        _print_status(
            f"cannot load the new TLS certificate or key, the old certificate stays: {problem}"
        )
    else:
        _print_status("reloaded the TLS certificate")


async def _stop_on_parent_exit(parent_pipe: int, stop: trio.Event) -> None:
    await wait_parent_exit(parent_pipe)
    stop.set()


def _print_status(text: object) -> None:
    sys.stderr.write(f"tus-reference: {text}\n")
    sys.stderr.flush()
