"""The reference as an ASGI application, served by a server of the trade.

    python -m interop.asgi uvicorn|hypercorn PORT FOLDER

(from the folder reference/). uvicorn runs it on asyncio, hypercorn on trio.
"""

from __future__ import annotations

import logging
import sys
from functools import partial
from typing import Any, cast

from tus_reference import Config, FileStore, MemoryLocker, StoreComposer
from tus_reference.asgi import TusApp

MAX_SIZE = 64 * 1024 * 1024


def new_app(folder: str) -> TusApp:
    """Return the application that keeps uploads in `folder` for an hour."""
    composer = StoreComposer()
    FileStore(folder).use_in(composer)
    MemoryLocker().use_in(composer)
    return TusApp(Config(store_composer=composer, max_size=MAX_SIZE, expire_after=3600.0))


def uvicorn(app: TusApp, port: int) -> None:
    """Serve on asyncio; a stop waits for requests, but not for ever."""
    import uvicorn

    uvicorn.run(app, port=port, log_level="warning", timeout_graceful_shutdown=5)


def hypercorn(app: TusApp, port: int) -> None:
    """Serve on trio."""
    import hypercorn.trio
    import trio

    settings = hypercorn.Config()
    settings.bind = [f"127.0.0.1:{port}"]
    # hypercorn types each message; ours are mappings, as Starlette has them.
    trio.run(partial(hypercorn.trio.serve, cast("Any", app), settings, mode="asgi"))


def main() -> int:
    """Serve until a signal stops it."""
    servers = {"uvicorn": uvicorn, "hypercorn": hypercorn}
    if len(sys.argv) != 4 or sys.argv[1] not in servers:
        print(__doc__, file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.WARNING)
    servers[sys.argv[1]](new_app(sys.argv[3]), int(sys.argv[2]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
