"""The load: one big PATCH, and the small cycle POST, PATCH 1 KiB, HEAD on many connections.

The generator is one process with non-blocking sockets and next to no parsing, so that it
costs the machine as little as it can; it is the same for every server.
"""

from __future__ import annotations

import selectors
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

OFFSET_TYPE = "application/offset+octet-stream"
METADATA = "filename YmVuY2gudHh0,filetype dGV4dC9wbGFpbg=="
BLOCK = 1024 * 1024


def request(method: str, path: str, headers: dict[str, str | int]) -> bytes:
    """Return the head of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Tus-Resumable: 1.0.0"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join((*lines, "", "")).encode()


def parse(data: bytes, *, to_head: bool = False) -> tuple[int, dict[str, str]] | None:
    """Return status and headers of a complete answer, or None while bytes are missing."""
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    status = int(first.split(" ")[1])
    if to_head:
        return status, headers
    if headers.get("transfer-encoding") == "chunked":
        return (status, headers) if body.endswith(b"0\r\n\r\n") else None
    return (status, headers) if len(body) >= int(headers.get("content-length", 0)) else None


def send_big(port: int, endpoint: str, block: bytes, blocks: int) -> tuple[float, str]:
    """Upload `blocks` times `block` in one PATCH; return its seconds and the upload's id."""
    size = len(block) * blocks
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        headers: dict[str, str | int] = {"Upload-Length": size, "Upload-Metadata": METADATA}
        connection.sendall(request("POST", endpoint, {**headers, "Content-Length": 0}))
        status, answer = receive(connection)
        require(status == 201, f"POST was answered {status}")
        path = urlsplit(answer["location"]).path
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        start = time.perf_counter()
        headers = {"Upload-Offset": 0, "Content-Type": OFFSET_TYPE, "Content-Length": size}
        connection.sendall(request("PATCH", path, headers))
        for _ in range(blocks):
            connection.sendall(block)
        status, answer = receive(connection)
        seconds = time.perf_counter() - start
    require(status == 204, f"PATCH was answered {status}")
    require(answer["upload-offset"] == str(size), "PATCH told another offset")
    return seconds, path.rpartition("/")[2]


def receive(connection: socket.socket) -> tuple[int, dict[str, str]]:
    """Return status and headers of the next answer."""
    data = b""
    while (answer := parse(data)) is None:
        piece = connection.recv(65536)
        require(piece != b"", "the server closed the connection")
        data += piece
    return answer


@dataclass
class LoadConnection:
    """One connection that goes through its cycles, a request at a time."""

    connection: socket.socket
    steps: Iterator[bytes]
    data: bytes = b""
    answer: tuple[int, dict[str, str]] = field(default_factory=lambda: (0, {}))
    requests: int = 0
    asked_head: bool = False


class Script(Protocol):
    """The requests of a connection; between them the worker has the answer."""

    def __call__(
        self, worker: LoadConnection, endpoint: str, content: bytes, count: int, ids: list[str]
    ) -> Iterator[bytes]:
        """Yield the requests of `count` uploads, and append the id of each to `ids`."""
        ...


def create_with_upload(
    worker: LoadConnection, endpoint: str, content: bytes, count: int, ids: list[str]
) -> Iterator[bytes]:
    """Yield a POST with the whole content for each upload: a `Script`."""
    headers: dict[str, str | int] = {
        "Upload-Length": len(content),
        "Upload-Metadata": METADATA,
        "Content-Type": OFFSET_TYPE,
        "Content-Length": len(content),
    }
    whole = request("POST", endpoint, headers) + content
    for _ in range(count):
        yield whole
        status, answer = worker.answer
        require(status == 201, f"POST was answered {status}")
        require(answer.get("upload-offset") == str(len(content)), "POST told another offset")
        ids.append(urlsplit(answer["location"]).path.rpartition("/")[2])


def create_patch_head(
    worker: LoadConnection, endpoint: str, content: bytes, count: int, ids: list[str]
) -> Iterator[bytes]:
    """Yield POST, PATCH and HEAD for each upload: a `Script`."""
    for _ in range(count):
        headers: dict[str, str | int] = {
            "Upload-Length": len(content),
            "Upload-Metadata": METADATA,
            "Content-Length": 0,
        }
        yield request("POST", endpoint, headers)
        require(worker.answer[0] == 201, f"POST was answered {worker.answer[0]}")
        path = urlsplit(worker.answer[1]["location"]).path
        headers = {"Upload-Offset": 0, "Content-Type": OFFSET_TYPE, "Content-Length": len(content)}
        yield request("PATCH", path, headers) + content
        require(worker.answer[0] == 204, f"PATCH was answered {worker.answer[0]}")
        yield request("HEAD", path, {})
        offset = worker.answer[1].get("upload-offset")
        require(offset == str(len(content)), f"HEAD told {offset}")
        ids.append(path.rpartition("/")[2])


def send_small(
    port: int,
    endpoint: str,
    content: bytes,
    *,
    connections: int,
    count: int,
    script: Script = create_patch_head,
) -> tuple[float, list[str]]:
    """Send `count` uploads on each connection; return requests per second and the uploads' ids."""
    ids: list[str] = []
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            connection = socket.create_connection(("127.0.0.1", port), timeout=60)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            worker = LoadConnection(connection, iter(()))
            worker.steps = script(worker, endpoint, content, count, ids)
            selector.register(connection, selectors.EVENT_READ, worker)
        workers = [key.data for key in selector.get_map().values()]
        start = time.perf_counter()
        for worker in workers:
            worker.connection.sendall(next(worker.steps))
        while selector.get_map():
            for key, _ in selector.select(60):
                advance(selector, key.data)
        seconds = time.perf_counter() - start
    return sum(worker.requests for worker in workers) / seconds, ids


def advance(selector: selectors.BaseSelector, worker: LoadConnection) -> None:
    """Take in what came; when that is a whole answer, send the next request."""
    piece = worker.connection.recv(65536)
    require(piece != b"", "the server closed the connection")
    worker.data += piece
    answer = parse(worker.data, to_head=worker.asked_head)
    if answer is None:
        return
    worker.answer, worker.data = answer, b""
    worker.requests += 1
    following = next(worker.steps, None)
    if following is None:
        selector.unregister(worker.connection)
        worker.connection.close()
    else:
        worker.asked_head = following.startswith(b"HEAD ")
        worker.connection.sendall(following)


def require(holds: bool, sentence: str) -> None:  # noqa: FBT001
    """Raise `AssertionError` unless the condition holds: a wrong answer is no fast answer."""
    if not holds:
        raise AssertionError(sentence)
