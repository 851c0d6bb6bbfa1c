"""Work that gets a bounded time to complete after its run was cancelled.

A request that creates an upload is such work: until its response arrives, the URL that is needed to
remove the upload is unknown.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import trio

Result = TypeVar("Result")

_shield: ContextVar[trio.CancelScope | None] = ContextVar("shield", default=None)


async def complete_despite_cancellation(
    work: Callable[[], Awaitable[Result]], grace: float, on_timeout: Callable[[], None]
) -> Result:
    """Await `work()`; once cancelled, wait at most `grace` more seconds for it.

    A cancellation takes effect afterwards, so the result is then lost: `work` itself has to keep
    what matters. `on_timeout` is called if the grace period ends first.
    """
    results: list[Result] = []
    errors: list[Exception] = []
    async with trio.open_nursery() as nursery:
        with trio.CancelScope(shield=True) as scope:
            # This task is outside the shield, so that a cancellation reaches it.
            nursery.start_soon(_set_deadline_when_cancelled, scope, grace)
            token = _shield.set(scope)
            try:
                results.append(await work())
            except Exception as error:  # raised again below, without the nursery's group around it
                errors.append(error)
            finally:
                _shield.reset(token)
        if scope.cancelled_caught:
            on_timeout()
        nursery.cancel_scope.cancel()
    if errors:
        raise errors[0]
    await trio.lowlevel.checkpoint_if_cancelled()
    return results[0]


async def _set_deadline_when_cancelled(scope: trio.CancelScope, grace: float) -> None:
    try:
        await trio.sleep_forever()
    finally:
        scope.deadline = trio.current_time() + grace


@contextmanager
def allow_cancellation() -> Iterator[None]:
    """Let a cancellation end protected work immediately: for waits before anything is sent."""
    scope = _shield.get()
    if scope is None:
        yield
        return
    scope.shield = False
    try:
        yield
    finally:
        scope.shield = True
