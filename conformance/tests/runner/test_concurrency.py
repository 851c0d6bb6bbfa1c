"""`runner.schedule`: concurrent scenarios give the same verdicts, also over a slow link."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pytest
import trio
from memory_run import RunLines, run_suite_in_memory
from reference_in_memory import run_inline, serve_reference
from slow_link import delay_server

from tus_conformance.transport.memory import Serve
from tus_reference import Config, Handler, MemoryLocker, MemoryStore, StoreComposer
from tus_reference.server import serve_stream

ONLY = ("core.head.*", "core.patch.*", "core.net*", "creation-with-upload*", "termination*")
LINK = 0.025
"""Seconds each way, which makes 50 ms there and back."""


def reference(folder: Path) -> Serve:
    """Return a reference server in memory."""
    composer = StoreComposer()
    MemoryStore().use_in(composer)
    MemoryLocker().use_in(composer)
    handler = Handler(
        Config(store_composer=composer, spool_directory=folder, max_size=64 * 1024 * 1024)
    )

    async def serve(stream: trio.abc.Stream) -> None:
        await serve_stream(handler, stream)

    return serve


def verdicts(run: RunLines) -> dict[str, str]:
    """Return how each scenario came out."""
    return {name: scenario.verdict for name, scenario in run.scenarios.items()}


async def test_a_link_with_a_delay_takes_its_time() -> None:
    async def echo(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"heard " + bytes(await stream.receive_some()))

    near, far = trio.testing.memory_stream_pair()
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(delay_server(echo, LINK), far)
        await near.send_all(b"you")
        said = bytes(await near.receive_some())
        took = trio.current_time() - began
        nursery.cancel_scope.cancel()
    assert said == b"heard you"
    assert took == pytest.approx(2 * LINK)


async def test_eight_at_once_come_out_as_one_by_one_and_sooner(tmp_path: Path) -> None:
    took: dict[int, float] = {}
    found: dict[int, RunLines] = {}
    for jobs in (1, 8):
        began = trio.current_time()
        found[jobs] = await run_suite_in_memory(
            serve=delay_server(reference(tmp_path), LINK), only=ONLY, jobs=jobs
        )
        took[jobs] = trio.current_time() - began
    assert verdicts(found[1]) == verdicts(found[8])
    assert list(found[1].scenarios) == list(found[8].scenarios)
    assert {name: row.verdict for name, row in found[1].requirements.items()} == {
        name: row.verdict for name, row in found[8].requirements.items()
    }
    assert len(found[1].scenarios) > 100
    assert set(verdicts(found[1]).values()) <= {
        "pass",
        "note",
        "not-applicable",
        "unsupported",
        "excluded",
    }
    assert found[8].footer.remaining_uploads == ()
    assert took[8] < took[1] / 3


class BusyServer:
    """Leaves a request without a response if two others are under way, as if overloaded."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._under_way = 0

    async def __call__(self, stream: trio.abc.Stream) -> None:
        self._under_way += 1
        try:
            await trio.lowlevel.checkpoint()
            if self._under_way <= 2:
                await self._serve(stream)
            else:
                while await stream.receive_some():
                    pass
        finally:
            self._under_way -= 1


def test_a_server_that_is_too_busy_gets_the_verdicts_of_one_scenario_at_a_time() -> None:
    """What was short of a response beside others is executed again alone."""

    async def run_both() -> list[dict[str, str]]:
        only = ("core.head.*", "core.version*", "creation.metadata.*")
        return [
            verdicts(
                await run_suite_in_memory(serve=BusyServer(serve_reference()), only=only, jobs=jobs)
            )
            for jobs in (1, 4)
        ]

    with patch("anyio.to_thread.run_sync", run_inline):
        alone, beside = trio.run(run_both, clock=trio.testing.MockClock(autojump_threshold=0))
    assert alone == beside
    assert "pass" in alone.values()
