"""A request whose body is sent step by step, and whose response is part of a scenario."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tus_conformance.state.step_response import StepResponse
from tus_conformance.transport import HttpResponse, PendingRequest


class OpenRequest:
    """A request on its way, whose body is sent as the scenario wants."""

    def __init__(
        self,
        pending: PendingRequest,
        record_reply: Callable[[HttpResponse], Awaitable[StepResponse]],
    ) -> None:
        self._pending = pending
        self._record_reply = record_reply

    async def send_body(self, size: int) -> None:
        """Send so many more bytes of the body."""
        await self._pending.send_body(size)

    async def wait_for_status(self, seconds: float) -> int | None:
        """Return the status of the next interim or final answer, or None if none comes in time."""
        return await self._pending.receive_status(seconds)

    async def send_rest(self) -> StepResponse:
        """Send what is left of the body, and return the answer."""
        return await self._record_reply(await self._pending.finish())

    async def wait_for_reply(self, seconds: float | None = None) -> StepResponse:
        """Return the answer without sending more of the body, waiting so many seconds for it."""
        return await self._record_reply(await self._pending.receive_response(seconds))

    async def cut(self, by: str = "rst") -> None:
        """Break the connection, by "fin" or "rst"."""
        await self._record_reply(await self._pending.cut("fin" if by == "fin" else "rst"))
