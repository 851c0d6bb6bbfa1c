"""A lock on the upload folder: servers that do not know of each other must not write to one.

With locks in memory, a server is alone in its folder; servers with a common locker share it. The
system drops the lock with the processes that hold it, so a crash leaves nothing behind.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

from tus_reference.handler import ConfigError

if TYPE_CHECKING:
    import argparse

WAIT: Final = 5.0
"""How long, in seconds, a start waits for a server that is stopping."""

_POLL: Final = 0.05


def lock_folder(options: argparse.Namespace) -> None:
    """Lock the upload folder for this process and its workers; raise `ConfigError` if it is in use.

    Nothing is locked where the system or the file system cannot do that.
    """
    if options.store != "file":
        return
    try:
        import fcntl
    except ImportError:
        return
    is_alone = options.workers <= 1 and options.locker in {None, "memory"}
    kind = fcntl.LOCK_EX if is_alone else fcntl.LOCK_SH
    # It stays open until the process ends.
    descriptor = os.open(options.upload_dir, os.O_RDONLY)
    deadline = time.monotonic() + WAIT
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(_POLL)
                continue
            os.close(descriptor)
            raise ConfigError(
                f"Another server uses {options.upload_dir}. Servers that share a folder need a"
                " common locker: give each of them --locker file."
            ) from None
        except OSError:
            os.close(descriptor)
        return
