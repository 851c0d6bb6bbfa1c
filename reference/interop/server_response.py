"""A response whose body is read whole, and the request that it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from email.message import Message
    from http.client import HTTPConnection


@dataclass(frozen=True)
class ServerResponse:
    """The status, the headers and the whole body of a response."""

    status: int
    headers: Message
    content: bytes


def send_request(
    connection: HTTPConnection,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    *,
    keep: bool = False,
) -> ServerResponse:
    """Send a request of tus 1.0.0, and close the connection unless it is to be kept."""
    fields = {"Tus-Resumable": "1.0.0", **(headers or {})}
    try:
        connection.request(method, path, body or None, fields)
        answer = connection.getresponse()
        return ServerResponse(answer.status, answer.headers, answer.read())
    finally:
        if not keep:
            connection.close()
