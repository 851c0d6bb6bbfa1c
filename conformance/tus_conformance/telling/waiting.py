"""A step whose request stands still in the middle of its body until a later step is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import trio

from tus_conformance.dialogue.reply import Reply
from tus_conformance.target.rate import patience
from tus_conformance.telling.telling import Pace, Telling
from tus_scenarios import Fault, Request, Step


@dataclass
class Waiting:
    """A step under way; `reply` is there once the step named `until` is over."""

    step: Step
    number: int
    until: str
    seconds: float
    pace: Pace
    reply: Reply | None = None

    async def released_by(self, telling: Telling, send: Callable[[], Awaitable[Reply]]) -> Reply:
        """Send the other request, and go on once it is answered or the time is over."""
        answered = trio.Event()
        replies: list[Reply] = []

        async def other() -> None:
            try:
                replies.append(await send())
            finally:
                answered.set()

        async def go_on() -> None:
            with patience(self.seconds):
                await answered.wait()
            self.reply = await self.pace.reply()
            if self.step.name:
                telling.replies[self.step.name] = self.reply

        await telling.together(other, go_on)
        return replies[0]


async def begun(telling: Telling, step: Step, waits: Fault, request: Request) -> Waiting:
    """Send a request up to the place where it is to wait."""
    assert telling.step is not None
    assert waits.stall is not None
    method = request.method or step.act.upper()
    pace = await telling.hold(method, request)
    await pace.feed(telling.place(waits, method, request))
    return Waiting(step, telling.step, waits.until, waits.stall, pace)
