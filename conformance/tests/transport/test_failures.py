"""`transport.failures`: the sentences that a report shows for network failures."""

from __future__ import annotations

import os

import pytest

from tus_conformance.transport import NetworkFailure, failures
from tus_conformance.transport.fault_actions import Break, FaultAction, SplitWrite, Stall, Throttle
from tus_conformance.transport.pending_faults import Position, describe_action

LOG = "search its log for this request."
ITS_LOG = "search the server's log for this request"
CHECK = "check that the server runs, and the host and port of its URL."
# Each row: what was found, its kind, and the sentence.
SENTENCES: dict[str, tuple[NetworkFailure, str, str]] = {
    "an error of the system": (
        failures.unreachable("h:80", ConnectionRefusedError(111, "whatever")),
        "unreachable",
        f"No connection to h:80 ({os.strerror(111)}): {CHECK}",
    ),
    "an error that says why": (
        failures.unreachable("h:80", ValueError("no luck")),
        "unreachable",
        f"No connection to h:80 (no luck): {CHECK}",
    ),
    "an error that says nothing": (
        failures.unreachable("h:80", ValueError()),
        "unreachable",
        f"No connection to h:80 (ValueError): {CHECK}",
    ),
    "nobody who accepts": (
        failures.connect_timeout("h:80", 2.5),
        "unreachable",
        "h:80 did not accept a connection within 2.5 seconds: check that the server runs and that"
        " no firewall drops its packets.",
    ),
    "no handshake": (
        failures.tls_failure("h:443", OSError()),
        "tls",
        "h:443 closed the connection during the TLS handshake: check that it speaks TLS, and its"
        " log.",
    ),
    "a proxy": (
        failures.proxy_refusal("407 No"),
        "unreachable",
        "The proxy did not connect to the server (407 No): check its URL, its credentials, and"
        " whether it may reach that host and port.",
    ),
    "silence": (
        failures.response_timeout(5.0, begun=False),
        "timeout",
        f"No response arrived within 5 seconds: {ITS_LOG}, or raise the timeout if it is only"
        " slow.",
    ),
    "silence in an answer": (
        failures.response_timeout(5.0, begun=True),
        "timeout",
        f"The response did not continue within 5 seconds: {ITS_LOG}, or raise the timeout"
        " if it is only slow.",
    ),
    "an end": (
        failures.connection_lost(7, begun=False, reset=False),
        "closed",
        f"The server closed the connection without a response, 7 body bytes sent: {LOG}",
    ),
    "an end after one byte": (
        failures.connection_lost(1, begun=False, reset=False),
        "closed",
        f"The server closed the connection without a response, 1 body byte sent: {LOG}",
    ),
    "a reset in an answer": (
        failures.connection_lost(7, begun=True, reset=True),
        "reset",
        f"The server reset the connection in the middle of its response, 7 body bytes sent: {LOG}",
    ),
    "no HTTP": (
        failures.malformed_response("a b"),
        "malformed",
        "The response is not valid HTTP (a b): compare the received bytes with"
        " RFC 9112 or 9113, and check that the port uses no other protocol.",
    ),
}


@pytest.mark.parametrize(("found", "kind", "sentence"), SENTENCES.values(), ids=SENTENCES)
def test_failure_message_says_what_to_do(found: NetworkFailure, kind: str, sentence: str) -> None:
    assert (found.kind, found.message) == (kind, sentence)


ACTS: list[tuple[FaultAction, str]] = [
    (Break("fin"), "cut after 3 body bytes by FIN"),
    (Break("rst"), "cut after 3 body bytes by RST"),
    (Break("half"), "half-closed after 3 body bytes"),
    (Stall(0.5), "stalled for 0.5 seconds after 3 body bytes"),
    (Throttle(write_size=1), "at most 1 bytes per write after 3 body bytes"),
    (
        Throttle(write_size=1, rate=9),
        "at most 1 bytes per write and 9 bytes per second after 3 body bytes",
    ),
    (SplitWrite(), "split a write after 3 body bytes"),
]


@pytest.mark.parametrize(("act", "sentence"), ACTS, ids=[sentence for _, sentence in ACTS])
def test_action_is_described_with_its_position(act: FaultAction, sentence: str) -> None:
    assert describe_action(act, Position("body", 3)) == sentence


SPOTS: list[tuple[Position, str]] = [
    (Position("body", 0), "0 body bytes"),
    (Position("body", 1), "1 body byte"),
    (Position("body", 2), "2 body bytes"),
    (Position("head", 1), "1 byte of the head"),
    (Position("head", 12), "12 bytes of the head"),
    (Position("end", 1), "1 byte of the end of the body"),
]


@pytest.mark.parametrize(("position", "words"), SPOTS, ids=[words for _, words in SPOTS])
def test_position_uses_singular_and_plural(position: Position, words: str) -> None:
    assert str(position) == words
