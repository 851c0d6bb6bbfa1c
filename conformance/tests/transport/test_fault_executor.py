"""`transport.fault_executor`: which fault is injected, after which byte, in which order."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from tus_conformance.transport.fault_actions import (
    Break,
    BreakMode,
    FaultAction,
    InjectedFault,
    SplitWrite,
    Stall,
    Throttle,
)
from tus_conformance.transport.fault_executor import FaultExecutor, write_throttled
from tus_conformance.transport.pending_faults import Position

pytestmark = pytest.mark.anyio


class FakeConnection:
    """A connection that keeps what is written and done to it, in order."""

    def __init__(self) -> None:
        self.events: list[object] = []
        self.sending_done = False
        self.accepts = True

    async def write(self, data: bytes) -> bool:
        if self.accepts:
            self.events.append(data)
        return self.accepts

    def record_action(self, text: str) -> None:
        self.events.append(text)

    async def stall(self, seconds: float) -> None:
        self.events.append(seconds)

    def throttle(self, limits: Throttle) -> None:
        self.events.append(limits)

    async def half_close(self) -> None:
        self.events.append("half-close")
        self.sending_done = True

    async def break_connection(self, by: BreakMode, position: Position) -> None:
        self.events.append((by, position.sent))
        self.sending_done = True


def executor(connection: FakeConnection, *faults: tuple[FaultAction, int | str]) -> FaultExecutor:
    return FaultExecutor(tuple(InjectedFault(*fault) for fault in faults), connection)


async def test_faults_happen_between_the_bytes_of_their_positions() -> None:
    connection = FakeConnection()
    limits = Throttle(write_size=2)
    faults = executor(connection, (limits, "50%"), (SplitWrite(), 2), (Stall(3.0), 0))
    assert await faults.send(b"abcdef", connection.write, Position("body", 0), 8)
    assert connection.events == [
        *("stalled for 3 seconds after 0 body bytes", 3.0, b"ab"),
        *("split a write after 2 body bytes", b"cd"),
        *("at most 2 bytes per write after 4 body bytes", limits, b"ef"),
    ]


@pytest.mark.parametrize("by", ["fin", "rst"])
async def test_a_break_ends_the_sending_and_the_faults_after_it(by: BreakMode) -> None:
    connection = FakeConnection()
    faults = executor(connection, (Break(by), 2), (Stall(3.0), 2))
    assert not await faults.send(b"abcd", connection.write, Position("body", 0), 4)
    assert connection.events == [b"ab", (by, 2)]


async def test_a_half_close_is_recorded_before_it_is_done() -> None:
    connection = FakeConnection()
    faults = executor(connection, (Break("half"), 1))
    assert not await faults.send(b"ab", connection.write, Position("body", 0), 2)
    assert connection.events == [b"a", "half-closed after 1 body byte", "half-close"]


async def test_a_body_goes_on_where_it_was() -> None:
    connection = FakeConnection()
    faults = executor(connection, (SplitWrite(), 3))
    assert await faults.send(b"ab", connection.write, Position("body", 0), 4)
    assert await faults.send(b"cd", connection.write, Position("body", 2), 4)
    assert connection.events == [b"ab", b"c", "split a write after 3 body bytes", b"d"]


async def test_a_fault_of_another_part_does_not_happen() -> None:
    connection = FakeConnection()
    faults = executor(connection, (Break("rst"), 1))
    assert await faults.send_part("head", b"abc", connection.write)
    assert connection.events == [b"abc"]


async def test_a_server_that_receives_no_more_ends_the_sending() -> None:
    connection = FakeConnection()
    connection.accepts = False
    assert not await executor(connection).send_part("end", b"abc", connection.write)
    assert connection.events == []


@pytest.mark.parametrize(
    ("limits", "pieces", "seconds"),
    [
        (Throttle(), [b"abcde"], 0.0),
        (Throttle(write_size=2), [b"ab", b"cd", b"e"], 0.0),
        (Throttle(rate=20), [b"ab", b"cd", b"e"], 0.25),
        (Throttle(write_size=4, rate=20), [b"ab", b"cd", b"e"], 0.25),
        (Throttle(write_size=1, rate=20), [b"a", b"b", b"c", b"d", b"e"], 0.25),
        (Throttle(rate=5), [b"a", b"b", b"c", b"d", b"e"], 1.0),
    ],
)
def test_writes_keep_to_the_limits(limits: Throttle, pieces: list[bytes], seconds: float) -> None:
    written: list[bytes] = []

    async def write(piece: bytes) -> None:
        written.append(piece)

    async def measure() -> float:
        began = trio.current_time()
        await write_throttled(b"abcde", limits, write)
        return trio.current_time() - began

    took = trio.run(measure, clock=MockClock(autojump_threshold=0))
    assert written == pieces
    assert took == pytest.approx(seconds)
