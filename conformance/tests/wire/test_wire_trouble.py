"""What went wrong, and what was done on purpose: the whole sentences that a report shows."""

from __future__ import annotations

import os

import pytest

from tus_conformance.wire import Failure, trouble
from tus_conformance.wire.faults import Spot, told
from tus_conformance.wire.outgoing import Act, Break, Pace, Split, Stall

LOG = "look for this request in"
CHECK = "check that the server runs, and the host and port of its URL."
# Each row: what was found, its kind, and the sentence.
SENTENCES: dict[str, tuple[Failure, str, str]] = {
    "an error of the system": (
        trouble.unreachable("h:80", ConnectionRefusedError(111, "whatever")),
        "unreachable",
        f"No connection to h:80 ({os.strerror(111)}): {CHECK}",
    ),
    "an error that says why": (
        trouble.unreachable("h:80", ValueError("no luck")),
        "unreachable",
        f"No connection to h:80 (no luck): {CHECK}",
    ),
    "an error that says nothing": (
        trouble.unreachable("h:80", ValueError()),
        "unreachable",
        f"No connection to h:80 (ValueError): {CHECK}",
    ),
    "nobody who accepts": (
        trouble.slow_to_accept("h:80", 2.5),
        "unreachable",
        "h:80 accepted no connection within 2.5 seconds: check that the server runs and that no"
        " firewall drops its packets.",
    ),
    "no handshake": (
        trouble.untrusted("h:443", OSError()),
        "tls",
        "h:443 ended the connection during the TLS handshake: check that it speaks TLS, and its"
        " own log.",
    ),
    "a proxy": (
        trouble.refused_by_proxy("407 No"),
        "unreachable",
        "The proxy did not connect to the server (407 No): check its URL, the user it wants, and"
        " whether it may reach that host and port.",
    ),
    "silence": (
        trouble.silent(5.0, begun=False),
        "timeout",
        f"No answer came within 5 seconds: {LOG} the server's log, or allow it more time if it is"
        " only slow.",
    ),
    "silence in an answer": (
        trouble.silent(5.0, begun=True),
        "timeout",
        f"The answer did not go on within 5 seconds: {LOG} the server's log, or allow it more"
        " time if it is only slow.",
    ),
    "an end": (
        trouble.ended(7, begun=False, reset=False),
        "closed",
        "The server closed the connection without an answer, 7 body bytes having been sent:"
        f" {LOG} its log.",
    ),
    "an end after one byte": (
        trouble.ended(1, begun=False, reset=False),
        "closed",
        "The server closed the connection without an answer, 1 body byte having been sent:"
        f" {LOG} its log.",
    ),
    "a reset in an answer": (
        trouble.ended(7, begun=True, reset=True),
        "reset",
        "The server reset the connection in the middle of its answer, 7 body bytes having been"
        f" sent: {LOG} its log.",
    ),
    "no HTTP": (
        trouble.malformed("a b"),
        "malformed",
        "What came back is not an HTTP response (a b): compare the bytes that were received with"
        " RFC 9112 or 9113, and check that no other protocol is spoken on that port.",
    ),
}


@pytest.mark.parametrize(("found", "kind", "sentence"), SENTENCES.values(), ids=SENTENCES)
def test_trouble_is_told_with_what_to_do(found: Failure, kind: str, sentence: str) -> None:
    assert (found.kind, found.sentence) == (kind, sentence)


ACTS: list[tuple[Act, str]] = [
    (Break("fin"), "cut after 3 body bytes by FIN"),
    (Break("rst"), "cut after 3 body bytes by RST"),
    (Break("half"), "half-closed after 3 body bytes"),
    (Stall(0.5), "stood still for 0.5 seconds after 3 body bytes"),
    (Pace(piece=1), "at most 1 bytes a write after 3 body bytes"),
    (Pace(piece=1, rate=9), "at most 1 bytes a write and 9 bytes a second after 3 body bytes"),
    (Split(), "split a write after 3 body bytes"),
]


@pytest.mark.parametrize(("act", "sentence"), ACTS, ids=[sentence for _, sentence in ACTS])
def test_an_act_is_told_with_its_place(act: Act, sentence: str) -> None:
    assert told(act, Spot("body", 3)) == sentence


SPOTS: list[tuple[Spot, str]] = [
    (Spot("body", 0), "0 body bytes"),
    (Spot("body", 1), "1 body byte"),
    (Spot("body", 2), "2 body bytes"),
    (Spot("head", 1), "1 byte of the head"),
    (Spot("head", 12), "12 bytes of the head"),
    (Spot("end", 1), "1 byte of the end of the body"),
]


@pytest.mark.parametrize(("spot", "words"), SPOTS, ids=[words for _, words in SPOTS])
def test_a_place_is_told_in_the_number_it_has(spot: Spot, words: str) -> None:
    assert str(spot) == words
