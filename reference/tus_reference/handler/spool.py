"""Checksummed bodies: spooled until they are verified, so that no other byte counts.

The spool is memory up to a bound, and as long as there is room in the budget of the process; then
it is an unlinked temporary file: a crash leaves neither an unverified byte in the upload nor a
file behind.
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Final

import anyio.to_thread

from tus_reference.model import CHUNK_SIZE, Refused, errors, iter_chunks
from tus_reference.model.receive_buffer import SHARED_BUDGET, ReceiveBuffer
from tus_reference.protocol.checksum import parse_checksum

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tus_reference.handler.body_reader import BodyReader
    from tus_reference.handler.responses import BodyCheck
    from tus_reference.protocol.checksum import Hash

FIRST_LOOKAHEAD: Final = 4 * 1024
MEMORY_BOUND: Final = 1024 * 1024


class Spool:
    """The verified bytes of one body, as a source for a store."""

    def __init__(self, directory: Path) -> None:
        self._file = tempfile.SpooledTemporaryFile(MEMORY_BOUND, dir=str(directory))  # noqa: SIM115
        self._length = 0
        self._taken = 0
        self._in_file = False

    @property
    def size(self) -> int:
        """How many bytes are in the spool."""
        return self._length

    async def fill(self, source: BodyReader, hash_: Hash | None) -> None:
        """Take in all of `source`, hashing it on the way if the algorithm is known."""
        buffer = ReceiveBuffer(source.size)
        try:
            while count := await source.read_into(buffer.view):
                self._length += count
                if self._stays_in_memory():
                    self._append(buffer.view[:count], hash_)
                else:
                    await anyio.to_thread.run_sync(self._append, buffer.view[:count], hash_)
                buffer.adapt(count)
        finally:
            buffer.close()
        self._file.seek(0)

    def _stays_in_memory(self) -> bool:
        """Return whether all of it may be in memory; if not, have it put into a file."""
        if self._in_file:
            return False
        if self._length <= MEMORY_BOUND and SHARED_BUDGET.take(self._length - self._taken):
            self._taken = self._length
            return True
        self._in_file = True
        SHARED_BUDGET.give_back(self._taken)
        self._taken = 0
        return False

    async def update_hash(self, hash_: Hash) -> None:
        """Hash everything from the start, and be ready to be read again."""
        async for piece in self:
            hash_.update(piece)
        self._file.seek(0)

    def _append(self, piece: memoryview, hash_: Hash | None) -> None:
        if hash_ is not None:
            hash_.update(piece)
        if self._in_file:
            self._file.rollover()
        self._file.write(piece)

    def find_file(self) -> int | None:
        """Return the descriptor of the file; None if the bytes are in memory."""
        return self._file.fileno() if self._in_file else None

    async def read_into(self, buffer: memoryview) -> int:
        """Put the next bytes into `buffer` and return how many; 0 at the end."""
        if not self._in_file:
            return self._read(buffer)
        return await anyio.to_thread.run_sync(self._read, buffer)

    def _read(self, buffer: memoryview) -> int:
        piece = self._file.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the bytes in pieces of at most 64 KiB."""
        return iter_chunks(self)

    def close(self) -> None:
        """Free the memory or the file."""
        self._file.close()
        SHARED_BUDGET.give_back(self._taken)
        self._taken = 0


class LookaheadSource:
    """The first bytes of a body in chunks, held until more come than it takes or the end.

    A checksum may come in a trailer that was not announced. A body this small is still in
    hand then; of a longer one such a trailer is ignored, as HTTP allows (RFC 9110, 6.5.1).
    """

    def __init__(self, source: BodyReader) -> None:
        self._source = source
        self._buffered = memoryview(b"")
        self.size = None

    async def verify_short_body(self) -> None:
        """Take in the first bytes; raise `Refused` if they are all and prove to be wrong."""
        buffer = memoryview(bytearray(FIRST_LOOKAHEAD))
        filled = 0
        while count := await self._source.read_into(buffer[filled:]):
            filled += count
            if filled == CHUNK_SIZE:
                break
            if filled == len(buffer):
                # Many clients that send slowly must not have so much memory each from the start.
                larger = memoryview(bytearray(min(4 * filled, CHUNK_SIZE)))
                larger[:filled] = buffer
                buffer = larger
        self._buffered = buffer[:filled]
        trailer = self._source.body.trailers.one("Upload-Checksum")
        if trailer is None or filled == CHUNK_SIZE or self._source.failure is not None:
            return
        checksum = parse_checksum(trailer)
        hash_ = checksum.new_hash()
        hash_.update(self._buffered)
        if hash_.digest() != checksum.digest:
            raise Refused(errors.CHECKSUM_MISMATCH)

    async def read_into(self, buffer: memoryview) -> int:
        """Put the next bytes into `buffer` and return how many; 0 at the end."""
        if not self._buffered:
            return await self._source.read_into(buffer)
        count = min(len(self._buffered), len(buffer))
        buffer[:count] = self._buffered[:count]
        # An empty view of what was received would keep all of it.
        left = self._buffered[count:]
        self._buffered = left if left else memoryview(b"")
        return count

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the bytes in pieces of at most 64 KiB."""
        return iter_chunks(self)


async def verify_checksum(spool: Spool, source: BodyReader, check: BodyCheck) -> None:
    """Fill `spool` and check it; without a checksum in the head the trailer must bring one.

    Raises `Refused`: 460 on a mismatch, 400 if the trailer is missing or malformed; and
    `BodyEndedEarly`. Nothing has been stored then (Checksum).
    """
    announced = check.checksum
    hash_ = None if announced is None else announced.new_hash()
    await spool.fill(source, hash_)
    source.raise_failure()
    trailer = source.body.trailers.one("Upload-Checksum") if check.reads_trailer else None
    if announced is not None and trailer is not None:
        raise Refused(errors.INVALID_CHECKSUM.because("send Upload-Checksum once, not twice"))
    checksum = announced
    if checksum is None:
        if trailer is None:
            raise Refused(errors.INVALID_CHECKSUM.because("the announced trailer did not arrive"))
        checksum = parse_checksum(trailer)
    if hash_ is None:
        hash_ = checksum.new_hash()
        await spool.update_hash(hash_)
    if hash_.digest() != checksum.digest:
        raise Refused(errors.CHECKSUM_MISMATCH)
