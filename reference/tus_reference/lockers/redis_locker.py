"""`RedisLocker`: locks for the requests of servers on several machines, in Redis or Valkey.

A lock is a lease: it is renewed while its holder lives, and over a while after the holder died or
was cut off. A new request asks the holder, wherever it is, to let go, as `FileLocker` does. What
keeps a holder from writing that has lost its lease without knowing:

1.  It reckons the end of the lease from before it asked for it, on a clock that goes on while
    the machine sleeps. So for the holder the lease is over before it is for Redis.
2.  Stores ask before each change whether it is (`Lease.check_held`), and requests once more
    before they acknowledge anything: what was stored by then, the next holder sees.
3.  What slips through between the two, as in a process that was stopped in the middle of a call,
    the store itself must refuse: `FileStore(shared=True)` appends only at the end of the file.
    In S3 a late call is waited for, see `settle_time`.

redis-py is the client that Redis's own company keeps, with a Valkey that speaks the same protocol.
Its asyncio half does not run on trio, so its blocking calls run in threads, as those of boto3.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.lowlevel
from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from tus_reference.lockers.lease_keeper import LOGGER, LeaseKeeper
from tus_reference.lockers.memory_locker import MemoryLock, MemoryLocker
from tus_reference.lockers.redis_leases import Grant, RedisLeases, RedisUnavailable, connect
from tus_reference.model import ConfigError, Refused, errors

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from tus_reference.model import StoreComposer

LEASE_TIME: Final = 5.0
MIN_LEASE_TIME: Final = 0.5
CLOCK_DRIFT: Final = 0.05
"""By which share of it the holder's lease is shorter than that of Redis."""

WAITER_POLL: Final = 0.2
MAX_CALLS: Final = 32
CHECK_TIMEOUT: Final = 3.0


class RedisLocker:
    """Locks in the Redis at `url`; `lease_time` is in seconds, the same in all servers.

    `on_abandoned` is called with an upload whose holder died or lost its lease, by the next
    holder. For `settle_time` seconds after that, what the other one sent may still be stored: a
    holder that releases the lock earlier leaves it as abandoned for the rest. `client` is one of
    redis-py's that is used instead of a new one. Raises `ConfigError`.
    """

    def __init__(
        self,
        url: str,
        *,
        lease_time: float = LEASE_TIME,
        prefix: str = "tus:",
        on_abandoned: Callable[[str], None] | None = None,
        settle_time: float = 0.0,
        client: redis.Redis | None = None,
    ) -> None:
        if lease_time < MIN_LEASE_TIME:
            raise ConfigError(
                f"The lease of a lock must last {MIN_LEASE_TIME:g} s or more, got {lease_time:g}."
            )
        self.lease_time = lease_time
        self.on_abandoned = on_abandoned
        self.settle_time = settle_time
        self.in_process = MemoryLocker()
        self.leases = RedisLeases(client or connect(url), seconds=lease_time, prefix=prefix)
        self.keeper = LeaseKeeper(self.leases, lease_time, read_clock)
        self.limiter = CapacityLimiter(MAX_CALLS)
        self._check_limiter = CapacityLimiter(1)

    def use_in(self, composer: StoreComposer) -> None:
        """Enter the locker and its check into `composer`."""
        composer.locker = composer.locker_check = self

    def new_lock(self, upload_id: str) -> RedisLock:
        """Return a lock that is not taken yet."""
        return RedisLock(self, upload_id)

    async def check_health(self) -> str:
        """Return why uploads cannot be locked; empty if they can."""
        try:
            with anyio.fail_after(CHECK_TIMEOUT):
                await run_sync(
                    self.leases.check, limiter=self._check_limiter, abandon_on_cancel=True
                )
        except TimeoutError:
            return "Redis does not answer"
        except RedisUnavailable as failure:
            return str(failure)
        return ""

    def close(self) -> None:
        """Let go of connections and threads; no lock may be held."""
        self.keeper.close()
        self.leases.close()


