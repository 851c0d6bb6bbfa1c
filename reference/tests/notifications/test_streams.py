"""`notifications.streams`: what a handler of events may do to the events of others."""

from __future__ import annotations

import logging

import anyio
import pytest

from tus_reference import FileInfo, HookEvent
from tus_reference.notifications import EventStream, HTTPRequest


def event(name: str) -> HookEvent:
    return HookEvent(FileInfo(id=name), HTTPRequest())


async def test_a_handler_that_raises_gets_the_next_event_and_others_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One upload without a name must not end the announcements of all others."""
    created, complete = EventStream(wanted=True), EventStream(wanted=True)
    seen: list[str] = []

    async def fail(each: HookEvent) -> None:
        seen.append(each.upload.id)
        raise KeyError("filename")

    async def note(each: HookEvent) -> None:
        seen.append(each.upload.id)

    with caplog.at_level(logging.ERROR, "tus_reference"):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(created.for_each, fail)
            tasks.start_soon(complete.for_each, note)
            for name in ("a", "b"):
                created.put(event(name))
            complete.put(event("c"))
            await anyio.wait_all_tasks_blocked()
            await created.aclose()
            await complete.aclose()
    assert sorted(seen) == ["a", "b", "c"]
    assert "failed for upload a" in caplog.text
    assert "KeyError" in caplog.text
