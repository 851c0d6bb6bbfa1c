"""`serve`: many connections on listeners, and a stop that saves what arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from tus_reference.server.connection import Connection
from tus_reference.server.crowd import Crowd, Door
from tus_reference.server.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tus_reference.middleware import Service


async def serve(
    service: Service,
    listeners: Sequence[trio.abc.Listener[trio.abc.Stream]],
    *,
    stop: trio.Event | None = None,
    scheme: str = "http",
    limits: Limits | None = None,
    connections: Callable[[int], object] | None = None,
) -> None:
    """Serve until `stop` is set, then end bodies, save what arrived, answer and return.

    Requests get `shutdown_timeout` seconds of the handler's configuration for that.
    `connections` is told +1 and -1 as connections come and go.
    """
    patience = service.config.network_timeout
    settings = limits or Limits(keep_alive=patience, head_time=patience, send_idle=patience)
    crowd = Crowd(settings.connections, connections)

    async def serve_one(stream: trio.abc.Stream) -> None:
        connection = Connection(service, stream, scheme=scheme, limits=settings, crowd=crowd)
        crowd.add(connection)
        try:
            await connection.run()
        except Exception:
            service.config.logger.exception("a connection failed")
        finally:
            crowd.discard(connection)
            crowd.leave()

    async with trio.open_nursery() as nursery:
        accepting = trio.CancelScope()

        async def accept() -> None:
            doors = [Door(listener, crowd) for listener in listeners]
            with accepting:
                await trio.serve_listeners(serve_one, doors, handler_nursery=nursery)

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
        for connection in crowd:
            connection.stop()
        nursery.cancel_scope.deadline = trio.current_time() + service.config.shutdown_timeout
