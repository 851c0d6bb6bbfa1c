"""Servers in memory for the tests: answers by a function, on a wire that needs no socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import h11
import trio

from tus_conformance.dialogue.discovery import Discovered
from tus_conformance.dialogue.session import Session
from tus_conformance.target.profile import Profile
from tus_conformance.target.target import Target
from tus_conformance.wire import Wire
from tus_conformance.wire.memory import serving
from tus_reports import Capability
from tus_scenarios import Scenario
from tus_scenarios.reader import read

URL = "http://tus.test/files/"
VERSION = ("Tus-Resumable", "1.0.0")

Serve = Callable[[trio.abc.Stream], Awaitable[None]]


@dataclass(frozen=True)
class Asked:
    """A request as it arrived, its body whole."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    trailers: tuple[tuple[str, str], ...] = ()

    def header(self, name: str) -> str | None:
        """Return the value of a header, the first if there are several."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True)
class Says:
    """An answer; `version` is False where it comes without Tus-Resumable."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    version: bool = True


class Closes:
    """No answer: the connection is closed."""


class Stays:
    """No answer either: the connection stays open and nothing comes."""


Answer = Says | Closes | Stays
Answering = Callable[[Asked], Answer]


def server(answer: Answering) -> Serve:
    """Return a server of one request for each connection, answered by a function."""

    async def serve(stream: trio.abc.Stream) -> None:
        parser = h11.Connection(h11.SERVER)
        try:
            asked = await _asked(parser, stream)
        except h11.RemoteProtocolError:
            return
        if asked is None:
            return
        said = answer(asked)
        if isinstance(said, Stays):
            await trio.sleep_forever()
        elif isinstance(said, Says):
            await stream.send_all(_written(parser, said, asked))

    return serve


async def _asked(parser: h11.Connection, stream: trio.abc.Stream) -> Asked | None:
    head: h11.Request | None = None
    body = b""
    while True:
        event = parser.next_event()
        if event is h11.NEED_DATA:
            parser.receive_data(bytes(await stream.receive_some()))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            trailers = _text(event.headers.raw_items())
            headers = _text(head.headers.raw_items())
            return Asked(head.method.decode(), head.target.decode(), headers, body, trailers)
        else:
            return None


def _text(items: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in items)


def _written(parser: h11.Connection, said: Says, asked: Asked) -> bytes:
    usual = dict([VERSION] if said.version else [])
    if said.status != 204:
        usual["Content-Length"] = str(len(said.body))
    headers = [(name.encode(), value.encode()) for name, value in (usual | said.headers).items()]
    head = parser.send(h11.Response(status_code=said.status, headers=headers, reason=b"Said"))
    return (head or b"") + (b"" if asked.method == "HEAD" else said.body)


def script(*answers: Answer) -> tuple[Answering, list[Asked]]:
    """Return a function that gives these answers in order, and the requests it has been asked."""
    left = list(answers)
    heard: list[Asked] = []

    def answer(asked: Asked) -> Answer:
        heard.append(asked)
        return left.pop(0)

    return answer, heard


def created(name: str = "1", **headers: str) -> Says:
    """Return the usual answer to a creation."""
    return Says(201, {"Location": f"/files/{name}"} | headers)


def stored(offset: int | str, **headers: str) -> Says:
    """Return the usual answer to a PATCH."""
    return Says(204, {"Upload-Offset": str(offset)} | headers)


def stands(offset: int | str, length: int | str | None = None) -> Says:
    """Return the usual answer to a HEAD."""
    declared = {} if length is None else {"Upload-Length": str(length)}
    return Says(200, {"Upload-Offset": str(offset), "Cache-Control": "no-store"} | declared)


def able(*names: str) -> Discovered:
    """Return what a discovery finds where a server does just these things, and says so."""
    found = {name: Capability(name=name, advertised=True, observed="accepted") for name in names}
    return Discovered(extensions=names, capabilities=found, unknown_url=URL + "unknown")


@asynccontextmanager
async def session(
    answer: Answering,
    *,
    discovery: Discovered | None = None,
    profile: Profile | None = None,
    headers: tuple[tuple[str, str], ...] = (),
    patience: float = 5.0,
) -> AsyncIterator[Session]:
    """Yield a session on a server in memory that has been discovered already."""
    target = Target(URL, profile or Profile(), headers, patience)
    async with serving(server(answer)) as backend:
        yield Session(
            target=target,
            wire=Wire(backend=backend, timeout=patience),
            discovery=discovery or able(),
            seed=7,
        )


def story(steps: str, *, needs: str = "[]", extension: str = "core") -> Scenario:
    """Return a scenario made of these steps in TOML."""
    return read(
        f'section = "Core"\nextension = "{extension}"\n'
        f'[[scenario]]\nid = "a.story"\ntitle = "A story"\nneeds = {needs}\nstep = [{steps}]\n',
        "the test",
    )[0]
