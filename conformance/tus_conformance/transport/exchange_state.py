"""The state of one HTTP exchange: three machines, one table of states and events for each.

`ConnectionState` is how far the connection has got, `Sending` how far the request, `Receiving`
how far the response. They are three, because over one connection they go on side by side: a
response may be complete before its request is sent, and a connection whose request was half-closed
still receives.

Rules:
- A state changes by an event and by nothing else; the tables below are all there is to know.
- An event that a state does not list changes nothing: a second break has no effect.
- The end of the server's side is remembered whatever came before it (`ENDED`, `CLOSED`,
  `MALFORMED_CLOSED`), since a connection that has ended cannot carry another request.
- A response is final once it is `DROPPED`: the harness has thrown it away, and says nothing of it.
- A proxy's response before TLS is not the server's: `DISCARDED` takes back all but the end.

A connection can carry the next request only from `Sending.SENT` with `Receiving.COMPLETE`
(RFC 9112, section 9.3).
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final


class ConnectionState(Enum):
    """How far the connection has got."""

    UNCONNECTED = auto()
    CONNECTED = auto()
    SECURED = auto()
    REUSED = auto()
    """A connection of an earlier exchange."""


class Sending(Enum):
    """What becomes of the request."""

    SENDING = auto()
    SENT = auto()
    STOPPED = auto()
    """The server receives no more: it closed or reset, or our direction is half-closed."""
    BREAKING = auto()
    """A fault ends the connection, once nothing reads from it any more."""
    CUT = auto()
    """The harness has broken the connection."""


class Receiving(Enum):
    """What becomes of the response."""

    AWAITING = auto()
    BEGUN = auto()
    """The head of the final response has come in."""
    COMPLETE = auto()
    CLOSED = auto()
    """Complete, and the server has ended its side."""
    ENDED = auto()
    """The server has ended its side without a complete response."""
    MALFORMED = auto()
    MALFORMED_CLOSED = auto()
    DROPPED = auto()


class Event(Enum):
    """What happens to an exchange."""

    CONNECT = auto()
    REUSE = auto()
    TLS = auto()
    REQUEST_SENT = auto()
    WRITE_CLOSED = auto()
    BREAK_DUE = auto()
    CUT = auto()
    HEAD_RECEIVED = auto()
    RESPONSE_COMPLETE = auto()
    RESPONSE_MALFORMED = auto()
    END_RECEIVED = auto()
    DISCARDED = auto()
    DROPPED = auto()


CONNECTION: Final[dict[tuple[ConnectionState, Event], ConnectionState]] = {
    (ConnectionState.UNCONNECTED, Event.CONNECT): ConnectionState.CONNECTED,
    (ConnectionState.UNCONNECTED, Event.REUSE): ConnectionState.REUSED,
    (ConnectionState.CONNECTED, Event.TLS): ConnectionState.SECURED,
    # A connection attempt after another, as of two addresses of one name.
    (ConnectionState.SECURED, Event.CONNECT): ConnectionState.CONNECTED,
}

SENDING: Final[dict[tuple[Sending, Event], Sending]] = {
    (Sending.SENDING, Event.REQUEST_SENT): Sending.SENT,
    (Sending.SENDING, Event.WRITE_CLOSED): Sending.STOPPED,
    (Sending.SENDING, Event.BREAK_DUE): Sending.BREAKING,
    **{(state, Event.CUT): Sending.CUT for state in Sending},
}

RECEIVING: Final[dict[tuple[Receiving, Event], Receiving]] = {
    (Receiving.AWAITING, Event.HEAD_RECEIVED): Receiving.BEGUN,
    (Receiving.AWAITING, Event.RESPONSE_COMPLETE): Receiving.COMPLETE,
    (Receiving.AWAITING, Event.RESPONSE_MALFORMED): Receiving.MALFORMED,
    (Receiving.AWAITING, Event.END_RECEIVED): Receiving.ENDED,
    (Receiving.BEGUN, Event.RESPONSE_COMPLETE): Receiving.COMPLETE,
    (Receiving.BEGUN, Event.RESPONSE_MALFORMED): Receiving.MALFORMED,
    (Receiving.BEGUN, Event.END_RECEIVED): Receiving.ENDED,
    (Receiving.BEGUN, Event.DISCARDED): Receiving.AWAITING,
    (Receiving.COMPLETE, Event.END_RECEIVED): Receiving.CLOSED,
    (Receiving.COMPLETE, Event.DISCARDED): Receiving.AWAITING,
    (Receiving.CLOSED, Event.DISCARDED): Receiving.ENDED,
    # HTTP/2: the last frame and the end of the connection may be read before the message is.
    (Receiving.ENDED, Event.RESPONSE_COMPLETE): Receiving.CLOSED,
    (Receiving.MALFORMED, Event.END_RECEIVED): Receiving.MALFORMED_CLOSED,
    (Receiving.MALFORMED, Event.DISCARDED): Receiving.AWAITING,
    (Receiving.MALFORMED_CLOSED, Event.DISCARDED): Receiving.ENDED,
    **{(state, Event.DROPPED): Receiving.DROPPED for state in Receiving},
}


class ExchangeState:
    """Where an exchange stands; `handle` moves it on."""

    def __init__(self) -> None:
        self.connection = ConnectionState.UNCONNECTED
        self.sending = Sending.SENDING
        self.receiving = Receiving.AWAITING

    def handle(self, event: Event) -> None:
        """Move each machine on by an event, as its table says."""
        self.connection = CONNECTION.get((self.connection, event), self.connection)
        self.sending = SENDING.get((self.sending, event), self.sending)
        self.receiving = RECEIVING.get((self.receiving, event), self.receiving)

    @property
    def end_received(self) -> bool:
        """Return whether the server has ended its side."""
        return self.receiving in {
            Receiving.ENDED,
            Receiving.CLOSED,
            Receiving.MALFORMED_CLOSED,
        }

    @property
    def receiving_done(self) -> bool:
        """Return whether nothing more can be learnt from the connection."""
        return self.receiving not in {Receiving.AWAITING, Receiving.BEGUN}

    @property
    def reusable(self) -> bool:
        """Return whether another request may follow, as far as the bytes of this one say."""
        return self.sending is Sending.SENT and self.receiving is Receiving.COMPLETE
