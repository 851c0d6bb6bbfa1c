"""A Redis, in memory or real, and lockers on it, each as that of another server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import fakeredis
import redis

from tus_reference import RedisLocker

if TYPE_CHECKING:
    from redis_server import RedisProcess

LEASE = 0.6


class RedisStage:
    """A Redis, and several lockers on it, each like that of another server."""

    def __init__(self, process: RedisProcess | None) -> None:
        self._process = process
        self._fake = fakeredis.FakeServer()
        self._lockers: list[RedisLocker] = []
        self.client = self._connect()
        # Redis has been up for longer than a lease, unless a test is about that.
        self.client.set("tus:known", "1")

    def _connect(self) -> Any:
        if self._process is None:
            return fakeredis.FakeRedis(server=self._fake, decode_responses=True)
        return redis.Redis.from_url(self._process.url, decode_responses=True, socket_timeout=1)

    def new_locker(self, **settings: Any) -> RedisLocker:
        """Return a locker of another server."""
        client = self._connect()
        locker = RedisLocker("", client=client, **{"lease_time": LEASE, **settings})
        self._lockers.append(locker)
        return locker

    def stop(self) -> None:
        """Let Redis fail."""
        if self._process is None:
            self._fake.connected = False
        else:
            self._process.stop()

    def start(self) -> None:
        """Let Redis answer again, without anything that it knew."""
        if self._process is None:
            self._fake.connected = True
            self.client.flushall()
        else:
            self._process.start()

    def close(self) -> None:
        """Close all connections."""
        for locker in self._lockers:
            locker.close()
        self.client.close()
