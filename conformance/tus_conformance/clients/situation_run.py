"""One situation with a client: the server is started, the program runs, both are looked at."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import trio

from tus_conformance.clients.client_evaluation import (
    attempt_without_request,
    evaluate_client,
    situation_result,
)
from tus_conformance.clients.client_log import ClientLog
from tus_conformance.clients.client_profile import ClientProfile
from tus_conformance.clients.client_program import ClientCommand, ClientReport, run_client
from tus_conformance.clients.client_rule import ClientView
from tus_conformance.clients.client_time_limit import PATIENCE, ClientTimeLimit
from tus_conformance.clients.honest_server import HonestServers
from tus_conformance.clients.outcome import find_outcome
from tus_conformance.clients.scripted_server import ScriptedServer
from tus_reports import ScenarioResult
from tus_scenarios.server_rule import share_of
from tus_scenarios.situation import Situation

FILE_NAME = "file.bin"


@dataclass(frozen=True)
class SituationRun:
    """Runs situations with one client; `seed` makes the content of the files."""

    command: ClientCommand
    profile: ClientProfile
    servers: HonestServers
    seed: int
    command_prefix: tuple[str, ...] = ()

    async def run(
        self, situation: Situation, on_idle: Callable[[], None] = lambda: None
    ) -> ScenarioResult:
        """Run a situation; raise ClientCommandError if the program cannot be started.

        `on_idle` is called once, when the client does nothing but wait.
        """
        options = (*self.profile.options, *situation.options)
        if options and not self.command.takes_options:
            reason = "The command has no {options}, and this situation needs some."
            return situation_result(situation, None, reason, self._repeat(situation))
        with tempfile.TemporaryDirectory(prefix="tus-client-", ignore_cleanup_errors=True) as name:
            content = file_content(self.seed, situation)
            return await self._run_in(Path(name), situation, options, content, on_idle)

    async def _run_in(
        self,
        folder: Path,
        situation: Situation,
        options: Sequence[str],
        content: bytes,
        on_idle: Callable[[], None],
    ) -> ScenarioResult:
        file = folder / FILE_NAME
        await trio.Path(file).write_bytes(content[: situation.size])
        growth = _FileGrowth(file, content[situation.size :], max(0, -situation.grows))
        honest = await self.servers.start(server_flags(situation))
        server = ScriptedServer(situation, honest, on_creation=growth.on_creation)
        await server.prepare()
        limit = self._time_limit(situation, server.log, on_idle)
        async with trio.open_nursery() as nursery:
            port = await nursery.start(server.serve, 0)
            endpoint = f"http://127.0.0.1:{port}/files" + "/" * situation.server.slash
            words = [*options, *await self._prepare_prior(server, endpoint, content)]
            report = await run_client(
                self.command,
                self.command.arguments(endpoint, file, words),
                folder,
                lambda: server.too_many.is_set() or limit.is_over(),
            )
            ended = server.log.now() if limit.over_at is None else limit.over_at
            await server.settle()
            nursery.cancel_scope.cancel()
        await server.log.read_back(honest)
        expected = content if growth.grown else content[: situation.size]
        return self._result(situation, server.log, report, expected, ended)

    def _time_limit(
        self, situation: Situation, log: ClientLog, on_idle: Callable[[], None]
    ) -> ClientTimeLimit:
        """Return the time that the client has: what its profile says is not exceeded."""
        of_user = self.profile.time_limit
        patience = PATIENCE if of_user is None else 0.0
        return ClientTimeLimit(log, of_user or situation.limit, patience=patience, on_idle=on_idle)

    async def _prepare_prior(
        self, server: ScriptedServer, endpoint: str, content: bytes
    ) -> list[str]:
        prior, size = server.situation.prior, server.situation.size
        if prior is None:
            return []
        part = content[: share_of(prior.share, size)]
        url = await server.create_prior(endpoint, part, size)
        if prior.gone:
            await server.forget(server.log.prior)
        return ["--resume", url]

    def _result(
        self,
        situation: Situation,
        log: ClientLog,
        report: ClientReport,
        expected: bytes,
        ended: float,
    ) -> ScenarioResult:
        repeat = self._repeat(situation)
        if report.cannot:
            reason = f"The client cannot do this: its exit code was {report.exit_code}."
            return situation_result(situation, None, reason, repeat)
        found = find_outcome(log, report, expected, situation.size, stopped_at=ended)
        if not log.requests and found.outcome not in {"reported", "hangs"}:
            return situation_result(situation, attempt_without_request(report), "", repeat)
        view = ClientView(log, situation, found, len(expected), self.profile.resends)
        return evaluate_client(view, report.seconds, repeat)

    def _repeat(self, situation: Situation) -> str:
        return " ".join((*self.command_prefix, "--only", f"'{situation.id}'"))


def file_content(seed: int, situation: Situation) -> bytes:
    """Return the content of the file to upload, with what it grows by."""
    generator = random.Random(f"{seed} {situation.id}")  # noqa: S311
    return generator.randbytes(situation.size + max(0, situation.grows))


class _FileGrowth:
    """Appends `more` to the client's file once its first upload has been created.

    That is before the client has the response: what it then sees of the file is the same each time.

    `less` bytes are taken off its end instead.
    """

    def __init__(self, file: Path, more: bytes, less: int) -> None:
        self._file = file
        self._more = more
        self._less = less
        self.grown = False

    def on_creation(self) -> None:
        """Change the file if it has not been changed yet."""
        if self.grown:
            return
        self.grown = True
        with self._file.open("ab") as file:
            file.write(self._more)
            if self._less:
                file.truncate(file.tell() - self._less)


def server_flags(situation: Situation) -> tuple[str, ...]:
    """Return the flags of the reference for a situation."""
    server = situation.server
    flags = [word for quirk in server.quirks for word in ("--quirk", quirk)]
    if server.max_size:
        flags += ["--max-size", str(server.max_size)]
    return tuple(flags)
