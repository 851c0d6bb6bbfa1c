"""`execution.settling_poll`: a wait ends where another response would not help any more."""

from __future__ import annotations

import pytest
import trio
from scripted_server import (
    ReceivedRequest,
    ScriptedAnswer,
    ScriptedResponse,
    creation_response,
    discovered_with,
    head_response,
    open_session,
    patch_response,
    scenario_from_toml,
)
from trio.testing import MockClock

from tus_conformance.execution.settling_poll import SETTLED_AFTER
from tus_conformance.execution.steps import execute_scenario
from tus_scenarios.function_scenarios.interruption_cuts import AVAILABLE_TIMEOUT
from tus_scenarios.function_scenarios.paced_bodies import three_seconds

WAIT = """
{ given = { length = 30 } },
{ head = {}, within = 30, expect = [
  { header.Upload-Offset = EXPECTED, checks = "core.head.offset-accurate" },
] },
"""


async def measure_waits(expected: str, offset: int, times: int) -> list[float]:
    """Execute a scenario that waits for an offset, and return how many seconds each took."""

    def answer(asked: ReceivedRequest) -> ScriptedAnswer:
        return creation_response() if asked.method == "POST" else head_response(offset, 30)

    scenario = scenario_from_toml(WAIT.replace("EXPECTED", expected))
    async with open_session(answer, discovery=discovered_with()) as session:
        attempts = [await execute_scenario(scenario, session) for _ in range(times)]
    assert not any(attempt.verdict == "error" for attempt in attempts)
    return [attempt.duration for attempt in attempts]


def test_what_a_server_let_pass_once_is_not_waited_for_in_full_again() -> None:
    clock = MockClock(autojump_threshold=0)
    first, second = trio.run(measure_waits, '"20"', 0, 2, clock=clock)
    assert first == pytest.approx(30, abs=1)
    assert SETTLED_AFTER <= second < SETTLED_AFTER + 2


@pytest.mark.parametrize("bound", ["20", '"20"'])
def test_an_offset_beyond_what_is_asked_ends_the_wait_at_once(bound: str) -> None:
    clock = MockClock(autojump_threshold=0)
    assert trio.run(measure_waits, f"{{ most = {bound} }}", 25, 1, clock=clock) == [0]


def test_a_response_that_still_changes_is_waited_for() -> None:
    """What this server let pass before is no reason to give up while something happens."""
    offsets = list(range(21))

    def answer(asked: ReceivedRequest) -> ScriptedAnswer:
        if asked.method == "POST":
            return creation_response()
        return head_response(offsets.pop(0) if offsets else 20, 30)

    async def wait() -> list[str]:
        scenario = scenario_from_toml(WAIT.replace("EXPECTED", '"20"'))
        async with open_session(answer, discovery=discovered_with()) as session:
            session.vain_waits.add(("head", "core.head.offset-accurate"))
            return [(await execute_scenario(scenario, session)).verdict]

    assert trio.run(wait, clock=MockClock(autojump_threshold=0)) == ["pass"]


def test_a_server_that_answers_otherwise_is_judged_by_its_last_response() -> None:
    async def judge() -> str:
        def answer(asked: ReceivedRequest) -> ScriptedAnswer:
            return creation_response() if asked.method == "POST" else ScriptedResponse(423)

        scenario = scenario_from_toml(WAIT.replace("EXPECTED", '"20"'))
        async with open_session(answer, discovery=discovered_with()) as session:
            return (await execute_scenario(scenario, session)).verdict

    assert trio.run(judge, clock=MockClock(autojump_threshold=0)) == "warn"


async def measure_function_waits(status: int, times: int) -> list[float]:
    """Execute a function scenario on a server whose uploads return a status after a PATCH."""

    def answer(asked: ReceivedRequest) -> ScriptedAnswer:
        if asked.method == "POST":
            return creation_response()
        return patch_response(13000) if asked.method == "PATCH" else ScriptedResponse(status)

    async with open_session(answer, discovery=discovered_with()) as session:
        return [(await execute_scenario(three_seconds, session)).duration for _ in range(times)]


def test_an_upload_that_is_not_found_is_not_waited_for() -> None:
    durations = trio.run(measure_function_waits, 404, 1, clock=MockClock(autojump_threshold=0))
    assert durations == [pytest.approx(3, abs=0.5)]


def test_scenarios_share_a_wait_for_an_upload_that_stays_busy() -> None:
    clock = MockClock(autojump_threshold=0)
    first, second = trio.run(measure_function_waits, 423, 2, clock=clock)
    assert first == pytest.approx(3 + AVAILABLE_TIMEOUT, abs=1.5)
    assert 3 + SETTLED_AFTER <= second < 3 + SETTLED_AFTER + 2
