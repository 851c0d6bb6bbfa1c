"""What a function scenario may do: the `ScenarioContext` that the engine implements.

A function scenario carries the same header as one in data, and its checks go through the same
verdict; report and ledger treat both alike.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from tus_scenarios.expectation import Expectation
from tus_scenarios.step import FinishUpload, GivenUpload, RequestSpec


class ScenarioUpload(Protocol):
    """An upload of the scenario: its URL, and the offset that the server last acknowledged."""

    @property
    def url(self) -> str: ...
    @property
    def offset(self) -> int: ...

    def content(self, start: int, stop: int) -> bytes:
        """Return the bytes of the upload's deterministic content from start to stop."""
        ...


class ScenarioResponse(Protocol):
    """What came back: the final answer, or None for a status if there was none."""

    @property
    def status(self) -> int | None: ...

    @property
    def succeeded(self) -> bool:
        """Return whether the answer is a 2xx."""
        ...

    @property
    def closed(self) -> bool:
        """Return whether the connection was closed without a final answer."""
        ...

    def header(self, name: str) -> str | None:
        """Return the value of a header, several lines joined by a comma, or None."""
        ...


class PausedRequest(Protocol):
    """A request whose body the scenario sends piece by piece."""

    async def send_body(self, size: int) -> None:
        """Send so many more bytes of the body."""
        ...

    async def wait_for_status(self, seconds: float) -> int | None:
        """Return the status of the next interim or final answer, or None if none comes in time."""
        ...

    async def send_rest(self) -> ScenarioResponse:
        """Send what is left of the body, and return the answer."""
        ...

    async def wait_for_reply(self, seconds: float | None = None) -> ScenarioResponse:
        """Return the answer without sending more of the body, waiting so many seconds for it."""
        ...

    async def cut(self, by: str = "rst") -> None:
        """Break the connection, by "fin" or "rst"."""
        ...


class ScenarioContext(Protocol):
    """What a function scenario may do: every request is recorded, every check counts."""

    def profile_seconds(self, name: str) -> float:
        """Return a number of seconds from the profile, named in `needs` as "profile:NAME"."""
        ...

    async def create_upload(self, given: GivenUpload) -> ScenarioUpload:
        """Put a precondition in place; the scenario ends as blocked where that fails."""
        ...

    async def send(self, method: str, request: RequestSpec) -> ScenarioResponse:
        """Send a request and return its answer."""
        ...

    async def open_request(self, method: str, request: RequestSpec) -> PausedRequest:
        """Send the head of a request; the scenario then sends its body piece by piece."""
        ...

    async def finish(self, finish: FinishUpload, *expected: Expectation) -> None:
        """Resume, complete and compare an upload, and evaluate whether it is intact."""
        ...

    def expect(self, response: ScenarioResponse, *expected: Expectation) -> bool:
        """Evaluate a response; return whether every expectation passed."""
        ...

    async def restart(self) -> None:
        """Restart the server, named in `needs` as "profile:restart"; go on when it answers."""
        ...

    async def wait_for_upload(self, name: str, *, seconds: float) -> ScenarioResponse:
        """Ask with HEAD until an upload is found, waiting cannot help, or the deadline is over."""
        ...

    async def wait_until(self, ready: Callable[[], Awaitable[bool]], *, seconds: float) -> bool:
        """Ask again until ready or the deadline is over; return whether it became ready."""
        ...

    async def run_concurrently(self, *branches: Callable[[], Awaitable[None]]) -> None:
        """Run several branches concurrently; return when all have ended."""
        ...
