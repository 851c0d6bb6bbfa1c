"""`MemoryLocker`: locks for the requests of one process."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Callable

    from tus_reference.model import StoreComposer


def _ignore_request() -> None:
    pass


class _QueueEntry:
    """A place in the queue for one upload; the first in the queue holds the lock."""

    def __init__(self, request_release: Callable[[], None]) -> None:
        self.request_release = request_release
        self.turn: anyio.Event | None = None


class MemoryLocker:
    """Locks in this process; a waiting request has asked the holder to release the lock."""

    def __init__(self) -> None:
        self.queues: dict[str, deque[_QueueEntry]] = {}

    def use_in(self, composer: StoreComposer) -> None:
        """Enter the locker into `composer`."""
        composer.locker = self

    def new_lock(self, upload_id: str) -> MemoryLock:
        """Return a lock that is not taken yet."""
        return MemoryLock(self, upload_id)


class MemoryLock:
    """The lock of one upload, for one request; waiters are served in order."""

    def __init__(self, locker: MemoryLocker, upload_id: str) -> None:
        self._queues = locker.queues
        self._id = upload_id
        self._entry: _QueueEntry | None = None

    async def lock(self, request_release: Callable[[], None]) -> None:
        """Wait for the lock, and ask each earlier holder to release it."""
        entry = self._entry = _QueueEntry(request_release)
        queue = self._queues.setdefault(self._id, deque())
        queue.append(entry)
        if len(queue) == 1:
            return
        entry.turn = anyio.Event()
        queue[0].request_release()
        try:
            await entry.turn.wait()
        except BaseException:
            await self.unlock()
            raise

    async def try_lock(self) -> bool:
        """Take the lock if it is free; say whether it was."""
        return self.lock_at_once(_ignore_request)

    def lock_at_once(self, request_release: Callable[[], None]) -> bool:
        """Take the lock if it is free; say whether it was. Never waits."""
        if self._id in self._queues:
            return False
        self._entry = _QueueEntry(request_release)
        self._queues[self._id] = deque([self._entry])
        return True

    async def unlock(self) -> None:
        """Release the lock, or leave the queue for it."""
        self.unlock_at_once()

    def unlock_at_once(self) -> None:
        """Do what `unlock` does. Never waits."""
        entry, self._entry = self._entry, None
        queue = self._queues.get(self._id)
        if entry is None or queue is None:
            raise RuntimeError("cannot unlock: the lock is not held")
        was_holder = queue[0] is entry
        queue.remove(entry)
        if not queue:
            del self._queues[self._id]
        elif was_holder:
            self._hand_over(queue)

    @staticmethod
    def _hand_over(queue: deque[_QueueEntry]) -> None:
        holder = queue[0]
        if holder.turn is not None:
            holder.turn.set()
        if len(queue) > 1:
            holder.request_release()
