"""`LeaseKeeper`: the two threads of a process that hold leases in Redis.

One renews all leases, three times in the time of each, and takes note of those that are over. The
other listens for messages:

    request INSTANCE ID     another process wants the lock, and gets a message when it is free
    released INSTANCE ID    a lock that this process waits for is free

Messages only save time. A process that waits asks again and again, so one that was lost because
the connection failed is made up for. Neither thread runs before there is a lock.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import uuid
from typing import TYPE_CHECKING, Any, Final, Protocol

import anyio.from_thread
import redis

from tus_reference.lockers.redis_leases import RETRY_PAUSE, RedisUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from tus_reference.lockers.redis_leases import RedisLeases

RENEWALS: Final = 3
LISTEN_TIMEOUT: Final = 0.5
CLOSE_TIMEOUT: Final = 3.0
LOGGER: Final = logging.getLogger("tus_reference.lockers")


class KeptLease(Protocol):
    """A lease as the threads see it."""

    upload_id: str
    token: str
    loop: Any
    request_release: Callable[[], None]
    waiters: set[str]

    def extend(self, begun: float) -> None:
        """Take note of a renewal that was begun at this time."""

    def note_loss(self) -> None:
        """Take note that Redis has given the lease to somebody else."""

    @property
    def is_over(self) -> bool:
        """Whether the lease is lost, or its time is over."""


class LeaseKeeper:
    """Keeps the leases of one process, each of `seconds`; `read_clock` is that of the leases."""

    def __init__(
        self, leases: RedisLeases, seconds: float, read_clock: Callable[[], float]
    ) -> None:
        self.instance = uuid.uuid4().hex
        self._leases = leases
        self._interval = seconds / RENEWALS
        self._read_clock = read_clock
        self._mutex = threading.Lock()
        self._held: dict[str, KeptLease] = {}
        self._waiting: dict[str, tuple[Any, Callable[[], None]]] = {}
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self._is_listening = self._is_renewing = False

    def add(self, lease: KeptLease) -> None:
        """Renew a lease from now on, until it is discarded."""
        with self._mutex:
            self._held[lease.upload_id] = lease
            start = not self._is_renewing
            self._is_renewing = True
        if start:
            self._start(self._renew_leases, "tus-lease-renewal")

    def discard(self, lease: KeptLease) -> None:
        """Renew a lease no longer."""
        with self._mutex:
            if self._held.get(lease.upload_id) is lease:
                del self._held[lease.upload_id]

    def listen(self) -> None:
        """Listen for messages from now on."""
        with self._mutex:
            start = not self._is_listening
            self._is_listening = True
        if start:
            self._start(self._receive_messages, "tus-lease-messages")

    def expect_release(self, upload_id: str, loop: Any, on_release: Callable[[], None]) -> None:
        """Call `on_release` in an event loop when the holder says that the lock is free."""
        with self._mutex:
            self._waiting[upload_id] = (loop, on_release)

    def stop_expecting(self, upload_id: str) -> None:
        """Wait no longer for a lock."""
        with self._mutex:
            self._waiting.pop(upload_id, None)

    def close(self) -> None:
        """Let both threads end, and wait for them, so that their connections are closed."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(CLOSE_TIMEOUT)

    def _start(self, work: Callable[[], None], name: str) -> None:
        self._threads = [each for each in self._threads if each.is_alive()]
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    # What follows runs in the threads.

    def _renew_leases(self) -> None:
        pause, was_failing = self._interval, False
        while not self._stopped.wait(pause):
            with self._mutex:
                held = list(self._held.values())
                if not held:
                    self._is_renewing = False
                    return
            failure = self._renew(held)
            if failure and not was_failing:
                LOGGER.warning("%s: %d leases are not renewed", failure, len(held))
            was_failing = bool(failure)
            pause = min(self._interval, RETRY_PAUSE) if failure else self._interval
            for lease in held:
                if lease.is_over:
                    self._report_loss(lease)

    def _renew(self, held: list[KeptLease]) -> str:
        """Renew once; return why that failed."""
        begun = self._read_clock()
        try:
            results = self._leases.renew([(lease.upload_id, lease.token) for lease in held])
        except RedisUnavailable as failure:
            return str(failure)
        for lease, is_held in zip(held, results, strict=True):
            if is_held:
                lease.extend(begun)
            else:
                lease.note_loss()
        return ""

    def _report_loss(self, lease: KeptLease) -> None:
        """Stop the request that holds a lease which is over, without waiting for its loop."""
        with self._mutex:
            if self._held.get(lease.upload_id) is not lease:
                return
            del self._held[lease.upload_id]
        lease.note_loss()
        LOGGER.warning("the lease of upload %s is over before its request", lease.upload_id)
        work = threading.Thread(target=_run_in_loop, args=(lease.loop, lease.request_release))
        work.daemon = True
        work.start()

    def _receive_messages(self) -> None:
        while not self._stopped.is_set():
            try:
                subscription = self._leases.open_subscription(self.instance)
                with contextlib.closing(subscription):
                    while not self._stopped.is_set():
                        message = subscription.get_message(timeout=LISTEN_TIMEOUT)
                        if message is not None:
                            self._handle(str(message["data"]))
            except (redis.RedisError, OSError, ValueError):
                self._stopped.wait(RETRY_PAUSE)

    def _handle(self, message: str) -> None:
        kind, _, rest = message.partition(" ")
        instance, _, upload_id = rest.partition(" ")
        with self._mutex:
            lease = self._held.get(upload_id)
            waiting = self._waiting.get(upload_id)
        if kind == "request" and lease is not None:
            lease.waiters.add(instance)
            _run_in_loop(lease.loop, lease.request_release)
        elif kind == "released" and waiting is not None:
            _run_in_loop(*waiting)


def _run_in_loop(loop: Any, function: Callable[[], None]) -> None:
    # The loop may have ended, and then nobody waits and no lock is held.
    with contextlib.suppress(RuntimeError):
        anyio.from_thread.run_sync(function, token=loop)
