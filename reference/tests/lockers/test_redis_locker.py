"""`lockers.redis_locker`: one server at a time has an upload, and one that lost it stops."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import trio

from tus_reference import (
    ConfigError,
    FileStore,
    RedisLocker,
    Refused,
)
from tus_reference.lockers.redis_leases import Grant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from conftest import ClientFactory
    from redis_stage import RedisStage

    from tus_reference.lockers.redis_locker import RedisLock


LONG_LEASE = 3.0
"""A lease, in seconds, that a busy machine does not end before its renewal."""


def names(folder: Path) -> list[str]:
    """Return the names of the files in `folder`."""
    return sorted(path.name for path in folder.iterdir())


def kill(locker: RedisLocker) -> None:
    """Let a locker renew nothing and hear nothing, like a server that is dead or stopped."""
    locker.keeper._held.clear()
    locker.keeper.close()


async def wait_for(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something holds; fails after 10 s."""
    with trio.fail_after(10):
        while not await holds():  # noqa: ASYNC110 - no event comes from another server
            await trio.sleep(0.01)


async def wait_until_lost(lock: RedisLock) -> Refused:
    """Wait until a lock is lost, and return what a request is refused with then."""
    with trio.fail_after(10):
        while True:
            try:
                lock.check_held()
            except Refused as refused:
                return refused
            await trio.sleep(0.01)


async def test_a_waiter_asks_the_holder_of_another_server_and_gets_the_lock(
    redis_stage: RedisStage,
) -> None:
    first, second = redis_stage.new_locker(), redis_stage.new_locker()
    held, waiting = first.new_lock("id"), second.new_lock("id")
    asked = trio.Event()
    await held.lock(asked.set)
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(waiting.lock, lambda: None)
            await asked.wait()
            assert not await redis_stage.new_locker().new_lock("id").try_lock()
            await held.unlock()
    waiting.check_held()
    await waiting.unlock()
    assert await first.new_lock("id").try_lock()


async def test_reading_about_an_upload_asks_nobody_to_let_go(redis_stage: RedisStage) -> None:
    asked: list[str] = []
    later = trio.Event()
    holder, reader = redis_stage.new_locker(), redis_stage.new_locker()
    await holder.new_lock("id").lock(lambda: asked.append("id"))
    await holder.new_lock("other").lock(later.set)
    assert not await reader.new_lock("id").try_lock()
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            # Messages to a server arrive in order: one about "id" would have come before this.
            nursery.start_soon(reader.new_lock("other").lock, lambda: None)
            await later.wait()
            nursery.cancel_scope.cancel()
    assert asked == []


async def test_a_lease_is_renewed_for_as_long_as_it_is_held(redis_stage: RedisStage) -> None:
    held = redis_stage.new_locker(lease_time=LONG_LEASE).new_lock("id")
    await held.lock(lambda: None)
    end = time.monotonic() + 1.2 * LONG_LEASE
    while time.monotonic() < end:
        held.check_held()
        await trio.sleep(0.05)
    assert not await redis_stage.new_locker().new_lock("id").try_lock()
    await held.unlock()


async def test_the_lock_of_a_dead_server_is_free_after_its_lease(redis_stage: RedisStage) -> None:
    abandoned: list[str] = []
    dead = redis_stage.new_locker()
    old = dead.new_lock("id")
    await old.lock(lambda: None)
    kill(dead)
    heir = redis_stage.new_locker(on_abandoned=abandoned.append, lease_time=LONG_LEASE)
    new = heir.new_lock("id")
    with trio.fail_after(10):
        await new.lock(lambda: None)
    assert abandoned == ["id"]
    with pytest.raises(Refused) as refused:
        old.check_held()
    assert (refused.value.error.status, refused.value.error.code) == (503, "ERR_LOCK_LOST")
    assert refused.value.headers == (("Retry-After", "1"),)
    # The dead one comes back to life, and what it does with the lock does not matter.
    await old.unlock()
    new.check_held()
    assert not await redis_stage.new_locker().new_lock("id").try_lock()
    await new.unlock()
    clean = redis_stage.new_locker(on_abandoned=abandoned.append).new_lock("id")
    assert await clean.try_lock()
    assert abandoned == ["id"]


