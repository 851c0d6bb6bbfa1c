"""`Settling`: waiting for what may still be stored of a request that nobody waits for.

S3 goes on with a request that it has received whole, even if whoever sent it is dead or has
given up. Such a late part or tail must not overwrite what was stored under its name since. So
whatever a former process sent is given some time after the start of this one, and so is a call
of this process that failed: until then the next change to that upload waits.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import anyio

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTLING_TIME: Final = 5.0


class Settling:
    """Which uploads may still change by themselves; `seconds` is how long that can take."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._start = time.monotonic() + seconds
        self._own: set[str] = set()
        self._disturbed: dict[str, float] = {}

    def created(self, upload_id: str) -> None:
        """Take note of an upload that no other process can have written to."""
        if time.monotonic() < self._start:
            self._own.add(upload_id)
        else:
            self._own.clear()

    @contextmanager
    def watching(self, upload_id: str) -> Iterator[None]:
        """Take note of the upload if what is done to it fails or is cancelled."""
        try:
            yield
        except BaseException:
            now = time.monotonic()
            self._disturbed = {i: until for i, until in self._disturbed.items() if until > now}
            self._disturbed[upload_id] = now + self._seconds
            raise

    async def wait(self, upload_id: str) -> bool:
        """Wait until the upload changes no more by itself; return whether that took time."""
        until = self._disturbed.get(upload_id, 0.0)
        if upload_id not in self._own:
            until = max(until, self._start)
        seconds = until - time.monotonic()
        if seconds <= 0:
            return False
        await anyio.sleep(seconds)
        return True
