"""Sockets to listen on, of TCP and of the file system: made without trio, so as to be shared."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# More than the system allows: it takes what it can.
BACKLOG: Final = 0xFFFF


def listen_tcp(host: str, port: int) -> list[socket.socket]:
    """Return sockets that listen on every address of `host`; raise `OSError` if they cannot."""
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    unavailable: OSError | None = None
    try:
        for family, _, _, _, address in dict.fromkeys(addresses):
            # With port 0, the one that was free for the first address serves for all.
            number = sockets[0].getsockname()[1] if sockets else address[1]
            try:
                address_and_port = (address[0], number, *address[2:])
                sockets.append(
                    socket.create_server(address_and_port, family=family, backlog=BACKLOG)
                )
            except OSError as problem:
                # Names have addresses of both kinds, and many machines only know one of them.
                if problem.errno not in {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}:
                    raise
                unavailable = problem
    except BaseException:
        for each in sockets:
            each.close()
        raise
    if unavailable is not None and not sockets:
        raise unavailable
    return sockets


def listen_unix(path: Path) -> socket.socket:
    """Return a socket that listens at `path`; replace one that a dead server left.

    Raises `OSError` if somebody does, or if there is a file of another kind.
    """
    listening = socket.socket(socket.AF_UNIX)
    try:
        _remove_stale_socket(path)
        listening.bind(str(path))
        listening.listen(BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


@contextlib.contextmanager
def remove_files_afterwards(sockets: Sequence[socket.socket]) -> Iterator[None]:
    """Remove the files of those sockets that have one when the block ends."""
    names = [each.getsockname() for each in sockets]
    try:
        yield
    finally:
        for name in names:
            if name and isinstance(name, str):
                Path(name).unlink(missing_ok=True)


def _remove_stale_socket(path: Path) -> None:
    """Remove a socket that was left by a server which was killed."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.stat().st_mode):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
                return
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE), str(path))
