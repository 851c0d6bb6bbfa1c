"""Streams of what happens to uploads; they can neither block a request nor lose one.

Created, completed and terminated uploads are queued without bound and never dropped.
Progress is different: of each upload only the newest state waits to be read.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import anyio
import anyio.lowlevel
from anyio.abc import ObjectReceiveStream

from tus_reference.notifications.events import HookEvent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tus_reference.model import FileInfo
    from tus_reference.notifications.events import HTTPRequest


LOGGER = logging.getLogger("tus_reference")


class EventStream(ObjectReceiveStream[HookEvent]):
    """Events in order; with `newest_only` an unread event gives way to a newer one.

    `total` counts what happened, whether anybody wants to hear of it or not.
    """

    def __init__(self, *, wanted: bool, newest_only: bool = False) -> None:
        self._wanted = wanted
        self._newest_only = newest_only
        self._unread: dict[str | int, HookEvent] = {}
        self.total = 0
        self._new_event: anyio.Event | None = None

    def put(self, event: HookEvent) -> None:
        """Add an event; never waits."""
        self.total += 1
        if not self._wanted:
            return
        self._unread[event.upload.id if self._newest_only else self.total] = event
        self._wake_receiver()

    async def receive(self) -> HookEvent:
        """Return the next event, waiting for one if need be; raise `EndOfStream` if closed."""
        await anyio.lowlevel.checkpoint()
        while not self._unread:
            if not self._wanted:
                raise anyio.EndOfStream
            if self._new_event is None:
                self._new_event = anyio.Event()
            await self._new_event.wait()
        return self._unread.pop(next(iter(self._unread)))

    async def for_each(self, handle: Callable[[HookEvent], Awaitable[object]]) -> None:
        """Call a handler with each event, one at a time, until the stream is closed.

        What the handler raises is logged with the upload, and the next event follows: clients
        decide what is in an upload, and one odd upload must not end the events of all others.
        """
        async for event in self:
            try:
                await handle(event)
            except Exception:
                LOGGER.exception("The handler of events failed for upload %s.", event.upload.id)

    async def aclose(self) -> None:
        """Take no more events; those unread can still be received."""
        self._wanted = False
        self._wake_receiver()

    def _wake_receiver(self) -> None:
        if self._new_event is not None:
            self._new_event.set()
            self._new_event = None


class ProgressSource(Protocol):
    """A body being received: `on_progress` is called whenever `received`, in bytes, has grown."""

    received: int
    on_progress: Callable[[], None] | None


class Notifications:
    """The four streams; each exists always and carries events only if its flag is set.

    `progress_interval` is the shortest time between two events of one body, in seconds.
    """

    def __init__(
        self,
        *,
        created: bool,
        progress: bool,
        complete: bool,
        terminated: bool,
        progress_interval: float,
    ) -> None:
        self.created_uploads = EventStream(wanted=created)
        self.complete_uploads = EventStream(wanted=complete)
        self.terminated_uploads = EventStream(wanted=terminated)
        self.upload_progress = EventStream(wanted=progress, newest_only=True)
        self._wants_progress = progress
        self._interval = progress_interval

    @contextmanager
    def report_progress(
        self, info: FileInfo, source: ProgressSource, request: HTTPRequest
    ) -> Iterator[None]:
        """Emit the progress of one body while it is received, and where it ended."""
        if not self._wants_progress:
            yield
            return
        due = 0.0

        def emit() -> None:
            nonlocal due
            if anyio.current_time() >= due:
                due = anyio.current_time() + self._interval
                state = replace(info, offset=info.offset + source.received)
                self.upload_progress.put(HookEvent(state, request))

        source.on_progress = emit
        try:
            yield
        finally:
            due = 0.0
            emit()

    async def aclose(self) -> None:
        """End all streams."""
        for stream in (self.created_uploads, self.complete_uploads):
            await stream.aclose()
        for stream in (self.terminated_uploads, self.upload_progress):
            await stream.aclose()