async def test_a_lost_lease_stays_lost_though_redis_renews_it(redis_stage: RedisStage) -> None:
    locker = redis_stage.new_locker()
    held = locker.new_lock("id")
    await held.lock(lambda: None)
    kill(locker)
    await wait_until_lost(held)
    assert locker.leases.renew([("id", held.token)]) == [True]
    held.extend(time.monotonic() + 1e9)
    with pytest.raises(Refused):
        held.check_held()


@pytest.mark.parametrize("how", ["note", "inherited"])
async def test_the_next_holder_learns_of_an_unsettled_upload(
    redis_stage: RedisStage, how: str
) -> None:
    """Calls to S3 that failed, or those of a dead server, may still be carried out."""
    first = redis_stage.new_locker(settle_time=60.0)
    lock = first.new_lock("id")
    await lock.lock(lambda: None)
    if how == "note":
        lock.leave_unsettled(60.0)
    else:
        kill(first)
        await wait_until_lost(lock)
        lock = redis_stage.new_locker(settle_time=60.0).new_lock("id")
        with trio.fail_after(10):
            await lock.lock(lambda: None)
    # It lets go before that time is over.
    await lock.unlock()
    abandoned: list[str] = []
    heir = redis_stage.new_locker(settle_time=60.0, on_abandoned=abandoned.append)
    assert await heir.new_lock("id").try_lock()
    assert abandoned == ["id"]


async def test_a_holder_keeps_its_lock_when_redis_forgets_everything(
    redis_stage: RedisStage,
) -> None:
    held = redis_stage.new_locker(lease_time=LONG_LEASE).new_lock("id")
    await held.lock(lambda: None)
    redis_stage.client.flushall()
    other = redis_stage.new_locker(lease_time=LONG_LEASE)
    with trio.move_on_after(1.5 * LONG_LEASE) as waited:
        await other.new_lock("id").lock(lambda: None)
    assert waited.cancelled_caught
    held.check_held()
    await held.unlock()
    assert await other.new_lock("id").try_lock()


async def test_an_empty_redis_grants_nothing_before_holders_could_return(
    redis_stage: RedisStage,
) -> None:
    dead = redis_stage.new_locker()
    old = dead.new_lock("id")
    await old.lock(lambda: None)
    kill(dead)
    redis_stage.client.flushall()
    new = redis_stage.new_locker().new_lock("id")
    with trio.fail_after(10):
        await new.lock(lambda: None)
    with pytest.raises(Refused):
        old.check_held()
    await new.unlock()


async def test_without_redis_a_holder_is_stopped_and_others_are_refused(
    redis_stage: RedisStage,
) -> None:
    locker = redis_stage.new_locker()
    held = locker.new_lock("id")
    stopped = trio.Event()
    await held.lock(stopped.set)
    redis_stage.stop()
    with pytest.raises(Refused) as refused:
        await locker.new_lock("other").lock(lambda: None)
    assert (refused.value.error.status, refused.value.error.code) == (503, "ERR_LOCKS_UNAVAILABLE")
    assert refused.value.headers == (("Retry-After", "1"),)
    assert not await locker.new_lock("another").try_lock()
    assert "Redis does not answer" in await locker.check_health()
    with trio.fail_after(10):
        await stopped.wait()
    assert (await wait_until_lost(held)).error.code == "ERR_LOCK_LOST"
    await held.unlock()
    redis_stage.start()
    again = locker.new_lock("id")
    await wait_for(again.try_lock)
    assert await locker.check_health() == ""
    await again.unlock()


async def test_a_waiter_that_gives_up_leaves_nothing(redis_stage: RedisStage) -> None:
    first, second = redis_stage.new_locker(), redis_stage.new_locker()
    held = first.new_lock("id")
    await held.lock(lambda: None)
    with trio.move_on_after(0.05):
        await second.new_lock("id").lock(lambda: None)
    await held.unlock()
    assert redis_stage.client.keys("tus:*:id") == []
    assert await second.new_lock("id").try_lock()


async def test_requests_of_one_server_queue_in_its_memory(redis_stage: RedisStage) -> None:
    locker = redis_stage.new_locker()
    held, waiting = locker.new_lock("id"), locker.new_lock("id")
    asked = trio.Event()
    await held.lock(asked.set)
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(waiting.lock, lambda: None)
            await asked.wait()
            await held.unlock()
    await waiting.unlock()


