"""Whether the body of a request arrives at the server while it is under way.

A refusal before the body shows that the head has arrived, so that the body is not kept back in
front of the server. What is stored of a body that breaks halfway shows that the rest arrives, too.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import trio

from tus_conformance.discovery.prober import OFFSET_TYPE, Prober, succeeded
from tus_conformance.transport import HttpRequest, Payload, PendingRequest
from tus_conformance.transport.header_values import header_value, is_integer

_SIZE = 128 * 1024
_PAUSE = 0.25


def open_patch(
    prober: Prober, url: str, offset: int, size: int
) -> AbstractAsyncContextManager[PendingRequest]:
    """Open a PATCH of `size` zero bytes that the caller sends."""
    return prober.transport.open(
        HttpRequest(
            method="PATCH",
            url=url,
            headers=(
                ("Tus-Resumable", "1.0.0"),
                *prober.target.headers,
                OFFSET_TYPE,
                ("Upload-Offset", str(offset)),
            ),
            payload=Payload(size, lambda: iter((bytes(size),)), generated=f"{size} zeros"),
        )
    )


async def refuses_early(prober: Prober, size: int, seconds: float) -> bool | None:
    """Return whether a refusal comes before the body; None where no upload can be created."""
    _, url = await prober.create_upload(("Upload-Length", str(size)))
    if url is None:
        return None
    async with open_patch(prober, url, 7, size - 7) as pending:
        status = await pending.receive_status(seconds)
        await pending.cut("rst")
    return status is not None and 400 <= status < 500


async def is_kept_back(prober: Prober, seconds: float = 3.0) -> bool:
    """Return whether nothing of a body arrives before its end; ask for up to `seconds`."""
    if await refuses_early(prober, _SIZE, seconds) is not False:
        return False
    _, url = await prober.create_upload(("Upload-Length", str(_SIZE)))
    if url is None:
        return False
    async with open_patch(prober, url, 0, _SIZE) as pending:
        await pending.send_body(_SIZE // 2)
        if await pending.receive_status(_PAUSE) is not None:
            return False
        await pending.cut("fin")
    deadline = trio.current_time() + seconds
    while trio.current_time() < deadline:
        head = await prober.send("HEAD", url)
        stored = header_value(head.headers, "Upload-Offset")
        if not succeeded(head) or stored is None or not is_integer(stored) or int(stored) > 0:
            return False
        await trio.sleep(_PAUSE)
    return True
