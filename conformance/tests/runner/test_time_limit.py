"""`runner.time_use`: where the time of a run goes, and how it ends in order at its time limit."""

from __future__ import annotations

import re

import pytest
import trio
from memory_run import RunLines, run_suite_in_memory
from minimal_server import DISCOVERY_CREATIONS, MinimalServer
from scripted_server import CloseWithoutReply, KeepOpen, ReceivedRequest, ScriptedAnswer
from trio.testing import MockClock

from tus_reports.totals import count_verdicts

ONLY = ("core.head.upload-offset/*", "core.patch.*")


def test_a_run_ends_in_order_when_its_time_is_over() -> None:
    """It says after how many scenarios, and where the time went; uploads are removed."""
    server = MinimalServer()

    def slow(asked: ReceivedRequest) -> ScriptedAnswer:
        late = server.made > DISCOVERY_CREATIONS and asked.method == "PATCH"
        return KeepOpen() if late else server(asked)

    async def run() -> RunLines:
        return await run_suite_in_memory(slow, only=ONLY, time_limit=60)

    found = trio.run(run, clock=MockClock(autojump_threshold=0))
    error = found.footer.error
    assert error.startswith("The time limit of 60 s ended the run after ")
    assert "The longest: core." in error
    assert found.footer.duration < 70
    assert found.footer.exit_code == 3
    assert server.uploads == {}


async def test_the_requests_to_a_server_that_does_not_answer_are_in_the_record() -> None:
    found = await run_suite_in_memory(lambda _: CloseWithoutReply(), only=ONLY)
    assert found.footer.error.endswith("Nothing was tested.")
    assert [exchange.method for exchange in found.discovery.exchanges][:2] == ["OPTIONS", "POST"]
    assert found.scenarios == {}


async def run_slowly(jobs: int, notices: list[str]) -> RunLines:
    server = MinimalServer()

    def slow(asked: ReceivedRequest) -> ScriptedAnswer:
        late = server.made > DISCOVERY_CREATIONS and asked.method == "PATCH"
        return KeepOpen() if late else server(asked)

    return await run_suite_in_memory(slow, only=ONLY, jobs=jobs, notify=notices.append)


@pytest.mark.parametrize("jobs", [1, 4])
def test_a_slow_run_says_where_its_time_goes(jobs: int) -> None:
    notices: list[str] = []

    async def run() -> RunLines:
        return await run_slowly(jobs, notices)

    found = trio.run(run, clock=MockClock(autojump_threshold=0))
    first = notices[0]
    assert first.startswith("After 6"), notices
    assert f" of {len(found.scenarios)} scenarios are done." in first
    assert "The longest: core.patch." in first
    assert re.search(r"The suite waited \d\d s for responses that did not come\.", first)
    assert "--jobs N runs scenarios at once" in first
    assert len(notices) <= 3


def test_a_quick_run_says_nothing_of_its_time() -> None:
    notices: list[str] = []

    async def run() -> RunLines:
        return await run_suite_in_memory(MinimalServer(), only=ONLY, notify=notices.append)

    trio.run(run, clock=MockClock(autojump_threshold=0))
    assert notices == []


async def test_the_footer_counts_what_the_reports_count() -> None:
    found = await run_suite_in_memory(MinimalServer(), only=ONLY)
    counts = found.footer.counts
    assert counts.scenarios == count_verdicts(found.scenarios.values())
    assert counts.requirements == count_verdicts(found.requirements.values())
