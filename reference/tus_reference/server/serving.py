"""`serve`: many connections on listeners, and a stop that saves what arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from tus_reference.server.connection import Connection, Limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tus_reference.middleware import Service


async def serve(
    service: Service,
    listeners: Sequence[trio.abc.Listener[trio.abc.Stream]],
    *,
    stop: trio.Event | None = None,
    scheme: str = "http",
    limits: Limits | None = None,
) -> None:
    """Serve until `stop` is set, then end bodies, save what arrived, answer and return.

    Requests get `shutdown_timeout` seconds of the handler's configuration for that.
    """
    settings = limits or Limits(keep_alive=service.config.network_timeout)
    connections: set[Connection] = set()

    async def serve_one(stream: trio.abc.Stream) -> None:
        connection = Connection(service, stream, scheme=scheme, limits=settings)
        connections.add(connection)
        try:
            await connection.run()
        except Exception:
            service.config.logger.exception("a connection failed")
        finally:
            connections.discard(connection)

    async with trio.open_nursery() as nursery:
        accepting = trio.CancelScope()

        async def accept() -> None:
            with accepting:
                await trio.serve_listeners(serve_one, list(listeners), handler_nursery=nursery)

        nursery.start_soon(accept)
        background = trio.CancelScope()

        async def keep_up() -> None:
            with background:
                await service.keep_up()

        nursery.start_soon(keep_up)
        await (trio.Event() if stop is None else stop).wait()
        accepting.cancel()
        background.cancel()
        service.interrupt_all()
        for connection in list(connections):
            connection.stop()
        nursery.cancel_scope.deadline = trio.current_time() + service.config.shutdown_timeout
