"""`serve`: many connections on listeners, and a stop that saves what arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from tus_reference.server.connection import Connection
from tus_reference.server.connection_limiter import ConnectionLimiter, LimitedListener
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
    on_connections_change: Callable[[int], object] | None = None,
) -> None:
    """Serve until `stop` is set, then end bodies, save what arrived, answer and return.

    Requests get `shutdown_timeout` seconds of the handler's configuration for that.
    `connections` is called with +1 and -1 as connections open and close.
    """
    timeout = service.config.network_timeout
    settings = limits or Limits(keep_alive=timeout, head_time=timeout, send_idle=timeout)
    limiter = ConnectionLimiter(settings.connections, on_connections_change)

    async def serve_one(stream: trio.abc.Stream) -> None:
        connection = Connection(service, stream, scheme=scheme, limits=settings, limiter=limiter)
        limiter.add(connection)
        try:
            await connection.run()
        except Exception:
            service.config.logger.exception("a connection failed")
        finally:
            limiter.discard(connection)
            limiter.release()

    async with trio.open_nursery() as nursery:
        accept_scope = trio.CancelScope()

        async def accept() -> None:
            limited_listeners = [LimitedListener(listener, limiter) for listener in listeners]
            with accept_scope:
                await trio.serve_listeners(serve_one, limited_listeners, handler_nursery=nursery)

        nursery.start_soon(accept)
        maintenance_scope = trio.CancelScope()

        async def run_maintenance() -> None:
            with maintenance_scope:
                await service.run_maintenance()

        nursery.start_soon(run_maintenance)
        await (trio.Event() if stop is None else stop).wait()
        accept_scope.cancel()
        maintenance_scope.cancel()
        service.interrupt_bodies()
        for connection in limiter:
            connection.stop()
        nursery.cancel_scope.deadline = trio.current_time() + service.config.shutdown_timeout
