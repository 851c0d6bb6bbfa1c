"""The life of one connection: a request is read, answered and settled, then the next.

A parser reads a head and nothing else. Because bodies bypass it, its idea of where the connection
stands would be wrong afterwards; a fresh one costs less than having every byte of every body
pass through it.

An answer may come before the request was read to its end. The client may be sending
still, and closing at once would reset the connection, which can destroy the answer on its
way. So a small rest is read and dropped, and the connection goes on; for a larger one the
server finishes sending, drops what comes for a bounded time, and then closes.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

import h11
import trio

from tus_reference.downloads import StartedRead
from tus_reference.handler import error_response
from tus_reference.model import (
    BodyEndedEarly,
    Download,
    Refused,
    Request,
    Response,
    errors,
)
from tus_reference.protocol import TUS_VERSION, http_date
from tus_reference.server.byte_stream import ByteStream, ConnectionLost
from tus_reference.server.limits import Limits
from tus_reference.server.request_body import ChunkedBody, ContinueResponse, SizedBody
from tus_reference.server.request_head import RequestHead, convert_event, read_common_head

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tus_reference.middleware import Service
    from tus_reference.model.http_messages import SendableChunks
    from tus_reference.server.connection_limiter import ConnectionLimiter

SERVER: Final = "Server: tus-reference"
_REASONS = {status.value: status.phrase for status in HTTPStatus} | {460: "Checksum Mismatch"}


class Connection:
    """One connection from its first byte to its close; it leaves when the crowd wants its place."""

    def __init__(
        self,
        service: Service,
        stream: trio.abc.Stream,
        *,
        scheme: str,
        limits: Limits,
        limiter: ConnectionLimiter | None = None,
    ) -> None:
        self.service = service
        self.byte_stream = ByteStream(stream, send_idle=limits.send_idle)
        self.scheme = scheme
        self.limits = limits
        self.idle_since: float | None = None
        self.silent_since: float | None = None
        self._limiter = limiter
        self._receive_scope: trio.CancelScope | None = None
        self._is_first_request = True
        self.stopping = False

    @property
    def should_close(self) -> bool:
        """Whether to accept no further request."""
        return self.stopping or (self._limiter is not None and self._limiter.has_waiters)

    @property
    def stalled_since(self) -> float | None:
        """Since when the client has neither sent what is waited for, nor taken what is sent."""
        return self.byte_stream.waiting_since

    def abort(self) -> None:
        """Break the connection off; what came of a body is stored."""
        self.byte_stream.abort()

    def stop(self) -> None:
        """Close when idle, at once or after the request that is being answered."""
        self.stopping = True
        if self._receive_scope is not None:
            self._receive_scope.cancel()

    async def run(self) -> None:
        """Answer requests until either side has had enough."""
        leftover = b""
        try:
            while not self.stopping:
                cycle = await self._read_head(leftover)
                if cycle is None:
                    break
                next_data = await cycle.run()
                if next_data is None:
                    break
                leftover = next_data
                if leftover:
                    # A client that sends many requests at once gets its turn like others.
                    await trio.lowlevel.checkpoint()
                self._is_first_request = False
        except (ConnectionLost, BodyEndedEarly):
            # No response: the client is gone, or it stalled. Clients retry after a lost
            # connection, but take a 408 as final.
            pass
        finally:
            await self.byte_stream.aclose()

    async def _read_head(self, data: bytes) -> _RequestCycle | None:
        """Return the next request; None if none comes or it is not HTTP."""
        if not data:
            now = trio.current_time()
            self._wait_since(now)
            data = await self._receive(now + self.limits.keep_alive)
            if not data:
                return None
        head = read_common_head(data, self.limits.head_fields)
        if head is None:
            head = await self._parse_head(data)
        return None if head is None else _RequestCycle(self, head)

    async def _parse_head(self, data: bytes) -> RequestHead | None:
        """Let h11 read a head that begins with `data`; answer what it refuses, and return None."""
        parser = h11.Connection(h11.SERVER, max_incomplete_event_size=self.limits.head_size)
        try:
            parser.receive_data(data)
            # One deadline for all of the head: every byte by itself may come in time.
            began = trio.current_time()
            deadline = began + self.limits.head_time
            while (event := parser.next_event()) is h11.NEED_DATA:
                self.silent_since = began
                data = await self._receive(deadline)
                if not data:
                    return None
                parser.receive_data(data)
        except h11.RemoteProtocolError as problem:
            await self._refuse_malformed(str(problem), problem.error_status_hint)
            return None
        except ValueError:
            # Python does not make an integer of more than 4300 digits.
            await self._refuse_malformed("Content-Length is too long", 400)
            return None
        if not isinstance(event, h11.Request):
            return None
        if len(event.headers) > self.limits.head_fields:
            await self._refuse_malformed("it has too many header fields", 431)
            return None
        return convert_event(event, parser)

    def _wait_since(self, now: float) -> None:
        """Take note that nothing of the next request has come yet."""
        if self._is_first_request:
            # It is on its way, perhaps, and would get no answer.
            self.silent_since = now
        else:
            self.idle_since = now

    async def _receive(self, deadline: float) -> bytes:
        """Return what comes of a head; nothing if nothing does in time."""
        data = b""
        with trio.CancelScope(deadline=deadline) as self._receive_scope:
            data = await self.byte_stream.receive()
        self._receive_scope = self.idle_since = self.silent_since = None
        return data

    async def _refuse_malformed(self, problem: str, status: int) -> None:
        """Answer what is not HTTP, so that even then a client learns why."""
        error = errors.BAD_REQUEST.because(f"the request is not well-formed HTTP: {problem}")
        response = error_response(error).with_headers(("Tus-Resumable", TUS_VERSION))
        response = Response(status, response.headers, response.body)
        head = _head(response, close=True)
        body = response.body if isinstance(response.body, bytes) else b""
        await self.byte_stream.send(head + body)
        await self.linger()

    async def linger(self, *, client_may_send: bool = True) -> None:
        """Finish sending, then drop what the client still sends, within bounds.

        Where sending cannot end before receiving does, a client that has nothing
        more to send does not wait for the end.
        """
        if not await self.byte_stream.send_eof() and not client_may_send:
            return
        buffer = memoryview(bytearray(64 * 1024))
        budget = self.limits.drain_limit_closing
        total = self.limits.drain_total_stopping if self.should_close else self.limits.drain_total
        with trio.move_on_after(total):
            while budget > 0:
                with trio.move_on_after(self.limits.drain_idle) as scope:
                    count = await self.byte_stream.receive_into(buffer)
                    budget -= count
                if scope.cancelled_caught or not count:
                    return


class _RequestCycle:
    """One request on the wire and its answer."""

    def __init__(self, connection: Connection, head: RequestHead) -> None:
        self._connection = connection
        self._byte_stream = byte_stream = connection.byte_stream
        self._headers = head.headers
        self._continue_response = ContinueResponse(byte_stream, is_expected=head.waits_for_continue)
        self._body = self._frame_body(head)
        self.request = Request(
            method=head.method,
            target=head.target,
            headers=head.headers,
            body=self._body,
            scheme=connection.scheme,
            remote_addr=byte_stream.remote_addr,
        )
        self._keeps_alive = (
            head.version >= b"1.1"
            and not self._requests_close()
            and not self._has_ambiguous_length()
        )

    def _frame_body(self, head: RequestHead) -> SizedBody | ChunkedBody:
        """Return the body; heads whose framing is unclear have been refused."""
        if "Transfer-Encoding" in self._headers:
            return ChunkedBody(
                self._byte_stream,
                head.leftover,
                self._continue_response,
                head_size=self._connection.limits.head_size,
            )
        length = int(self._headers.joined("Content-Length") or "0")
        return SizedBody(self._byte_stream, length, head.leftover, self._continue_response)

    def _requests_close(self) -> bool:
        if "Connection" not in self._headers:
            return False
        options = (self._headers.joined("Connection") or "").lower().split(",")
        return "close" in {option.strip() for option in options}

    def _has_ambiguous_length(self) -> bool:
        """Return whether the body has two lengths: what follows it may belong to it.

        It is read in chunks, and the connection is closed after the response, so that nothing
        smuggled behind it is carried out (RFC 9112, 6.1).
        """
        return "Transfer-Encoding" in self._headers and "Content-Length" in self._headers

    async def run(self) -> bytes | None:
        """Answer; return what was read too far, or None if the connection is done."""
        response = await self._connection.service.handle(self.request)
        close = not self._keeps_alive or self._connection.should_close or not self._can_drain()
        await self._send(response, close=close)
        if self._body.unread == 0 and not close:
            return self._body.next_request_data
        if close or not await self._drain():
            await self._connection.linger(client_may_send=self._body.unread != 0)
            return None
        return self._body.next_request_data

    def _can_drain(self) -> bool:
        """Whether what is unread of the body is small enough to be read and dropped."""
        unread = self._body.unread
        if unread == 0:
            return True
        # A client that got no 100 (Continue) may send the body or not: it is not known. And
        # one whose body was begun and given up is slow or gone: do not wait for it again.
        if unread is None or self._continue_response.is_expected or self._body.blocked_on_read:
            return False
        return unread <= self._connection.limits.drain_limit_keep_alive

    async def _drain(self) -> bool:
        buffer = memoryview(bytearray(64 * 1024))
        with trio.move_on_after(self._connection.limits.drain_idle):
            while await self._body.read_into(buffer):
                pass
            return True
        return False

    async def _send(self, response: Response, *, close: bool) -> None:
        head = _head(response, close=close)
        body = response.body
        if isinstance(body, bytes):
            await self._byte_stream.send(head if self.request.method == "HEAD" else head + body)
            return
        try:
            await self._byte_stream.send(head)
            if self.request.method != "HEAD":
                await self._send_download(body)
        finally:
            # An async generator left to the garbage collector would keep its file open.
            with trio.CancelScope(shield=True):
                await body.chunks.aclose()

    async def _send_download(self, body: Download) -> None:
        sent = 0
        with suppress(Refused):  # the upload was removed meanwhile
            async for piece in body.chunks:
                await self._byte_stream.send(piece)
                sent += len(piece)
                rest = _find_sendable(body.chunks)
                if rest is not None:
                    sent += await self._byte_stream.send_file(rest)
        if sent != body.length:
            # The length was sent already; only a broken connection shows that bytes are missing.
            raise ConnectionLost


def _find_sendable(chunks: AsyncGenerator[bytes, None]) -> SendableChunks | None:
    """Return what follows the first chunk if the system can send it by itself."""
    rest = chunks.rest if isinstance(chunks, StartedRead) else None
    return cast("SendableChunks", rest) if hasattr(rest, "send_to") else None


# What would end a header line early, and so smuggle in another one.
_LINE_ENDS = re.compile(r"[\r\n\0]")


def _head(response: Response, *, close: bool) -> bytes:
    """Return the head of a response; raises `ValueError` for a value that breaks its line."""
    lines = [f"{name}: {value}" for name, value in response.headers]
    for line in lines:
        if _LINE_ENDS.search(line):
            raise ValueError(f"the response header {line!r} contains a line break")
    if response.status >= 200 and response.status not in {204, 304}:
        body = response.body
        lines.append(f"Content-Length: {body.length if isinstance(body, Download) else len(body)}")
    lines += (f"Date: {_date()}", SERVER)
    if close:
        lines.append("Connection: close")
    status_line = f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Status')}"
    return "\r\n".join((status_line, *lines, "", "")).encode("latin-1")


_date_now = (0, "")


def _date() -> str:
    global _date_now  # noqa: PLW0603 - one date per second serves every response
    now = int(time.time())
    if _date_now[0] != now:
        _date_now = (now, http_date(now))
    return _date_now[1]


async def serve_stream(
    service: Service,
    stream: trio.abc.Stream,
    *,
    scheme: str = "http",
    limits: Limits | None = None,
) -> None:
    """Serve one connection over any trio stream until it ends; closes the stream."""
    await Connection(service, stream, scheme=scheme, limits=limits or Limits()).run()
