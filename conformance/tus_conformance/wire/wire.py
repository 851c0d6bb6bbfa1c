"""The wire: sends a request over a connection of its own, and returns what came back."""

from __future__ import annotations

import ssl
from collections.abc import Callable

import httpcore
import trio

from tus_conformance.wire import trouble
from tus_conformance.wire.address import Address, AddressError, address, place
from tus_conformance.wire.answer import Answer, Failure
from tus_conformance.wire.framing import script
from tus_conformance.wire.held import Held
from tus_conformance.wire.network import RecordedBackend, RecordedStream
from tus_conformance.wire.outgoing import Outgoing
from tus_conformance.wire.recorder import Recorder
from tus_conformance.wire.redaction import Redaction

Sink = Callable[[bytes], None]
# What may be asked again over a new connection where the server has closed a kept one meanwhile
# (RFC 9110, section 9.2.2).
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
NOWHERE = Address("http", "", 0, "", "/")


class Wire:
    """Speaks HTTP/1.1 by h11 or by hand, every byte recorded.

    `timeout` is in seconds without progress either way. `backend` is the network to use (by default
    trio's sockets), `connect_to` another host and port than the URL's. `started` is when the run
    began, on trio's clock.
    """

    def __init__(
        self,
        *,
        backend: httpcore.AsyncNetworkBackend | None = None,
        timeout: float = 10.0,
        redaction: Redaction | None = None,
        ssl_context: ssl.SSLContext | None = None,
        started: float | None = None,
        connect_to: tuple[str, int] | None = None,
    ) -> None:
        self._backend = backend or httpcore.TrioBackend()
        self._timeout = timeout
        self._redaction = redaction or Redaction()
        self._ssl_context = ssl_context
        self._started = started
        self._connect_to = connect_to

    async def send(self, outgoing: Outgoing, *, sink: Sink | None = None) -> Answer:
        """Send a request and return what came back; `sink` is given the response body as it comes.

        The body follows its head at once, whatever `Expect` says; `hold` is for waiting.
        Raises UnsendableError for a request that its framing does not allow, and nothing else: what
        the network does is told by the answer.
        """
        async with self.hold(outgoing, sink=sink) as held:
            answer = await held.reply()
        if held.stale and outgoing.method in SAFE:
            return await self.send(outgoing, sink=sink)
        return answer

    def hold(self, outgoing: Outgoing, *, sink: Sink | None = None) -> Held:
        """Return a request whose body is held back: `async with wire.hold(outgoing) as held`."""
        refusal: Failure | None = None
        try:
            there = address(outgoing.url)
        except AddressError as error:
            there, refusal = NOWHERE, Failure("unreachable", str(error))
        words = script(outgoing, there)
        recorder = Recorder(
            outgoing,
            words.head,
            tier="raw" if outgoing.framing == "raw" else "h11",
            redaction=self._redaction,
            run_began=self._began(),
            sink=sink,
        )

        async def connect() -> RecordedStream | None:
            if refusal is not None:
                recorder.failed(refusal)
                return None
            kept = None if outgoing.line is None else await outgoing.line.take(there.origin)
            if kept is None:
                return await self._connect(there, recorder)
            kept.witness = recorder
            recorder.kept()
            return kept

        return Held(connect, words, outgoing, there.origin, recorder, timeout=self._timeout)

    async def _connect(self, there: Address, recorder: Recorder) -> RecordedStream | None:
        """Open a connection, with TLS where the URL wants it; None once a failure is recorded."""
        network = RecordedBackend(self._backend, recorder, self._connect_to)
        stream: RecordedStream | None = None
        try:
            with trio.move_on_after(self._timeout):
                stream = await network.connect_tcp(there.host, there.port)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            recorder.failed(trouble.unreachable(network.aim, error))
            return None
        if stream is None:
            recorder.failed(trouble.slow_to_accept(network.aim, self._timeout))
            return None
        return await self._secure(stream, there, recorder) if there.secure else stream

    async def _secure(
        self, stream: RecordedStream, there: Address, recorder: Recorder
    ) -> RecordedStream | None:
        secured: RecordedStream | None = None
        error: BaseException = TimeoutError(f"no handshake within {self._timeout:g} seconds")
        try:
            with trio.move_on_after(self._timeout):
                secured = await stream.start_tls(self._context(), there.host)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
            error = failed
        if secured is None:
            recorder.failed(trouble.untrusted(place(there.host, there.port), error))
        return secured

    def _context(self) -> ssl.SSLContext:
        if self._ssl_context is None:
            self._ssl_context = trusting()
        # The context may be shared with a tier that speaks HTTP/2; this one does not.
        self._ssl_context.set_alpn_protocols(["http/1.1"])
        return self._ssl_context

    def _began(self) -> float:
        if self._started is None:
            self._started = trio.current_time()
        return self._started


def trusting() -> ssl.SSLContext:
    """Return a context that trusts the usual authorities, and the system's own besides."""
    context = httpcore.default_ssl_context()
    context.load_default_certs()
    return context
