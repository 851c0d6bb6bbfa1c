"""Bytes to a server in memory, what it returns, and the rules that hold whatever was sent."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import h11
import trio
import trio.testing

from tus_reference import Config, Handler, MemoryLocker, StoreComposer
from tus_reference.middleware import AccessLog, Cors, Health, LayeredService
from tus_reference.server import serve_stream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tus_reference.handler.config import UsableStore

EXAMPLE_SECONDS = 600.0
"""How long one example may last, in seconds of a clock that jumps ahead while everything waits."""

NOT_IMPLEMENTED = 501


class RuleBroken(AssertionError):  # noqa: N818 - what is wrong is the server
    """A rule that holds for every input did not hold; its text says which."""


def split(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    """Return data in pieces; cuts beyond its end count from its start again."""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(places)]


@dataclass
class FuzzedServer:
    """A handler with one store, and what its log said."""

    store: UsableStore
    behind_proxy: bool = False
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Build the handler; its log is kept to be examined."""
        composer = StoreComposer()
        self.store.use_in(composer)
        MemoryLocker().use_in(composer)
        self.handler = Handler(
            Config(
                store_composer=composer,
                max_size=10_000,
                expire_after=3600.0,
                respect_forwarded_headers=self.behind_proxy,
                logger=_FailureLogger(self.failures),
            )
        )
        log = AccessLog("json", behind_proxy=self.behind_proxy, write=lambda _: None)
        self._service = LayeredService(self.handler, log, Health(), Cors())

    async def exchange(self, pieces: Sequence[bytes]) -> list[int]:
        """Send pieces over one connection and end it; return the statuses of all responses.

        Raises `RuleBroken`.
        """
        ours, theirs = trio.testing.memory_stream_pair()
        received = bytearray()

        async def receive() -> None:
            while piece := await ours.receive_some(65536):
                received.extend(piece)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_stream, self._service, theirs)
            nursery.start_soon(receive)
            try:
                for piece in pieces:
                    await ours.send_all(piece)
                await ours.send_eof()
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass  # The server had enough before the end.
        await ours.aclose()
        if self.failures:
            raise RuleBroken(f"the log reports a failure: {self.failures}")
        return check_responses(bytes(received))


class _FailureLogger(logging.Logger):
    """Keeps what is logged as an error."""

    def __init__(self, failures: list[str]) -> None:
        super().__init__("fuzzing", logging.ERROR)
        self._failures = failures

    def handle(self, record: logging.LogRecord) -> None:
        """Keep the message, and the exception that belongs to it."""
        problem = record.exc_info[1] if record.exc_info else None
        self._failures.append(f"{record.getMessage()} {problem!r}")


def check_responses(received: bytes) -> list[int]:
    """Return the statuses in what was received; raise `RuleBroken` if they are not HTTP.

    A response to HEAD has no body, whatever its length says, and which request was one is not
    known here. So a body is optional.
    """
    statuses = []
    while received:
        head, blank, rest = received.partition(b"\r\n\r\n")
        if not blank:
            raise RuleBroken(f"a response has no end of its head: {head[:200]!r}")
        parser = h11.Connection(h11.CLIENT)
        parser.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
        parser.receive_data(head + blank)
        try:
            event = parser.next_event()
        except h11.RemoteProtocolError as problem:
            raise RuleBroken(f"a response is malformed: {problem}: {head[:200]!r}") from None
        if not isinstance(event, h11.Response | h11.InformationalResponse):
            raise RuleBroken(f"a response is not complete: {event!r}")
        statuses.append(event.status_code)
        length = int(dict(event.headers).get(b"content-length", b"0"))
        received = rest if rest.startswith(b"HTTP/1.1 ") else rest[length:]
    for status in statuses:
        if status >= 500 and status != NOT_IMPLEMENTED:
            raise RuleBroken(f"the server answered {status}")
    return statuses


def run_example(example: Callable[[], Awaitable[None]], *, in_memory: bool = True) -> None:
    """Run one example; without a disk, on a clock that jumps ahead while everything waits."""

    async def run() -> None:
        with trio.move_on_after(EXAMPLE_SECONDS) as scope:
            await example()
        if scope.cancelled_caught:
            raise RuleBroken("the server still had the connection after ten minutes")

    # While a thread reads a disk, everything waits, and a clock that jumps would end that.
    clock = trio.testing.MockClock(autojump_threshold=0) if in_memory else None
    trio.run(run, clock=clock)
