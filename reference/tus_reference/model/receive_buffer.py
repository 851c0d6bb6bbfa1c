"""`ReceiveBuffer`: a buffer that grows while a client is fast, within a budget for all of them.

Large buffers make fast uploads cheap. But a client that fills one and then stalls keeps it, and
many of them would take all memory. So each body has a small buffer of its own, and what is beyond
that comes from one budget.
"""

from __future__ import annotations

from typing import Final

MIN_SIZE: Final = 16 * 1024
"""What every body may have, in bytes, whatever others have."""

SMALL_BODY: Final = 64 * 1024
"""A body of so many bytes is received in one piece; longer ones begin with `MIN_SIZE`."""

MAX_SIZE: Final = 4 * 1024 * 1024
TOTAL_SIZE: Final = 48 * 1024 * 1024
"""What all buffers of a process may have together beyond `MIN_SIZE` each, in bytes."""


class MemoryBudget:
    """So many bytes of memory, of which buffers take and give back."""

    def __init__(self, size: int = TOTAL_SIZE) -> None:
        self.free = size

    def take(self, size: int) -> bool:
        """Take so many bytes; return False, and take none, if there are not so many."""
        if size > self.free:
            return False
        self.free -= size
        return True

    def give_back(self, size: int) -> None:
        """Give bytes back."""
        self.free += size


SHARED_BUDGET: Final = MemoryBudget()
"""The budget of this process."""


class ReceiveBuffer:
    """A buffer for one body of at most `length` bytes, None if that is unknown; `close` it."""

    def __init__(self, length: int | None, budget: MemoryBudget = SHARED_BUDGET) -> None:
        self._length = MAX_SIZE if length is None else max(length, 1)
        self._budget = budget
        self._taken = 0
        self.view = memoryview(b"")
        self._resize(self._length if self._length <= SMALL_BODY else MIN_SIZE)

    def adapt(self, count: int) -> None:
        """Grow if the last read of `count` bytes filled the buffer, shrink if it is far too large.

        The contents of the buffer are lost.
        """
        size = len(self.view)
        if count == size < MAX_SIZE:
            self._resize(4 * size)
        elif count < size // 16:
            self._resize(size // 4)

    def close(self) -> None:
        """Give the memory back."""
        self._budget.give_back(self._taken)
        self._taken = 0
        self.view = memoryview(b"")

    def _resize(self, wanted: int) -> None:
        size = min(max(wanted, MIN_SIZE), MAX_SIZE, self._length)
        if size == len(self.view):
            return
        beyond = max(0, size - MIN_SIZE)
        self._budget.give_back(self._taken)
        if self._budget.take(beyond):
            self._taken = beyond
        elif self.view and self._budget.take(self._taken):
            return  # as large as before
        else:
            self._taken, size = 0, min(size, MIN_SIZE)
        self.view = memoryview(bytearray(size))
