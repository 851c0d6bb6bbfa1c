"""Serve slow and fast uploads with cuts for minutes: nothing fails, and nothing grows.

    python -m interop.soak [--slow 1000] [--fast 200] [--seconds 600] [--seed N]

(from the folder reference/). Slow clients send a few kilobytes, wait, and go on; fast ones send
bodies of up to 256 KiB. Both cut connections at random, ask with HEAD, resume, compare what they
download, and remove it. Meanwhile HEAD is sent for another upload, and its latency is what an
innocent client notices. Exit code 1: an error, a lost byte, descriptors that stay, or more memory
than the documented bound.
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from interop.server_processes import OFFSET_TYPE, peak_memory, run_reference

if TYPE_CHECKING:
    from interop.server_processes import InteropServer

LARGEST_MEMORY = 150 * 1024 * 1024
# What a connection may need of the server, and what the clients need.
FILES_PER_CONNECTION = 5
RESERVED_FILES = 300
# A server that has all of the processor to itself answers in less; others use this machine, too.
PATIENCE = 120.0


@dataclass(frozen=True)
class Pace:
    """How a kind of client sends: bytes of an upload, of a write and of a body, and the pauses."""

    name: str
    sizes: tuple[int, int]
    body: int
    piece: int
    pause: tuple[float, float]
    cut_share: float


SPARE_DESCRIPTORS = 8
"""How many more descriptors than before the load may be open after it, such as those of threads."""

SLOW = Pace("slow", (16_384, 131_072), 131_072, 4096, (0.5, 4.0), 0.05)
FAST = Pace("fast", (262_144, 2_097_152), 262_144, 65_536, (0.0, 0.05), 0.02)


@dataclass
class Figures:
    """What happened."""

    errors: list[str] = field(default_factory=list)
    uploads: dict[str, int] = field(default_factory=dict)
    cuts: int = 0
    conflicts: int = 0
    latencies: list[float] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)


class SoakClient:
    """A client that uploads, is cut off, resumes, compares, and begins again."""

    def __init__(
        self, server: InteropServer, pace: Pace, chance: random.Random, figures: Figures
    ) -> None:
        self._server = server
        self._pace = pace
        self._chance = chance
        self._figures = figures

    async def run(self) -> None:
        """Upload until cancelled; an error ends it, and is in the figures."""
        await trio.sleep(self._chance.uniform(0, self._pace.pause[1]))
        try:
            while True:
                await self._upload_once()
                uploads = self._figures.uploads
                uploads[self._pace.name] = uploads.get(self._pace.name, 0) + 1
        except (AssertionError, OSError, trio.TooSlowError) as problem:
            self._figures.errors.append(f"{self._pace.name}: {problem!r}")

    async def _upload_once(self) -> None:
        content = self._chance.randbytes(self._chance.randint(*self._pace.sizes))
        status, headers, _ = await self._ask("POST", self._server.path, Upload_Length=len(content))
        require(status == 201, f"POST was answered {status}")
        path = "/" + headers["location"].split("/", 3)[3]
        offset = 0
        while offset < len(content):
            body = content[offset : offset + self._pace.body]
            if await self._patch(path, offset, body):
                offset += len(body)
                continue
            status, headers, _ = await self._ask("HEAD", path)
            require(status == 200, f"HEAD was answered {status}")
            found = int(headers["upload-offset"])
            require(offset <= found <= offset + len(body), f"{found} after {offset}")
            offset = found
        status, _, downloaded = await self._ask("GET", path)
        require(status == 200 and downloaded == content, f"GET {status}: the content differs")
        status, _, _ = await self._ask("DELETE", path)
        require(status == 204, f"DELETE was answered {status}")

    async def _patch(self, path: str, offset: int, body: bytes) -> bool:
        """Send a PATCH piece by piece; return False if HEAD has to say where to go on."""
        stream = await self._connect()
        try:
            fields = {"Upload-Offset": offset, "Content-Length": len(body)}
            await stream.send_all(
                encode_head("PATCH", path, {"Content-Type": OFFSET_TYPE, **fields})
            )
            for start in range(0, len(body), self._pace.piece):
                if self._chance.random() < self._pace.cut_share:
                    self._figures.cuts += 1
                    return False
                await stream.send_all(body[start : start + self._pace.piece])
                await trio.sleep(self._chance.uniform(*self._pace.pause))
            status, headers, _ = await receive_response(stream, "PATCH")
            if status == 409:
                # What the cut request had sent was stored after HEAD was answered.
                self._figures.conflicts += 1
                return False
            require(status == 204, f"PATCH was answered {status}")
            told = int(headers["upload-offset"])
            require(
                told == offset + len(body), f"PATCH to {offset + len(body)} was answered {told}"
            )
            return True
        finally:
            await trio.aclose_forcefully(stream)

    async def _ask(self, method: str, path: str, **fields: object) -> Answer:
        stream = await self._connect()
        try:
            named = {name.replace("_", "-"): value for name, value in fields.items()}
            await stream.send_all(encode_head(method, path, {**named, "Connection": "close"}))
            return await receive_response(stream, method)
        finally:
            await trio.aclose_forcefully(stream)

    async def _connect(self) -> trio.SocketStream:
        with trio.fail_after(PATIENCE):
            return await trio.open_tcp_stream("127.0.0.1", self._server.port)

    async def measure_head(self) -> None:
        """Send HEAD for an upload of its own, again and again, and note how long it takes."""
        _, headers, _ = await self._ask("POST", self._server.path, Upload_Length=10)
        path = "/" + headers["location"].split("/", 3)[3]
        while True:
            begun = trio.current_time()
            status, _, _ = await self._ask("HEAD", path)
            require(status == 200, f"an unrelated HEAD was answered {status}")
            self._figures.latencies.append(trio.current_time() - begun)
            self._figures.descriptors.append(count_descriptors(self._server))
            await trio.sleep(0.1)


Answer = tuple[int, dict[str, str], bytes]


def encode_head(method: str, path: str, fields: dict[str, object]) -> bytes:
    """Return the head of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Tus-Resumable: 1.0.0"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join((*lines, "", "")).encode()


