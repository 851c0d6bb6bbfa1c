"""What a scenario written as a function may do: the `Story` that the engine tells it through.

A function scenario carries the same header as one in data, and its checks go through the same
verdict; report and ledger cannot tell the two apart.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from tus_scenarios.expectation import Expectation
from tus_scenarios.step import Finish, Given, Request


class Upload(Protocol):
    """An upload the story knows: its URL, and the offset its server last acknowledged."""

    @property
    def url(self) -> str: ...
    @property
    def offset(self) -> int: ...

    def content(self, start: int, stop: int) -> bytes:
        """Return the bytes of the upload's deterministic content from start to stop."""
        ...


class Reply(Protocol):
    """What came back: the final answer, or None for a status if there was none."""

    @property
    def status(self) -> int | None: ...

    @property
    def succeeded(self) -> bool:
        """Tell whether the answer is a 2xx."""
        ...

    @property
    def closed(self) -> bool:
        """Tell whether the connection was closed without a final answer."""
        ...

    def header(self, name: str) -> str | None:
        """Return the value of a header, several lines joined by a comma, or None."""
        ...


class Paced(Protocol):
    """A request whose body is held back by the story."""

    async def feed(self, size: int) -> None:
        """Send so many more bytes of the body."""
        ...

    async def hear(self, seconds: float) -> int | None:
        """Return the status of the next interim or final answer, or None if none comes in time."""
        ...

    async def reply(self) -> Reply:
        """Send what is left of the body, and return the answer."""
        ...

    async def answer(self, seconds: float | None = None) -> Reply:
        """Return the answer without sending more of the body, waiting so many seconds for it."""
        ...

    async def cut(self, by: str = "rst") -> None:
        """Break the connection, by "fin" or "rst"."""
        ...


class Story(Protocol):
    """The means to tell a scenario: every request is recorded, every check counted."""

    def knows(self, name: str) -> float:
        """Return a number of seconds from the profile, named in `needs` as "profile:NAME"."""
        ...

    async def given(self, given: Given) -> Upload:
        """Put a precondition in place; the scenario ends as blocked where that fails."""
        ...

    async def send(self, method: str, request: Request) -> Reply:
        """Send a request and return its answer."""
        ...

    async def hold(self, method: str, request: Request) -> Paced:
        """Send the head of a request, and leave the pace of its body to the story."""
        ...

    async def finish(self, finish: Finish, *expected: Expectation) -> None:
        """Resume, complete and compare an upload, and judge that it is intact."""
        ...

    def expect(self, reply: Reply, *expected: Expectation) -> bool:
        """Judge an answer; return whether every expectation came out as a pass."""
        ...

    async def restart(self) -> None:
        """Restart the server, named in `needs` as "profile:restart"; go on when it answers."""
        ...

    async def until(self, ready: Callable[[], Awaitable[bool]], *, seconds: float) -> bool:
        """Ask again until ready or the deadline is over; return whether it became ready."""
        ...

    async def together(self, *branches: Callable[[], Awaitable[None]]) -> None:
        """Tell several branches at once, and go on when all have ended."""
        ...
