"""`transport.http_exchange`: an exchange works the same without a recorder."""

from __future__ import annotations

from contextlib import suppress

import pytest
import trio

from tus_conformance.transport import Http1Transport, HttpRequest, HttpResponse, Payload
from tus_conformance.transport.fault_actions import Break, InjectedFault
from tus_conformance.transport.memory import memory_network

DONE = b"HTTP/1.1 204 No Content\r\nUpload-Offset: 5\r\n\r\n"
BODY = b"hello"


def patch(*faults: InjectedFault, drop_response: bool = False) -> HttpRequest:
    """Return a PATCH of a few bytes, with faults."""
    payload = Payload.literal(BODY)
    return HttpRequest(
        *("PATCH", "http://tus.test/files/1", (), payload),
        faults=faults,
        drop_response=drop_response,
    )


REQUESTS = {
    "one that is answered": (patch(), DONE),
    "one that is cut": (patch(InjectedFault(Break("rst"), 2)), DONE),
    "one that is half-closed": (patch(InjectedFault(Break("half"), 2)), DONE),
    "one whose response is lost": (patch(drop_response=True), DONE),
    "one whose response is not HTTP": (patch(), b"nonsense\r\n\r\n"),
    "one whose response ends early": (patch(), DONE[:20]),
}


async def send(http_request: HttpRequest, reply: bytes, *, recorded: bool) -> HttpResponse:
    """Return what comes of a request to a peer that replies to the body, or to its early end."""

    async def serve(stream: trio.abc.Stream) -> None:
        received = b""
        while not received.endswith(BODY) and (data := await stream.receive_some()):
            received += data
        with suppress(trio.BrokenResourceError):
            await stream.send_all(reply)

    async with memory_network(serve) as backend:
        transport = Http1Transport(backend=backend, timeout=5, recorded=recorded)
        return await transport.send(http_request)


@pytest.mark.parametrize(("http_request", "reply"), REQUESTS.values(), ids=REQUESTS)
async def test_a_response_is_the_same_without_a_record(
    http_request: HttpRequest, reply: bytes
) -> None:
    recorded = await send(http_request, reply, recorded=True)
    unrecorded = await send(http_request, reply, recorded=False)
    for name in ("status", "headers", "complete", "closed", "cut", "sent", "failure"):
        assert getattr(unrecorded, name) == getattr(recorded, name), name
    assert recorded.exchange.events
    assert not unrecorded.exchange.events
