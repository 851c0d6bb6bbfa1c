"""An ASGI server in memory: hands an application messages, and keeps what it sends."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

import anyio
import anyio.lowlevel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from tus_reference.asgi import Message, Receive, Scope, Send

    App = Callable[[Scope, Receive, Send], Coroutine[None, None, None]]


def body_messages(*bodies: bytes, last: bool = True) -> list[Message]:
    """Return the messages that bring a body; without `last`, more is to come."""
    count = len(bodies)
    return [
        {"type": "http.request", "body": body, "more_body": not last or number < count}
        for number, body in enumerate(bodies, 1)
    ]


@dataclass
class AsgiCall:
    """A request as a server hands it over, and what the application sends."""

    method: str = "POST"
    path: str = "/files/"
    headers: dict[str, str] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=lambda: body_messages(b""))
    root_path: str = ""
    http_version: str = "1.1"
    sent: list[Message] = field(default_factory=list)
    taken: int = 0
    ended: anyio.Event = field(default_factory=anyio.Event)

    async def run(self, app: App) -> AsgiCall:
        """Let the application answer; when all messages are taken, the client says no more."""
        fields = {"host": "tus.test", "tus-resumable": "1.0.0", **self.headers}
        scope: Scope = {
            "type": "http",
            "method": self.method,
            "path": unquote(self.path),
            "raw_path": self.path.encode(),
            "root_path": self.root_path,
            "http_version": self.http_version,
            "scheme": "https",
            "query_string": b"a=%20b",
            "client": ("192.0.2.1", 4711),
            "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in fields.items()],
        }
        try:
            await app(scope, self._receive, self._send)
        finally:
            self.ended.set()
        return self

    async def _receive(self) -> Message:
        await anyio.lowlevel.checkpoint()
        if self.taken == len(self.messages):
            await anyio.sleep_forever()
        self.taken += 1
        return self.messages[self.taken - 1]

    async def _send(self, message: Message) -> None:
        await anyio.lowlevel.checkpoint()
        self.sent.append(message)

    @property
    def status(self) -> int:
        assert self.sent[0]["type"] == "http.response.start"
        return int(self.sent[0]["status"])

    @property
    def body(self) -> bytes:
        """What was answered; fails unless the answer is complete."""
        more = [message.get("more_body", False) for message in self.sent[1:]]
        assert more == [True] * (len(self.sent) - 2) + [False]
        return b"".join(message.get("body", b"") for message in self.sent[1:])

    def __getitem__(self, name: str) -> str | None:
        values = [v.decode() for n, v in self.sent[0]["headers"] if n == name.encode()]
        assert len(values) <= 1, values
        return values[0] if values else None


@asynccontextmanager
async def run_lifespan(app: App) -> AsyncIterator[None]:
    """Let the lifespan of an application go on meanwhile."""
    said: list[str] = []
    started, stop = anyio.Event(), anyio.Event()

    async def receive() -> Message:
        if not said:
            return {"type": "lifespan.startup"}
        await stop.wait()
        return {"type": "lifespan.shutdown"}

    async def send(message: Message) -> None:
        said.append(message["type"])
        started.set()

    async with anyio.create_task_group() as tasks:
        scope: Scope = {"type": "lifespan", "state": {}, "asgi": {"version": "3.0"}}
        tasks.start_soon(app, scope, receive, send)
        await started.wait()
        assert said == ["lifespan.startup.complete"]
        yield
        stop.set()
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
