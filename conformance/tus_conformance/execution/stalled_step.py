"""A step whose request stalls in the middle of its body until a later step has its response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import trio

from tus_conformance.execution.open_request import OpenRequest
from tus_conformance.execution.scenario_execution import ScenarioExecution
from tus_conformance.state.step_response import StepResponse
from tus_conformance.targets.rate import rate_aware_timeout
from tus_scenarios import NetworkFault, RequestSpec, Step


@dataclass
class StalledStep:
    """A step under way; `reply` is there once the step named `until` is over."""

    step: Step
    number: int
    until: str
    seconds: float
    open_request: OpenRequest
    reply: StepResponse | None = None

    async def finish_while_sending(
        self, execution: ScenarioExecution, send: Callable[[], Awaitable[StepResponse]]
    ) -> StepResponse:
        """Send the other request, and go on once it is answered or the time is over."""
        answered = trio.Event()
        replies: list[StepResponse] = []

        async def send_other() -> None:
            try:
                replies.append(await send())
            finally:
                answered.set()

        async def finish_stalled() -> None:
            with rate_aware_timeout(self.seconds):
                await answered.wait()
            self.reply = await self.open_request.send_rest()
            if self.step.name:
                execution.replies[self.step.name] = self.reply

        await execution.run_concurrently(send_other, finish_stalled)
        return replies[0]


async def open_stalled_step(
    execution: ScenarioExecution, step: Step, stall_fault: NetworkFault, request: RequestSpec
) -> StalledStep:
    """Send a request up to the place where it is to wait."""
    assert execution.step is not None
    assert stall_fault.stall is not None
    method = request.method or step.act.upper()
    open_request = await execution.open_request(method, request)
    await open_request.send_body(execution.place(stall_fault, method, request))
    return StalledStep(step, execution.step, stall_fault.until, stall_fault.stall, open_request)
