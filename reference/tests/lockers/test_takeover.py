"""`lockers`: with several requests for one upload the newest writer wins, no byte is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from tus_reference import FileLocker, MemoryLocker, MemoryStore
from tus_reference.handler.body_reader import BodyReader
from tus_reference.model import Headers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import ClientFactory, HandlerClient, MemoryConnection

    from tus_reference.model import ByteSource

    Lockers = Callable[[], MemoryLocker | FileLocker]


async def start_stalled_patch(
    client: HandlerClient, wire: MemoryConnection, path: str, sent: bytes, length: int
) -> None:
    """Send a PATCH at 0 whose body stalls after `sent`, and wait until that is stored."""
    await wire.send(
        f"PATCH {path} HTTP/1.1\nHost: x\nTus-Resumable: 1.0.0\nUpload-Offset: 0\n"
        f"Content-Type: application/offset+octet-stream\nContent-Length: {length}\n\n"
    )
    await wire.send(sent)
    while await client.get_offset(path) < len(sent):
        await trio.testing.wait_all_tasks_blocked(0.001)


def names(folder: Path) -> list[str]:
    """Return the names of the files in `folder`."""
    return sorted(path.name for path in folder.iterdir())


async def test_a_new_patch_takes_over_and_keeps_what_the_old_one_received(
    client: HandlerClient,
) -> None:
    path = await client.create(10)
    async with client.connect() as wire:
        await start_stalled_patch(client, wire, path, b"hello", 10)
        assert (await client.patch(path, 5, b" tus!")).status == 204
        answer = await wire.receive_response()
        assert (answer.status, answer.code) == (400, "ERR_UPLOAD_INTERRUPTED")
    assert await client.get(path) == b"hello tus!"


class _SlowStore(MemoryStore):
    """A store that keeps what came, and then takes its time until it is let go on."""

    def __init__(self) -> None:
        super().__init__()
        self.stored, self.go_on = trio.Event(), trio.Event()

    async def write_chunk(self, upload_id: str, offset: int, source: ByteSource) -> int:
        count = await super().write_chunk(upload_id, offset, source)
        self.stored.set()
        await self.go_on.wait()
        return count


async def test_a_patch_that_arrived_whole_is_not_outdone_any_more(server: ClientFactory) -> None:
    store = _SlowStore()
    client = server(store)
    path = await client.create(5)
    answers: list[int] = []

    async def patch() -> None:
        answers.append((await client.patch(path, 0, b"hello")).status)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(patch)
        await store.stored.wait()
        nursery.start_soon(patch)
        await trio.testing.wait_all_tasks_blocked(0.01)
        store.go_on.set()
    # A client takes a 400 for final, though all of its bytes are there.
    assert answers == [204, 409]


class _InterruptedBody:
    """A body whose bytes are read while another request asks to end it."""

    trailers = Headers()

    def __init__(self, length: int) -> None:
        self.length = length
        self.meet: Callable[[], None] = lambda: None

    async def read_into(self, buffer: memoryview) -> int:
        self.meet()
        buffer[:5] = b"hello"
        return 5


@pytest.mark.parametrize(("length", "ended"), [(5, False), (6, True)])
async def test_a_body_whose_last_bytes_meet_another_request_has_arrived_whole(
    length: int, ended: bool
) -> None:
    body = _InterruptedBody(length)
    source = BodyReader(body, timeout=1)
    body.meet = source.interrupt
    assert await source.read_into(memoryview(bytearray(10))) == 5
    assert (source.failure is not None) is ended


async def test_a_termination_takes_over(client: HandlerClient) -> None:
    path = await client.create(10)
    async with client.connect() as wire:
        await start_stalled_patch(client, wire, path, b"hello", 10)
        assert (await client.request("DELETE", path)).status == 204
        assert (await wire.receive_response()).code == "ERR_UPLOAD_INTERRUPTED"
    assert (await client.head(path)).status == 410


async def test_reading_about_an_upload_does_not_disturb_it(client: HandlerClient) -> None:
    path = await client.create(10)
    async with client.connect() as wire:
        await start_stalled_patch(client, wire, path, b"hello", 10)
        for _ in range(3):
            assert await client.get_offset(path) == 5
            assert (await client.request("GET", path)).status == 400
        await wire.send(b" tus!")
        assert (await wire.receive_response()).status == 204
    assert await client.get(path) == b"hello tus!"


async def test_the_offset_counts_bytes_that_are_being_written(server: ClientFactory) -> None:
    started, gate = trio.Event(), trio.Event()

    class SlowStore(MemoryStore):
        """A store that waits for the test before it keeps a piece."""

        async def write_chunk(self, upload_id: str, offset: int, source: ByteSource) -> int:
            async for piece in source:
                started.set()
                await gate.wait()
                self._bytes(upload_id).extend(piece)
            return len(self._bytes(upload_id)) - offset

    client = server(SlowStore())
    path = await client.create(10)
    offsets: list[int] = []

    async def ask() -> None:
        offsets.append(await client.get_offset(path))

    async with client.connect() as wire:
        await wire.send(
            f"PATCH {path} HTTP/1.1\nHost: x\nTus-Resumable: 1.0.0\nUpload-Offset: 0\n"
            "Content-Type: application/offset+octet-stream\nContent-Length: 10\n\nhello"
        )
        await started.wait()
        await wire.stream.aclose()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await trio.testing.wait_all_tasks_blocked()
            assert offsets == []
            gate.set()
    assert offsets == [5]


async def test_asking_for_the_offset_stops_a_writer_that_fell_silent(
    server: ClientFactory, autojump_clock: trio.testing.MockClock
) -> None:
    client = server(idle_timeout=5.0)
    path = await client.create(10)
    async with client.connect() as wire:
        await start_stalled_patch(client, wire, path, b"hello", 10)
        autojump_clock.jump(6.0)
        assert await client.get_offset(path) == 5
        assert (await wire.receive_response()).code == "ERR_UPLOAD_INTERRUPTED"


async def test_a_request_that_fails_before_the_lock_disturbs_no_other(
    client: HandlerClient,
) -> None:
    path = await client.create(10)
    async with client.connect() as wire:
        await start_stalled_patch(client, wire, path, b"hello", 10)
        assert (await client.patch(path, 5, b"x", Content_Type="text/plain")).status == 415
        assert (await client.patch(path, 5, b"x", Tus_Resumable="2.0.0")).status == 412
        await wire.send(b" tus!")
        assert (await wire.receive_response()).status == 204


async def test_of_many_patches_at_one_offset_one_is_stored(client: HandlerClient) -> None:
    path = await client.create(5)
    statuses: list[int] = []

    async def patch(body: bytes) -> None:
        statuses.append((await client.patch(path, 0, body)).status)

    async with trio.open_nursery() as nursery:
        for letter in b"abcdefgh":
            nursery.start_soon(patch, bytes([letter]) * 5)
    assert statuses.count(204) == 1
    assert set(statuses) <= {204, 400, 409}
    assert len(set(await client.get(path))) == 1


async def test_a_holder_that_cannot_stop_costs_the_newcomer_its_patience(
    server: ClientFactory, autojump_clock: object
) -> None:
    client = server(acquire_lock_timeout=2.0)
    path = await client.create(10)
    lock = client.handler.config.composer.locker
    assert lock is not None
    held = lock.new_lock(path.removeprefix("/files/"))
    assert await held.try_lock()
    answer = await client.patch(path, 0, b"hello")
    assert (answer.status, answer.code) == (423, "ERR_UPLOAD_LOCKED")
    assert await client.get_offset(path) == 0
    await held.unlock()
    assert (await client.patch(path, 0, b"hello")).status == 204


@pytest.fixture(params=["memory", "file", "two processes"])
def lockers(request: pytest.FixtureRequest, tmp_path: Path) -> Lockers:
    """Return what makes the locker of each request: the same one, or one of each process."""
    if request.param == "memory":
        shared = MemoryLocker()
        return lambda: shared
    if request.param == "file":
        one = FileLocker(tmp_path)
        return lambda: one
    return lambda: FileLocker(tmp_path)


async def test_a_lock_is_handed_over_when_its_holder_lets_go(lockers: Lockers) -> None:
    order: list[str] = []
    asked = trio.Event()
    first, second = lockers().new_lock("id"), lockers().new_lock("id")
    await first.lock(asked.set)

    async def wait_for_it() -> None:
        await second.lock(lambda: None)
        order.append("second has it")
        await second.unlock()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait_for_it)
        with trio.fail_after(2):
            await asked.wait()
        order.append("first lets go")
        await first.unlock()
    assert order == ["first lets go", "second has it"]


async def test_a_cancelled_wait_leaves_the_lock_usable(lockers: Lockers, tmp_path: Path) -> None:
    here, there = lockers(), lockers()
    first, second, third = (each.new_lock("id") for each in (here, there, there))
    asked = trio.Event()
    await first.lock(asked.set)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(second.lock, lambda: None)
        with trio.fail_after(5):
            await asked.wait()
        nursery.cancel_scope.cancel()
    assert not await third.try_lock()
    await first.unlock()
    assert await third.try_lock()
    await third.unlock()
    assert names(tmp_path) == []


async def test_each_holder_is_asked_while_others_wait() -> None:
    locker, asked = MemoryLocker(), []
    locks = [locker.new_lock("id") for _ in range(3)]
    await locks[0].lock(lambda: asked.append(0))

    async def take(number: int) -> None:
        await locks[number].lock(lambda: asked.append(number))

    async with trio.open_nursery() as nursery:
        for number in (1, 2):
            nursery.start_soon(take, number)
            await trio.testing.wait_all_tasks_blocked()
        await locks[0].unlock()
        await trio.testing.wait_all_tasks_blocked()
        assert asked == [0, 0, 1]
        await locks[1].unlock()
    await locks[2].unlock()


@pytest.mark.parametrize("waiting", [True, False])
async def test_a_stale_lock_file_of_a_dead_process_is_free(tmp_path: Path, waiting: bool) -> None:
    (tmp_path / "id.lock").write_text("999999999\n")
    (tmp_path / "id.stop").touch()
    asked: list[bool] = []
    abandoned: list[str] = []
    lock = FileLocker(tmp_path, on_abandoned=abandoned.append).new_lock("id")
    with trio.fail_after(1):
        if waiting:
            await lock.lock(lambda: asked.append(True))
        else:
            assert await lock.try_lock()
    await lock.unlock()
    assert (asked, abandoned) == ([], ["id"])
    assert names(tmp_path) == []


async def test_a_lock_that_was_released_is_not_abandoned(tmp_path: Path) -> None:
    abandoned: list[str] = []
    for _ in range(2):
        lock = FileLocker(tmp_path, on_abandoned=abandoned.append).new_lock("id")
        await lock.lock(lambda: None)
        await lock.unlock()
    assert abandoned == []
