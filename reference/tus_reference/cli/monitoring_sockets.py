"""Where health and metrics are served: apart from the uploads, unless a flag says otherwise.

By default only this machine reaches them, so no proxy has to hide them. `--port` decides about the
port, so that several servers of one machine each have a port that is known before.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tus_reference.cli.flag_types import MAX_PORT, WITH_UPLOADS
from tus_reference.server.sockets import listen_tcp, listen_unix

if TYPE_CHECKING:
    import argparse
    import socket
    from collections.abc import Callable

LOOPBACK: Final = "127.0.0.1"
PORT_DISTANCE: Final = 1000
"""What is added to the port of the uploads."""


def open_monitoring_sockets(
    options: argparse.Namespace, print_status: Callable[[str], None]
) -> list[socket.socket]:
    """Return the sockets for health and metrics; none if they are served with the uploads.

    Raises `OSError` if the place that a flag names is taken. If the default one is, a free port
    is used, which `print_status` reports: it must not keep uploads from being served.
    """
    place = options.monitoring_listen
    if place == WITH_UPLOADS or not (options.health_path or options.expose_metrics):
        return []
    if isinstance(place, Path):
        return [listen_unix(place)]
    if place is not None:
        return listen_tcp(*place)
    if options.unix_sock is not None:
        return [listen_unix(monitoring_path(options.unix_sock))]
    return _listen_beside(options.port, print_status)


def _listen_beside(port: int, print_status: Callable[[str], None]) -> list[socket.socket]:
    wanted = port + PORT_DISTANCE
    if not port or wanted > MAX_PORT:
        return listen_tcp(LOOPBACK, 0)
    try:
        return listen_tcp(LOOPBACK, wanted)
    except OSError as problem:
        if problem.errno not in {errno.EADDRINUSE, errno.EACCES}:
            raise
        print_status(f"port {wanted} is not free for monitoring; see --monitoring-listen")
        return listen_tcp(LOOPBACK, 0)


def monitoring_path(upload_socket: Path) -> Path:
    """Return where the socket for monitoring is if uploads come through `upload_socket`."""
    return upload_socket.with_name(f"{upload_socket.name}.monitoring")


def describe_place(options: argparse.Namespace) -> str:
    """Return where the sockets were wanted, for an error."""
    place = options.monitoring_listen
    if place is None:
        unix = options.unix_sock
        return f"{LOOPBACK}, any port" if unix is None else str(monitoring_path(unix))
    return str(place) if isinstance(place, Path) else " port ".join(map(str, place))


def describe_socket(listening: socket.socket) -> str:
    """Return the address of a socket, as URL or as path."""
    name = listening.getsockname()
    if isinstance(name, str):
        return f"unix:{name}"
    host, port = name[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"
