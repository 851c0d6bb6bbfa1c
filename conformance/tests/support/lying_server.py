"""A small tus server in threads that may return other bytes than it was sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Lie = Callable[[int, dict[int, bytearray]], bytes]
"""What GET returns for the upload of a number, from all uploads that are stored."""


def return_all(number: int, stored: dict[int, bytearray]) -> bytes:
    """Return what was uploaded."""
    return bytes(stored[number])


def lose_one_byte_in(every: int) -> Lie:
    """Return a lie that leaves a byte out of the middle of one upload in so many."""

    def lie(number: int, stored: dict[int, bytearray]) -> bytes:
        whole = return_all(number, stored)
        middle = len(whole) // 2
        return whole[:middle] + whole[middle + 1 :] if number % every == 0 else whole

    return lie


def mix_up_one_in(every: int) -> Lie:
    """Return a lie that puts the first bytes of another upload into one in so many."""

    def lie(number: int, stored: dict[int, bytearray]) -> bytes:
        whole = return_all(number, stored)
        if number % every:
            return whole
        others = (bytes(each) for other, each in stored.items() if other != number)
        foreign = max(others, key=len)[: len(whole)]
        return foreign + whole[len(foreign) :]

    return lie


@dataclass
class LyingServer:
    """A server at `url`; `broken_bodies` has the announced and the received bytes of each cut."""

    lie: Lie = return_all
    downloads: bool = True
    url: str = ""
    lengths: dict[int, int] = field(default_factory=dict)
    stored: dict[int, bytearray] = field(default_factory=dict)
    broken_bodies: list[tuple[int, int]] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def run_lying_server(lie: Lie = return_all, *, downloads: bool = True) -> Iterator[LyingServer]:
    """Serve on a free port of 127.0.0.1."""
    server = LyingServer(lie, downloads)

    class Handler(_Handler):
        state = server

    class Listener(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

    with Listener(("127.0.0.1", 0), Handler) as listener:
        server.url = f"http://127.0.0.1:{listener.server_address[1]}/files/"
        thread = threading.Thread(target=listener.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join(10)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    state: LyingServer

    def log_message(self, *_: Any) -> None:
        """Print nothing."""

    def handle(self) -> None:
        """Serve a connection; that a client closes it is what is tested."""
        try:
            super().handle()
        except ConnectionError:
            return

    def do_OPTIONS(self) -> None:
        extensions = "creation,creation-with-upload,termination"
        self._answer(204, {"Tus-Version": "1.0.0", "Tus-Extension": extensions})

    def do_POST(self) -> None:
        with self.state.lock:
            number = len(self.state.lengths) + 1
            self.state.lengths[number] = int(self.headers["Upload-Length"])
            self.state.stored[number] = bytearray()
        self._store(number)
        offset = str(len(self.state.stored[number]))
        place = f"{self.path}{number}"
        self._answer(201, {"Location": place, "Upload-Offset": offset})

    def do_HEAD(self) -> None:
        number = self._number()
        offset, length = len(self.state.stored[number]), self.state.lengths[number]
        fields = {"Upload-Offset": str(offset), "Upload-Length": str(length)}
        self._answer(200, fields)

    def do_PATCH(self) -> None:
        number = self._number()
        if int(self.headers["Upload-Offset"]) != len(self.state.stored[number]):
            self.close_connection = True
            self._answer(409, {})
            return
        if self._store(number):
            self._answer(204, {"Upload-Offset": str(len(self.state.stored[number]))})

    def do_DELETE(self) -> None:
        self._answer(204, {})

    def do_GET(self) -> None:
        if not self.state.downloads:
            self._answer(405, {})
            return
        with self.state.lock:
            body = self.state.lie(self._number(), self.state.stored)
        self._answer(200, {"Content-Type": "application/octet-stream"}, body)

    def _number(self) -> int:
        return int(self.path.rpartition("/")[2])

    def _store(self, number: int) -> bool:
        """Store a body, as much of it as arrives; return whether it is whole."""
        announced = int(self.headers.get("Content-Length", 0))
        received = self.rfile.read(announced)
        self.state.stored[number] += received
        if len(received) == announced:
            return True
        self.state.broken_bodies.append((announced, len(received)))
        self.close_connection = True
        return False

    def _answer(self, status: int, fields: dict[str, str], body: bytes = b"") -> None:
        self.state.methods.append(self.command)
        self.send_response(status)
        for name, value in {"Tus-Resumable": "1.0.0", **fields}.items():
            self.send_header(name, value)
        if status != 204 and self.command != "HEAD":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
