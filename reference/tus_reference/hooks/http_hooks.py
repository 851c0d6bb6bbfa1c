"""`HttpHooks`: a web service that is sent each event by POST."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from tus_reference.hooks.hook_messages import HookError, HookResponse, decode_response, encode_event

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx

    from tus_reference.notifications import HookEvent

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class HttpHooks:
    """Sends events to `url`.

    A failure of the network, a 429 or a 5xx is tried again `retries` times, after `backoff`
    seconds at first and twice as long each time. All of it takes `timeout` seconds at most.
    `forward_headers` names headers of the client's request that are sent along. A response may
    have `size_limit` bytes.
    """

    url: str
    forward_headers: Sequence[str] = ()
    retries: int = 3
    backoff: float = 1.0
    timeout: float = 15.0
    size_limit: int = 5120

    def __post_init__(self) -> None:
        """Import what sends only for those who use it: it takes 8 MiB and a third of a second."""
        import httpx  # noqa: F401

    async def call(self, name: str, event: HookEvent) -> HookResponse:
        """Send an event and return what the service returns; raise `HookError`."""
        try:
            with anyio.fail_after(self.timeout):
                return await self._call_with_retries(name, event)
        except TimeoutError:
            raise HookError(f"{self.url} took more than {self.timeout:g} seconds") from None

    async def _call_with_retries(self, name: str, event: HookEvent) -> HookResponse:
        import httpx

        headers = [("Content-Type", "application/json"), ("Hook-Name", name)]
        for header in self.forward_headers:
            value = event.request.headers.joined(header)
            if value is not None:
                headers.append((header, value))
        pause, attempt = self.backoff, 0
        async with httpx.AsyncClient(timeout=self.timeout) as client:
            while True:
                problem = await self._try(client, headers, encode_event(name, event))
                if isinstance(problem, HookResponse):
                    return problem
                if attempt == self.retries:
                    raise HookError(f"{self.url} failed: {problem}")
                attempt += 1
                _logger.warning("hook %s: %s; trying again in %g s", name, problem, pause)
                await anyio.sleep(pause)
                pause *= 2

    async def _try(
        self, client: httpx.AsyncClient, headers: list[tuple[str, str]], body: bytes
    ) -> HookResponse | str:
        """Return the response, or what went wrong if another attempt may help."""
        import httpx

        try:
            async with client.stream("POST", self.url, headers=headers, content=body) as response:
                data = await self._read(response)
        except httpx.HTTPError as error:
            return f"{type(error).__name__} {error}".strip()
        if response.status_code == 429 or response.status_code >= 500:
            return f"its status was {response.status_code}"
        if not response.is_success:
            raise HookError(f"{self.url} responded with {response.status_code}")
        return decode_response(data)

    async def _read(self, response: httpx.Response) -> bytes:
        data, size = b"", 0
        async for piece in response.aiter_bytes():
            size += len(piece)
            # A body that is too long is read, since the time is limited, and dropped.
            data += piece if size <= self.size_limit else b""
        if size > self.size_limit:
            raise HookError(f"{self.url} returned more than {self.size_limit} bytes")
        return data
