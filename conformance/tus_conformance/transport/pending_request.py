"""A request over one HTTP/1.1 connection, whose body is sent step by step.

Reading goes on while sending: a server may answer before it has seen the body, and then its
response counts, not that it would read no more. Each call both sends and receives, and nothing runs
between the calls, so that an open request needs no task of its own, can be ended from any task, and
leaks nothing.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

import httpcore
import trio

from tus_conformance.transport import failures
from tus_conformance.transport.exchange_state import ConnectionState, Event, Receiving, Sending
from tus_conformance.transport.fault_actions import Break, BreakMode, Throttle
from tus_conformance.transport.fault_executor import FaultExecutor
from tus_conformance.transport.http_exchange import HttpExchange
from tus_conformance.transport.network import RecordedStream
from tus_conformance.transport.pending_faults import Position, describe_action
from tus_conformance.transport.request import HttpRequest, Payload
from tus_conformance.transport.request_encoder import RequestEncoder
from tus_conformance.transport.response import HttpResponse, NetworkFailure

# Bytes read or written at once. Progress is counted by pieces, so a piece has to pass within the
# time-out even on a slow line.
CHUNK_SIZE = 65536
# Seconds in which a server closes a connection after Connection: close.
CLOSE_TIMEOUT = 1.0

OpenConnection = Callable[[], Awaitable[RecordedStream | None]]


class PendingRequest:
    """A request whose body is sent on demand. Enter it to send the head; leaving closes it.

    Nothing that the server or the network does raises here; the `HttpResponse` has it.
    """

    def __init__(
        self,
        connect: OpenConnection,
        script: RequestEncoder,
        http_request: HttpRequest,
        origin: str,
        exchange: HttpExchange,
        *,
        timeout: float,
    ) -> None:
        self._connect = connect
        self._stream: RecordedStream | None = None
        self._script = script
        self._http_request = http_request
        self._origin = origin
        self._source = PayloadReader(http_request.payload)
        self._length = http_request.payload.length if http_request.payload else 0
        self._faults = FaultExecutor(http_request.all_faults, self)
        self._pending_break: tuple[BreakMode, Position] | None = None
        self._exchange = exchange
        exchange.on_progress = self._on_progress
        self._timeout = timeout
        self._deadlines: dict[trio.CancelScope, float] = {}
        self._began = trio.current_time()
        self._last_deadline: float | None = None
        self._read_lock = trio.Lock()
        self._progress = trio.Event()
        self._returned_count = 0  # how many responses `receive_status` has returned

    async def __aenter__(self) -> PendingRequest:
        self._stream = await self._connect()
        if self._stream is not None:
            try:
                await self._send_and_receive(self._send_head)
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

    async def send_body(self, size: int) -> int:
        """Send up to `size` more body bytes; return how many body bytes were sent in all.

        Stops early once the final response begins, or the server receives no more.
        """
        await self._send_and_receive(lambda: self._send_body_bytes(size))
        return self._exchange.sent_body.length

    async def receive_status(self, seconds: float) -> int | None:
        """Wait up to `seconds` for the next response, 1xx or final; return its status, or None.

        Of several that came together each call returns one, in their order.
        """
        already_returned = self._returned_count
        with trio.move_on_after(seconds):
            await self._send_and_receive(
                None,
                lambda: self._exchange.parser.response_count > already_returned,
                patience=math.inf,
            )
        parser = self._exchange.parser
        statuses = [head.status for head in (*parser.interim, parser.final) if head is not None]
        if len(statuses) <= already_returned:
            return None
        self._returned_count += 1
        return statuses[already_returned]

    async def receive_response(self, seconds: float | None = None) -> HttpResponse:
        """Return the response without sending more of the body; wait for `seconds` of silence."""
        await self._send_and_receive(None, lambda: False, patience=seconds)
        return await self._conclude()

    async def finish(self) -> HttpResponse:
        """Send what is left of the body, and return the response, unless that is to be dropped."""
        lose = self._http_request.drop_response
        await self._send_and_receive(self._send_rest, lambda: lose and self.response_begun)
        if lose and self.response_begun and self._stream is not None:
            self._exchange.state.handle(Event.DROPPED)
            self._exchange.record_action("dropped the response unread")
            await self._close_connection("rst")
            return self._exchange.http_response()
        return await self._conclude()

    async def cut(self, by: BreakMode = "rst") -> HttpResponse:
        """Break the connection now, and return what has come back so far.

        "fin" closes it as a client does that ends; "rst" resets it as one that crashes.
        """
        await self._cut(by, Position("body", self._exchange.sent_body.length))
        return self._exchange.http_response()

    @property
    def partial_response(self) -> HttpResponse:
        """Return what has come back so far, without waiting for more."""
        return self._exchange.http_response()

    async def _cut(self, by: BreakMode, position: Position) -> None:
        if self._stream is not None:
            self._exchange.state.handle(Event.CUT)
            self._exchange.record_action(describe_action(Break(by), position))
            await self._close_connection(by)

    async def _close_connection(self, by: BreakMode) -> None:
        if self._stream is not None:
            stream, self._stream = self._stream, None
            await (stream.reset if by == "rst" else stream.close)("by the harness")

    async def aclose(self) -> None:
        """Close the connection, also when cancelled."""
        if self._stream is not None:
            stream, self._stream = self._stream, None
            await stream.aclose()

    @property
    def response_begun(self) -> bool:
        """Return whether the head of a final response has come in."""
        return self._exchange.parser.final is not None

    @property
    def done(self) -> bool:
        """Return whether nothing more will come back."""
        exchange = self._exchange
        return self._stream is None or exchange.state.receiving_done or exchange.failure is not None

    async def _conclude(self) -> HttpResponse:
        exchange = self._exchange
        if self.response_begun and not self._request_sent and self._source.has_more:
            position = Position("body", exchange.sent_body.length)
            exchange.record_action(f"stopped after {position}: the response had arrived")
        await self._read_surplus()
        exchange.conclude()
        if (
            self._reusable
            and self._http_request.connection is not None
            and self._stream is not None
        ):
            self._http_request.connection.put(self._stream, self._origin)
            self._stream = None
        await self.aclose()
        return exchange.http_response()

    async def _read_surplus(self) -> None:
        """Read what follows a complete response; to the end after Connection: close."""
        if self._exchange.state.receiving is not Receiving.COMPLETE or self._stream is None:
            return
        asked = any(
            name.lower() == "connection" and value.lower() == "close"
            for name, value in self._http_request.headers
        )
        with trio.move_on_after(min(self._timeout, CLOSE_TIMEOUT)):
            while asked or not self._stream.idle:
                data = await self._stream.read_waiting()
                if not data or self._exchange.parser.surplus > CHUNK_SIZE:
                    return
                self._exchange.on_received(data)

    @property
    def _reusable(self) -> bool:
        """Return whether another request may follow on the connection (RFC 9112, section 9.3)."""
        final = self._exchange.parser.final
        if final is None or not self._exchange.state.reusable:
            return False
        closing = any(
            name.lower() == "connection" and "close" in value.lower()
            for name, value in final.headers
        )
        return not (closing or self._exchange.parser.surplus)

    @property
    def _request_sent(self) -> bool:
        return self._exchange.state.sending is Sending.SENT

    @property
    def stale(self) -> bool:
        """Return whether the server had closed a persistent connection before this request."""
        exchange = self._exchange
        closed = exchange.failure is not None and exchange.failure.kind in {"closed", "reset"}
        reused = exchange.state.connection is ConnectionState.REUSED
        return reused and closed and not exchange.response_begun

    # Speaking and listening

    async def _send_and_receive(
        self,
        send: Callable[[], Awaitable[None]] | None,
        enough: Callable[[], bool] | None = None,
        *,
        patience: float | None = None,
    ) -> None:
        """Speak and listen meanwhile; given `enough`, listen on until it says so or all is over."""
        if self.done:
            return
        self._exchange.start_sending()
        patience = self._timeout if patience is None else patience
        with self._progress_timeout(patience) as scope:
            async with trio.open_nursery() as nursery:

                async def receive() -> None:
                    await self._receive_until(enough or (lambda: False))
                    # The bytes written may have arrived before the sending task returns.
                    await trio.lowlevel.checkpoint()
                    nursery.cancel_scope.cancel()

                nursery.start_soon(receive)
                if send is not None:
                    await send()
                if enough is None or self._pending_break is not None:
                    nursery.cancel_scope.cancel()
        if self._pending_break is not None:
            await self._cut(*self._pending_break)
        elif scope.cancelled_caught:
            self._exchange.fail(self._timeout_failure(patience))

    def _timeout_failure(self, patience: float) -> NetworkFailure:
        """Return why the wait is over: the server was silent, or went on without an end."""
        exchange, now = self._exchange, trio.current_time()
        if self._last_deadline is not None and now >= self._last_deadline:
            return failures.endless_response(now - self._began)
        return failures.response_timeout(patience, begun=exchange.response_begun)

    def _limit(self, deadline: float) -> float:
        """Return a deadline, or that of the whole response where it comes first."""
        last = self._exchange.clock.deadline(self._exchange.parser.body.length)
        self._last_deadline = last if last <= deadline else None
        return min(deadline, last)

    @contextmanager
    def _progress_timeout(self, seconds: float) -> Iterator[trio.CancelScope]:
        with trio.CancelScope(deadline=self._limit(trio.current_time() + seconds)) as scope:
            self._deadlines[scope] = seconds
            try:
                yield scope
            finally:
                del self._deadlines[scope]

    def _on_progress(self) -> None:
        self._progress.set()
        self._progress = trio.Event()
        for scope, seconds in self._deadlines.items():
            scope.deadline = self._limit(trio.current_time() + seconds)

    async def _receive_until(self, enough: Callable[[], bool]) -> None:
        async with self._read_lock:
            while self._stream is not None and not self.done and not enough():
                try:
                    await self._stream.read(CHUNK_SIZE)
                except (httpcore.ReadError, httpcore.ReadTimeout):
                    reset = failures.connection_lost(
                        self._exchange.sent_body.length,
                        begun=self._exchange.response_begun,
                        reset=True,
                    )
                    self._exchange.fail(reset)

    async def _send_head(self) -> None:
        await self._faults.send_part("head", self._script.head, self._write)

    async def _send_rest(self) -> None:
        await self._send_body_bytes(None)
        if self.sending_done or self._request_sent:
            return
        if await self._faults.send_part("end", self._script.encode_end(), self._write):
            self._exchange.state.handle(Event.REQUEST_SENT)
            self._exchange.clock.on_sent()

    async def _send_body_bytes(self, size: int | None) -> None:
        sent = self._exchange.sent_body
        limit = None if size is None else sent.length + size
        await self._faults.apply(Position("body", sent.length), self._length)
        while not self.sending_done:
            position = Position("body", sent.length)
            room = CHUNK_SIZE if limit is None else min(CHUNK_SIZE, limit - sent.length)
            piece = self._source.read(self._faults.bytes_allowed(position, self._length, room))
            if not piece:
                return
            if await self._write(self._script.encode_body(piece)):
                sent.add(piece)
                await self._faults.apply(Position("body", sent.length), self._length)

    # As the target of the faults

    @property
    def sending_done(self) -> bool:
        """Return whether nothing more is to be sent."""
        return (
            self._stream is None
            or self.response_begun
            or self._exchange.state.sending in {Sending.STOPPED, Sending.BREAKING, Sending.CUT}
        )

    def record_action(self, text: str) -> None:
        """Record what the harness does."""
        self._exchange.record_action(text)

    async def stall(self, seconds: float) -> None:
        """Send nothing for a while, which is not the server's silence; a response ends it."""
        until = trio.current_time() + seconds
        while not self.response_begun and trio.current_time() < until:
            for scope, patience in self._deadlines.items():
                scope.deadline = until + patience
            with trio.move_on_at(until):
                await self._progress.wait()

    def throttle(self, limits: Throttle) -> None:
        """Add limits for what is written from now on."""
        if self._stream is not None:
            self._stream.throttle = self._stream.throttle.combine(limits)

    async def half_close(self) -> None:
        """End our direction alone."""
        if self._stream is not None:
            await self._stream.half_close()
        self._exchange.state.handle(Event.WRITE_CLOSED)

    async def break_connection(self, by: BreakMode, position: Position) -> None:
        """Break the connection once nothing reads from it any more."""
        self._pending_break = by, position
        self._exchange.state.handle(Event.BREAK_DUE)

    async def _write(self, data: bytes) -> bool:
        """Write; return False once the server receives no more, which alone is not a failure."""
        try:
            if self._stream is not None and data:
                await self._stream.write(data)
        except (httpcore.WriteError, httpcore.WriteTimeout) as error:
            self._exchange.record_write_error(error.__cause__ or error)
            return False
        return True


class PayloadReader:
    """The bytes of a payload, taken a few at a time and made only then."""

    def __init__(self, payload: Payload | None) -> None:
        self._chunks: Iterator[bytes] = payload.chunks() if payload else iter(())
        self._chunk = memoryview(b"")

    @property
    def has_more(self) -> bool:
        """Return whether there are bytes left; this may make the next few."""
        while not self._chunk:
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self._chunk = memoryview(chunk)
        return True

    def read(self, size: int) -> bytes:
        """Return the next bytes: at most `size`, none at the end, never of two chunks."""
        if size <= 0 or not self.has_more:
            return b""
        piece, self._chunk = self._chunk[:size], self._chunk[size:]
        return bytes(piece)