def test_a_grant_whose_response_was_lost_is_granted_again(redis_stage: RedisStage) -> None:
    leases = redis_stage.new_locker().leases
    assert leases.acquire("id", "a:1", "") is Grant.CLEAN
    # It may be one that a holder before left: nobody knows any more.
    assert leases.acquire("id", "a:1", "") is Grant.INHERITED
    assert leases.acquire("id", "b:1", "") is Grant.REFUSED


@pytest.mark.parametrize(("url", "lease"), [("http://x", 5.0), ("redis://x", 0.1)])
def test_settings_that_cannot_work_are_refused(url: str, lease: float) -> None:
    with pytest.raises(ConfigError):
        RedisLocker(url, lease_time=lease)


class Server:
    """A server on a shared folder, with a locker of its own."""

    def __init__(self, stage: RedisStage, new_client: ClientFactory, folder: Path) -> None:
        self.locker = stage.new_locker()
        self.client = new_client(FileStore(folder, shared=True), locker=self.locker)

    async def has_stored(self, path: str, count: int) -> bool:
        return await self.client.get_offset(path) >= count


@pytest.fixture
def servers(
    redis_stage: RedisStage, server: ClientFactory, tmp_path: Path
) -> tuple[Server, Server]:
    """Return two servers on one folder."""
    folder = tmp_path / "uploads"
    return Server(redis_stage, server, folder), Server(redis_stage, server, folder)


async def test_a_patch_to_another_server_takes_over(servers: tuple[Server, Server]) -> None:
    first, second = servers
    path = await first.client.create(10)
    async with first.client.connect() as wire:
        await wire.send(
            f"PATCH {path} HTTP/1.1\nHost: x\nTus-Resumable: 1.0.0\nUpload-Offset: 0\n"
            "Content-Type: application/offset+octet-stream\nContent-Length: 10\n\nhello"
        )
        await wait_for(lambda: second.has_stored(path, 5))
        assert (await second.client.patch(path, 5, b" tus!")).status == 204
        assert (await wire.receive_response()).code == "ERR_UPLOAD_INTERRUPTED"
    assert await first.client.get(path) == b"hello tus!"


async def test_a_server_that_lost_its_lease_stores_and_acknowledges_nothing(
    servers: tuple[Server, Server], tmp_path: Path
) -> None:
    first, second = servers
    path = await first.client.create(10)
    async with first.client.connect() as wire:
        await wire.send(
            f"PATCH {path} HTTP/1.1\nHost: x\nTus-Resumable: 1.0.0\nUpload-Offset: 0\n"
            "Content-Type: application/offset+octet-stream\nContent-Length: 10\n\nhe"
        )
        await wait_for(lambda: second.has_stored(path, 2))
        kill(first.locker)
        assert (await second.client.patch(path, 2, b"llo")).status == 204
        await wire.send(b"XXXXXXXX")
        answer = await wire.receive_response()
    assert (answer.status, answer.code) == (503, "ERR_LOCK_LOST")
    assert answer["Retry-After"] == "1"
    assert (tmp_path / "uploads" / path.rpartition("/")[2]).read_bytes() == b"hello"
    assert (await second.client.patch(path, 5, b" tus!")).status == 204
    assert await second.client.get(path) == b"hello tus!"


async def test_without_redis_uploads_are_refused_for_now_and_nothing_is_lost(
    servers: tuple[Server, Server], redis_stage: RedisStage, tmp_path: Path
) -> None:
    client = servers[0].client
    path = await client.create(10, b"hello")
    before = names(tmp_path / "uploads")
    redis_stage.stop()
    answers = [
        await client.patch(path, 5, b" tus!"),
        await client.request("DELETE", path),
        await client.request(
            "POST",
            "/files/",
            {"Upload-Length": "3", "Content-Type": "application/offset+octet-stream"},
            b"abc",
        ),
    ]
    for answer in answers:
        assert (answer.status, answer.code) == (503, "ERR_LOCKS_UNAVAILABLE")
        assert answer["Retry-After"] == "1"
    assert names(tmp_path / "uploads") == before
    # A HEAD that fails would make clients start over.
    assert await client.get_offset(path) == 5
    assert "Redis does not answer" in await client.handler.check_health()
    redis_stage.start()

    async def has_recovered() -> bool:
        return (await client.patch(path, 5, b" tus!")).status == 204

    await wait_for(has_recovered)
    assert await client.handler.check_health() == ""
    assert await client.get(path) == b"hello tus!"
