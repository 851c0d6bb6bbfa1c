"""The trial of a scenario: told once, again and alone where it failed, with a server that is up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from msgspec import structs

from tus_conformance.dialogue.session import Session
from tus_conformance.judging import verdict
from tus_conformance.judging.invariants import Watch
from tus_conformance.running.schedule import Quiet
from tus_conformance.target.trace import Traced
from tus_conformance.telling.replay import replay
from tus_reports import Attempt, Check
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
                return attempt
            async with self._quiet.alone():
                if not await self._picked_up(scenario, session):
                    return attempt
                attempt = await replay(scenario, session, again)
        if await self._stumbled(attempt, session):
            # One that hangs is there, and owes an answer; one that ended is charged with that.
            ended = session.fallen
            async with self._quiet.alone():
                await self._picked_up(scenario, session)
            return _spared(attempt) if ended else attempt
        return attempt

    async def _stumbled(self, attempt: Attempt, session: Session) -> bool:
        """Tell whether the server has gone away."""
        if self.lost:
            return False
        undetermined = attempt.verdict in {"error", "blocked", "inconclusive"}
        if undetermined or any(_unanswered(check, attempt) for check in attempt.checks):
            return not await session.answers()
        return session.fallen

    async def _picked_up(self, scenario: Scenario, session: Session) -> bool:
        """Start a server again that went away; tell whether there is one to go on with."""
        if not session.fallen and await session.answers():
            return True  # another scenario has had it started again
        if session.server is not None:
            how = await session.server.restart()
            during = [name for name in (self._latest, scenario.id) if name]
            self._watch.fell(during, how, self._trace.end())
            return True
        self.lost = f"the server stopped answering in {scenario.id}."
        return False


def _unanswered(check: Check, attempt: Attempt) -> bool:
    """Tell whether a check is not right for want of an answer."""
    if check.grade not in {"fail", "warn"} or check.exchange is None:
        return False
    return attempt.exchanges[check.exchange].response is None


def _spared(attempt: Attempt) -> Attempt:
    """Return an attempt in which nothing is blamed for what a server that ended did not answer."""
    checks = tuple(
        structs.replace(check, outcome="not-reached", grade=None, says=_ENDED)
        if _unanswered(check, attempt)
        else check
        for check in attempt.checks
    )
    outcome = verdict.of_attempt(checks, "blocked")
    return structs.replace(attempt, checks=checks, verdict=outcome, reason=_ENDED)


_ENDED = "The server's process ended each time that this was told (always.server-keeps-running)."
