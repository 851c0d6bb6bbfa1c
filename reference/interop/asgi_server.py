"""The reference as an ASGI application, served by a server of the trade.

    python -m interop.asgi_server uvicorn|hypercorn PORT FOLDER

(from the folder reference/). uvicorn runs it on asyncio, hypercorn on trio.
"""

from __future__ import annotations

import argparse
import logging
import sys
from functools import partial
from typing import Any, cast

from tus_reference import Config, FileStore, MemoryLocker, StoreComposer
from tus_reference.asgi import TusApp
from tus_reference.middleware import Cors


def new_app(options: argparse.Namespace) -> TusApp:
    """Return the application that the arguments describe."""
    composer = StoreComposer()
    FileStore(options.folder).use_in(composer)
    MemoryLocker().use_in(composer)
    config = Config(
        store_composer=composer,
        max_size=options.max_size,
        expire_after=options.expire_after,
        network_timeout=options.network_timeout,
    )
    return TusApp(config, Cors())


def serve_with_uvicorn(app: TusApp, port: int) -> None:
    """Serve on asyncio; a stop waits for requests, but not for ever."""
    import uvicorn

    uvicorn.run(app, port=port, log_level="warning", timeout_graceful_shutdown=5)


def serve_with_hypercorn(app: TusApp, port: int) -> None:
    """Serve on trio."""
    import hypercorn.trio
    import trio

    settings = hypercorn.Config()
    settings.bind = [f"127.0.0.1:{port}"]
    # Else it leaves after a thousand requests of one client, as the benchmarks make them.
    settings.keep_alive_max_requests = 1_000_000
    # hypercorn types each message; ours are mappings, as Starlette has them.
    trio.run(partial(hypercorn.trio.serve, cast("Any", app), settings, mode="asgi"))


def main() -> int:
    """Serve until a signal stops it."""
    servers = {"uvicorn": serve_with_uvicorn, "hypercorn": serve_with_hypercorn}
    arguments = argparse.ArgumentParser(prog="interop.asgi_server")
    arguments.add_argument("server", choices=servers)
    arguments.add_argument("port", type=int)
    arguments.add_argument("folder")
    # The largest upload is small enough to exceed, so that every requirement is reached.
    arguments.add_argument("--max-size", type=int, default=64 * 1024 * 1024)
    arguments.add_argument("--expire-after", type=float, default=3600.0)
    arguments.add_argument("--network-timeout", type=float, default=60.0)
    options = arguments.parse_args()
    logging.basicConfig(level=logging.WARNING)
    servers[options.server](new_app(options), options.port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
