"""A scripted peer: the far end of a connection, whose moves stand in the test as literal bytes."""

from __future__ import annotations

from dataclasses import dataclass, field

import trio
from trio.testing import memory_stream_pair

from tus_conformance.transport import (
    BodyCut,
    Http1Transport,
    HttpRequest,
    HttpResponse,
    Payload,
    Redaction,
)
from tus_conformance.transport.http1_transport import BodySink
from tus_conformance.transport.memory import MakeStreamPair, memory_network
from tus_conformance.transport.request import Framing


@dataclass(frozen=True)
class ReadUntil:
    """The peer reads until what it has heard ends with this."""

    ending: bytes


@dataclass(frozen=True)
class PeerClose:
    """The peer closes the connection."""


PeerMove = bytes | ReadUntil | PeerClose


@dataclass
class ScriptedPeer:
    """Makes its moves in order, then listens on; `gone` is set once the client has left."""

    moves: tuple[PeerMove, ...]
    heard: bytearray = field(default_factory=bytearray)
    gone: trio.Event = field(default_factory=trio.Event)

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Play the script once."""
        try:
            for move in self.moves:
                if isinstance(move, bytes):
                    await stream.send_all(move)
                elif isinstance(move, ReadUntil):
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


def scripted_peer(*moves: PeerMove) -> ScriptedPeer:
    """Return a peer of these moves."""
    return ScriptedPeer(moves)


async def send_to_peer(
    http_request: HttpRequest,
    *moves: PeerMove,
    pair: MakeStreamPair = memory_stream_pair,
    redaction: Redaction | None = None,
    sink: BodySink | None = None,
) -> tuple[HttpResponse, ScriptedPeer]:
    """Send one request to a peer of these moves; every connection must be closed afterwards."""
    far = scripted_peer(*moves)
    async with memory_network(far.serve, pair) as backend:
        http_response = await Http1Transport(backend=backend, redaction=redaction).send(
            http_request, sink=sink
        )
        with trio.fail_after(5):
            await far.gone.wait()
    return http_response, far


def patch_request(
    body: bytes = b"hello",
    *,
    headers: tuple[tuple[str, str], ...] = (),
    payload: Payload | None = None,
    framing: Framing = "sized",
    cut: BodyCut | None = None,
) -> HttpRequest:
    """Return a PATCH with a literal body, or with the payload given instead."""
    return HttpRequest(
        "PATCH",
        "http://tus.test/files/1",
        headers,
        payload or Payload.literal(body),
        framing=framing,
        cut=cut,
    )
