"""`transport.exchange_state`: the state that each event leads to."""

from __future__ import annotations

import pytest

from tus_conformance.transport.exchange_state import (
    CONNECTION,
    RECEIVING,
    SENDING,
    ConnectionState,
    Event,
    ExchangeState,
    Receiving,
    Sending,
)


def state_after(*events: Event) -> ExchangeState:
    """Return the state that events lead to."""
    state = ExchangeState()
    for event in events:
        state.handle(event)
    return state


RECEIVED = {
    "nothing yet": ((), Receiving.AWAITING),
    "a head": ((Event.HEAD_RECEIVED,), Receiving.BEGUN),
    "a whole response": ((Event.HEAD_RECEIVED, Event.RESPONSE_COMPLETE), Receiving.COMPLETE),
    "then the end": ((Event.RESPONSE_COMPLETE, Event.END_RECEIVED), Receiving.CLOSED),
    "the end alone": ((Event.END_RECEIVED,), Receiving.ENDED),
    "the end in a body": ((Event.HEAD_RECEIVED, Event.END_RECEIVED), Receiving.ENDED),
    "a message read after the end": (
        (Event.END_RECEIVED, Event.HEAD_RECEIVED, Event.RESPONSE_COMPLETE),
        Receiving.CLOSED,
    ),
    "what is not HTTP": ((Event.RESPONSE_MALFORMED,), Receiving.MALFORMED),
    "what is not HTTP, and the end": (
        (Event.HEAD_RECEIVED, Event.RESPONSE_MALFORMED, Event.END_RECEIVED),
        Receiving.MALFORMED_CLOSED,
    ),
    "a proxy's response": ((Event.RESPONSE_COMPLETE, Event.DISCARDED), Receiving.AWAITING),
    "a proxy's response, and the end": (
        (Event.RESPONSE_COMPLETE, Event.END_RECEIVED, Event.DISCARDED),
        Receiving.ENDED,
    ),
    "a proxy's nonsense, and the end": (
        (Event.RESPONSE_MALFORMED, Event.END_RECEIVED, Event.DISCARDED),
        Receiving.ENDED,
    ),
    "a response that is dropped": (
        (Event.HEAD_RECEIVED, Event.DROPPED, Event.RESPONSE_COMPLETE, Event.END_RECEIVED),
        Receiving.DROPPED,
    ),
}


@pytest.mark.parametrize(("events", "state"), RECEIVED.values(), ids=RECEIVED)
def test_a_response_is_where_its_events_lead(events: tuple[Event, ...], state: Receiving) -> None:
    assert state_after(*events).receiving is state


SENT = {
    "a whole request": ((Event.REQUEST_SENT,), Sending.SENT),
    "a half-close with the last byte": ((Event.WRITE_CLOSED, Event.REQUEST_SENT), Sending.STOPPED),
    "a break with the last byte": ((Event.BREAK_DUE, Event.REQUEST_SENT), Sending.BREAKING),
    "the break itself": ((Event.BREAK_DUE, Event.CUT), Sending.CUT),
    "a cut while the response is awaited": ((Event.REQUEST_SENT, Event.CUT), Sending.CUT),
    "an error of a write after the cut": ((Event.CUT, Event.WRITE_CLOSED), Sending.CUT),
}


@pytest.mark.parametrize(("events", "state"), SENT.values(), ids=SENT)
def test_a_request_is_where_its_events_lead(events: tuple[Event, ...], state: Sending) -> None:
    assert state_after(*events).sending is state


CONNECTED = {
    "a connection": ((Event.CONNECT,), ConnectionState.CONNECTED),
    "TLS": ((Event.CONNECT, Event.TLS), ConnectionState.SECURED),
    "TLS to a proxy and to the server": (
        (Event.CONNECT, Event.TLS, Event.TLS),
        ConnectionState.SECURED,
    ),
    "another connection": ((Event.CONNECT, Event.TLS, Event.CONNECT), ConnectionState.CONNECTED),
    "a kept connection": ((Event.REUSE,), ConnectionState.REUSED),
}


@pytest.mark.parametrize(("events", "state"), CONNECTED.values(), ids=CONNECTED)
def test_a_connection_is_where_its_events_lead(
    events: tuple[Event, ...], state: ConnectionState
) -> None:
    assert state_after(*events).connection is state


def test_only_a_whole_request_with_a_whole_response_leaves_a_reusable_connection() -> None:
    whole = (Event.REQUEST_SENT, Event.RESPONSE_COMPLETE)
    assert state_after(*whole).reusable
    assert state_after(*reversed(whole)).reusable
    for other in (Event.END_RECEIVED, Event.CUT, Event.DROPPED, Event.DISCARDED):
        assert not state_after(*whole, other).reusable
    assert not state_after(Event.WRITE_CLOSED, *whole).reusable


def test_every_state_is_reached_and_every_event_moves_something() -> None:
    assert {ConnectionState.UNCONNECTED, *CONNECTION.values()} == set(ConnectionState)
    assert {Sending.SENDING, *SENDING.values()} == set(Sending)
    assert {Receiving.AWAITING, *RECEIVING.values()} == set(Receiving)
    assert {event for table in (CONNECTION, SENDING, RECEIVING) for _, event in table} == set(Event)
