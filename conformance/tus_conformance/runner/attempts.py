"""The attempts at a scenario: once, again and alone where it failed, with a server that is up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from tus_conformance.evaluation.attribution import (
    shows_strain,
    spare_unanswered,
    suggests_lost_server,
)
from tus_conformance.evaluation.invariant_monitor import InvariantMonitor
from tus_conformance.execution.steps import execute_scenario
from tus_conformance.runner.schedule import RunGate
from tus_conformance.state.session import Session
from tus_conformance.targets.server_process import ServerError
from tus_conformance.targets.trace import TracedTransport
from tus_reports import Attempt
from tus_scenarios import Scenario

GateEntry = Callable[[], AbstractAsyncContextManager[None]]


class AttemptRunner:
    """Makes the attempts of scenarios; `server_lost` says why no more can be made, or is empty.

    `is_concurrent` says that scenarios run at once. One that was short of a response then is
    executed again alone, and only that attempt counts: it may have been the others' doing.
    """

    def __init__(
        self, monitor: InvariantMonitor, trace: TracedTransport, *, is_concurrent: bool = False
    ) -> None:
        self.server_lost = ""
        self._is_concurrent = is_concurrent
        self._monitor = monitor
        self._trace = trace
        self._gate = RunGate()
        self._latest_scenario = ""

    async def run_attempts(self, scenario: Scenario, session: Session) -> tuple[Attempt, ...]:
        """Execute a scenario, and a second time with nothing else running if it failed."""
        gate = self._gate.exclusive if scenario.serial else self._gate.enter_shared
        attempts = [await self._run_attempt(scenario, session, 1, gate)]
        if attempts[0].verdict == "fail":
            attempts.append(await self._run_attempt(scenario, session, 2, self._gate.exclusive))
        self._latest_scenario = scenario.id
        return tuple(attempts)

    async def _run_attempt(
        self, scenario: Scenario, session: Session, number: int, gate: GateEntry
    ) -> Attempt:
        """Execute a scenario once; again, after a restart of the server, if that went away."""
        async with gate():
            attempt = await execute_scenario(scenario, session, number)
        if self._is_concurrent and gate == self._gate.enter_shared and shows_strain(attempt):
            async with self._gate.exclusive():
                attempt = await execute_scenario(scenario, session, number + 6)
        for again in (number + 2, number + 4):
            if not await self._server_is_gone(attempt, session):
                return attempt
            async with self._gate.exclusive():
                if not await self._restart_server(scenario, session):
                    return attempt
                attempt = await execute_scenario(scenario, session, again)
        if await self._server_is_gone(attempt, session):
            # One that hangs is there, and owes an answer; one that ended is charged with that.
            exited = session.server_exited
            async with self._gate.exclusive():
                await self._restart_server(scenario, session)
            return spare_unanswered(attempt) if exited else attempt
        return attempt

    async def _server_is_gone(self, attempt: Attempt, session: Session) -> bool:
        """Return whether the server has gone away."""
        if self.server_lost:
            return False
        if suggests_lost_server(attempt):
            return not await session.wait_until_responsive()
        return session.server_exited

    async def _restart_server(self, scenario: Scenario, session: Session) -> bool:
        """Start a server again that went away; return whether there is one to go on with."""
        if not session.server_exited and await session.wait_until_responsive():
            return True  # another scenario has had it started again
        if session.server is not None:
            try:
                exit_description = await session.server.restart()
            except ServerError as error:
                self.server_lost = f"the server did not start again in {scenario.id}. {error}"
                return False
            during = [name for name in (self._latest_scenario, scenario.id) if name]
            self._monitor.record_server_exit(
                during, exit_description, self._trace.take_last_exchanges()
            )
            return True
        self.server_lost = f"the server stopped responding in {scenario.id}."
        return False
