"""From a response of the handler to ASGI messages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import anyio

from tus_reference.model import Download

if TYPE_CHECKING:
    from tus_reference.asgi.messages import Message, Receive, Scope, Send
    from tus_reference.asgi.received_body import ReceivedBody
    from tus_reference.model import Response

# Servers differ in whether they let what ends a line pass, and so smuggle in another header.
_LINE_ENDS = re.compile(r"[\r\n\0]")

# So little of a body is read and dropped in the time that a new connection takes.
MAX_QUICK_DRAIN = 256 * 1024


async def send_response(
    scope: Scope, receive: Receive, send: Send, response: Response, body: ReceivedBody
) -> None:
    """Send `response`; what is unread of the request is dropped, within bounds.

    Raises `ValueError` for a header that breaks its line, and `OSError` if a stored upload
    turns out to be shorter than was said.
    """
    unread, http1 = body.unread, scope.get("http_version", "1.1").startswith("1")
    closing = unread is None or unread > MAX_QUICK_DRAIN or (unread > 0 and not body.is_coming)
    await send(_start_message(response, closing=closing and http1))
    content = response.body
    if isinstance(content, Download):
        try:
            if scope["method"] != "HEAD":
                await _send_download(receive, send, content)
        finally:
            # An async generator left to the garbage collector would keep its file open.
            with anyio.CancelScope(shield=True):
                await content.chunks.aclose()
        content = b""
    if scope["method"] == "HEAD":
        content = b""
    if unread != 0 and http1 and body.is_coming:
        await send({"type": "http.response.body", "body": content, "more_body": True})
        await body.drain()
        content = b""
    await send({"type": "http.response.body", "body": content, "more_body": False})


def _start_message(response: Response, *, closing: bool) -> Message:
    headers = []
    for name, value in response.headers:
        if _LINE_ENDS.search(name + value):
            raise ValueError(f"the response header {name!r} contains a line break")
        headers.append((name.lower().encode("latin-1"), value.encode("latin-1")))
    if response.status not in {204, 304}:
        content = response.body
        length = content.length if isinstance(content, Download) else len(content)
        headers.append((b"content-length", str(length).encode()))
    if closing:
        headers.append((b"connection", b"close"))
    return {"type": "http.response.start", "status": response.status, "headers": headers}


async def _send_download(receive: Receive, send: Send, content: Download) -> None:
    """Send the bytes until the client disconnects, which only `receive` reports."""
    sent = 0
    async with anyio.create_task_group() as tasks:

        async def watch_disconnect() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            tasks.cancel_scope.cancel()

        tasks.start_soon(watch_disconnect)
        async for piece in content.chunks:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            sent += len(piece)
        if sent != content.length:
            # The length was sent already; only a broken connection shows that bytes are missing.
            raise OSError(f"the store returned {sent} bytes instead of {content.length}")
        tasks.cancel_scope.cancel()
