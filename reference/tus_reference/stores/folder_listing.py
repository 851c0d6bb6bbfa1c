"""`FolderListing`: what is in an upload folder: uploads, damaged records and leftovers.

It goes through the folder in short slices, so that requests come first.
"""

# Building a Path costs as much as the system call it is for.

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING, Final

import anyio

from tus_reference.model import Refused, errors
from tus_reference.stores.leftovers import LeftoverSearch, remove_leftovers
from tus_reference.stores.slices import NAMES_AT_ONCE, handle_in_slices, run_slice, scan_names

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from tus_reference.model import FileInfo
    from tus_reference.stores.record_index import RecordIndex
    from tus_reference.stores.upload_threads import UploadThreads

RECORDS_AT_ONCE: Final = 16
_LOGGER: Final = logging.getLogger("tus_reference.stores")


class FolderListing:
    """Lists one folder; `read_info` reads a record in a thread, and raises `Refused` if it cannot.

    Without `index` every listing reads every record that is wanted.
    """

    def __init__(
        self,
        folder: str,
        threads: UploadThreads,
        read_info: Callable[[str], FileInfo],
        index: RecordIndex | None,
    ) -> None:
        self._folder = folder
        self._threads = threads
        self._read_info = read_info
        self._damaged_ids: set[str] = set()
        self.index = index

    async def list_uploads(
        self, is_wanted: Callable[[str], bool] | None = None
    ) -> AsyncIterator[FileInfo]:
        """Iterate over the uploads of the folder, or those that are wanted.

        Those that vanish meanwhile are left out.
        """
        ids: list[str] = []

        def note_id(name: str) -> None:
            if name.endswith(".info") and name[0] != ".":
                upload_id = name.removesuffix(".info")
                if is_wanted is None or is_wanted(upload_id):
                    ids.append(upload_id)

        await scan_names(self._threads, self._folder, note_id)
        self._damaged_ids = set()
        for start in range(0, len(ids), RECORDS_AT_ONCE):
            some_ids = ids[start : start + RECORDS_AT_ONCE]
            for info in await run_slice(self._threads, self._read_infos, some_ids):
                yield info
        if self.index is not None and self.index.is_overgrown:
            # Reading an index to its end leaves out the lines that do not count any more.
            async for _ in self.list_known():
                pass

    async def list_known(self) -> AsyncIterator[tuple[str, float | None]]:
        """Iterate over the uploads whose records are as a listing has seen them."""
        index = self.index
        reading = None if index is None else await self._threads.run("", index.open_reading)
        if index is None or reading is None:
            return
        try:
            while not reading.is_over:
                for known in await run_slice(self._threads, reading.read_slice):
                    yield known
        finally:
            with anyio.CancelScope(shield=True):
                await self._threads.run("", index.end_reading, reading)

    async def list_leftovers(self, age: float) -> list[str]:
        """Return the ids with files that belong to no upload and are over `age` seconds old."""
        search = LeftoverSearch(self._folder, time.time() - age)
        await scan_names(self._threads, self._folder, search.note_name)
        candidates = search.list_candidates()
        await handle_in_slices(self._threads, candidates, search.note_age, NAMES_AT_ONCE)
        self._damaged_ids.update(search.list_without_bytes())
        return search.list_found()

    async def list_damaged(self, age: float) -> list[str]:
        """Return the ids of the latest listing whose records are damaged and that old."""
        return await self._threads.run("", self._list_damaged, time.time() - age, may_last=True)

    async def remove_leftovers(self, upload_id: str, age: float) -> list[str]:
        """Remove such files of one upload and return their names; call it under its lock."""
        older_than = time.time() - age
        return await self._threads.run(
            upload_id, remove_leftovers, self._folder, upload_id, older_than
        )

    # What follows runs in threads.

    def _read_infos(self, ids: Sequence[str]) -> list[FileInfo]:
        """Return those of the uploads that are there and well."""
        infos = []
        for upload_id in ids:
            try:
                infos.append(self._read_info(upload_id))
            except Refused as refused:
                if refused.error.code == errors.UPLOAD_DAMAGED.code:
                    self._damaged_ids.add(upload_id)
            except OSError as failure:
                _LOGGER.warning("the record of upload %s cannot be read: %s", upload_id, failure)
        if self.index is not None:
            self.index.add(infos)
        return infos

    def _list_damaged(self, older_than: float) -> list[str]:
        return [each for each in self._damaged_ids if self._is_damaged(each, older_than)]

    def _is_damaged(self, upload_id: str, older_than: float) -> bool:
        try:
            if os.lstat(f"{self._folder}/{upload_id}.info").st_mtime >= older_than:
                return False
            self._read_info(upload_id)
        except Refused as refused:
            return refused.error.code == errors.UPLOAD_DAMAGED.code
        except OSError:
            return False
        return False
