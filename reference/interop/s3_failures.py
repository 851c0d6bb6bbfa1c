"""Upload through an S3 endpoint that fails every tenth request: everything arrives.

    python -m interop.s3_failures [UPLOADS] [--share 0.1] [--seed N] [--s3 seaweedfs|localstack]

(from the folder reference/). Between the reference and the S3 stands a proxy that answers 500
or SlowDown, resets in the middle of a part, does what is asked and loses the reply, or answers
200 with an error in the body. A client as usual ones are uploads 64 MiB at a time, looks with
HEAD when something failed, and goes on there: no offset goes back, and every byte arrives.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import random
import socket
import struct
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from interop.crashes import require
from interop.s3_servers import SERVERS
from interop.server_processes import OFFSET_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interop.s3_servers import S3
    from interop.server_processes import InteropServer
    from interop.server_response import ServerResponse

MIB = 1024 * 1024
SIZE = 64 * MIB
PIECE = 256 * 1024
ERROR = '<?xml version="1.0"?><Error><Code>{}</Code><Message>injected</Message></Error>'


class FailingProxy(BaseHTTPRequestHandler):
    """One connection from the reference; the S3 sees the same heads, so signatures hold."""

    protocol_version = "HTTP/1.1"
    chance: random.Random
    share: float
    upstream: str
    injected: Counter[str]

    def handle_one_request(self) -> None:
        """Forward one request, or fail it."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        try:
            self._answer()
        except (OSError, http.client.HTTPException):
            self.close_connection = True

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        fault = self._inject(length)
        if fault:
            self.injected[fault] += 1
        if fault == "reset in mid-part":
            self._read(length // 2)
            self._reset()
        elif fault in {"InternalError", "SlowDown"}:
            self._read(length)
            self._error(500 if fault == "InternalError" else 503, fault)
        elif fault == "200 with an error":
            self._read(length)
            self._error(200, "InternalError")
        else:
            self._forward(length, lose=fault == "lost reply")

    def _inject(self, length: int) -> str | None:
        if self.chance.random() >= self.share:
            return None
        kinds = ["InternalError", "SlowDown", "lost reply"]
        if length > MIB:
            kinds.append("reset in mid-part")
        copies = self.headers.get("x-amz-copy-source") is not None
        if copies or (self.command == "POST" and "uploadId" in self.path):
            kinds += ["200 with an error", "lost reply"]
        return self.chance.choice(kinds)

    def _read(self, length: int) -> None:
        while length > 0:
            piece = self.rfile.read(min(length, PIECE))
            if not piece:
                raise ConnectionResetError
            length -= len(piece)

    def _reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True

    def _error(self, status: int, code: str) -> None:
        body = ERROR.format(code).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _forward(self, length: int, *, lose: bool) -> None:
        where = urlsplit(self.upstream)
        s3 = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)
        try:
            s3.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, text in self.headers.items():
                if name.lower() != "expect":
                    s3.putheader(name, text)
            s3.endheaders()
            while length > 0:
                piece = self.rfile.read(min(length, PIECE))
                s3.send(piece)
                length -= len(piece)
            answer = s3.getresponse()
            if lose:
                answer.read()
                self._reset()
                return
            self._relay_response(answer)
        finally:
            s3.close()

    def _relay_response(self, answer: http.client.HTTPResponse) -> None:
        self.send_response_only(answer.status, answer.reason)
        chunked = answer.headers.get("Transfer-Encoding", "").lower() == "chunked"
        body = answer.read() if chunked else b""
        for name, text in answer.headers.items():
            if name.lower() not in {"transfer-encoding", "connection"}:
                self.send_header(name, text)
        if chunked:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        while self.command != "HEAD" and (piece := answer.read(PIECE)):
            self.wfile.write(piece)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def run_failing_proxy(
    s3: S3, share: float, chance: random.Random
) -> Iterator[tuple[str, Counter[str]]]:
    """Run the proxy before `s3`; yield its URL and what it did."""
    injected: Counter[str] = Counter()
    known = {"upstream": s3.endpoint, "share": share, "chance": chance, "injected": injected}
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), type("Faulty", (FailingProxy,), known))
    proxy.daemon_threads = True
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{proxy.server_port}", injected
    finally:
        proxy.shutdown()
        proxy.server_close()


