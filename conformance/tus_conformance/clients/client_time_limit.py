"""How long a client may take in a situation, and whether it does anything meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from tus_conformance.clients.client_log import ClientLog
from tus_conformance.clients.outcome import may_still_end

PATIENCE = 400.0
"""How long a client may take that waits between its attempts, in seconds.

Ten attempts with pauses that double up to a minute take four minutes.
"""

IDLE_SECONDS = 5.0
"""A client that has sent nothing for so long only waits, in seconds."""


class ClientTimeLimit:
    """Whether a client has used up its time.

    It has `seconds`, and up to `patience` while it may still come to an end: whether it ends at all
    is what the situation asks. `on_idle` is called once, when the client does nothing but wait.
    """

    def __init__(
        self,
        log: ClientLog,
        seconds: float,
        *,
        patience: float = PATIENCE,
        on_idle: Callable[[], None] = lambda: None,
    ) -> None:
        self._log = log
        self._seconds = seconds
        self._patience = patience
        self._on_idle: Callable[[], None] | None = on_idle
        self.over_at: float | None = None
        """When the client was to be stopped, in seconds since the situation began."""

    def is_over(self) -> bool:
        """Return whether the client is to be stopped."""
        now = self._log.now()
        if now >= self._seconds:
            over = now >= self._patience or not may_still_end(self._log)
            self.over_at = now if over else None
            return over
        idle = bool(self._log.requests) and now - self._log.last_activity >= IDLE_SECONDS
        if idle and self._on_idle is not None:
            self._on_idle()
            self._on_idle = None
        return False
