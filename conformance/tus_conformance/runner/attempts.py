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
from tus_conformance.runner.server_return import ServerReturn
from tus_conformance.state.session import Session
from tus_conformance.targets.server_process import ServerError
from tus_conformance.targets.trace import TracedTransport
from tus_reports import Attempt
from tus_scenarios import Scenario

MAX_ENDLESS_SECONDS = 90.0
"""How long a run reads responses that do not end, all of them together."""

GateEntry = Callable[[], AbstractAsyncContextManager[None]]


class AttemptRunner:
    """Makes the attempts of scenarios; `server_lost` says why no more can be made, or is empty.

    `is_concurrent` says that scenarios run at once. One that was short of a response then is
    executed again alone, and only that attempt counts: it may have been the others' doing.
    """

    def __init__(
        self,
        monitor: InvariantMonitor,
        trace: TracedTransport,
        server_return: ServerReturn,
        *,
        is_concurrent: bool = False,
    ) -> None:
        self.server_lost = ""
        self._is_concurrent = is_concurrent
        self._monitor = monitor
        self._trace = trace
        self._server_return = server_return
        self._gate = RunGate()
        self._latest_scenario = ""
        self._exits = 0

    async def run_attempts(self, scenario: Scenario, session: Session) -> tuple[Attempt, ...]:
        """Execute a scenario, and a second time with nothing else running if it failed."""
        gate = self._gate.exclusive if scenario.serial else self._gate.enter_shared
        attempts = [await self._run_attempt(scenario, session, 1, gate)]
        if attempts[0].verdict == "fail":
            attempts.append(await self._run_attempt(scenario, session, 2, self._gate.exclusive))
        self._latest_scenario = scenario.id
        if self._trace.endless_seconds > MAX_ENDLESS_SECONDS and not self.server_lost:
            self.server_lost = (
                f"the server's responses do not end (http.response.ends): the suite read"
                f" {self._trace.endless_seconds:.0f} seconds of them, until {scenario.id}."
            )
        return tuple(attempts)

    async def _run_attempt(
        self, scenario: Scenario, session: Session, number: int, gate: GateEntry
    ) -> Attempt:
        """Execute a scenario once; again, after a restart of the server, if that went away."""
        exits = self._exits
        async with gate():
            attempt = await execute_scenario(scenario, session, number)
        if self._is_concurrent and gate == self._gate.enter_shared and shows_strain(attempt):
            async with self._gate.exclusive():
                attempt = await execute_scenario(scenario, session, number + 6)
        exited = False
        for again in (number + 2, number + 4):
            if not await self._server_is_gone(attempt, session, exits):
                return attempt
            async with self._gate.exclusive():
                if not await self._restart_server(scenario, session, exits):
                    return attempt
                exits = self._exits
                attempt = await execute_scenario(scenario, session, again)
        if await self._server_is_gone(attempt, session, exits):
            # One that hangs is there, and owes an answer; one that ended is charged with that.
            async with self._gate.exclusive():
                exited = session.server_exited or session.server is None
                await self._restart_server(scenario, session, exits)
            return spare_unanswered(attempt) if exited else attempt
        return attempt

    async def _server_is_gone(self, attempt: Attempt, session: Session, exits: int) -> bool:
        """Return whether the server has gone away, now or since there were so many exits."""
        if self.server_lost:
            return False
        if not suggests_lost_server(attempt):
            return session.server_exited
        return exits != self._exits or not await self._is_back(session)

    async def _is_back(self, session: Session) -> bool:
        """Return whether the server responds; one that a command restarts may take its time."""
        if session.server is None and not await session.accepts_connections():
            return False
        return await session.wait_until_responsive()

    async def _restart_server(self, scenario: Scenario, session: Session, exits: int) -> bool:
        """Get a server back that went away; return whether there is one to go on with."""
        if self.server_lost:
            return False
        if (exits != self._exits or not session.server_exited) and await self._is_back(session):
            return True  # another scenario has had it started again
        during = [name for name in (self._latest_scenario, scenario.id) if name]
        if session.server is not None:
            try:
                exit_description = await session.server.restart()
            except ServerError as error:
                self.server_lost = f"the server did not start again in {scenario.id}. {error}"
                return False
            self._record_exit(during, exit_description)
            return True
        if await session.accepts_connections():
            self.server_lost = f"the server stopped responding in {scenario.id}."
            return False
        what = self._record_exit(during, "The server ended: it accepts no connections any more")
        place = " or ".join(during if len(during) > 1 else ("discovery", *during))
        self.server_lost = await self._server_return.wait(session, what, place)
        return not self.server_lost

    def _record_exit(self, during: list[str], exit_description: str) -> str:
        """Record that the server ended; return what it did just before."""
        self._exits += 1
        end = self._trace.take_last_exchanges()
        self._monitor.record_server_exit(during, exit_description, end)
        return end.summary