class RetryingClient:
    """Uploads as usual clients do: after a failure, HEAD gives the offset to resume at."""

    def __init__(self, server: InteropServer) -> None:
        self.server = server
        self.failed: Counter[str] = Counter()

    def upload(self, seed: str) -> None:
        """Upload 64 MiB in bodies of random size."""
        chance = random.Random(seed)
        content = chance.randbytes(SIZE)
        path = self._create()
        offset = acknowledged = sent = 0
        while offset < SIZE:
            end = min(offset + chance.randint(1, 40 * MIB), SIZE)
            sent = max(sent, end)
            status, told = self._patch(path, offset, content[offset:end])
            if status == 204:
                offset = acknowledged = told
                continue
            self.failed[str(status)] += 1
            offset = self._head(path)
            require(acknowledged <= offset <= sent, f"{offset} after {acknowledged}, {sent} sent")
            acknowledged = offset
        answer = self._get(path)
        require(hashlib.sha256(answer).digest() == hashlib.sha256(content).digest(), "it differs")
        self._retry("DELETE", path, {204, 404, 410})

    def _create(self) -> str:
        answer = self._retry("POST", self.server.path, {201}, {"Upload-Length": str(SIZE)})
        return urlsplit(answer.headers["Location"]).path

    def _patch(self, path: str, offset: int, body: bytes) -> tuple[int, int]:
        headers = {"Upload-Offset": str(offset), "Content-Type": OFFSET_TYPE}
        answer = self.server.request("PATCH", path, headers, body)
        return answer.status, int(answer.headers.get("Upload-Offset", "-1"))

    def _head(self, path: str) -> int:
        return int(self._retry("HEAD", path, {200}).headers["Upload-Offset"])

    def _get(self, path: str) -> bytes:
        while True:
            try:
                return self._retry("GET", path, {200}).content
            except http.client.IncompleteRead:
                self.failed["GET broke"] += 1

    def _retry(
        self, method: str, path: str, wanted: set[int], headers: dict[str, str] | None = None
    ) -> ServerResponse:
        """Repeat a request until its status is an expected one; repeat only after 423 and 5xx."""
        for _ in range(20):
            answer = self.server.request(method, path, headers or {})
            if answer.status in wanted:
                return answer
            require(answer.status == 423 or answer.status >= 500, f"{method}: {answer.status}")
            self.failed[f"{method} {answer.status}"] += 1
            time.sleep(0.1)
        raise AssertionError(f"{method} never succeeded")


def main() -> int:
    """Run the uploads and print the results; return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("uploads", type=int, nargs="?", default=100)
    arguments.add_argument("--share", type=float, default=0.1)
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    arguments.add_argument("--s3", choices=SERVERS, default="seaweedfs")
    options = arguments.parse_args()
    chance = random.Random(options.seed)
    print(f"seed {options.seed}")
    with (
        SERVERS[options.s3]() as s3,
        run_failing_proxy(s3, options.share, chance) as (url, injected),
    ):
        flags = ("--s3-part-size", str(8 * MIB))
        with s3.run_reference(*flags, endpoint=url) as server, ThreadPoolExecutor(3) as pool:
            client = RetryingClient(server)
            seeds = [f"{options.seed} {number}" for number in range(options.uploads)]
            outcomes = [pool.submit(client.upload, seed) for seed in seeds]
            failures = [outcome.exception() for outcome in outcomes]
    failures = [failure for failure in failures if failure is not None]
    print(f"injected {sum(injected.values())}: {dict(injected)}")
    print(f"answers that the client had to bear: {dict(client.failed)}")
    print(f"{options.uploads} uploads of {SIZE // MIB} MiB, {len(failures)} failed", *failures[:5])
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
