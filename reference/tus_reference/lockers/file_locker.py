"""`FileLocker`: locks for the requests of several processes that share a folder.

    <id>.lock   flocked by its holder; names the holder's process, for people and for tusd
    <id>.stop   touched by a process that waits; the holder looks for it and releases

The system drops an flock with its process, so a dead holder's lock is free at once and
nothing has to be recovered. Waiting is polling: a holder looks every HOLDER_POLL seconds,
a waiter tries every WAITER_POLL seconds, so a newcomer proceeds within their sum once the
holder has stored what it received. Requests of one process queue in memory first.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio
import anyio.from_thread
import anyio.lowlevel
from anyio.to_thread import run_sync

from tus_reference.lockers.memory_locker import MemoryLock, MemoryLocker
from tus_reference.model import ConfigError, Refused, errors
from tus_reference.model.prompt_thread import PromptThread

if TYPE_CHECKING:
    from collections.abc import Callable

    from tus_reference.model import StoreComposer

HOLDER_POLL: Final = 0.2
WAITER_POLL: Final = 0.05

_NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT)


class FileLocker:
    """Locks as files in the folder `path`, which must be on a file system with flock.

    `on_abandoned` is called with an upload whose holder died, by the next holder. Raises
    `ConfigError` on a system without flock, such as Windows.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, on_abandoned: Callable[[str], None] | None = None
    ) -> None:
        try:
            import fcntl  # noqa: F401
        except ImportError:
            raise ConfigError("FileLocker needs Linux or macOS: use MemoryLocker.") from None
        self.path = Path(path).absolute()
        self.on_abandoned = on_abandoned
        self.in_process = MemoryLocker()
        self.watcher = _StopFileWatcher()
        self.prompt = PromptThread()

    def use_in(self, composer: StoreComposer) -> None:
        """Enter the locker into `composer`."""
        composer.locker = self

    def new_lock(self, upload_id: str) -> FileLock:
        """Return a lock that is not taken yet."""
        return FileLock(self, upload_id)


class FileLock:
    """The lock of one upload, for one request of one process."""

    def __init__(self, locker: FileLocker, upload_id: str) -> None:
        self._path = locker.path / f"{upload_id}.lock"
        self._stop = locker.path / f"{upload_id}.stop"
        self._in_process: MemoryLock = locker.in_process.new_lock(upload_id)
        self._watcher = locker.watcher
        self._prompt = locker.prompt
        self._on_abandoned = (
            partial(locker.on_abandoned, upload_id) if locker.on_abandoned else None
        )
        self._is_inherited = False
        self._descriptor = -1

    async def lock(self, request_release: Callable[[], None]) -> None:
        """Wait for the lock, and ask its holder, in any process, to release it."""
        await self._in_process.lock(request_release)
        try:
            while not await self._prompt.run(self._try_flock):
                await run_sync(self._stop.touch)
                await anyio.sleep(WAITER_POLL)
            await self._prompt.run(self._remove_stop_file)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self.unlock()
            raise
        self._report_abandoned()
        self._watcher.add(self._stop, request_release)

    def _report_abandoned(self) -> None:
        if self._is_inherited and self._on_abandoned is not None:
            self._on_abandoned()

    async def try_lock(self) -> bool:
        """Take the lock if it is free; say whether it was."""
        if not await self._in_process.try_lock():
            return False
        taken = False
        try:
            taken = await run_sync(self._try_flock)
        finally:
            if not taken:
                with anyio.CancelScope(shield=True):
                    await self._in_process.unlock()
        if taken:
            self._report_abandoned()
        return taken

    async def unlock(self) -> None:
        """Release the lock and remove its files."""
        self._watcher.discard(self._stop)
        try:
            if self._descriptor >= 0:
                await self._prompt.run(self._release)
        finally:
            await self._in_process.unlock()

    # What follows runs in threads.

    def _try_flock(self) -> bool:
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o664)
        except (FileNotFoundError, NotADirectoryError):
            # The folder is missing, and with it the uploads: clients must not start over.
            raise Refused(errors.LOCKS_UNAVAILABLE) from None
        try:
            taken = self._take(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        if taken:
            self._descriptor = descriptor
        else:
            os.close(descriptor)
        return taken

    def _take(self, descriptor: int) -> bool:
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        # The holder before us may have removed the very file that we opened.
        if not _is_at(descriptor, self._path):
            return False
        # A holder that releases the lock removes the file, so content means that it died.
        self._is_inherited = os.fstat(descriptor).st_size > 0
        try:
            os.truncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        except OSError as failure:
            # The flock is what locks. On a full disk an upload must still be removable; the
            # name is needed only where somebody must hear of holders that died.
            if failure.errno not in _NO_SPACE or self._on_abandoned is not None:
                self._path.unlink(missing_ok=True)
                raise
        return True

    def _release(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        # In this order: the file must be removed while it is still locked. After `close` it may
        # be the next holder's, and a waiter that opened it before finds by `_is_at` that it has
        # locked a file without a name. A stop file that stayed would end the next holder at once.
        try:
            self._remove_stop_file()
            self._path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)

    def _remove_stop_file(self) -> None:
        self._stop.unlink(missing_ok=True)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


class _StopFileWatcher:
    """One thread that looks for the `.stop` files of all locks held in this process.

    It runs only while there are such locks; a disk that hangs blocks this thread alone.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._wakers: dict[Path, Callable[[], None]] = {}
        self._running = False

    def add(self, stop: Path, request_release: Callable[[], None]) -> None:
        """Call `request_release` in this event loop when `stop` appears."""
        token = anyio.lowlevel.current_token()

        def wake() -> None:
            # The loop may have ended, and then no lock is held.
            with contextlib.suppress(RuntimeError):
                anyio.from_thread.run_sync(request_release, token=token)

        with self._mutex:
            self._wakers[stop] = wake
            if not self._running:
                self._running = True
                threading.Thread(target=self._poll, name="tus-lock-watch", daemon=True).start()

    def discard(self, stop: Path) -> None:
        """Look no longer for `stop`."""
        with self._mutex:
            self._wakers.pop(stop, None)

    def _poll(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(HOLDER_POLL)
            with self._mutex:
                if not self._wakers:
                    self._running = False
                    return
                wakers = list(self._wakers.items())
            for stop, wake in wakers:
                with contextlib.suppress(OSError):
                    stop.unlink()
                    wake()
