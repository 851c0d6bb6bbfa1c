"""What happened on the connections of one exchange, in order and with times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
import trio

from tus_reports.record import ConnectionEvent

EventKind = Literal["connect", "sent", "received", "action", "closed", "failed"]

# Enough for every story that people read; what goes beyond is added up, so that a body of any
# size, or a server that never stops sending, leaves a record of bounded size.
MAX_EVENTS = 200


class EventLog:
    """The events of one exchange; `at` is in seconds of trio's clock since the log was opened.

    Bytes that follow each other in one direction are one event, which bears the time of the first.
    """

    def __init__(self, redact: Callable[[str], str]) -> None:
        self.began = trio.current_time()
        self._redact = redact
        self._events: list[ConnectionEvent] = []
        self._can_merge = False

    @property
    def events(self) -> tuple[ConnectionEvent, ...]:
        """Return what has happened so far."""
        return tuple(self._events)

    def add_connect(self, where: str) -> None:
        """A connection was made, or TLS begun on it."""
        self._add_event("connect", 0, where)

    def add_sent(self, size: int, what: str = "") -> None:
        """So many bytes were handed to the network."""
        self._add_bytes("sent", size, what)

    def add_received(self, size: int, what: str = "") -> None:
        """So many bytes came in."""
        self._add_bytes("received", size, what)

    def label(self, text: str) -> None:
        """Name the bytes that came last; later bytes make an event of their own."""
        last = self._events[-1]
        if len(self._events) < MAX_EVENTS:
            text = f"{last.text}, {self._redact(text)}" if last.text else self._redact(text)
            self._events[-1] = msgspec.structs.replace(last, text=text)
        self._can_merge = False

    def add_act(self, text: str) -> None:
        """The harness did something of its own accord."""
        self._add_event("action", 0, text)

    def add_close(self, text: str) -> None:
        """The connection was closed, by whom the text says."""
        self._add_event("closed", 0, text)

    def add_failure(self, text: str) -> None:
        """Something on the connection went wrong."""
        self._add_event("failed", 0, text)

    def start_new_event(self) -> None:
        """Let the bytes that follow make an event of their own."""
        self._can_merge = False

    def _add_bytes(self, kind: EventKind, size: int, what: str) -> None:
        index = self._merge_index(kind, what)
        if index is None:
            self._add_event(kind, size, what)
            self._can_merge = True
        else:
            last = self._events[index]
            self._events[index] = msgspec.structs.replace(last, size=last.size + size)

    def _merge_index(self, kind: EventKind, what: str) -> int | None:
        """Return the event that more bytes of a kind belong to, or None for a new one."""
        events = self._events
        if len(events) >= MAX_EVENTS:
            return next(
                (at for at in reversed(range(MAX_EVENTS)) if events[at].event == kind), None
            )
        merges = self._can_merge and events[-1].event == kind and events[-1].text == what
        return len(events) - 1 if merges else None

    def _add_event(self, kind: EventKind, size: int, text: str) -> None:
        if len(self._events) >= 2 * MAX_EVENTS:
            return
        at = round(trio.current_time() - self.began, 6)
        self._events.append(ConnectionEvent(at=at, event=kind, size=size, text=self._redact(text)))
        self._can_merge = False
