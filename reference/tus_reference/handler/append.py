"""`Appender`: a request body on its way into an upload, the same for POST and PATCH.

The steps, in this order:

1. `receive` makes a `BodyReader` of the body, which the server can end when it stops;
2. `limit` refuses what is too long before a byte of it is read;
3. `verify` yields what may be stored: a body with a checksum only after all of it matched;
4. `register_writer` and `store` run under the upload's lock: the bytes go into the store;
5. `complete` does what follows the last byte.

PATCH knows its upload before step 3 (`append` does the rest for it). POST creates the upload
between 3 and 4, so that a body which proves to be wrong leaves no upload behind.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

import anyio

from tus_reference.handler.body_reader import BodyReader
from tus_reference.handler.spool import LookaheadSource, Spool, verify_checksum
from tus_reference.handler.uploads import suppress_lock_failure
from tus_reference.model import errors
from tus_reference.notifications import HTTPResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tus_reference.handler.concatenation import FinalUploads
    from tus_reference.handler.config import Config
    from tus_reference.handler.responses import BodyCheck
    from tus_reference.handler.uploads import Uploads
    from tus_reference.model import ByteSource, EarlyEnd, FileInfo, Request
    from tus_reference.notifications import HTTPRequest

# How long a HEAD waits, in seconds, for bytes that are being written.
FLUSH_TIMEOUT: Final = 1.0

# How long a HEAD waits, in seconds, for a writer that it stopped to release the lock.
RELEASE_TIMEOUT: Final = 1.0


class Appender:
    """The bodies that one handler receives, and the uploads that they go into."""

    def __init__(self, config: Config, uploads: Uploads, final_uploads: FinalUploads) -> None:
        self._config = config
        self._uploads = uploads
        self._final_uploads = final_uploads
        self._readers: set[BodyReader] = set()
        self._writers: dict[str, BodyReader] = {}
        self._stopped_for: EarlyEnd | None = None

    def interrupt_all(self, cause: EarlyEnd) -> None:
        """End every body that is being received, now and from now on, for `cause`."""
        self._stopped_for = cause
        for source in self._readers:
            source.interrupt(cause)

    @contextmanager
    def receive(self, request: Request) -> Iterator[BodyReader]:
        """Yield the body of `request`, which ends early when the server stops."""
        source = BodyReader(request.body, timeout=self._config.network_timeout)
        self._readers.add(source)
        if self._stopped_for is not None:
            source.interrupt(self._stopped_for)
        try:
            yield source
        finally:
            self._readers.discard(source)

    def limit(self, source: BodyReader, offset: int, size: int | None) -> None:
        """Hold a body to the upload's length, or else to the maximum; may raise `Refused`."""
        if size is not None:
            source.limit(size - offset, errors.UPLOAD_SIZE_EXCEEDED)
        elif self._config.max_size:
            source.limit(self._config.max_size - offset, errors.MAX_SIZE_EXCEEDED)

    @asynccontextmanager
    async def verify(self, source: BodyReader, check: BodyCheck) -> AsyncIterator[ByteSource]:
        """Yield what may be stored: `source` itself, or all of it verified in a spool.

        Raises `Refused` if the bytes do not match their checksum or their trailer.
        """
        if check.spooled:
            spool = Spool(self._config.spool_directory)
            try:
                await verify_checksum(spool, source, check)
                yield spool
            finally:
                spool.close()
        elif source.size is None and check.reads_trailer:
            lookahead = LookaheadSource(source)
            await lookahead.verify_short_body()
            yield lookahead
        else:
            yield source

    async def append(
        self,
        info: FileInfo,
        source: BodyReader,
        check: BodyCheck,
        declared: int | None,
        event: HTTPRequest,
    ) -> tuple[FileInfo, HTTPResponse]:
        """Store the body of a PATCH, set a deferred length to `declared` bytes, and finish.

        The caller holds the upload's lock. What came of a body that ended early is stored
        before the reason is raised.
        """
        uploads = self._uploads
        # A body that may still turn out wrong or too long must not settle the length.
        declare_early = not check.spooled and source.size is not None
        with self.register_writer(info, source, event):
            if declare_early:
                info = await uploads.declare_length(info, declared)
            async with self.verify(source, check) as data:
                info = await uploads.store_body(info, data)
            if not source.overflowed:
                info = await uploads.declare_length(info, declared)
        reply = HTTPResponse()
        if info.is_complete:
            reply = await self.complete(info, event)
        else:
            info = await uploads.extend_expiry(info)
        source.raise_failure()
        return info, reply

    @contextmanager
    def register_writer(
        self, info: FileInfo, source: BodyReader, event: HTTPRequest
    ) -> Iterator[None]:
        """Let HEAD find the body that is written to this upload, and report its progress."""
        self._writers[info.id] = source
        try:
            with self._uploads.notifications.report_progress(info, source, event):
                yield
        finally:
            del self._writers[info.id]
            source.notify_flushed()

    async def complete(self, info: FileInfo, event: HTTPRequest) -> HTTPResponse:
        """Finish a complete upload, and join the final uploads that waited for it."""
        reply = await self._uploads.finish(info, event)
        await self._final_uploads.join_waiting(info.id, event)
        return reply

    async def stop_idle_writer(self, upload_id: str) -> None:
        """Stop a writer that has been idle, so that the offset sent next stays true.

        A HEAD means that the client wants to resume: a connection without a byte for
        `idle_timeout` is most likely dead, but one that still delivers must not suffer
        because of a HEAD.
        """
        source = self._writers.get(upload_id)
        if source is None:
            return
        # A client that lost its connection sends HEAD at once, while its last bytes are written.
        with anyio.move_on_after(FLUSH_TIMEOUT):
            await source.wait_flushed()
        if anyio.current_time() - source.last_received_at < self._config.idle_timeout:
            return
        source.interrupt()
        # The lock is free once the writer has stored what it had; HEAD reads after that.
        with anyio.move_on_after(RELEASE_TIMEOUT), suppress_lock_failure():
            async with self._uploads.hold_lock(upload_id, lambda: None):
                pass
