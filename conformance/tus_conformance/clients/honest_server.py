"""The server behind the rules: the reference, as a process, which is asked over HTTP."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx
import trio

from tus_conformance.clients.seen_request import HeaderPairs, values_of
from tus_conformance.targets.server_process import run_reference_server
from tus_conformance.transport.header_values import split_list

_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "upgrade", "host", "expect"}
    | {"content-length", "transfer-encoding", "trailer"}
)


@dataclass(frozen=True)
class HonestResponse:
    """What the reference responded."""

    status: int
    headers: HeaderPairs
    body: bytes

    def integer(self, name: str) -> int | None:
        """Return a header's value as a number; None without one."""
        found = values_of(self.headers, name)
        return int(found[0]) if found and found[0].isdecimal() and len(found[0]) < 20 else None


class HonestServer:
    """Carries requests out at one reference server; `url` is that of its endpoint."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.path = urlsplit(url).path
        self._client = httpx.AsyncClient(timeout=60, trust_env=False)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def send(
        self, method: str, path: str, headers: HeaderPairs = (), body: bytes = b""
    ) -> HonestResponse:
        """Send a request with these headers, and no others that tus knows; return the response."""
        passed = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in headers
            if name.lower() not in _HOP_BY_HOP
        ]
        if body or method in {"POST", "PATCH"}:
            passed.append((b"Content-Length", str(len(body)).encode()))
        origin = self.url.removesuffix(self.path)
        response = await self._client.request(
            method, origin + path, headers=passed, content=body or None, follow_redirects=False
        )
        pairs = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in response.headers.raw)
        return HonestResponse(response.status_code, pairs, response.content)

    async def offers(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the extensions and the checksum algorithms that the server lists."""
        response = await self.send("OPTIONS", self.path)
        listed = [
            tuple(split_list(",".join(values_of(response.headers, name))))
            for name in ("Tus-Extension", "Tus-Checksum-Algorithm")
        ]
        return listed[0], listed[1]

    async def offset(self, upload: str) -> HonestResponse:
        """Ask what an upload holds."""
        return await self.send("HEAD", self.path + upload, (("Tus-Resumable", "1.0.0"),))

    async def read(self, upload: str) -> bytes | None:
        """Return what an upload holds; None where there is no such upload."""
        response = await self.send("GET", self.path + upload)
        return response.body if response.status in {200, 206} else None

    async def remove(self, upload: str) -> None:
        """Remove an upload."""
        await self.send("DELETE", self.path + upload, (("Tus-Resumable", "1.0.0"),))


class HonestServers:
    """Reference servers, one for each set of flags, started when they are needed first."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._running: dict[tuple[str, ...], HonestServer] = {}
        self._starting = trio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def start(self, flags: tuple[str, ...]) -> HonestServer:
        """Return the server with these flags; raise ServerError if it cannot be started."""
        async with self._starting:  # situations that begin together share one server
            if flags not in self._running:
                self._running[flags] = await self._start(flags)
        return self._running[flags]

    async def _start(self, flags: tuple[str, ...]) -> HonestServer:
        url = await self._stack.enter_async_context(run_reference_server("file", flags=flags))
        server = HonestServer(url)
        self._stack.push_async_callback(server.aclose)
        return server
