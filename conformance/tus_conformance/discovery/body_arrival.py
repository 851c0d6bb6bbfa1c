"""Whether the body of a request arrives at the server while it is under way.

A response before the body is complete shows that the head has arrived, so that the body is not kept
back in front of the server. What is stored of a body that breaks halfway shows that the rest
arrives, too. A server that stores nothing of such a body may have received it and dropped it; only
where HEAD, which needs no body, is answered at the end of its body alone, bodies are kept back.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Literal

import trio

from tus_conformance.discovery.composed_request import compose_patch, compose_request
from tus_conformance.discovery.preflight import speaks_tus
from tus_conformance.discovery.prober import Prober, succeeded
from tus_conformance.transport import Payload, PendingRequest
from tus_conformance.transport.header_values import header_value, read_integer

BodyArrival = Literal["while-sent", "at-its-end", "unknown"]
"""When the server gets a body: "unknown" where it stores nothing of a part, whatever that means."""

_SIZE = 128 * 1024
_PAUSE = 0.25


def open_patch(
    prober: Prober, url: str, offset: int, size: int
) -> AbstractAsyncContextManager[PendingRequest]:
    """Open a PATCH of `size` zero bytes that the caller sends."""
    patch = compose_patch(prober.target, url, offset, Payload.zeros(size))
    return prober.transport.open(patch)


async def refuses_early(prober: Prober, size: int, seconds: float) -> bool | None:
    """Return whether a refusal comes before the body; None where no upload can be created."""
    _, url = await prober.create_upload(("Upload-Length", str(size)))
    if url is None:
        return None
    async with open_patch(prober, url, 7, size - 7) as pending:
        status = await pending.receive_status(seconds)
        await pending.cut("rst")
    return status is not None and 400 <= status < 500


async def find_body_arrival(prober: Prober, seconds: float = 3.0) -> BodyArrival:
    """Return when a body arrives at the server; wait up to `seconds` for each sign of it."""
    if await refuses_early(prober, _SIZE, seconds) is not False:
        return "while-sent"
    _, url = await prober.create_upload(("Upload-Length", str(_SIZE)))
    if url is None or await _stores_a_part(prober, url, seconds):
        return "while-sent"
    return await _find_head_arrival(prober, url, seconds)


async def _stores_a_part(prober: Prober, url: str, seconds: float) -> bool:
    """Return whether something is stored of half a PATCH, or cannot be asked for."""
    async with open_patch(prober, url, 0, _SIZE) as pending:
        await pending.send_body(_SIZE // 2)
        if await pending.receive_status(_PAUSE) is not None:
            return True
        await pending.cut("fin")
    deadline = trio.current_time() + seconds
    while trio.current_time() < deadline:
        head = await prober.send("HEAD", url)
        stored = read_integer(header_value(head.headers, "Upload-Offset"))
        if not succeeded(head) or stored != 0:
            return True
        await trio.sleep(_PAUSE)
    return False


async def _find_head_arrival(prober: Prober, url: str, seconds: float) -> BodyArrival:
    """Return when a HEAD with a body is answered, which a server can do without the body."""
    request = compose_request(prober.target, "HEAD", url, payload=Payload.zeros(_SIZE))
    async with prober.transport.open(request) as pending:
        await pending.send_body(_SIZE // 2)
        early = await pending.receive_status(seconds) is not None
        response = await (pending.receive_response() if early else pending.finish())
    if not (succeeded(response) and speaks_tus(response)):
        return "unknown"
    return "while-sent" if early else "at-its-end"
