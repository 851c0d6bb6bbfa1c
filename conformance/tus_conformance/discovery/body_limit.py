"""The largest request body that a server takes: found once, so that nothing else fails of it.

Frameworks and proxies limit the body of one request (256 KiB, 1 MB, 100 MB). Such a limit is legal
and stated nowhere; a client has to send smaller pieces.
"""

from __future__ import annotations

from dataclasses import dataclass

import trio

from tus_conformance.discovery.composed_request import compose_patch
from tus_conformance.discovery.prober import Prober, succeeded
from tus_conformance.targets.creation_tracker import LeftBehind
from tus_conformance.targets.origin_guard import OtherOriginError
from tus_conformance.targets.target import Target
from tus_conformance.targets.target_transport import UnsupportedByTransportError
from tus_conformance.targets.transport_protocol import Transport
from tus_conformance.transport import HttpResponse, Payload
from tus_reports import Exchange

KIB = 1024
LADDER = tuple(KIB << step for step in range(1, 15))
"""Bodies from 2 KiB to 16 MiB: the largest is tried first, then the others where it is refused."""


@dataclass(frozen=True)
class BodyLimit:
    """What is known of the limit: a body of `accepted` bytes is taken, one of `refused` is not.

    A larger limit than the probe tries shows only when a scenario meets it.

    `reason` says why nothing is known, or is empty. `exchange` is the refusal.
    """

    accepted: int | None = None
    refused: int | None = None
    reason: str = ""
    exchange: Exchange | None = None


async def measure_body_limit(
    target: Target, transport: Transport, max_size: int | None, left_behind: LeftBehind
) -> tuple[BodyLimit, int]:
    """Return the limit on the body of a PATCH, and how many exchanges it took to find it.

    The uploads that this takes are removed; those that remain are noted in `left_behind`.
    """
    prober = Prober(target, transport)
    try:
        limit = await _find_body_limit(prober, max_size)
    except (UnsupportedByTransportError, OtherOriginError) as unsupported:
        limit = BodyLimit(reason=str(unsupported))
    finally:
        with trio.CancelScope(shield=True):
            await prober.clean_up(left_behind)
    return limit, len(prober.exchanges)


async def _find_body_limit(prober: Prober, max_size: int | None) -> BodyLimit:
    sizes = [size for size in reversed(LADDER) if max_size is None or size <= max_size]
    refused: int | None = None
    exchange: Exchange | None = None
    for size in sizes:
        answer = await send_body(prober, size)
        if answer is None:
            continue  # no upload of that size: that is a limit on uploads, not on requests
        if answer.status != 413:
            if not succeeded(answer):
                return BodyLimit(reason=f"A PATCH of {size} bytes got {answer.status}.")
            return BodyLimit(size, refused, exchange=exchange)
        refused, exchange = size, answer.exchange
    return BodyLimit(reason="Every body that was tried was refused.", exchange=exchange)


async def send_body(prober: Prober, size: int) -> HttpResponse | None:
    """Return the response to a PATCH of a whole upload; None where there is no such upload."""
    _, url = await prober.create_upload(("Upload-Length", str(size)))
    if url is None:
        return None
    answer = await prober.transport.send(compose_patch(prober.target, url, 0, Payload.zeros(size)))
    prober.exchanges.append(answer.exchange)
    return answer
