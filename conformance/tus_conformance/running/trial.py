"""The trial of a scenario: told once, again and alone where it failed, with a server that is up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from tus_conformance.dialogue.session import Session
from tus_conformance.judging.invariants import Watch
from tus_conformance.running.schedule import Quiet
from tus_conformance.target.trace import Traced
from tus_conformance.telling.replay import replay
from tus_reports import Attempt
from tus_scenarios import Scenario

Gate = Callable[[], AbstractAsyncContextManager[None]]


class Trial:
    """Makes the attempts of scenarios; `lost` says why no more can be made, once that is so."""

    def __init__(self, watch: Watch, trace: Traced) -> None:
        self.lost = ""
        self._watch = watch
        self._trace = trace
        self._quiet = Quiet()
        self._latest = ""

    async def attempts(self, scenario: Scenario, session: Session) -> tuple[Attempt, ...]:
        """Tell a scenario, and a second time with nothing beside it where it failed."""
        gate = self._quiet.alone if scenario.serial else self._quiet.shared
        attempts = [await self._attempt(scenario, session, 1, gate)]
        if attempts[0].verdict == "fail":
            attempts.append(await self._attempt(scenario, session, 2, self._quiet.alone))
        self._latest = scenario.id
        return tuple(attempts)

    async def _attempt(
        self, scenario: Scenario, session: Session, number: int, gate: Gate
    ) -> Attempt:
        """Tell a scenario once; again, after picking up the server, where that went away."""
        async with gate():
            attempt = await replay(scenario, session, number)
        for again in (number + 2, number + 4):
            if not await self._stumbled(attempt, session):
                break
            async with self._quiet.alone():
                if await self._picked_up(scenario, session):
                    attempt = await replay(scenario, session, again)
        return attempt

    async def _stumbled(self, attempt: Attempt, session: Session) -> bool:
        """Tell whether the server has gone away."""
        if self.lost:
            return False
        if attempt.verdict in {"error", "blocked", "inconclusive"}:
            return not await session.answers()
        return session.fallen

    async def _picked_up(self, scenario: Scenario, session: Session) -> bool:
        """Start a server again that went away; tell whether there is one to go on with."""
        if session.server is not None:
            how = await session.server.restart()
            during = [name for name in (self._latest, scenario.id) if name]
            self._watch.fell(during, how, self._trace.end())
            return True
        self.lost = f"the server stopped answering in {scenario.id}."
        return False
