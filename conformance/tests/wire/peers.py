"""A scripted peer: the far end of a connection, whose moves stand in the test as literal bytes."""

from __future__ import annotations

from dataclasses import dataclass, field

import trio
from trio.testing import memory_stream_pair

from tus_conformance.wire import Answer, Cut, Outgoing, Payload, Redaction, Wire
from tus_conformance.wire.memory import Pair, serving
from tus_conformance.wire.outgoing import Framing
from tus_conformance.wire.wire import Sink


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


def peer(*moves: Move) -> Peer:
    """Return a peer of these moves."""
    return Peer(moves)


async def exchange(
    outgoing: Outgoing,
    *moves: Move,
    pair: Pair = memory_stream_pair,
    redaction: Redaction | None = None,
    sink: Sink | None = None,
) -> tuple[Answer, Peer]:
    """Send one request to a peer of these moves; every connection must be closed afterwards."""
    far = peer(*moves)
    async with serving(far.serve, pair) as backend:
        answer = await Wire(backend=backend, redaction=redaction).send(outgoing, sink=sink)
        with trio.fail_after(5):
            await far.gone.wait()
    return answer, far


def patch(
    body: bytes = b"hello",
    *,
    headers: tuple[tuple[str, str], ...] = (),
    payload: Payload | None = None,
    framing: Framing = "sized",
    cut: Cut | None = None,
) -> Outgoing:
    """Return a PATCH with a literal body, or with the payload given instead."""
    return Outgoing(
        "PATCH",
        "http://tus.test/files/1",
        headers,
        payload or Payload.literal(body),
        framing=framing,
        cut=cut,
    )
