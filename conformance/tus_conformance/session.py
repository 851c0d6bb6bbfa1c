"""What every telling of a run shares: the target, the wire, what was discovered, the seed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import trio

from tus_conformance.discovery import Discovered
from tus_conformance.reply import Reply
from tus_conformance.target import Target
from tus_conformance.wire import Outgoing, Wire
from tus_scenarios import Scenario

Observer = Callable[[Scenario, Outgoing, Reply], None]
Revive = Callable[[], Awaitable[str | None]]


@dataclass
class Session:
    """The shared part of a run; `observe` is told of every exchange of every scenario.

    `revive` starts the server again where the suite started it and it has died, and says how.
    """

    target: Target
    wire: Wire
    discovery: Discovered
    seed: int = 0
    observe: Observer = lambda _scenario, _outgoing, _reply: None
    revive: Revive | None = None
    left_behind: list[str] = field(default_factory=list)

    @property
    def unknown_url(self) -> str:
        """Return the URL of an upload that never existed, shaped like those that do."""
        return self.discovery.unknown_url

    async def answers(self) -> bool:
        """Tell whether the server still accepts connections."""
        answer = await self.wire.send(Outgoing(method="OPTIONS", url=self.target.url))
        return answer.failure is None or answer.failure.kind not in {"unreachable", "tls"}

    async def remove(self, url: str) -> None:
        """Remove an upload where the server can; else remember that it is left behind."""
        removed = False
        if self.discovery.observed("termination"):
            headers = (("Tus-Resumable", "1.0.0"), *self.target.headers, ("Content-Length", "0"))
            outgoing = Outgoing(method="DELETE", url=url, headers=headers)
            with trio.CancelScope(shield=True):
                answer = await self.wire.send(outgoing)
            removed = answer.status is not None and answer.status < 500
        if not removed:
            self.left_behind.append(url)
