"""What happened on the connections of one exchange, in order and with times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
import trio

from tus_reports.record import Event

Kind = Literal["connect", "sent", "received", "act", "closed", "failed"]

# Enough for every story that people read; what goes beyond is added up, so that a body of any
# size, or a server that never stops sending, leaves a record of bounded size.
LIMIT = 200


class Log:
    """The events of one exchange; `at` is in seconds of trio's clock since the log was opened.

    Bytes that follow each other in one direction are one event, which bears the time of the first.
    """

    def __init__(self, redact: Callable[[str], str]) -> None:
        self.began = trio.current_time()
        self._redact = redact
        self._events: list[Event] = []
        self._joinable = False

    @property
    def events(self) -> tuple[Event, ...]:
        """Return what has happened so far."""
        return tuple(self._events)

    def connected(self, where: str) -> None:
        """A connection was made, or TLS begun on it."""
        self._add("connect", 0, where)

    def sent(self, size: int, what: str = "") -> None:
        """So many bytes were handed to the network."""
        self._count("sent", size, what)

    def received(self, size: int, what: str = "") -> None:
        """So many bytes came in."""
        self._count("received", size, what)

    def label(self, text: str) -> None:
        """Say what the bytes that came last were; later bytes make an event of their own."""
        last = self._events[-1]
        if len(self._events) < LIMIT:
            text = f"{last.text}, {self._redact(text)}" if last.text else self._redact(text)
            self._events[-1] = msgspec.structs.replace(last, text=text)
        self._joinable = False

    def act(self, text: str) -> None:
        """The harness did something of its own accord."""
        self._add("act", 0, text)

    def closed(self, text: str) -> None:
        """The connection was closed, by whom the text says."""
        self._add("closed", 0, text)

    def failed(self, text: str) -> None:
        """Something on the connection went wrong."""
        self._add("failed", 0, text)

    def part(self) -> None:
        """Let the bytes that follow make an event of their own."""
        self._joinable = False

    def _count(self, kind: Kind, size: int, what: str) -> None:
        place = self._place(kind, what)
        if place is None:
            self._add(kind, size, what)
            self._joinable = True
        else:
            last = self._events[place]
            self._events[place] = msgspec.structs.replace(last, size=last.size + size)

    def _place(self, kind: Kind, what: str) -> int | None:
        """Return the event that more bytes of a kind belong to, or None for a new one."""
        events = self._events
        if len(events) >= LIMIT:
            return next((at for at in reversed(range(LIMIT)) if events[at].kind == kind), None)
        joins = self._joinable and events[-1].kind == kind and events[-1].text == what
        return len(events) - 1 if joins else None

    def _add(self, kind: Kind, size: int, text: str) -> None:
        if len(self._events) >= 2 * LIMIT:
            return
        at = round(trio.current_time() - self.began, 6)
        self._events.append(Event(at=at, kind=kind, size=size, text=self._redact(text)))
        self._joinable = False
