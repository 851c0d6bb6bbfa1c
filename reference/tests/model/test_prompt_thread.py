"""`model.prompt_thread`: quick calls are over at once, and one that hangs is not waited for."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import anyio
import anyio.lowlevel
import pytest

from tus_reference.model import prompt_thread
from tus_reference.model.prompt_thread import PromptThread
from tus_reference.stores.upload_threads import CallKind, UploadThreads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

PATIENT = 30.0


@contextmanager
def released_at_end() -> Iterator[threading.Event]:
    """Yield an event on which calls hang until the block ends."""
    event = threading.Event()
    try:
        yield event
    finally:
        event.set()


def run(thread: PromptThread, call: Callable[[], T]) -> T:
    """Return what a call returns that has to be over at once."""
    begun = thread.begin(call, ())
    assert begun is not None
    assert begun.is_over
    return begun.result()


def fail() -> None:
    """Raise what a disk raises."""
    raise FileNotFoundError


def test_a_quick_call_is_over_when_it_returns_or_raises() -> None:
    thread = PromptThread(PATIENT)
    assert run(thread, threading.get_ident) != threading.get_ident()
    with pytest.raises(FileNotFoundError):
        run(thread, fail)
    assert run(thread, os.getpid) == os.getpid()


def test_a_call_that_hangs_goes_on_without_the_caller() -> None:
    thread = PromptThread(0.01)
    with released_at_end() as event:
        call = thread.begin(event.wait, (PATIENT,))
        assert call is not None
        assert not call.is_over
        assert thread.begin(os.getpid, ()) is None
        event.set()
        assert call.result() is True


def test_after_a_quick_call_the_next_pause_is_short_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    thread, pauses = PromptThread(0.3, first_pause=1.0), []
    for _ in range(2):
        with released_at_end() as event:
            call = thread.begin(event.wait, (PATIENT,))
            assert call is not None
        call.result()
        late_at = now
        while thread.begin(os.getpid, ()) is None:
            now += 0.5
        pauses.append(now - late_at)
    assert pauses == [1.0, 1.0]


def test_a_disk_that_stays_slow_is_tried_less_and_less(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    thread, begun = PromptThread(0.01, first_pause=1.0), list[float]()
    while len(begun) < 9:
        with released_at_end() as event:
            call = thread.begin(event.wait, (PATIENT,))
        if call is None:
            now += 0.5
        else:
            call.result()
            begun.append(now)
    pauses = [later - sooner for sooner, later in pairwise(begun)]
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]


def test_a_disk_that_answers_slowly_is_left_to_other_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, begun = 0.0, list[float]()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    thread = PromptThread(PATIENT, first_pause=1.0)

    def answer_slowly(duration: float) -> None:
        nonlocal now
        now += duration

    while len(begun) < 6:
        call = thread.begin(answer_slowly, (0.003,))
        if call is None:
            now += 0.5
        else:
            begun.append(round(now))
    assert begun == [0, 1, 3, 7, 15, 31]
    now += 60
    # Single calls that take longer, among quick ones, are no reason for a pause.
    for duration in (0.0, 0.002, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.002, 0.0):
        assert thread.begin(answer_slowly, (duration,)) is not None


def test_a_thread_without_calls_ends_and_another_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt_thread, "IDLE_TIMEOUT", 0.01)
    thread = PromptThread(PATIENT)
    first = run(thread, threading.current_thread)
    first.join(PATIENT)
    assert not first.is_alive()
    assert run(thread, os.getpid) == os.getpid()


def test_a_process_that_was_forked_has_a_thread_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    thread = PromptThread(PATIENT)
    first = run(thread, threading.current_thread)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert run(thread, threading.current_thread) is not first


def test_an_event_loop_does_not_wait_for_the_call_of_another() -> None:
    thread = PromptThread(PATIENT)
    with released_at_end() as event:
        begun = threading.Event()

        def hang() -> bool:
            begun.set()
            return event.wait(PATIENT)

        other = threading.Thread(target=thread.begin, args=(hang, ()))
        other.start()
        assert begun.wait(PATIENT)
        assert thread.begin(os.getpid, ()) is None
        event.set()
        other.join(PATIENT)


async def test_an_upload_that_hangs_delays_others_by_the_patience_at_most() -> None:
    threads = UploadThreads()
    with anyio.fail_after(PATIENT), released_at_end() as event:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(threads.run_short, "hung", event.wait, PATIENT)
            for number in range(20):
                assert await threads.look_up(f"other {number}", str, number) == str(number)
            event.set()


@pytest.mark.parametrize("quick", ["run_short", "look_up"])
async def test_what_syncs_slowly_leaves_other_calls_prompt(quick: str) -> None:
    threads = UploadThreads()
    with anyio.fail_after(PATIENT), released_at_end() as event:
        async with anyio.create_task_group() as tasks:

            async def sync() -> None:
                await threads.run_short("slow", event.wait, PATIENT, kind=CallKind.SYNCS)

            tasks.start_soon(sync)
            await anyio.wait_all_tasks_blocked()
            first = await getattr(threads, quick)("other", threading.current_thread)
            assert first.name == "tus-prompt-calls"
            event.set()


async def test_calls_of_many_uploads_go_together_while_changes_between_threads_take_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[PromptThread] = []

    def decline(thread: PromptThread, *_: object) -> None:
        begun.append(thread)

    async def count(threads: UploadThreads, ids: list[str]) -> int:
        begun.clear()
        for each in ids:
            await threads.look_up(each, os.getpid)
        return len(begun)

    monkeypatch.setattr(PromptThread, "begin", decline)
    crowd, single = [str(number) for number in range(64)], ["one"] * 64
    monkeypatch.setattr(PromptThread, "average_wait", 0.0)
    assert await count(UploadThreads(), crowd) == 64
    monkeypatch.setattr(PromptThread, "average_wait", 1.0)
    threads = UploadThreads()
    assert 0 < await count(threads, crowd) < 16
    assert await count(threads, single) > 48


async def test_a_call_runs_elsewhere_while_the_thread_is_busy_or_late() -> None:
    thread = PromptThread(0.01)
    with anyio.fail_after(PATIENT), released_at_end() as event:
        async with anyio.create_task_group() as tasks:
            results: list[bool] = []

            async def hang() -> None:
                results.append(await thread.run(event.wait))

            tasks.start_soon(hang)
            await anyio.lowlevel.checkpoint()
            assert await thread.run(os.getpid) == os.getpid()
            event.set()
        assert results == [True]
    with pytest.raises(FileNotFoundError):
        await thread.run(fail)
