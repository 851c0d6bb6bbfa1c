"""One execution of a scenario: its uploads, its requests and its checks, on one target.

A `ScenarioExecution` is the `ScenarioContext` that function scenarios are given; data scenarios
are executed by the same methods. Responses are graded by `evaluation`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from tus_conformance.evaluation.attribution import evaluate_reply
from tus_conformance.evaluation.expectations import not_reached_checks
from tus_conformance.execution.finish_step import finish_upload
from tus_conformance.execution.given_step import create_given_upload
from tus_conformance.execution.scenario_requests import ScenarioRequests
from tus_conformance.execution.settling_poll import SettlingPoll
from tus_conformance.state.early_exit import StopScenario
from tus_conformance.state.session import Session
from tus_conformance.state.step_response import StepResponse
from tus_conformance.state.upload import UploadState
from tus_conformance.targets import program
from tus_conformance.targets.rate import rate_aware_timeout
from tus_conformance.targets.server_process import ServerError
from tus_reports import Check
from tus_scenarios import (
    Expectation,
    FinishUpload,
    GivenUpload,
    RequestSpec,
    Scenario,
    ScenarioResponse,
)

_UPLOAD_WAIT = ("wait_for_upload",)
"""The wait that scenarios share: for an upload that is busy after a request for it broke off."""


class ScenarioExecution(ScenarioRequests):
    """One execution of a scenario, with the checks that it came to.

    `step` is the number of the step under way, from 1; None in a function scenario.
    """

    def __init__(self, session: Session, scenario: Scenario, attempt: int = 1) -> None:
        super().__init__(session, scenario, attempt)
        self.step: int | None = None
        self.checks: list[Check] = []

    async def create_upload(self, given: GivenUpload) -> UploadState:
        """Put a precondition in place; raise StopScenario where the server does not let us."""
        return await create_given_upload(self, given)

    def evaluate(
        self, reply: ScenarioResponse, *expected: Expectation, after_waiting: bool = False
    ) -> list[Check]:
        """Return the checks of a response; raise StopScenario where the scenario cannot go on.

        What was asked for `after_waiting` had its time, and silence counts.
        """
        assert isinstance(reply, StepResponse)
        references = self.references.as_of(reply)
        self.session.on_expectations(self.scenario, expected, references)
        checks, stop = evaluate_reply(
            self.scenario,
            reply,
            expected,
            references,
            self.step,
            after_waiting=after_waiting,
        )
        if stop is not None:
            self.checks += checks
            raise stop
        return checks

    def expect(
        self, reply: ScenarioResponse, *expected: Expectation, after_waiting: bool = False
    ) -> bool:
        """Evaluate a response and record its checks; return whether every expectation passed."""
        checks = self.evaluate(reply, *expected, after_waiting=after_waiting)
        self.checks += checks
        return all(check.grade == "pass" for check in checks)

    def skip_expectations(self, expected: tuple[Expectation, ...], reason: str) -> None:
        """Count expectations as not reached, since a reference has no value."""
        self.checks += [
            check
            for each in expected
            for check in not_reached_checks(each, reason, self.step, "unresolved")
        ]

    async def finish(self, finish: FinishUpload, *expected: Expectation) -> None:
        """Resume an upload by what HEAD says, complete it, compare its bytes, and evaluate that."""
        self.expect(await self.complete_upload(finish), *expected)

    async def complete_upload(self, finish: FinishUpload) -> StepResponse:
        """Complete an upload from where HEAD says; the reply has the `finish_state`."""
        reply = await finish_upload(self, self.references.upload(finish.of))
        self.forget_latest_head()
        return reply

    def profile_seconds(self, name: str) -> float:
        """Return a number of seconds from the profile; a scenario names it in `needs`."""
        return self.session.target.profile.seconds(name)

    async def restart(self) -> None:
        """Restart the server as the profile says; raise StopScenario if it does not come back."""
        command = self.session.target.profile.commands.restart
        try:
            if isinstance(command, str):
                await self.session.target.run_program(command)
            elif self.session.server is not None:
                await self.session.server.restart()
        except (program.ProgramError, ServerError) as failed:
            raise StopScenario("command", str(failed)) from None
        if not await self.session.wait_until_responsive():
            raise StopScenario("command", "The server does not respond after the restart.")

    async def wait_for_upload(self, name: str, *, seconds: float) -> StepResponse:
        """Ask with HEAD until an upload is found, waiting cannot help, or the deadline is over."""
        waits = self.session.vain_waits
        poll = SettlingPoll((), is_hopeless=_UPLOAD_WAIT in waits)
        reply = await self.send("HEAD", RequestSpec(of=name))

        async def is_settled() -> bool:
            nonlocal reply
            if reply.succeeded or poll.is_over(reply):
                return True
            reply = await self.send("HEAD", RequestSpec(of=name))
            return False

        if not await self.wait_until(is_settled, seconds=seconds):
            waits.add(_UPLOAD_WAIT)
        return reply

    async def wait_until(self, ready: Callable[[], Awaitable[bool]], *, seconds: float) -> bool:
        """Ask again, less and less often, until ready or the deadline is over."""
        pause = 0.05
        is_ready = False
        with rate_aware_timeout(seconds):
            while not (is_ready := await ready()):
                await trio.sleep(pause)
                pause = min(pause * 1.5, 1.0)
        return is_ready
