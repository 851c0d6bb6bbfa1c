"""`stores.upload_threads`: an upload whose disk hangs takes no threads from others."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import pytest

from tus_reference.model import Refused, errors
from tus_reference.stores.upload_threads import PER_UPLOAD, UploadThreads

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=["trio", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Run on both event loops: stores live in other people's applications, too."""
    return str(request.param)


class Hanging:
    """A disk that answers for one upload only when it is let go."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.count = 0

    def __call__(self) -> str:
        self.count += 1
        assert self.released.wait(30)
        return "late"


@contextmanager
def hanging() -> Iterator[Hanging]:
    """Yield a call that hangs until the block ends."""
    call = Hanging()
    try:
        yield call
    finally:
        call.released.set()


async def test_eighty_requests_for_one_upload_leave_the_others_alone() -> None:
    threads = UploadThreads(total=10, turn_timeout=0.1, call_timeout=0.2)
    refused = 0

    async def look_up(call: Hanging) -> None:
        nonlocal refused
        with pytest.raises(Refused) as failure:
            await threads.look_up("hung", call)
        assert failure.value.error == errors.STORAGE_STALLED
        refused += 1

    with anyio.fail_after(30), hanging() as call:
        async with anyio.create_task_group() as tasks:
            for _ in range(80):
                tasks.start_soon(look_up, call)
            for number in range(20):
                assert await threads.look_up(f"other {number}", str, number) == str(number)
        assert refused == 80
        assert call.count <= PER_UPLOAD
        # Those that were given up count until they return.
        await look_up(call)
        assert call.count <= PER_UPLOAD


async def test_an_upload_is_served_again_when_its_calls_return() -> None:
    threads = UploadThreads(turn_timeout=0.05, call_timeout=0.05)
    with anyio.fail_after(30):
        with hanging() as call:
            for _ in range(PER_UPLOAD + 1):
                with pytest.raises(Refused):
                    await threads.look_up("hung", call)
        while threads.longest_call():
            await anyio.lowlevel.checkpoint()
        assert await threads.look_up("hung", str, 1) == "1"


async def test_a_call_that_changes_something_is_waited_for() -> None:
    threads = UploadThreads(call_timeout=0.01)
    with anyio.fail_after(30), hanging() as call:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(threads.run, "hung", call)
            tasks.start_soon(threads.run_short, "hung", call)
            while call.count < 2:
                await anyio.lowlevel.checkpoint()
            assert threads.longest_call() > 0
            tasks.cancel_scope.cancel()
            call.released.set()
    assert threads.longest_call() == 0


async def test_what_may_last_is_no_sign_of_a_hung_disk() -> None:
    threads = UploadThreads()
    with anyio.fail_after(30), hanging() as call:
        async with anyio.create_task_group() as tasks:

            async def run() -> None:
                await threads.run("long", call, may_last=True)

            tasks.start_soon(run)
            while not call.count:
                await anyio.lowlevel.checkpoint()
            assert threads.longest_call() == 0
            call.released.set()


async def test_what_is_cancelled_before_it_begins_is_forgotten() -> None:
    threads = UploadThreads(total=1)
    with anyio.fail_after(30), hanging() as call:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(threads.run, "first", call)
            while not call.count:
                await anyio.lowlevel.checkpoint()
            with anyio.move_on_after(0.01):
                await threads.run("second", str, 1)
            call.released.set()
    assert threads.longest_call() == 0
