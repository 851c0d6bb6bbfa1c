"""Every situation at a URL of its own, for browsers and for clients that cannot be started.

`/s/SITUATION/files/` is the endpoint of a situation, `/s/SITUATION/` says what to do, and
`POST /s/SITUATION/said` takes `done URL` or `error TEXT`, which ends it; the next request begins
it again. A situation begins with its first request.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

import h11
import trio

from tus_conformance.clients.client_connection import ClientConnection, UnreadableRequest
from tus_conformance.clients.client_evaluation import evaluate_client
from tus_conformance.clients.client_profile import ClientProfile
from tus_conformance.clients.client_program import ClientReport, read_report
from tus_conformance.clients.client_rule import ClientView
from tus_conformance.clients.client_urls import REDIRECT_PREFIX
from tus_conformance.clients.honest_server import HonestServers
from tus_conformance.clients.listening_pages import index_page, situation_page
from tus_conformance.clients.outcome import find_outcome
from tus_conformance.clients.scripted_server import ScriptedServer, serve_requests
from tus_conformance.clients.seen_request import SeenResponse
from tus_conformance.clients.situation_run import FILE_NAME, file_content, server_flags
from tus_conformance.transport.loopback_listener import serve_on_two_ports
from tus_reports import ScenarioResult
from tus_scenarios.server_rule import share_of
from tus_scenarios.situation import Situation

MAX_SAID = 10_000
"""How long the text may be that a client says, in bytes."""

_ALLOWED = (("Access-Control-Allow-Origin", "*"), ("Cache-Control", "no-store"))


@dataclass
class OpenSituation:
    """A situation that a client is in; `prior` is the URL of the upload to go on with, or ""."""

    server: ScriptedServer
    content: bytes
    prior: str


class ListeningServer:
    """Serves situations; `results` has the latest result of each that a client was in.

    `seed` makes the content of the files.
    """

    def __init__(
        self,
        situations: Sequence[Situation],
        servers: HonestServers,
        profile: ClientProfile,
        seed: int,
    ) -> None:
        self.situations = {each.id: each for each in situations if not each.grows}
        self.results: dict[str, ScenarioResult] = {}
        self.origin = ""
        self._servers = servers
        self._profile = profile
        self._seed = seed
        self._open: dict[str, OpenSituation] = {}
        self._opening = trio.Lock()
        self._other_port = 0
        self._connections = 0

    async def serve(
        self, port: int, *, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve on a port of 127.0.0.1, 0 for a free one, until cancelled; raise ListenError."""

        def on_listening(first_port: int, other_port: int) -> None:
            self.origin, self._other_port = f"http://127.0.0.1:{first_port}", other_port
            task_status.started(first_port)

        await serve_on_two_ports(self.serve_connection, port, on_listening)

    async def serve_connection(self, stream: trio.SocketStream) -> None:
        """Serve the requests of one connection, which may be about several situations."""
        self._connections += 1
        connection = ClientConnection(stream, self._connections)
        try:
            await serve_requests(connection, self._serve_request)
        except UnreadableRequest:
            return  # it is not known which situation it was about

    async def finish(self) -> None:
        """Evaluate every situation that a client is in; what it said of them is not known."""
        for name, found in list(self._open.items()):
            if found.server.log.requests:
                await self.evaluate(name, None)

    async def evaluate(self, name: str, report: ClientReport | None) -> ScenarioResult:
        """End a situation with what the client said, and return its result."""
        found = self._open.pop(name)
        log, situation = found.server.log, self.situations[name]
        ended = log.now()
        await found.server.settle()
        await found.server.read_back()
        outcome = find_outcome(log, report, found.content, situation.size, stopped_at=ended)
        view = ClientView(log, situation, outcome, len(found.content), self._profile.resends)
        command = f"tus-conformance clients --listen PORT --only '{name}'"
        self.results[name] = evaluate_client(view, ended, command)
        return self.results[name]

    async def _serve_request(self, connection: ClientConnection, event: h11.Request) -> None:
        target = event.target.decode("latin-1")
        name, rest = self._split(target)
        method = event.method.decode("latin-1")
        if name and (rest.startswith(("files", "other"))):
            found = await self._enter(name)
            await found.server.serve_request(connection, event)
            return
        body = b""
        while isinstance(piece := await connection.next_body_piece(), bytes):
            body = (body + piece)[:MAX_SAID]
        await connection.respond(await self._answer(method, name, rest, body), close=False)

    async def _answer(self, method: str, name: str, rest: str, body: bytes) -> SeenResponse:
        if method == "POST" and name and rest == "said":
            return await self._note_said(name, body.decode("utf-8", "replace"))
        if method not in {"GET", "HEAD"}:
            return _text(405, "This URL is only read.")
        kind, content = await self._read(name, rest)
        if kind is None:
            return _text(404, "This is not a situation.")
        return SeenResponse(200, (*_ALLOWED, ("Content-Type", kind)), content)

    async def _read(self, name: str, rest: str) -> tuple[str | None, bytes]:
        """Return the media type and the bytes of what is read here; None for nothing."""
        if rest == "results.json":
            return _JSON, json.dumps(self.summaries()).encode()
        if name and rest == FILE_NAME:
            return "application/octet-stream", (await self._enter(name)).content
        if rest:
            return None, b""
        if not name:
            return _HTML, index_page(list(self.situations.values()), self.summaries()).encode()
        prior = (await self._enter(name)).prior
        return _HTML, situation_page(self.situations[name], self.endpoint(name), prior).encode()

    async def _note_said(self, name: str, text: str) -> SeenResponse:
        """Take what a client says: `done URL` or `error TEXT`."""
        report = read_report(0, text, "", 0.0)
        if report.said == "nothing":
            return _text(400, "Say `done URL` or `error TEXT`.")
        if name not in self._open or not self._open[name].server.log.requests:
            return _text(409, "No request of this situation has been seen.")
        await self.evaluate(name, report)
        return SeenResponse(
            200, (*_ALLOWED, ("Content-Type", _JSON)), json.dumps(self.summaries()[name]).encode()
        )

    def summaries(self) -> dict[str, dict[str, object]]:
        """Return what is known of each situation: its outcome, verdict, requests and reason."""
        found: dict[str, dict[str, object]] = {}
        for name, result in self.results.items():
            found[name] = {
                "outcome": result.outcome,
                "verdict": result.verdict,
                "requests": sum(len(attempt.exchanges) for attempt in result.attempts),
                "reason": result.reason,
            }
        for name, each in self._open.items():
            if each.server.log.requests:
                found[name] = {"outcome": "under way", "requests": len(each.server.log.requests)}
        return found

    def endpoint(self, name: str) -> str:
        """Return the URL of a situation's endpoint."""
        slash = "/" * self.situations[name].server.slash
        return f"{self.origin}{_mount(name).removesuffix('/')}{slash}"

    def _split(self, target: str) -> tuple[str, str]:
        """Return the situation that a target is about, "" for none, and the rest of its path."""
        path = unquote(target.partition("?")[0]).removeprefix(REDIRECT_PREFIX)
        below = path.removeprefix("/s/")
        if below == path:
            return "", path.removeprefix("/")
        names = [name for name in self.situations if f"{below}/".startswith(f"{name}/")]
        if not names:
            return "", path
        name = max(names, key=len)
        return name, below.removeprefix(name).removeprefix("/")

    async def _enter(self, name: str) -> OpenSituation:
        """Return the situation as it goes on, or begin it."""
        async with self._opening:
            if name not in self._open:
                self._open[name] = await self._begin(self.situations[name])
            return self._open[name]

    async def _begin(self, situation: Situation) -> OpenSituation:
        honest = await self._servers.start(server_flags(situation))
        server = ScriptedServer(situation, honest, _mount(situation.id))
        server.other_port = self._other_port
        await server.prepare()
        content = file_content(self._seed, situation)
        prior = ""
        if situation.prior is not None:
            part = content[: share_of(situation.prior.share, situation.size)]
            prior = await server.create_prior(self.endpoint(situation.id), part, situation.size)
            if situation.prior.gone:
                await server.forget(server.log.prior)
        return OpenSituation(server, content, prior)


_HTML = "text/html; charset=utf-8"
_JSON = "application/json"


def _text(status: int, text: str) -> SeenResponse:
    headers = (*_ALLOWED, ("Content-Type", "text/plain; charset=utf-8"))
    return SeenResponse(status, headers, f"{text}\n".encode())


def _mount(name: str) -> str:
    return f"/s/{quote(name, safe='/,')}/files/"