class RedisLock:
    """The lock of one upload, for one request; a `Lease`."""

    def __init__(self, locker: RedisLocker, upload_id: str) -> None:
        self.upload_id = upload_id
        self.token = f"{locker.keeper.instance}:{uuid.uuid4().hex}"
        self.loop: Any = None
        self.request_release: Callable[[], None] = _ignore_request
        self.waiters: set[str] = set()
        self._locker = locker
        self._in_process: MemoryLock = locker.in_process.new_lock(upload_id)
        self._has_asked = False
        self._is_lost = False
        self._ends_at = 0.0
        self._unsettled_until = 0.0

    async def lock(self, request_release: Callable[[], None]) -> None:
        """Wait for the lock, and ask its holder, on any machine, to release it.

        Raises `Refused` (503) if Redis does not answer.
        """
        await self._in_process.lock(request_release)
        try:
            await self._wait_for_grant()
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self.unlock()
            raise
        self.request_release = request_release
        self._locker.keeper.add(self)

    async def try_lock(self) -> bool:
        """Take the lock if it is free, and Redis answers; say whether that is so."""
        if not await self._in_process.try_lock():
            return False
        taken = False
        try:
            with contextlib.suppress(RedisUnavailable):
                taken = await self._ask("")
        finally:
            if not taken:
                with anyio.CancelScope(shield=True):
                    await self.unlock()
        if taken:
            self._locker.keeper.add(self)
        return taken

    async def unlock(self) -> None:
        """Release the lock; one that Redis does not hear of is free when its lease is over."""
        self._locker.keeper.discard(self)
        try:
            if self._has_asked:
                unsettled = max(self._unsettled_until - read_clock(), 0.0)
                message = f"released {self._locker.keeper.instance} {self.upload_id}"
                with contextlib.suppress(RedisUnavailable):
                    await run_sync(
                        self._locker.leases.release,
                        self.upload_id,
                        self.token,
                        unsettled,
                        message,
                        list(self.waiters),
                        limiter=self._locker.limiter,
                    )
        finally:
            await self._in_process.unlock()

    async def _wait_for_grant(self) -> None:
        keeper = self._locker.keeper
        keeper.listen()
        self.loop = anyio.lowlevel.current_token()
        message = f"request {keeper.instance} {self.upload_id}"
        try:
            while True:
                # Before asking, so that no message is missed.
                released = anyio.Event()
                keeper.expect_release(self.upload_id, self.loop, released.set)
                if await self._ask(message):
                    return
                with anyio.move_on_after(WAITER_POLL):
                    await released.wait()
        except RedisUnavailable as failure:
            LOGGER.warning("cannot lock upload %s: %s", self.upload_id, failure)
            raise self._refuse(errors.LOCKS_UNAVAILABLE) from None
        finally:
            keeper.stop_expecting(self.upload_id)

    async def _ask(self, message: str) -> bool:
        """Ask Redis for the lease; return whether it was granted."""
        self.loop = self.loop or anyio.lowlevel.current_token()
        begun, self._has_asked = read_clock(), True
        ask = partial(self._locker.leases.acquire, self.upload_id, self.token, message)
        grant = await run_sync(ask, limiter=self._locker.limiter)
        if grant is Grant.REFUSED:
            return False
        self.extend(begun)
        if grant is Grant.INHERITED:
            self.leave_unsettled(self._locker.settle_time)
            if self._locker.on_abandoned is not None:
                self._locker.on_abandoned(self.upload_id)
        return True

    @property
    def is_over(self) -> bool:
        """Whether the lease is lost, or its time is over."""
        return self._is_lost or read_clock() >= self._ends_at

    def check_held(self) -> None:
        """Raise `Refused` (503) if the lease is over."""
        if self.is_over:
            # Once over it stays so, whatever a renewal says that comes late.
            self._is_lost = True
            raise self._refuse(errors.LOCK_LOST)

    def leave_unsettled(self, seconds: float) -> None:
        """Leave the lock as abandoned for so many seconds, even if it is released before."""
        self._unsettled_until = max(self._unsettled_until, read_clock() + seconds)

    def extend(self, begun: float) -> None:
        """Take note of a renewal that was begun at this time."""
        self._ends_at = max(self._ends_at, begun + self._locker.lease_time * (1 - CLOCK_DRIFT))

    def note_loss(self) -> None:
        """Take note that Redis has given the lease to somebody else, or its time is over."""
        self._is_lost = True

    def _refuse(self, error: Any) -> Refused:
        return Refused(error, headers=(("Retry-After", str(round(self._locker.lease_time) or 1)),))


def _ignore_request() -> None:
    """Ignore a request to let go: who has taken a lock without waiting is done at once."""


def read_clock() -> float:
    """Return seconds of a clock that never goes back, nor stops while the machine sleeps."""
    return time.clock_gettime(_CLOCK) if _CLOCK is not None else time.monotonic()


_CLOCK: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)