async def receive_response(stream: trio.SocketStream, method: str) -> Answer:
    """Return status, header fields with lower-case names, and body."""
    received = b""
    with trio.fail_after(PATIENCE):
        while b"\r\n\r\n" not in received:
            piece = await stream.receive_some(65536)
            require(bool(piece), f"{method} got no response")
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
        }
        length = 0 if method == "HEAD" else int(headers.get("content-length", "0"))
        while len(body) < length:
            piece = await stream.receive_some(1 << 20)
            require(bool(piece), f"{method} got {len(body)} of {length} bytes")
            body += piece
    return int(first.split(" ")[1]), headers, body


def require(holds: bool, sentence: str) -> None:  # noqa: FBT001
    """Raise `AssertionError` unless the condition holds."""
    if not holds:
        raise AssertionError(sentence)


def count_descriptors(server: InteropServer) -> int:
    """Return how many descriptors the server has open."""
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


async def run_clients(
    server: InteropServer, slow: int, fast: int, seconds: float, seed: str
) -> Figures:
    """Run the clients for so many seconds; return what happened."""
    figures = Figures(descriptors=[count_descriptors(server)])
    with trio.move_on_after(seconds):
        async with trio.open_nursery() as nursery:
            for number, pace in enumerate([SLOW] * slow + [FAST] * fast):
                client = SoakClient(server, pace, random.Random(f"{seed} {number}"), figures)
                nursery.start_soon(client.run)
            await SoakClient(server, FAST, random.Random(seed), figures).measure_head()
    # What was cut off last is stored, and its connections end.
    with trio.move_on_after(60):
        while count_descriptors(server) > figures.descriptors[0] + SPARE_DESCRIPTORS:  # noqa: ASYNC110
            await trio.sleep(0.1)
    figures.descriptors.append(count_descriptors(server))
    return figures


def allow_files(connections: int) -> None:
    """Let this process and the server have as many files as so many clients need."""
    wanted = connections * FILES_PER_CONNECTION + RESERVED_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, limit), hard))


def soak(
    slow: int, fast: int, seconds: float, seed: str, *, flags: tuple[str, ...] = ()
) -> list[str]:
    """Run it, print the figures, and return what is wrong."""
    allow_files(slow + fast)
    with tempfile.TemporaryDirectory(prefix="tus-soak-") as name:
        log = Path(name, "log")
        with run_reference(Path(name, "uploads"), *flags, log=log) as server:
            figures = trio.run(partial(run_clients, server, slow, fast, seconds, seed))
            memory = peak_memory(server.process.pid)
        wrong = list(figures.errors)
        if "Traceback" in log.read_text():
            wrong.append("the log has a traceback")
    percentile = statistics.quantiles(figures.latencies, n=100)
    print(
        f"{slow} slow and {fast} fast clients for {seconds:g} s: {figures.uploads} uploads,"
        f" {figures.cuts} cuts, {figures.conflicts} conflicts, {len(figures.errors)} errors;"
        f" at most {memory / 2**20:.0f} MiB;"
        f" descriptors {figures.descriptors[0]} at first, at most {max(figures.descriptors)},"
        f" {figures.descriptors[-1]} at last; an unrelated HEAD, {len(figures.latencies)} times:"
        f" median {percentile[49] * 1e3:.0f} ms, 99 % {percentile[98] * 1e3:.0f} ms",
        flush=True,
    )
    if memory > LARGEST_MEMORY:
        wrong.append(f"{memory} bytes of memory are more than {LARGEST_MEMORY}")
    if figures.descriptors[-1] > figures.descriptors[0] + SPARE_DESCRIPTORS:
        wrong.append("descriptors stay open")
    return wrong


def main() -> int:
    """Run it, and return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--slow", type=int, default=1000, help="slow clients (1000)")
    arguments.add_argument("--fast", type=int, default=200, help="fast clients (200)")
    arguments.add_argument("--seconds", type=float, default=600.0, help="for how long (600)")
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    options = arguments.parse_args()
    print(f"seed {options.seed}")
    wrong = soak(options.slow, options.fast, options.seconds, str(options.seed))
    for sentence in wrong[:20]:
        print(f"  {sentence}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
