"""What every telling of a run shares: the target, the wire, what was discovered, the seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import trio

from tus_conformance.dialogue.discovery import Discovered
from tus_conformance.dialogue.removal import removed
from tus_conformance.dialogue.reply import Reply
from tus_conformance.target.route import Route
from tus_conformance.target.target import Target
from tus_conformance.wire import Outgoing
from tus_scenarios import Scenario

Observer = Callable[[Scenario, Outgoing, Reply], None]


class Server(Protocol):
    """A server that the suite started, and can start again."""

    @property
    def fallen(self) -> bool:
        """Tell whether its process has ended."""
        ...

    async def restart(self) -> str:
        """Start it again, and return how it ended or that it had to be stopped."""
        ...


@dataclass
class Session:
    """The shared part of a run; `observe` is told of every exchange of every scenario.

    `server` is known where the suite itself started it.
    """

    target: Target
    wire: Route
    discovery: Discovered
    seed: int = 0
    observe: Observer = lambda _scenario, _outgoing, _reply: None
    server: Server | None = None
    left_behind: list[str] = field(default_factory=list)

    @property
    def unknown_url(self) -> str:
        """Return the URL of an upload that never existed, shaped like those that do."""
        return self.discovery.unknown_url

    @property
    def fallen(self) -> bool:
        """Tell whether a server that the suite started has ended."""
        return self.server is not None and self.server.fallen

    async def answers(self) -> bool:
        """Tell whether the server answers within three times the patience."""
        pause = 0.05
        with trio.move_on_after(3 * self.target.timeout):
            while not self.fallen:
                answer = await self.wire.send(Outgoing(method="OPTIONS", url=self.target.url))
                if answer.status is not None:
                    return True
                await trio.sleep(pause)
                pause = min(2 * pause, 1.0)
        return False

    async def remove(self, url: str) -> bool | None:
        """Remove an upload where the server can; else remember that it is left behind."""
        gone: bool | None = False
        if self.removes:
            gone = await removed(url, self.target, self.wire)
        if not gone:
            self.left_behind.append(url)
        return gone

    async def sweep(self) -> None:
        """Try once more to remove what is left behind, now that nothing else is under way."""
        if not self.removes:
            return
        left, self.left_behind[:] = self.left_behind[:], []
        while left:
            if await self.remove(left.pop(0)) is None:
                break
        self.left_behind += left

    @property
    def removes(self) -> bool:
        """Tell whether uploads are to be removed, and the server can."""
        found = self.discovery
        can = found.observed("termination") or found.advertised("termination")
        return can and self.target.profile.cleanup == "remove"
