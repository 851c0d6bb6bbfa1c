"""`transport.recorder`: the record of an exchange is bounded and complete."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest
from scripted_peer import ReadUntil, patch_request, send_to_peer

from tus_conformance.transport import Http1Transport, HttpRequest, Payload
from tus_conformance.transport.event_log import MAX_EVENTS, EventLog
from tus_conformance.transport.httpx_transport import HttpxTransport
from tus_conformance.transport.request import Framing

URL = "http://tus.test/files/1"
DONE = b"HTTP/1.1 204 No Content\r\n\r\n"


async def test_a_generated_body_is_recorded_by_what_made_it() -> None:
    body = Payload(10, lambda: iter([b"01234", b"56789"]), generated="digits, seed 1")
    http_response, _ = await send_to_peer(patch_request(payload=body), ReadUntil(b"56789"), DONE)
    recorded = http_response.exchange.body
    assert recorded is not None
    assert (recorded.size, recorded.generator, recorded.text) == (10, "digits, seed 1", None)
    assert recorded.sha256 == sha256(b"0123456789").hexdigest()


LITERALS = {
    "nothing": (b"", "", None, False),
    "a short one": (b"hello", "hello", None, False),
    "bytes beyond ASCII, as Latin-1": (b"\xe9\x00", "\xe9\x00", None, False),
    "256 bytes": (b"a" * 256, "a" * 256, None, False),
    "more": (b"a" * 257, "a" * 256, sha256(b"a" * 257).hexdigest(), True),
}


@pytest.mark.parametrize(("body", "text", "digest", "truncated"), LITERALS.values(), ids=LITERALS)
async def test_of_a_literal_body_the_first_bytes_are_recorded(
    body: bytes, text: str, digest: str | None, truncated: bool
) -> None:
    http_response, _ = await send_to_peer(patch_request(body), ReadUntil(b"\r\n\r\n" + body), DONE)
    recorded = http_response.exchange.body
    assert recorded is not None
    assert (recorded.size, recorded.text) == (len(body), text)
    assert (recorded.sha256, recorded.truncated) == (digest, truncated)


async def test_a_request_without_a_body_has_none_in_the_record() -> None:
    http_response, _ = await send_to_peer(HttpRequest("HEAD", URL), ReadUntil(b"\r\n\r\n"), DONE)
    assert http_response.exchange.body is None
    assert http_response.exchange.response is not None
    assert http_response.exchange.response.body is None


async def test_events_are_recorded_in_order() -> None:
    interim = b"HTTP/1.1 102 Processing\r\n\r\n"
    http_response, _ = await send_to_peer(
        patch_request(b"hello"), ReadUntil(b"hello"), interim + DONE
    )
    head = len(http_response.exchange.request_head)
    assert [(event.event, event.size, event.text) for event in http_response.exchange.events] == [
        ("connect", 0, "tus.test:80"),
        ("sent", head, "head"),
        ("sent", 5, "body"),
        ("received", len(interim + DONE), "102 Processing, 204 No Content"),
        ("closed", 0, "by the harness"),
    ]


TIERS = {"sized": "h11", "chunked": "h11", "raw": "raw"}


@pytest.mark.parametrize(("framing", "tier"), TIERS.items(), ids=TIERS)
async def test_the_tier_is_named(framing: Framing, tier: str) -> None:
    http_response, _ = await send_to_peer(
        HttpRequest("GET", URL, framing=framing), ReadUntil(b"\r\n\r\n"), DONE
    )
    assert http_response.exchange.transport == tier


async def test_a_large_body_leaves_a_small_record() -> None:
    chunk = bytes(65536)
    body = Payload(2**26, lambda: iter([chunk] * 2**10), generated="zeros")
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n"
    ending = ReadUntil(b"\r\n\r\n")  # the peer answers at once, and both bodies pass each other
    http_response, _ = await send_to_peer(
        patch_request(payload=body), ending, reply, *[chunk] * 2**10
    )
    assert http_response.body_length == 2**26
    assert len(http_response.exchange.events) <= MAX_EVENTS
    assert len(msgspec.json.encode(http_response.exchange)) < 20_000


async def test_events_beyond_the_limit_are_added_up() -> None:
    log = EventLog(str)
    for _ in range(1000):
        log.add_sent(1, "body")
        log.add_received(2)
    assert len(log.events) == MAX_EVENTS
    assert sum(event.size for event in log.events if event.event == "sent") == 1000
    assert sum(event.size for event in log.events if event.event == "received") == 2000
    log.add_close("by the server")
    assert log.events[-1].event == "closed"


async def test_acts_cannot_swell_a_record_either() -> None:
    log = EventLog(str)
    for count in range(10_000):
        log.add_act(f"act {count}")
    assert len(log.events) == 2 * MAX_EVENTS


BAD = ["ftp://h/x", "http:///x", "/files/1", "http://h:99999/", "http://[::1/", "http://a b/"]


@pytest.mark.parametrize("tier", [Http1Transport, HttpxTransport])
@pytest.mark.parametrize("url", BAD)
async def test_unusable_url_is_reported_as_a_failure(
    url: str, tier: type[Http1Transport | HttpxTransport]
) -> None:
    http_response = await tier().send(HttpRequest("GET", url))
    assert http_response.failure is not None
    assert http_response.failure.kind == "unreachable"
    assert http_response.failure.message.startswith("The URL cannot be ")
    assert http_response.exchange.failure == http_response.failure.message
