"""One exchange over one HTTP/1.1 connection, spoken at the harness's own pace.

Reading goes on while sending: a server may answer before it has seen the body, and then what it
said counts, not that it would hear no more. Whoever speaks also listens, and nothing runs between
the calls, so that a held exchange needs no task of its own, may be ended from any task, and leaks
nothing.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

import httpcore
import trio

from tus_conformance.wire import trouble
from tus_conformance.wire.answer import Answer
from tus_conformance.wire.faults import Plan, Spot, told
from tus_conformance.wire.framing import Script
from tus_conformance.wire.network import RecordedStream
from tus_conformance.wire.outgoing import Break, Ending, Inside, Outgoing, Pace, Payload, Stall
from tus_conformance.wire.recorder import Recorder

# Bytes read or written at once. Progress is counted by pieces, so a piece has to pass within the
# time-out even on a slow line.
PIECE = 65536

Connect = Callable[[], Awaitable[RecordedStream | None]]


class Held:
    """A request whose body waits for the word. Enter it to send the head; leaving closes it.

    Nothing that the server or the network does raises here; it is told by the `Answer`.
    """

    def __init__(
        self,
        connect: Connect,
        script: Script,
        outgoing: Outgoing,
        origin: str,
        recorder: Recorder,
        *,
        timeout: float,
    ) -> None:
        self._connect = connect
        self._stream: RecordedStream | None = None
        self._script = script
        self._outgoing = outgoing
        self._origin = origin
        self._source = Source(outgoing.payload)
        self._length = outgoing.payload.length if outgoing.payload else 0
        self._plan = Plan(outgoing.plan)
        self._broken: tuple[Ending, Spot] | None = None
        self._recorder = recorder
        recorder.moved = self._moved
        self._timeout = timeout
        self._patience: dict[trio.CancelScope, float] = {}
        self._ear = trio.Lock()
        self._news = trio.Event()
        self.deaf = False  # whether the server hears no more
        self._said_all = False
        self._returned = 0  # how many responses `hear` has returned

    async def __aenter__(self) -> Held:
        self._stream = await self._connect()
        if self._stream is not None:
            try:
                await self._attend(self._say_head)
            except BaseException:
                await self.aclose()
                raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def feed(self, size: int) -> int:
        """Send up to `size` more body bytes; return how many body bytes were sent in all.

        Stops early once the final response begins, or the server hears no more.
        """
        await self._attend(lambda: self._say_body(size))
        return self._recorder.said.length

    async def hear(self, seconds: float) -> int | None:
        """Wait up to `seconds` for the next response, 1xx or final; return its status, or None.

        Of several that came together each call returns one, in their order.
        """
        known = self._returned
        with trio.move_on_after(seconds):
            await self._attend(
                None, lambda: self._recorder.hearing.heads > known, patience=math.inf
            )
        heard = self._recorder.hearing
        statuses = [head.status for head in (*heard.interim, heard.final) if head is not None]
        if len(statuses) <= known:
            return None
        self._returned += 1
        return statuses[known]

    async def answer(self, seconds: float | None = None) -> Answer:
        """Return the answer without sending more of the body; wait for `seconds` of silence."""
        await self._attend(None, lambda: False, patience=seconds)
        return await self._finish()

    async def reply(self) -> Answer:
        """Send what is left of the body, and return the answer, unless that is to be lost."""
        lose = self._outgoing.lose
        await self._attend(self._say_rest, lambda: lose and self.answering)
        if lose and self.answering and self._stream is not None:
            self._recorder.lost = True
            self._recorder.log.act("dropped the answer unread")
            await self._end("rst")
            return self._recorder.answer()
        return await self._finish()

    async def cut(self, by: Ending = "rst") -> Answer:
        """Break the connection now, and return what has come back so far.

        "fin" closes it as a client does that ends; "rst" resets it as one that crashes.
        """
        await self._cut(by, Spot("body", self._recorder.said.length))
        return self._recorder.answer()

    @property
    def so_far(self) -> Answer:
        """Return what has come back so far, without waiting for more."""
        return self._recorder.answer()

    async def _cut(self, by: Ending, spot: Spot) -> None:
        if self._stream is not None:
            self._recorder.cut = True
            self._recorder.log.act(told(Break(by), spot))
            await self._end(by)

    async def _end(self, by: Ending) -> None:
        if self._stream is not None:
            stream, self._stream = self._stream, None
            await (stream.reset if by == "rst" else stream.close)("by the harness")

    async def aclose(self) -> None:
        """Close the connection, also when cancelled."""
        if self._stream is not None:
            stream, self._stream = self._stream, None
            await stream.aclose()

    @property
    def answering(self) -> bool:
        """Tell whether a final response has begun."""
        return self._recorder.hearing.final is not None

    @property
    def over(self) -> bool:
        """Tell whether nothing more will come back."""
        recorder = self._recorder
        return (
            self._stream is None
            or recorder.hearing.over
            or recorder.ended
            or recorder.failure is not None
        )

    async def _finish(self) -> Answer:
        recorder = self._recorder
        if self.answering and not self._said_all and self._source.left:
            spot = Spot("body", recorder.said.length)
            recorder.log.act(f"stopped after {spot}: the answer had come")
        recorder.conclude()
        if self._keepable and self._outgoing.line is not None and self._stream is not None:
            self._outgoing.line.put(self._stream, self._origin)
            self._stream = None
        await self.aclose()
        return recorder.answer()

    @property
    def _keepable(self) -> bool:
        """Tell whether another request may follow on the connection (RFC 9112, section 9.3)."""
        heard = self._recorder.hearing
        if heard.final is None or not heard.complete or not self._said_all:
            return False
        closing = any(
            name.lower() == "connection" and "close" in value.lower()
            for name, value in heard.final.headers
        )
        return not (closing or self.deaf or heard.surplus or self._recorder.ended)

    @property
    def stale(self) -> bool:
        """Tell whether the server had closed a kept connection before it heard of this request."""
        recorder = self._recorder
        closed = recorder.failure is not None and recorder.failure.kind in {"closed", "reset"}
        return recorder.again and closed and not recorder.begun

    # Speaking and listening

    async def _attend(
        self,
        speak: Callable[[], Awaitable[None]] | None,
        enough: Callable[[], bool] | None = None,
        *,
        patience: float | None = None,
    ) -> None:
        """Speak and listen meanwhile; given `enough`, listen on until it says so or all is over."""
        if self.over:
            return
        self._recorder.log.part()
        patience = self._timeout if patience is None else patience
        with self._patiently(patience) as scope:
            async with trio.open_nursery() as nursery:

                async def listen() -> None:
                    await self._listen(enough or (lambda: False))
                    # Whoever speaks may have been heard already and only not know it yet.
                    await trio.lowlevel.checkpoint()
                    nursery.cancel_scope.cancel()

                nursery.start_soon(listen)
                if speak is not None:
                    await speak()
                if enough is None or self._broken is not None:
                    nursery.cancel_scope.cancel()
        if self._broken is not None:
            await self._cut(*self._broken)
        elif scope.cancelled_caught:
            self._recorder.failed(trouble.silent(patience, begun=self._recorder.begun))

    @contextmanager
    def _patiently(self, seconds: float) -> Iterator[trio.CancelScope]:
        with trio.CancelScope(deadline=trio.current_time() + seconds) as scope:
            self._patience[scope] = seconds
            try:
                yield scope
            finally:
                del self._patience[scope]

    def _moved(self) -> None:
        self._news.set()
        self._news = trio.Event()
        for scope, seconds in self._patience.items():
            scope.deadline = trio.current_time() + seconds

    async def _listen(self, enough: Callable[[], bool]) -> None:
        async with self._ear:
            while self._stream is not None and not self.over and not enough():
                try:
                    await self._stream.read(PIECE)
                except (httpcore.ReadError, httpcore.ReadTimeout):
                    reset = trouble.ended(
                        self._recorder.said.length, begun=self._recorder.begun, reset=True
                    )
                    self._recorder.failed(reset)

    async def _say_head(self) -> None:
        await self._say_whole("head", self._script.head)

    async def _say_rest(self) -> None:
        await self._say_body(None)
        if not self._done and not self._said_all:
            self._said_all = await self._say_whole("end", self._script.end())

    async def _say_whole(self, inside: Inside, data: bytes) -> bool:
        """Say the head or the end of the body; return whether all of it was said."""
        spot = Spot(inside, 0)
        await self._suffer(spot, len(data))
        while not self._done and spot.said < len(data):
            stop = spot.said + (self._plan.room(spot, len(data)) or len(data))
            if not await self._say(data[spot.said : stop]):
                return False
            spot = Spot(inside, min(stop, len(data)))
            await self._suffer(spot, len(data))
        return spot.said == len(data)

    async def _say_body(self, size: int | None) -> None:
        said = self._recorder.said
        limit = None if size is None else said.length + size
        await self._suffer(Spot("body", said.length), self._length)
        while not self._done:
            room = PIECE if limit is None else min(PIECE, limit - said.length)
            ahead = self._plan.room(Spot("body", said.length), self._length)
            piece = self._source.take(room if ahead is None else min(room, ahead))
            if not piece:
                return
            if await self._say(self._script.piece(piece)):
                said.add(piece)
                await self._suffer(Spot("body", said.length), self._length)

    @property
    def _done(self) -> bool:
        """Tell whether there is no more to say."""
        return self.deaf or self.answering or self._broken is not None

    async def _suffer(self, spot: Spot, length: int) -> None:
        """Do what the plan has for this spot."""
        for fault in self._plan.due(spot, length):
            act = fault.act
            if self._done or self._stream is None:
                return
            if isinstance(act, Break) and act.by != "half":
                # Whoever listens must have stopped before the connection ends.
                self._broken = act.by, spot
                return
            self._recorder.log.act(told(act, spot))
            if isinstance(act, Stall):
                await self._stand(act.seconds)
            elif isinstance(act, Pace):
                self._stream.pace = self._stream.pace.then(act)
            elif isinstance(act, Break):
                await self._stream.half_close()
                self.deaf = True

    async def _stand(self, seconds: float) -> None:
        """Say nothing for a while, which is no silence of the server's; an answer ends it."""
        until = trio.current_time() + seconds
        while not self.answering and trio.current_time() < until:
            for scope, patience in self._patience.items():
                scope.deadline = until + patience
            with trio.move_on_at(until):
                await self._news.wait()

    async def _say(self, data: bytes) -> bool:
        """Write; return False once the server hears no more, which is no failure by itself."""
        try:
            if self._stream is not None and data:
                await self._stream.write(data)
        except (httpcore.WriteError, httpcore.WriteTimeout) as error:
            self.deaf = True
            self._recorder.log.failed(f"writing: {error.__cause__ or error}")
            return False
        return True


class Source:
    """The bytes of a payload, taken a few at a time and made only then."""

    def __init__(self, payload: Payload | None) -> None:
        self._chunks: Iterator[bytes] = payload.chunks() if payload else iter(())
        self._left = memoryview(b"")

    @property
    def left(self) -> bool:
        """Tell whether there are bytes to take; this may make the next few."""
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self._left = memoryview(chunk)
        return True

    def take(self, size: int) -> bytes:
        """Return the next bytes: at most `size`, none at the end, never of two chunks."""
        if size <= 0 or not self.left:
            return b""
        piece, self._left = self._left[:size], self._left[size:]
        return bytes(piece)
