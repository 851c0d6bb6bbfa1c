"""`RedisLeases`: leases of uploads in Redis, as blocking calls with bounded time-outs.

    PREFIX lease:ID      the holder's token; it disappears when the lease is over
    PREFIX owner:ID      the same token; it stays until the holder releases the lock, so that a
                         lease which was left tells the next holder of it
    PREFIX known         there unless Redis has lost its data
    PREFIX quarantine    there for the time of a lease after that

Every change is a script, which Redis runs as one step. A token is INSTANCE:RANDOM; the instance
names the channel on which the holder is asked to let go, PREFIX instance:INSTANCE.

A Redis that restarts empty has forgotten who holds what. So it grants nothing for the time of a
lease, in which the holders enter themselves again with their next renewal.
"""

from __future__ import annotations

import threading
import time
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tus_reference.model import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CALL_TIMEOUT: Final = 1.0
"""The longest wait for a response of Redis, in seconds."""

RETRY_PAUSE: Final = 0.5
"""For how long, in seconds, calls fail at once after one that failed."""

OWNER_TIME: Final = 3600.0
"""How long, in seconds, an upload counts as abandoned if its holder never comes back."""

_NOTE_RESTART: Final = """
if redis.call('SET', KEYS[3], '1', 'NX') then
    redis.call('SET', KEYS[4], '1', 'PX', ARGV[2])
end
local owner = redis.call('GET', KEYS[2])
"""

# Arguments: token, milliseconds of the lease and of the owner, channels' prefix, message or "".
_ACQUIRE: Final = (
    _NOTE_RESTART
    + """
local free = redis.call('EXISTS', KEYS[1]) == 0 and redis.call('EXISTS', KEYS[4]) == 0
if owner == ARGV[1] or free then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
    return owner and 2 or 1
end
if owner and ARGV[5] ~= '' then
    redis.call('PUBLISH', ARGV[4] .. string.match(owner, '^[^:]*'), ARGV[5])
end
return 0
"""
)

# Arguments: token, milliseconds of the lease and of the owner.
_RENEW: Final = (
    _NOTE_RESTART
    + """
if owner == ARGV[1] or (not owner and redis.call('EXISTS', KEYS[4]) == 1) then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
    return 1
end
return 0
"""
)

# Arguments: token, milliseconds for which the upload is unsettled, message, channels.
_RELEASE: Final = """
if redis.call('GET', KEYS[2]) == ARGV[1] then
    redis.call('DEL', KEYS[1])
    if tonumber(ARGV[2]) > 0 then
        redis.call('PEXPIRE', KEYS[2], ARGV[2])
    else
        redis.call('DEL', KEYS[2])
    end
end
for index = 4, #ARGV do
    redis.call('PUBLISH', ARGV[index], ARGV[3])
end
return 0
"""


class Grant(Enum):
    """What came of asking for a lease; the values are those of the script."""

    REFUSED = 0
    CLEAN = 1
    INHERITED = 2
    """Granted, but the holder before never released it."""


class RedisUnavailable(Exception):  # noqa: N818 - says what happened to the service
    """Redis does not answer, or not as it should; the text says why."""


def connect(url: str) -> redis.Redis:
    """Return a client for a URL such as redis://HOST:6379/0; raise `ConfigError` for others.

    Nothing is sent yet. No call takes longer than two attempts of `CALL_TIMEOUT`.
    """
    try:
        return redis.Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=CALL_TIMEOUT,
            socket_connect_timeout=CALL_TIMEOUT,
            socket_keepalive=True,
            health_check_interval=10,
            # Once more, for a connection that Redis has closed since the last call.
            retry=Retry(NoBackoff(), 1),
        )
    except ValueError as problem:
        raise ConfigError(
            f"The URL of Redis cannot be used: {problem}. Write redis://HOST:PORT/DATABASE."
        ) from None


class RedisLeases:
    """The leases under `prefix`, each of `seconds`; raises `RedisUnavailable`. Thread-safe."""

    def __init__(self, client: redis.Redis, *, seconds: float, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._milliseconds = int(seconds * 1000)
        self._acquire = client.register_script(_ACQUIRE)
        self._renew = client.register_script(_RENEW)
        self._release = client.register_script(_RELEASE)
        self._mutex = threading.Lock()
        self._failing_until = 0.0
        self._failure = ""

    def acquire(self, upload_id: str, token: str, message: str) -> Grant:
        """Ask for a lease; send `message` to a holder that has it, unless it is empty."""
        arguments = [*self._arguments(token), self.channel(""), message]
        return Grant(self._call(self._acquire, keys=self._keys(upload_id), args=arguments))

    def renew(self, leases: Sequence[tuple[str, str]]) -> list[bool]:
        """Renew the leases, by upload and token; return of each whether it is still there."""
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                for upload_id, token in leases:
                    self._renew(
                        keys=self._keys(upload_id), args=self._arguments(token), client=pipeline
                    )
                return [result == 1 for result in pipeline.execute()]
        except (redis.RedisError, OSError) as failure:
            raise self._note(failure) from None

    def release(
        self, upload_id: str, token: str, unsettled: float, message: str, waiters: Iterable[str]
    ) -> None:
        """Give a lease back, if it is there, and send `message` to the instances that wait.

        For `unsettled` seconds the next holder gets it as `INHERITED`.
        """
        arguments = [token, int(unsettled * 1000), message, *map(self.channel, waiters)]
        self._call(self._release, keys=self._keys(upload_id)[:2], args=arguments)

    def check(self) -> None:
        """Raise `RedisUnavailable` unless Redis answers now."""
        try:
            self._client.ping()
        except (redis.RedisError, OSError) as failure:
            raise self._note(failure) from None

    def channel(self, instance: str) -> str:
        """Return the channel of an instance."""
        return f"{self._prefix}instance:{instance}"

    def open_subscription(self, instance: str) -> Any:
        """Return redis-py's `PubSub` on the channel of an instance."""
        client: Any = self._client
        subscription = client.pubsub(ignore_subscribe_messages=True)
        try:
            subscription.subscribe(self.channel(instance))
        except BaseException:
            subscription.close()
            raise
        return subscription

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _keys(self, upload_id: str) -> list[str]:
        names = (f"lease:{upload_id}", f"owner:{upload_id}", "known", "quarantine")
        return [self._prefix + name for name in names]

    def _arguments(self, token: str) -> list[Any]:
        return [token, self._milliseconds, int(OWNER_TIME * 1000)]

    def _call(self, script: Any, **arguments: Any) -> Any:
        """Run a script; after a failure others fail at once, so that requests do not pile up."""
        if time.monotonic() < self._failing_until:
            raise RedisUnavailable(self._failure)
        try:
            return script(**arguments)
        except (redis.RedisError, OSError) as failure:
            raise self._note(failure) from None

    def _note(self, failure: Exception) -> RedisUnavailable:
        # Not its text, which may have the URL and so a password.
        with self._mutex:
            self._failure = f"Redis does not answer ({type(failure).__name__})"
            self._failing_until = time.monotonic() + RETRY_PAUSE
        return RedisUnavailable(self._failure)
