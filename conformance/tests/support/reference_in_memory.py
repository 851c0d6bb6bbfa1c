"""The reference server in memory, with changes of the gallery or without, and runs against it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from unittest.mock import patch

import trio
from scripted_server import URL
from trio.testing import MockClock

from proof.memory_evaluation import guard_origin
from tus_conformance.discovery.discovery import discover
from tus_conformance.runner.run import Run
from tus_conformance.runner.run_plan import RunPlan
from tus_conformance.runner.selection import Selection
from tus_conformance.state.session import Session
from tus_conformance.targets.target import Target
from tus_conformance.transport import Http1Transport
from tus_conformance.transport.memory import Serve, memory_network
from tus_defects import Change, ChangedService, changes, defects, quirks
from tus_reference import Config, MemoryLocker, MemoryStore, StoreComposer, serve_stream
from tus_reports import RecordLine
from tus_scenarios import scenarios


def defect(identifier: str) -> tuple[Change, ...]:
    """Return the changes of a server with a defect of the gallery."""
    return changes(defects()[identifier])


def quirk(identifier: str) -> tuple[Change, ...]:
    """Return the changes of a server with a quirk of the gallery."""
    return changes(quirks()[identifier])


def serve_reference(*changes: Change) -> Serve:
    """Return a server of connections, which all see the same uploads."""
    composer = StoreComposer()
    MemoryStore().use_in(composer)
    MemoryLocker().use_in(composer)
    config = Config(store_composer=composer, max_size=8 * 1024 * 1024, expire_after=3600.0)
    service = ChangedService(config, *changes)

    async def serve(stream: trio.abc.Stream) -> None:
        await serve_stream(service, service.wrap(stream))

    return serve


@asynccontextmanager
async def open_session(*changes: Change) -> AsyncIterator[Session]:
    """Yield a session on the reference in memory, after its discovery."""
    async with memory_network(serve_reference(*changes)) as backend:
        transport, target = Http1Transport(backend=backend), Target(URL)
        discovery = await discover(target, transport)
        yield Session(target=target, transport=transport, discovery=discovery, seed=1)


def run_in_memory(
    *changes: Change,
    only: tuple[str, ...],
    skip: tuple[str, ...] = ("interruption.*",),
    include_large: bool = False,
    jobs: int = 1,
) -> list[RecordLine]:
    """Run scenarios, interruptions apart, against the reference; return the record's lines.

    The clock moves on by itself when everything waits. What the server would do in a thread it
    does at once, because threads keep real time.
    """
    with patch("anyio.to_thread.run_sync", run_inline):
        clock = MockClock(autojump_threshold=0)
        selection = Selection(only, skip, include_large)
        return trio.run(_run_in_memory, serve_reference(*changes), selection, jobs, clock=clock)


async def _run_in_memory(serve: Serve, selection: Selection, jobs: int) -> list[RecordLine]:
    lines: list[RecordLine] = []
    plan = RunPlan(
        target=Target(URL), scenarios=scenarios(), selection=selection, seed=7, jobs=jobs
    )
    async with memory_network(serve) as backend:
        await Run(plan, guard_origin(Http1Transport(backend=backend)), lines.append)()
    return lines


async def run_inline(work: Callable[..., object], *arguments: object, **_: object) -> object:
    await trio.lowlevel.checkpoint()
    return work(*arguments)
