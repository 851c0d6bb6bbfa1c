"""`FolderHealth`: whether the upload folder and its disk work."""

# Building a Path costs as much as the system call it is for.
# ruff: noqa: PTH116

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

import anyio
from anyio import CapacityLimiter
from anyio.to_thread import run_sync

if TYPE_CHECKING:
    from tus_reference.stores.upload_threads import UploadThreads

CHECK_TIMEOUT: Final = 2.0

HUNG_AFTER: Final = 5.0
"""How long, in seconds, a call to the disk may last before the disk counts as hung."""


class FolderHealth:
    """Checks one folder, and the calls to it that `threads` make."""

    def __init__(self, folder: str, threads: UploadThreads) -> None:
        self._folder = folder
        self._threads = threads
        self._limiter = CapacityLimiter(1)

    async def check_health(self) -> str:
        """Return what is wrong with the folder or its disk; empty if nothing is."""
        try:
            with anyio.fail_after(CHECK_TIMEOUT):
                # A check that hangs keeps the next ones waiting, and does not use up threads.
                failure = await run_sync(
                    self._check_folder, limiter=self._limiter, abandon_on_cancel=True
                )
        except TimeoutError:
            return "the disk of the upload folder does not answer"
        if failure:
            return failure
        lasted = self._threads.longest_call()
        return f"a call to the disk has lasted {lasted:.0f} s" if lasted > HUNG_AFTER else ""

    def _check_folder(self) -> str:
        try:
            if not stat.S_ISDIR(os.stat(self._folder).st_mode):
                return "the upload folder is missing"
            is_read_only = os.statvfs(self._folder).f_flag & os.ST_RDONLY
        except FileNotFoundError:
            return "the upload folder is missing"
        except OSError as failure:
            return f"the upload folder cannot be used: {failure.strerror}"
        return "the upload folder is read-only" if is_read_only else ""
