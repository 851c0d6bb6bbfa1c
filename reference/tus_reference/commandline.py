"""The command line: flags under tusd's names, one line on standard output, the rest on error."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from tus_reference.handler import Config, ConfigError, Handler, StoreComposer
from tus_reference.lockers import MemoryLocker
from tus_reference.server import serve
from tus_reference.stores import FileStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence


def parser() -> argparse.ArgumentParser:
    """Return the flags and their help, which is the manual."""
    flags = argparse.ArgumentParser(
        prog="tus-reference",
        description="A tus 1.0.0 server for resumable uploads.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    flags.add_argument("--host", default="127.0.0.1", help="address to listen on")
    flags.add_argument("--port", type=int, default=8080, help="port to listen on; 0: a free one")
    flags.add_argument("--base-path", default="/files/", help="path, or URL, of the endpoint")
    flags.add_argument(
        "--upload-dir", "--dir", type=Path, default=Path("data"), help="folder of the uploads"
    )
    flags.add_argument(
        "--max-size", type=int, default=0, metavar="BYTES", help="largest upload; 0: no limit"
    )
    return flags


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server until SIGTERM or SIGINT; return the exit code."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    options = parser().parse_args(arguments)
    try:
        handler = _handler(options)
    except (ConfigError, OSError) as problem:
        _say(f"tus-reference: {problem}")
        return 2
    try:
        trio.run(partial(_run, handler, options.host, options.port))
    except OSError as problem:
        _say(f"tus-reference: cannot listen: {problem}")
        return 1
    return 0


def _handler(options: argparse.Namespace) -> Handler:
    composer = StoreComposer()
    FileStore(options.upload_dir).use_in(composer)
    MemoryLocker().use_in(composer)
    return Handler(
        Config(
            store_composer=composer,
            base_path=options.base_path,
            max_size=options.max_size,
            spool_directory=options.upload_dir,
        )
    )


async def _run(handler: Handler, host: str, port: int) -> None:
    listeners = await trio.open_tcp_listeners(port, host=host)
    stop = trio.Event()
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_stop_on, signals, stop)
            bound = listeners[0].socket.getsockname()
            name = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
            sys.stdout.write(f"Listening on http://{name}:{bound[1]}{handler.locator.path}\n")
            sys.stdout.flush()
            await serve(handler, listeners, stop=stop)
            nursery.cancel_scope.cancel()


async def _stop_on(signals: AsyncIterator[int], stop: trio.Event) -> None:
    async for number in signals:
        if stop.is_set():
            sys.exit(1)
        _say(f"Stopping on {signal.Signals(number).name}")
        stop.set()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
