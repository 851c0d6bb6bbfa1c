"""`runner.run`: a run ends in order at its time limit, and keeps what it asked in vain."""

from __future__ import annotations

import trio
from memory_run import RunLines, run_suite_in_memory
from minimal_server import MinimalServer
from scripted_server import CloseWithoutReply, KeepOpen, ReceivedRequest, ScriptedAnswer
from trio.testing import MockClock

ONLY = ("core.head.upload-offset/*", "core.patch.*")


def test_a_run_ends_in_order_when_its_time_is_over() -> None:
    """It says after how many scenarios, and where the time went; uploads are removed."""
    server = MinimalServer()

    def slow(asked: ReceivedRequest) -> ScriptedAnswer:
        late = server.made > 12 and asked.method == "PATCH"
        return KeepOpen() if late else server(asked)

    async def run() -> RunLines:
        return await run_suite_in_memory(slow, only=ONLY, time_limit=60)

    found = trio.run(run, clock=MockClock(autojump_threshold=0))
    error = found.footer.error
    assert error.startswith("The time limit of 60 s ended the run after ")
    assert "Most of it went to core." in error
    assert found.footer.duration < 70
    assert found.footer.exit_code == 3
    assert server.uploads == {}


async def test_the_requests_to_a_server_that_does_not_answer_are_in_the_record() -> None:
    found = await run_suite_in_memory(lambda _: CloseWithoutReply(), only=ONLY)
    assert found.footer.error.endswith("Nothing was tested.")
    assert [exchange.method for exchange in found.discovery.exchanges][:2] == ["OPTIONS", "POST"]
    assert found.scenarios == {}
