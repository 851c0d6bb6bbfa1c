"""A scripted peer: the far end of a connection, whose moves stand in the test as literal bytes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import trio

from tus_conformance.wire import Answer, Outgoing, Payload, Wire
from tus_conformance.wire.memory import serving


@pytest.fixture
def anyio_backend() -> str:
    return "trio"


@dataclass(frozen=True)
class Reads:
    """The peer reads until what it has heard ends with this."""

    ending: bytes


@dataclass(frozen=True)
class Closes:
    """The peer closes the connection."""


Move = bytes | Reads | Closes


@dataclass
class Peer:
    """Makes its moves in order, then listens on; `gone` is set once the client has left."""

    moves: tuple[Move, ...]
    heard: bytearray = field(default_factory=bytearray)
    gone: trio.Event = field(default_factory=trio.Event)

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Play the script once."""
        try:
            for move in self.moves:
                if isinstance(move, bytes):
                    await stream.send_all(move)
                elif isinstance(move, Reads):
                    await self._read(stream, move.ending)
                else:
                    await stream.aclose()
                    return
            async for data in stream:
                self.heard += data
        finally:
            self.gone.set()

    async def _read(self, stream: trio.abc.Stream, ending: bytes) -> None:
        while not self.heard.endswith(ending):
            data = await stream.receive_some()
            if not data:
                return
            self.heard += data


Exchange = Callable[..., Awaitable[tuple[Answer, Peer]]]


@pytest.fixture
def reads() -> type[Reads]:
    return Reads


@pytest.fixture
def closes() -> Closes:
    return Closes()


@pytest.fixture
def peer() -> Callable[..., Peer]:
    return lambda *moves: Peer(moves)


@pytest.fixture
def exchange() -> Exchange:
    """Send one request to a peer of these moves; every connection must be closed afterwards."""

    async def run(outgoing: Outgoing, *moves: Move, **options: Any) -> tuple[Answer, Peer]:
        sink = options.pop("sink", None)
        pair = {"pair": options.pop("pair")} if "pair" in options else {}
        peer = Peer(moves)
        async with serving(peer.serve, **pair) as backend:
            answer = await Wire(backend=backend, **options).send(outgoing, sink=sink)
            with trio.fail_after(5):
                await peer.gone.wait()
        return answer, peer

    return run


@pytest.fixture
def patch() -> Callable[..., Outgoing]:
    """A PATCH with a literal body, and whatever else is given."""

    def make(body: bytes = b"hello", **details: Any) -> Outgoing:
        details = {"payload": Payload.literal(body)} | details
        return Outgoing(method="PATCH", url="http://tus.test/files/1", **details)

    return make
