"""Waiting for a server to come back that ended and that the suite did not start."""

from __future__ import annotations

from collections.abc import Callable

import trio

from tus_conformance.runner.progress import Progress
from tus_conformance.state.session import CURE, Session

RETURN_TIMEOUT = 60.0
"""Seconds in which a server is expected back, as of a supervisor that restarts it."""

NOTICE_INTERVAL = 10
"""Seconds between two lines about the wait."""


class ServerReturn:
    """Waits for a server, and says so: `notify` is given lines, `progress` each second.

    Once it did not come back in time, nobody waits for it again.
    """

    def __init__(self, notify: Callable[[str], None], progress: Progress) -> None:
        self._notify = notify
        self._progress = progress

    async def wait(self, session: Session, last_requests: str, place: str) -> str:
        """Return nothing once the server responds; else why the run cannot go on."""
        what = f"The server accepts no connections any more (in {place})"
        self._notify(f"{what}: {last_requests}." if last_requests else f"{what}.")
        self._notify(f"Waiting up to {RETURN_TIMEOUT:.0f} s for it to come back. {CURE}")
        began = trio.current_time()
        shown = 0
        while (waited := trio.current_time() - began) < RETURN_TIMEOUT:
            left = int(RETURN_TIMEOUT - waited + 0.5)
            self._progress.on_wait(f"waiting for the server: {left} s left")
            if waited >= shown + NOTICE_INTERVAL:
                shown += NOTICE_INTERVAL
                self._notify(f"Waiting for the server: {left} s left.")
            if await session.accepts_connections():
                self._progress.on_wait("")
                self._notify(f"The server is back after {waited:.0f} s; the run goes on.")
                return ""
            await trio.sleep(1)  # a server that is away has no event to wait for
        self._progress.on_wait("")
        return (
            f"the server ended in {place} and did not come back within {RETURN_TIMEOUT:.0f} s."
            f" {CURE}"
        )
