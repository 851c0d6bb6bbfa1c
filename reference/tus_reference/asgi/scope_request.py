"""From an ASGI scope to a request for the handler.

Servers and frameworks do not agree on whether `path` begins with `root_path` (ASGI says that
it does), so both are understood: what remains after it is looked for below the handler's base
path, and clients see the whole of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from tus_reference.asgi.received_body import ReceivedBody
from tus_reference.model import Headers, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tus_reference.asgi.messages import Receive, Scope

# Everything that a path may hold unescaped (RFC 3986, 3.3).
_PLAIN: Final = "/-._~!$&'()*+,;=:@"

# Without a body, whatever the version of HTTP, unless a header says that there is one.
_BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})


async def build_request(
    scope: Scope, receive: Receive, *, mounted: bool
) -> tuple[Request, ReceivedBody]:
    """Return the request and its body, which is as yet with the server.

    `mounted` says whether the handler's base path is below `root_path`.
    """
    headers = Headers(_decode_fields(scope))
    mount, target = _split_target(scope)
    client = scope.get("client")
    body = await _build_body(scope["method"], headers, receive)
    request = Request(
        method=scope["method"],
        target=target,
        headers=headers,
        body=body,
        scheme=scope.get("scheme", "http"),
        remote_addr="" if client is None else f"{client[0]}:{client[1]}",
        mount=mount if mounted else "",
    )
    return request, body


def _decode_fields(scope: Scope) -> Iterator[tuple[str, str]]:
    for name, value in scope["headers"]:
        # Trailers end at the server; a field that announces some would promise what cannot come.
        if name != b"trailer":
            # httptools leaves the space after a value, which is not part of it (RFC 9110, 5.5).
            yield name.decode("latin-1"), value.decode("latin-1").strip(" \t")


def _split_target(scope: Scope) -> tuple[str, str]:
    """Return where the application is mounted, and the whole target, percent-encoded."""
    root, path = scope.get("root_path", "").rstrip("/"), scope["path"]
    if path == "*":
        return "", path
    # Starlette adds mounts to a root_path that it keeps, and that the path may not begin with.
    below = root.removeprefix(scope.get("app_root_path", "").rstrip("/"))
    for above in (root, below):
        if above and (path == above or path.startswith(f"{above}/")):
            path = path[len(above) :]
            break
    mount = quote(root, safe=_PLAIN)
    target = mount + (quote(path, safe=_PLAIN) or "/")
    query = scope.get("query_string", b"").decode("latin-1")
    return mount, f"{target}?{query}" if query else target


# Python makes no integer of more than 4300 digits, and no body has so many bytes.
_MAX_LENGTH_DIGITS = 19


async def _build_body(method: str, headers: Headers, receive: Receive) -> ReceivedBody:
    stated = headers.joined("Content-Length")
    expects_continue = "Expect" in headers
    if stated is not None and stated.isdecimal() and len(stated) <= _MAX_LENGTH_DIGITS:
        return ReceivedBody(receive, int(stated), expects_continue=expects_continue)
    if "Transfer-Encoding" in headers:
        return ReceivedBody(receive, None, expects_continue=expects_continue)
    if method in _BODILESS:
        return ReceivedBody(receive, 0)
    # In HTTP/2 a body may have no length, and none at all looks the same from here.
    body = ReceivedBody(receive, None)
    await body.receive_first()
    return body
