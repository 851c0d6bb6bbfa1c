"""Servers in memory for the tests: answers by a function, on a wire that needs no socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import h11
import trio

from tus_conformance.discovery.discovery import DiscoveryResult
from tus_conformance.state.session import Session
from tus_conformance.targets.profile import Profile
from tus_conformance.targets.target import Target
from tus_conformance.transport import Http1Transport
from tus_conformance.transport.memory import Serve, memory_network
from tus_reports import Capability
from tus_scenarios import Scenario
from tus_scenarios.reader import parse_scenarios

URL = "http://tus.test/files/"
VERSION = ("Tus-Resumable", "1.0.0")


@dataclass(frozen=True)
class ReceivedRequest:
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
class ScriptedResponse:
    """An answer; `version` is False where it comes without Tus-Resumable."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    version: bool = True


class CloseWithoutReply:
    """No answer: the connection is closed."""


class KeepOpen:
    """No answer either: the connection stays open and nothing comes."""


@dataclass(frozen=True)
class DelayedResponse:
    """A response that is sent once `until` returns; None closes the connection then."""

    said: ScriptedResponse | None
    until: Callable[[], Awaitable[None]]


ScriptedAnswer = ScriptedResponse | CloseWithoutReply | KeepOpen | DelayedResponse
AnswerFunction = Callable[[ReceivedRequest], ScriptedAnswer]


def serve_answers(answer: AnswerFunction) -> Serve:
    """Return a server of one request for each connection, answered by a function."""

    async def serve(stream: trio.abc.Stream) -> None:
        parser = h11.Connection(h11.SERVER)
        try:
            asked = await _receive_request(parser, stream)
        except h11.RemoteProtocolError:
            return
        if asked is None:
            return
        said = answer(asked)
        if isinstance(said, DelayedResponse):
            await said.until()
            said = said.said or CloseWithoutReply()
        if isinstance(said, KeepOpen):
            await trio.sleep_forever()
        elif isinstance(said, ScriptedResponse):
            await stream.send_all(_encode_answer(parser, said, asked))

    return serve


async def _receive_request(
    parser: h11.Connection, stream: trio.abc.Stream
) -> ReceivedRequest | None:
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
            trailers = _decode_headers(event.headers.raw_items())
            headers = _decode_headers(head.headers.raw_items())
            return ReceivedRequest(
                head.method.decode(), head.target.decode(), headers, body, trailers
            )
        else:
            return None


def _decode_headers(items: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in items)


def _encode_answer(parser: h11.Connection, said: ScriptedResponse, asked: ReceivedRequest) -> bytes:
    usual = dict([VERSION] if said.version else []) | {"Connection": "close"}
    if said.status != 204:
        usual["Content-Length"] = str(len(said.body))
    headers = [(name.encode(), value.encode()) for name, value in (usual | said.headers).items()]
    head = parser.send(h11.Response(status_code=said.status, headers=headers, reason=b"Said"))
    return (head or b"") + (b"" if asked.method == "HEAD" else said.body)


def script_answers(*answers: ScriptedAnswer) -> tuple[AnswerFunction, list[ReceivedRequest]]:
    """Return a function that gives these answers in order, and the requests it has been asked."""
    left = list(answers)
    heard: list[ReceivedRequest] = []

    def answer(asked: ReceivedRequest) -> ScriptedAnswer:
        heard.append(asked)
        return left.pop(0)

    return answer, heard


def creation_response(name: str = "1", **headers: str) -> ScriptedResponse:
    """Return the usual answer to a creation."""
    return ScriptedResponse(201, {"Location": f"/files/{name}"} | headers)


def patch_response(offset: int | str, **headers: str) -> ScriptedResponse:
    """Return the usual answer to a PATCH."""
    return ScriptedResponse(204, {"Upload-Offset": str(offset)} | headers)


def head_response(offset: int | str, length: int | str | None = None) -> ScriptedResponse:
    """Return the usual answer to a HEAD."""
    declared = {} if length is None else {"Upload-Length": str(length)}
    return ScriptedResponse(
        200, {"Upload-Offset": str(offset), "Cache-Control": "no-store"} | declared
    )


def discovered_with(*names: str) -> DiscoveryResult:
    """Return what a discovery finds where a server does just these things, and says so."""
    found = {name: Capability(name=name, advertised=True, observed="accepted") for name in names}
    return DiscoveryResult(extensions=names, capabilities=found, unknown_url=URL + "unknown")


@asynccontextmanager
async def open_session(
    answer: AnswerFunction,
    *,
    discovery: DiscoveryResult | None = None,
    profile: Profile | None = None,
    headers: tuple[tuple[str, str], ...] = (),
    patience: float = 5.0,
) -> AsyncIterator[Session]:
    """Yield a session on a server in memory that has been discovered already."""
    target = Target(URL, profile or Profile(), headers, patience)
    async with memory_network(serve_answers(answer)) as backend:
        yield Session(
            target=target,
            transport=Http1Transport(backend=backend, timeout=patience),
            discovery=discovery or discovered_with(),
            seed=7,
        )


def scenario_from_toml(steps: str, *, needs: str = "[]", extension: str = "core") -> Scenario:
    """Return a scenario made of these steps in TOML."""
    return parse_scenarios(
        f'section = "Core"\nextension = "{extension}"\n'
        f'[[scenario]]\nid = "a.story"\ntitle = "A story"\nneeds = {needs}\nstep = [{steps}]\n',
        "the test",
    )[0]
