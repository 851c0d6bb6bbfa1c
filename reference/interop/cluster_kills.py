"""Clients that upload through a balancer, and what happens to the servers meanwhile.

Each client uploads one file after the other, in PATCHes of random sizes, some of them with a
checksum, some with rotten bytes under it, some cut off. It remembers the highest offset that it
got, and after every failure asks for the offset, which must not be below that one, nor beyond what
it sent. Complete files are read back and compared. Meanwhile servers are killed and started again,
now and then one is stopped for longer than its lease, or Redis is killed and starts empty.
"""

from __future__ import annotations

import http.client
import random
import signal
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from interop.crashes import checksum, require
from interop.server_processes import OFFSET_TYPE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interop.redis_process import RedisProcess

KIB, MIB = 1024, 1024 * 1024
CLIENTS = 6
LARGEST_FILE = 14 * MIB
PATIENCE = 120.0
"""How long, in seconds, a client tries again before it reports that nothing works any more."""


class ClusterMember(Protocol):
    """A server of the cluster."""

    def start(self) -> None:
        """Start it."""

    def kill(self) -> None:
        """Kill it."""

    def signal(self, number: int) -> None:
        """Send it a signal."""


@dataclass
class KillFigures:
    """What came of a trial; `counts` is by kind of event."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def describe(self) -> str:
        """Return the figures in one line, and a line for each failure."""
        counts = ", ".join(f"{count} {name}" for name, count in sorted(self.counts.items()))
        return "\n".join([f"{counts}; {len(self.failures)} failures", *self.failures])


class Client:
    """One client; `chance` decides all that it does."""

    def __init__(
        self, url: str, chance: random.Random, figures: KillFigures, stop: threading.Event
    ) -> None:
        self._address = (urlsplit(url).hostname or "", urlsplit(url).port or 80)
        self._endpoint = urlsplit(url).path
        self._chance = chance
        self._figures = figures
        self._stop = stop

    def run(self) -> None:
        """Upload files until the trial ends; the last is completed."""
        try:
            while not self._stop.is_set():
                self._upload_file()
        except AssertionError as failure:
            self._figures.failures.append(str(failure))

    def _upload_file(self) -> None:
        content = self._chance.randbytes(self._chance.randint(1, LARGEST_FILE))
        path = self._create(len(content))
        acknowledged, sent = 0, 0
        while acknowledged < len(content):
            size = self._chance.choice([64 * KIB, MIB, 6 * MIB])
            piece = content[acknowledged : acknowledged + self._chance.randint(1, size)]
            kind = self._chance.choices(["whole", "checked", "rotten", "cut"], [6, 2, 1, 2])[0]
            if kind != "rotten":
                sent = max(sent, acknowledged + len(piece))
            status, offset = self._patch(path, acknowledged, piece, kind)
            self._figures.counts[f"PATCH {status or 'cut off'}"] += 1
            if status == 204:
                require(offset == acknowledged + len(piece), f"{path}: 204 with {offset}")
                acknowledged = offset
                self._figures.counts["acknowledgements"] += 1
                continue
            require(status in EXPECTED, f"{path}: PATCH was answered {status}")
            offset = self._ask_offset(path)
            require(offset >= acknowledged, f"{path}: {offset} after {acknowledged}: lost bytes")
            require(offset <= sent, f"{path}: {offset} of {sent} sent")
            acknowledged = offset
        self._compare(path, content)

    def _compare(self, path: str, content: bytes) -> None:
        self._ask_offset(path)
        status, body = self._retry("GET", path, {200})
        require(status == 200 and body == content, f"{path}: the file differs")
        self._figures.counts["files compared"] += 1
        self._retry("DELETE", path, {204, 404, 410})

    def _create(self, length: int) -> str:
        deadline = time.monotonic() + PATIENCE
        while True:
            status, headers, _ = self._request(
                "POST", self._endpoint, {"Upload-Length": str(length)}
            )
            if status == 201:
                return urlsplit(headers["Location"]).path
            require(time.monotonic() < deadline, f"POST is answered {status} for too long")
            self._pause()

    def _patch(self, path: str, offset: int, piece: bytes, kind: str) -> tuple[int, int]:
        """Send a PATCH; return its status, 0 if there was none, and the new offset."""
        headers = {"Upload-Offset": str(offset), "Content-Type": OFFSET_TYPE}
        if kind in {"checked", "rotten"}:
            headers["Upload-Checksum"] = checksum(piece)
        if kind == "rotten":
            piece = bytes(len(piece))
        if kind == "cut" and len(piece) > 1:
            self._send_and_cut(path, headers, piece)
            return 0, -1
        status, fields, _ = self._request("PATCH", path, headers, piece)
        return status, int(fields.get("upload-offset", "-1"))

    def _send_and_cut(self, path: str, headers: dict[str, str], piece: bytes) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = (
            f"PATCH {path} HTTP/1.1\r\nHost: {self._address[0]}:{self._address[1]}\r\n"
            f"Tus-Resumable: 1.0.0\r\n{lines}Content-Length: {len(piece)}\r\n\r\n"
        )
        try:
            with socket.create_connection(self._address, timeout=30) as connection:
                connection.sendall(head.encode() + piece[: self._chance.randrange(len(piece))])
        except OSError:
            pass

    def _ask_offset(self, path: str) -> int:
        deadline = time.monotonic() + PATIENCE
        while True:
            status, headers, _ = self._request("HEAD", path, {})
            if status == 200:
                return int(headers["upload-offset"])
            require(status not in {404, 410}, f"{path}: HEAD is answered {status}: lost")
            require(time.monotonic() < deadline, f"{path}: HEAD is answered {status} for too long")
            self._pause()

    def _retry(self, method: str, path: str, statuses: set[int]) -> tuple[int, bytes]:
        deadline = time.monotonic() + PATIENCE
        while True:
            status, _, body = self._request(method, path, {})
            if status in statuses or time.monotonic() > deadline:
                return status, body
            self._pause()

    def _pause(self) -> None:
        time.sleep(self._chance.uniform(0.05, 0.3))

    def _request(
        self, method: str, path: str, headers: dict[str, str], body: bytes = b""
    ) -> tuple[int, dict[str, str], bytes]:
        """Return status, header fields in lower case and body; status 0 if none came."""
        connection = http.client.HTTPConnection(*self._address, timeout=60)
        fields = {"Tus-Resumable": "1.0.0", **headers}
        try:
            connection.request(method, path, body or None, fields)
            answer = connection.getresponse()
            received = {name.lower(): value for name, value in answer.getheaders()}
            received["Location"] = received.get("location", "")
            return answer.status, received, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, {}, b""
        finally:
            connection.close()


# What a request may get while servers are killed: nothing, a take-over, a mismatch after a request
# that was cut off, a lock, rotten bytes, and what nginx and the servers say of lost connections.
EXPECTED = {0, 400, 408, 409, 423, 460, 502, 503, 504}


def run_kills(
    url: str,
    instances: Sequence[ClusterMember],
    redis: RedisProcess,
    *,
    kills: int,
    lease: float,
    seed: str,
) -> KillFigures:
    """Upload to `url` while `kills` things happen to the servers; return the figures."""
    figures, stop, chance = KillFigures(), threading.Event(), random.Random(seed)
    clients = [
        Client(url, random.Random(f"{seed} {number}"), figures, stop) for number in range(CLIENTS)
    ]
    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(client.run) for client in clients]
        try:
            for _ in range(kills):
                time.sleep(chance.uniform(0.2, 1.5))
                _disturb(instances, redis, chance, figures, lease)
                if figures.failures:
                    break
        finally:
            stop.set()
        for each in running:
            each.result()
    return figures


def _disturb(
    instances: Sequence[ClusterMember],
    redis: RedisProcess,
    chance: random.Random,
    figures: KillFigures,
    lease: float,
) -> None:
    """Kill a server and start it again; or else stop it for a while, or kill Redis."""
    victim = chance.choice(instances)
    kind = chance.choices(["kills", "stops beyond the lease", "kills of Redis"], [6, 2, 2])[0]
    if kind == "kills":
        victim.kill()
        time.sleep(chance.uniform(0.0, 1.0))
        victim.start()
    elif kind == "kills of Redis":
        redis.stop()
        time.sleep(chance.uniform(0.0, 2 * lease))
        redis.start()
    else:
        victim.signal(signal.SIGSTOP)
        time.sleep(lease * chance.uniform(1.5, 4.0))
        victim.signal(signal.SIGCONT)
    figures.counts[kind] += 1
